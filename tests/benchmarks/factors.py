"""Agreement of factor scores with the 0 / 1 / 2 labels of factor-labels.tsv and of the samples that were held out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.benchmarks.agreement import binned, leave_one_out, spearman, weighted_kappa
from tests.benchmarks.audits import Audit
from tests.benchmarks.corpora import HERE, Repository, table

BIN_EDGES = (20.0, 60.0)
"""Scores below the first edge are absent, below the second partial, else present: docs/decisions/score-bins.md."""
FACTORS = range(1, 13)
LEVELS = 3


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Labels of repositories that nobody had looked at, and who made them.

    The table keeps a `first_score`: what the audit said before anything was mended after the labels.
    """

    title: str
    readers: str
    labels: Path

    def told(self, audits: dict[str, Audit]) -> dict[str, Any]:
        """The figures of the day of the labels and those of these audits."""
        first, now = agreement(first_cells(self.labels)), agreement(cells(audits, self.labels))
        return {"title": self.title, "readers": self.readers, "first": first, "now": now}


HELD_OUT = (
    HeldOut("Factors, held out", "Two readers took half of them each", HERE / "factor-labels-heldout.tsv"),
    HeldOut("Factors, second held-out sample", "One reader took all of them", HERE / "factor-labels-heldout-2.tsv"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One label and the score that stands against it."""

    repo: str
    factor: int
    label: int
    score: float | None
    evidence: str

    @property
    def level(self) -> int:
        """The score as 0 absent, 1 partial, 2 present; a factor that is not asked is absent."""
        return binned(self.score, BIN_EDGES)


def labelled_repositories(path: Path = HERE / "factor-labels.tsv") -> list[Repository]:
    """The repositories that have factor labels."""
    seen = dict.fromkeys((row["repo"], row["sha"]) for row in table(path))
    return [Repository(repo, sha, "labelled") for repo, sha in seen]


def cells(audits: dict[str, Audit], path: Path = HERE / "factor-labels.tsv") -> list[Cell]:
    """One cell for each label of a repository that could be audited; labels `na` count as absent."""
    rows = (row for row in table(path) if row["repo"] in audits)
    return [_cell(row, audits[row["repo"]]) for row in rows]


def _cell(row: dict[str, str], audit: Audit) -> Cell:
    return _labelled(row, audit.factor_scores()[int(row["factor"])])


def _labelled(row: dict[str, str], score: float | None) -> Cell:
    label = 0 if row["label"] == "na" else int(row["label"])
    return Cell(row["repo"], int(row["factor"]), label, score, row["evidence"])


def first_cells(path: Path) -> list[Cell]:
    """The labels of a held-out sample against the scores that its table keeps."""
    return [_labelled(row, float(row["first_score"]) if row["first_score"] else None) for row in table(path)]


def measured(found: list[Cell], scores: dict[str, float | None]) -> dict[str, Any]:
    """Every figure on factors, for the page and for accuracy.json."""
    return {
        **agreement(found),
        "left_out": _left_out(found),
        "project": project(found, scores),
        "disagreements": [_told(cell) for cell in found if abs(cell.label - cell.level) == 2],
        "table": [_told(cell) for cell in found],
    }


def agreement(found: list[Cell]) -> dict[str, Any]:
    """How far levels and labels agree, over all cells and by factor."""
    return {
        "repositories": len({cell.repo for cell in found}),
        "cells": len(found),
        "mean_kappa": _rounded(mean_kappa(found)),
        "pooled_kappa": _rounded(_kappa(found)),
        "over_credit": sum(_over(cell) for cell in found),
        "under_credit": sum(cell.label == 2 and cell.level == 0 for cell in found),
        "equal": sum(cell.label == cell.level for cell in found),
        "bias": _bias(found),
        "factors": [_factor(factor, [cell for cell in found if cell.factor == factor]) for factor in FACTORS],
    }


def mean_kappa(found: list[Cell]) -> float | None:
    """Mean over the factors of the quadratic-weighted kappa; factors where it is undefined are left out."""
    by_factor = _grouped(found, "factor")
    values = [value for group in by_factor.values() if (value := _kappa(group)) is not None]
    return fmean(values) if values else None


def project(found: list[Cell], scores: dict[str, float | None]) -> dict[str, Any]:
    """Rank correlation of the project's score with the sum of its labels, plain and with one left out."""
    sums = {repo: sum(cell.label for cell in group) for repo, group in _grouped(found, "repo").items()}
    pairs = [(float(total), scores[repo] or 0.0) for repo, total in sums.items()]
    return {
        "spearman": _rounded(_correlation(pairs)),
        "left_out": _span(leave_one_out(pairs, _correlation)),
        "rows": [{"repo": repo, "labels": total, "score": scores[repo]} for repo, total in sums.items()],
    }


def _correlation(pairs: list[tuple[float, float]]) -> float | None:
    return spearman([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def _factor(factor: int, group: list[Cell]) -> dict[str, Any]:
    return {
        "factor": factor,
        "labels": [sum(cell.label == level for cell in group) for level in range(LEVELS)],
        "levels": [sum(cell.level == level for cell in group) for level in range(LEVELS)],
        "kappa": _rounded(_kappa(group)),
        "left_out": _span(leave_one_out(group, _kappa)),
        "spearman": _rounded(spearman([cell.label for cell in group], [cell.score or 0.0 for cell in group])),
        "equal": sum(cell.label == cell.level for cell in group),
        "bias": _bias(group),
        "over_credit": sum(_over(cell) for cell in group),
        "cells": len(group),
    }


def _left_out(found: list[Cell]) -> dict[str, Any]:
    groups = list(_grouped(found, "repo").values())
    without = [[cell for group in rest for cell in group] for rest in _each_left_out(groups)]
    return {"mean_kappa": _span([mean_kappa(rest) for rest in without])}


def _each_left_out(groups: list[list[Cell]]) -> list[list[list[Cell]]]:
    return [[*groups[:index], *groups[index + 1 :]] for index in range(len(groups))]


def _kappa(group: list[Cell]) -> float | None:
    return weighted_kappa([cell.label for cell in group], [cell.level for cell in group], LEVELS)


def _bias(group: list[Cell]) -> float | None:
    """How many steps the scores stand above the labels on average."""
    return _rounded(fmean(cell.level - cell.label for cell in group), 2) if group else None


def _over(cell: Cell) -> bool:
    return cell.label == 0 and cell.level == 2


def _told(cell: Cell) -> dict[str, Any]:
    told = {"repo": cell.repo, "factor": cell.factor, "label": cell.label, "level": cell.level}
    return {**told, "score": _rounded(cell.score, 1), "evidence": cell.evidence}


def _grouped(found: list[Cell], key: str) -> dict[Any, list[Cell]]:
    groups: dict[Any, list[Cell]] = defaultdict(list)
    for cell in found:
        groups[getattr(cell, key)].append(cell)
    return groups


def _span(values: list[float | None]) -> list[float | None]:
    known = [value for value in values if value is not None]
    return [_rounded(min(known)), _rounded(max(known))] if known else [None, None]


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
