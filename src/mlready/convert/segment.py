"""Boundaries between steps: the cut of the statements into runs that costs least.

Runs are contiguous and keep their order, so every effect happens as in the notebook; what differs is only how many
values cross, how long the functions get, and whether they match headings and activities. Found by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlready.convert.activities import Activity

MAX_WINDOW = 60
MAX_LINES = 56


@dataclass(frozen=True)
class Work:
    """What the search needs to know of one statement."""

    reads: frozenset[str]
    """Names of variables and settings, those of closures included."""
    binds: frozenset[str]
    certain: frozenset[str]
    deletes: frozenset[str]
    early: frozenset[str]
    """Names read before the notebook binds them (builtins that it re-binds later)."""
    lines: int
    weight: int
    activity: Activity
    starts_cell: bool
    starts_section: bool


@dataclass(frozen=True)
class Limits:
    """`target` is the weight that a step should have, in statements."""

    target: float
    settings: frozenset[str]
    """Settings that can be read from the configuration."""
    many_settings: int
    """So many of them count one by one; where there are more, the configuration counts."""


def live_after(work: Sequence[Work]) -> list[frozenset[str]]:
    """For each position, the names whose value at that point is still read later. One longer than `work`."""
    live: list[frozenset[str]] = [frozenset()] * (len(work) + 1)
    for index in range(len(work) - 1, -1, -1):
        item = work[index]
        live[index] = (live[index + 1] - item.certain - item.deletes) | item.reads
    return live


def first_bound(work: Sequence[Work]) -> dict[str, int]:
    """Position of the first statement that binds a name. Settings are in no statement: they are always there."""
    found: dict[str, int] = {}
    for position, item in enumerate(work):
        for name in item.binds:
            found.setdefault(name, position)
    return found


def cut(work: Sequence[Work], glued: frozenset[int], limits: Limits) -> list[tuple[int, int]]:
    """The runs as (start, end) pairs. No run begins at a position in `glued`."""
    live = live_after(work)
    first = first_bound(work)
    best: list[float] = [0.0] + [float("inf")] * len(work)
    origin = [0] * (len(work) + 1)
    for start in range(len(work)):
        if best[start] == float("inf") or start in glued:
            continue
        base = best[start] + _boundary(work, start)
        for end, cost in _costs(work, start, live, first, glued, limits):
            if base + cost < best[end]:
                best[end], origin[end] = base + cost, start
    runs: list[tuple[int, int]] = []
    end = len(work)
    while end:
        runs.append((origin[end], end))
        end = origin[end]
    return runs[::-1]


def _costs(
    work: Sequence[Work],
    start: int,
    live: list[frozenset[str]],
    first: dict[str, int],
    glued: frozenset[int],
    limits: Limits,
) -> list[tuple[int, float]]:
    """Cost of each run that begins at `start`, by its end."""
    found: list[tuple[int, float]] = []
    inputs: set[str] = set()
    binds: set[str] = set()
    certain: set[str] = set()
    early: set[str] = set()
    kinds: set[Activity] = set()
    lines = weight = 0
    for end in range(start + 1, len(work) + 1):
        item = work[end - 1]
        inputs |= {name for name in item.reads - certain if first.get(name, -1) < start}
        early |= item.early - certain
        binds |= item.binds
        certain = (certain | item.certain) - item.deletes
        lines += item.lines
        weight += item.weight
        if item.activity not in ("compute", "setup"):
            kinds.add(item.activity)
        if end in glued:
            continue
        outputs = binds & live[end]
        cost = _size(end - start, lines, weight, limits) + _crossing(_parameters(inputs, limits), len(outputs))
        cost += 1.5 * max(0, len(kinds) - 1) + (1000.0 if early & binds else 0.0)
        found.append((end, cost))
        if (end - start >= MAX_WINDOW or lines > 2 * MAX_LINES) and found:
            break
    return found


def _size(count: int, lines: int, weight: int, limits: Limits) -> float:
    cost = 1.0 + 0.9 * max(0, 4 - count)
    cost += 6.0 * max(0.0, weight / limits.target - 1.0) if count > 1 else 0.0
    cost += 0.12 * max(0, lines - 20)
    if lines > MAX_LINES and count > 1:
        cost += 20.0 + (lines - MAX_LINES)
    return cost


def _parameters(inputs: set[str], limits: Limits) -> int:
    settings = len(inputs & limits.settings)
    return len(inputs) - settings + (settings if settings <= limits.many_settings else 1)


def _crossing(inputs: int, outputs: int) -> float:
    cost = 0.3 * inputs + 0.5 * outputs
    cost += 1.2 * max(0, inputs - 5) + 40.0 * max(0, inputs - 9)
    return cost + 1.0 * max(0, outputs - 5) + 20.0 * max(0, outputs - 9)


def _boundary(work: Sequence[Work], start: int) -> float:
    """What it costs, or saves, to begin a step here."""
    if not start or work[start].starts_section:
        return -2.0
    if work[start].starts_cell:
        return 0.0
    plotting = (work[start - 1].activity == "plot") != (work[start].activity == "plot")
    return 0.8 if plotting else 1.6
