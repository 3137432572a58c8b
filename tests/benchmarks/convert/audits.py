"""Audit of notebooks alone and of the projects that they become: scores, and the rules that rise or fall.

    python -m tests.benchmarks.convert.audits --folder FOLDER --python ENV/bin/python [--limit N] [--no-write]

Draws notebooks of the table by a seed, at most a quarter of them from one distribution, and writes docs/conversion.md.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.convert.__main__ import Row, fetched, read_rows
from tests.benchmarks.convert.report import PAGE

SEED = 20261121
TRAINING = frozenset({"train", "tune", "fine-tune"})
BEGIN, END = "<!-- audits: begin -->", "<!-- audits: end -->"


@dataclass(frozen=True)
class Audit:
    """What one audit said: credits by rule, without the rules that were not asked; no score where nothing is judged."""

    score: float | None
    activities: frozenset[str]
    credits: dict[str, float]
    names: dict[str, str]


@dataclass(frozen=True)
class Pair:
    """One notebook before and after."""

    path: str
    before: Audit
    after: Audit

    @property
    def group(self) -> str:
        if self.after.score is None:
            return "hold no machine learning: no score"
        return "train a model" if self.after.activities & TRAINING else "do not, or in a way that is not known"

    @property
    def falls(self) -> bool:
        return (self.after.score or 0.0) < (self.before.score or 0.0)

    def moved(self, *, up: bool) -> set[str]:
        """Rules asked of both whose credit went up, or down."""
        both = self.after.credits.keys() & self.before.credits.keys()
        differences = {rule: self.after.credits[rule] - self.before.credits[rule] for rule in both}
        return {rule for rule, difference in differences.items() if (difference > 0 if up else difference < 0)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=72)
    parser.add_argument("--no-write", action="store_true", help="do not touch docs/conversion.md")
    parser.add_argument("--keep", type=Path, help="keep every audit here as JSON")
    options = parser.parse_args()
    pairs = [
        pair
        for row, notebook in drawn(options.folder, options.limit)
        if (pair := measured(row, notebook, options.python.absolute(), options.keep))
    ]
    text = "\n".join(report(pairs))
    sys.stdout.write(text + "\n")
    if not options.no_write:
        page = PAGE.read_text(encoding="utf-8")
        block = f"{BEGIN}\n\n{text}\n\n{END}"
        PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: block, page, flags=re.S), encoding="utf-8")
    return 0


def drawn(folder: Path, limit: int) -> Iterator[tuple[Row, Path]]:
    """Rows in an order that the seed decides, with the file of each."""
    rows = list(read_rows())
    random.Random(SEED).shuffle(rows)
    taken: Counter[str] = Counter()
    for row in rows:
        root = fetched(row, folder)
        if root is None or not (root / row.path).exists() or taken[row.project] >= limit // 4:
            continue
        taken[row.project] += 1
        yield row, root / row.path
        if taken.total() == limit:
            return


def measured(row: Row, notebook: Path, python: Path, keep: Path | None) -> Pair | None:
    """None where the notebook is refused."""
    with tempfile.TemporaryDirectory() as folder:
        alone, project = Path(folder) / "alone", Path(folder) / "project"
        alone.mkdir()
        shutil.copy(notebook, alone)
        command = [sys.executable, "-m", "mlready", "convert", str(notebook), "--into", str(project)]
        if subprocess.run([*command, "--python", str(python)], capture_output=True, check=False).returncode:
            sys.stdout.write(f"refused: {row.project} {row.path}\n")
            return None
        texts = [audited(alone), audited(project)]
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{row.id}.json").write_text(json.dumps([row.path, *map(json.loads, texts)]), encoding="utf-8")
        before, after = (read_audit(json.loads(text)) for text in texts)
        return Pair(f"{row.project} {row.path}", before, after)


def audited(folder: Path) -> str:
    command = [sys.executable, "-m", "mlready", "audit", str(folder), "--format", "json", "--no-cache", "--jobs", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def read_audit(content: dict[str, Any]) -> Audit:
    rules = [rule for factor in content["factors"] for rule in factor["rules"] if rule["credit"] is not None]
    return Audit(
        score=content["score"],
        activities=frozenset(content["project"]["activities"]),
        credits={rule["id"]: rule["credit"] for rule in rules if rule["status"] != "not-applicable"},
        names={rule["id"]: rule["name"] for rule in rules},
    )


def report(pairs: Sequence[Pair]) -> list[str]:
    lines = [
        f"{len(pairs)} notebooks, drawn from the table by seed {SEED}:",
        "",
        "| notebooks that | number | median score before | after | lowest after | fall |",
        "|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: pair.after.score is None):
        groups.setdefault(pair.group, []).append(pair)
    lines += [_row(name, chosen) for name, chosen in groups.items()]
    falls = [pair.path for pair in pairs if pair.falls]
    return [*lines, "", f"Lower after: {', '.join(falls) or 'none'}.", "", *_rules(pairs)]


def _row(name: str, pairs: Sequence[Pair]) -> str:
    after = [pair.after.score for pair in pairs if pair.after.score is not None]
    if not after:
        return f"| {name} | {len(pairs)} | - | - | - | - |"
    before = statistics.median(pair.before.score or 0.0 for pair in pairs)
    falls = sum(pair.falls for pair in pairs)
    return f"| {name} | {len(pairs)} | {before:.1f} | {statistics.median(after):.1f} | {min(after):.1f} | {falls} |"


def _rules(pairs: Sequence[Pair]) -> list[str]:
    """One line a rule: of the notebooks asked, how many rise, how many fall, and how many have it in full after."""
    names = {rule: name for pair in pairs for rule, name in pair.after.names.items()}
    asked, up, down, full = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for pair in pairs:
        asked.update(pair.after.credits.keys())
        full.update(rule for rule, credit in pair.after.credits.items() if credit == 1)
        up.update(pair.moved(up=True))
        down.update(pair.moved(up=False))
    lines = ["| rule | asked | rise | fall | in full after |", "|---|---|---|---|---|"]
    for rule in sorted(up.keys() | down.keys()):
        lines.append(f"| {rule} {names[rule]} | {asked[rule]} | {up[rule]} | {down[rule]} | {full[rule]} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
