"""Draw findings for a check by hand: `SIZE` a rule, at most `MOST` from one repository, in an order fixed by SEED.

    python -m tests.benchmarks.sample_findings AUDITS --round N [--into DIR] [RULE]...

AUDITS is a folder of audit reports (`--format json`) named OWNER__NAME.json. Adds a round of findings to
checks/RULE.tsv with an empty `right` for a reader who did not write the rule: 1 the finding is right, 0 it is wrong,
? it cannot be told. A round is a draw of its own from the reports of one version: rules are mended between rounds, so
earlier rounds stay as they were read. Repositories of the set `heldout`, which nobody looked at while the rules were
written, are drawn first.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.corpora import HELD_OUT, HERE, repositories, table

SEED = 20261121
SIZE = 20
MOST = 3
CHECKS = HERE / "checks"
COLUMNS = ("round", "repo", "sha", "path", "cell", "line", "message", "right", "note")


def findings(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every broken or partly met site of a report with the id of its rule."""
    for rule in (rule for factor in report["factors"] for rule in factor["rules"]):
        for site in rule["sites"]:
            if site["credit"] < 1 and site["suppressed"] is None:
                place = {key: str(site[key] if site[key] is not None else "") for key in ("path", "cell", "line")}
                yield rule["id"], {**place, "message": site["message"], "right": "", "note": ""}


def sampled(by_repository: dict[str, list[dict[str, str]]], size: int, most: int, seed: int) -> list[dict[str, str]]:
    """`size` findings, at most `most` from one repository; repositories nobody looked at before the others."""
    chance = random.Random(seed)
    drawn = {name: chance.sample(found, min(most, len(found))) for name, found in sorted(by_repository.items())}
    unseen = {one.folder for one in repositories() if one.group == HELD_OUT}
    fresh, known = (
        [row for name, rows in drawn.items() if (name in unseen) == new for row in rows] for new in (True, False)
    )
    return [
        *chance.sample(fresh, min(size, len(fresh))),
        *chance.sample(known, min(max(0, size - len(fresh)), len(known))),
    ]


def main() -> None:
    """Add a round to the table of each rule named, or of each that has findings."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("audits", type=Path)
    parser.add_argument("rules", nargs="*")
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--into", type=Path, default=CHECKS)
    given = parser.parse_args()
    by_rule: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    known = {one.folder: one for one in repositories()}
    for path in sorted(given.audits.glob("*.json")):
        text, one = path.read_text(encoding="utf-8"), known.get(path.stem)
        for rule, finding in findings(json.loads(text)) if text and one else ():
            place = {"round": str(given.round), "repo": known[path.stem].repo, "sha": known[path.stem].sha}
            by_rule[rule][path.stem].append({**place, **finding})
    given.into.mkdir(exist_ok=True)
    for rule in given.rules or sorted(by_rule):
        _write(given.into / f"{rule}.tsv", sampled(by_rule[rule], SIZE, MOST, SEED + given.round))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    earlier = table(path) if path.is_file() else []
    if {row["round"] for row in earlier} & {row["round"] for row in rows}:
        raise SystemExit(f"{path} has this round already")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, COLUMNS, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
        )
        writer.writeheader()
        writer.writerows({key: " ".join(value.split()) for key, value in row.items()} for row in [*earlier, *rows])


if __name__ == "__main__":
    main()
