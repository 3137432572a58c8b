"""Pure measures of agreement between a tool and labels: rank correlation, weighted kappa, precision with intervals.

None of them needs more than the standard library; each returns None where it is not defined (no spread, no cases).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1, ties share their mean rank."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    out = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            out[place] = (start + end) / 2 + 1
        start = end + 1
    return out


def pearson(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Linear correlation; None when either side does not vary."""
    _same_length(left, right)
    if not left:
        return None
    mean_left, mean_right = math.fsum(left) / len(left), math.fsum(right) / len(right)
    off_left, off_right = [value - mean_left for value in left], [value - mean_right for value in right]
    spread = math.sqrt(math.fsum(a * a for a in off_left) * math.fsum(b * b for b in off_right))
    return math.fsum(a * b for a, b in zip(off_left, off_right, strict=True)) / spread if spread else None


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Rank correlation with shared ranks for ties; None when either side does not vary."""
    return pearson(ranks(left), ranks(right))


def weighted_kappa(left: Sequence[int], right: Sequence[int], categories: int) -> float | None:
    """Cohen's kappa with quadratic weights for labels 0..categories-1; None when chance leaves nothing to disagree on."""
    _same_length(left, right)
    seen = Counter(zip(left, right, strict=True))
    count_left, count_right = Counter(left), Counter(right)
    observed = sum(count * (a - b) ** 2 for (a, b), count in seen.items())
    pairs = ((a, b) for a in range(categories) for b in range(categories))
    expected = sum(count_left[a] * count_right[b] * (a - b) ** 2 for a, b in pairs)
    return 1 - observed * len(left) / expected if expected else None


def kappa(left: Sequence[Hashable], right: Sequence[Hashable]) -> float | None:
    """Cohen's unweighted kappa; None when both readers always say the same one thing."""
    _same_length(left, right)
    if not left:
        return None
    observed = sum(a == b for a, b in zip(left, right, strict=True)) / len(left)
    count_left, count_right = Counter(left), Counter(right)
    chance = sum(count_left[value] * count_right[value] for value in count_left) / len(left) ** 2
    return (observed - chance) / (1 - chance) if chance < 1 else None


def wilson(hits: int, total: int, z: float = Z95) -> tuple[float, float] | None:
    """Wilson score interval of a share; None without cases."""
    if not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is no share")
    if not total:
        return None
    share, square = hits / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return 0.0 if hits == 0 else middle - half, 1.0 if hits == total else middle + half


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of a yes / no answer against yes / no labels."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0
    rejections: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the tool's yes that are right."""
        said = self.hits + self.false_alarms
        return self.hits / said if said else None

    @property
    def recall(self) -> float | None:
        """Share of the labels' yes that the tool found."""
        true = self.hits + self.misses
        return self.hits / true if true else None


def confusion(pairs: Sequence[tuple[bool, bool]]) -> Confusion:
    """Counts of (said, true) pairs."""
    seen = Counter(pairs)
    return Confusion(seen[True, True], seen[True, False], seen[False, True], seen[False, False])


def binned(score: float | None, edges: Sequence[float]) -> int:
    """How many of the ascending `edges` the score reaches; a missing score reaches none."""
    return 0 if score is None else sum(score >= edge for edge in edges)


def leave_one_out(items: Sequence[T], measure: Callable[[list[T]], float | None]) -> list[float | None]:
    """The measure with each item left out in turn, in the order of the items."""
    return [measure([*items[:index], *items[index + 1 :]]) for index in range(len(items))]


def _same_length(left: Sequence[object], right: Sequence[object]) -> None:
    if len(left) != len(right):
        raise ValueError(f"{len(left)} values against {len(right)}")
