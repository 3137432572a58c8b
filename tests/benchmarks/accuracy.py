"""Measure the audit against labels and write docs/accuracy.md and tests/benchmarks/accuracy.json.

    python -m tests.benchmarks.accuracy [--repositories DIR] [--cache DIR] [--only SET]... [--jobs N] [--reports DIR] [--dry-run]

DIR holds work trees named OWNER__NAME (one level of folders may stand between) at the commits of
repositories.tsv; MLREADY_REPOSITORIES names it too. Without it they are cloned from GitHub into the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks import factors, rule_labels
from tests.benchmarks.accuracy_page import page
from tests.benchmarks.audits import Audit, audits
from tests.benchmarks.corpora import HELD_OUT, HERE, Repository, located, repositories

from mlready import __version__

PAGE = HERE.parents[1] / "docs" / "accuracy.md"
FIGURES = HERE / "accuracy.json"
RULE_CASES = ("rule-cases", "fawltydeps")


def main(arguments: list[str] | None = None) -> int:
    """Audit, join with the labels, write the figures and the page; 0 unless no repository could be had."""
    given = _parser().parse_args(arguments)
    labelled = [one for one in repositories() if (one.group in given.only if given.only else one.group != HELD_OUT)]
    places = dict(located(labelled, given.repositories, given.cache))
    chosen = {one.repo: place for one, place in places.items() if place and one.group != RULE_CASES[0]}
    found = audits(chosen, given.jobs, given.reports)
    figures = measured(places, found, audits(_alone(chosen), given.jobs))
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    if given.dry_run:
        sys.stdout.write(page(figures))
    else:
        FIGURES.write_text(text, encoding="utf-8")
        PAGE.write_text(page(figures), encoding="utf-8")
    return 0 if found else 1


def _alone(places: dict[str, Path]) -> dict[str, Path]:
    return {f"{repo}:{path}": places[repo] / path for repo, path in rule_labels.files_alone() if repo in places}


def measured(
    places: dict[Repository, Path | None], found: dict[str, Audit | str], alone: dict[str, Audit | str]
) -> dict[str, Any]:
    """All figures of one run; repositories that failed or are missing are named, never dropped silently."""
    good = {key: one for key, one in (found | alone).items() if isinstance(one, Audit)}
    cases = {one.repo: place for one, place in places.items() if place and one.group in RULE_CASES}
    cells = factors.cells(good)
    rules = [*rule_labels.drawn_measures(good), *rule_labels.outside_measures(good, cases)]
    return {
        "version": __version__,
        "edges": list(factors.BIN_EDGES),
        "factors": factors.measured(cells, {cell.repo: good[cell.repo].score for cell in cells}),
        "held_out": [sample.told(good) for sample in factors.HELD_OUT],
        "rules": [one.told() for one in rules],
        "readers": [rule_labels.reader_agreement(rule) for rule in sorted({aim.rule for aim in rule_labels.AIMS})],
        "wrong": rule_labels.wrong(good),
        "hand_checks": rule_labels.hand_checks(),
        "missing": sorted(one.repo for one, place in places.items() if place is None),
        "failed": {key: one for key, one in (found | alone).items() if isinstance(one, str)},
        "crashed": {key: broken for key, one in good.items() if (broken := one.crashed())},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the audit against labels.")
    on_disk = os.environ.get("MLREADY_REPOSITORIES")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlready-accuracy"
    parser.add_argument("--repositories", type=Path, default=Path(on_disk) if on_disk else None)
    parser.add_argument("--cache", type=Path, default=cache)
    parser.add_argument("--only", action="append", help="a set of repositories.tsv; may be given again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--reports", type=Path, help="keep each audit's JSON in this folder")
    parser.add_argument("--dry-run", action="store_true", help="print the page instead of writing it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
