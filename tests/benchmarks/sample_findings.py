"""Draw findings for a check by hand: `SIZE` a rule, at most `MOST` from one repository, in an order fixed by SEED.

    python -m tests.benchmarks.sample_findings AUDITS [RULE]...

AUDITS is a folder of audit reports (`--format json`) named OWNER__NAME.json. Writes checks/RULE.tsv with an empty
`right` for a reader who did not write the rule: 1 the finding is right, 0 it is wrong, ? it cannot be told. What is
read already stays.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.corpora import HERE, repositories, table

SEED = 20261121
SIZE = 20
MOST = 3
CHECKS = HERE / "checks"
COLUMNS = ("repo", "sha", "path", "cell", "line", "message", "right", "note")


def findings(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every broken or partly met site of a report with the id of its rule."""
    for rule in (rule for factor in report["factors"] for rule in factor["rules"]):
        for site in rule["sites"]:
            if site["credit"] < 1 and site["suppressed"] is None:
                place = {key: str(site[key] if site[key] is not None else "") for key in ("path", "cell", "line")}
                yield rule["id"], {**place, "message": site["message"], "right": "", "note": ""}


def sampled(by_repository: dict[str, list[dict[str, str]]], size: int, most: int, seed: int) -> list[dict[str, str]]:
    """`size` findings, at most `most` from one repository."""
    chance = random.Random(seed)
    drawn = [chance.sample(found, min(most, len(found))) for _, found in sorted(by_repository.items())]
    pool = [finding for found in drawn for finding in found]
    return chance.sample(pool, min(size, len(pool)))


def main(arguments: list[str]) -> None:
    """Write a table for each rule named, or for each that has findings."""
    by_rule: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    known = {one.folder: one for one in repositories()}
    for path in sorted(Path(arguments[0]).glob("*.json")):
        text, one = path.read_text(encoding="utf-8"), known.get(path.stem)
        for rule, finding in findings(json.loads(text)) if text and one else ():
            by_rule[rule][path.stem].append({"repo": known[path.stem].repo, "sha": known[path.stem].sha, **finding})
    CHECKS.mkdir(exist_ok=True)
    for rule in arguments[1:] or sorted(by_rule):
        _write(CHECKS / f"{rule}.tsv", sampled(by_rule[rule], SIZE, MOST, SEED))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    kept = [row for row in table(path) if row["right"]] if path.is_file() else []
    seen = {_key(row) for row in kept}
    rows = [*kept, *(row for row in rows if _key(row) not in seen)][:SIZE]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, COLUMNS, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
        )
        writer.writeheader()
        writer.writerows({key: " ".join(value.split()) for key, value in row.items()} for row in rows)


def _key(row: dict[str, str]) -> tuple[str, ...]:
    return row["repo"], row["path"], row["cell"], row["line"]


if __name__ == "__main__":
    main(sys.argv[1:])
