"""What a reference run may change in a plan: steps that stay together, values that a step gives back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mlready.convert.model import Note, Statement

Kind = Literal["return", "merge", "flat", "draw"]


@dataclass(frozen=True)
class Correction:
    """One change: of "return" `names` are given back, of "draw" the cells of statements `first` to `last` save the figures that they
    leave open; of the others, these statements stay in one step."""

    kind: Kind
    names: tuple[str, ...]
    why: str
    first: int = -1
    last: int = -1


def held_together(corrections: Iterable[Correction], work: Sequence[Statement]) -> frozenset[int]:
    """Positions in `work` at which no step may begin."""
    found: set[int] = set()
    for correction in corrections:
        places = [n for n, s in enumerate(work) if correction.first <= s.index <= correction.last]
        if correction.kind in ("merge", "flat") and places:
            found.update(range(places[0] + 1, places[-1] + 1))
    return frozenset(found)


def given_back(corrections: Iterable[Correction]) -> frozenset[str]:
    return frozenset(name for correction in corrections if correction.kind == "return" for name in correction.names)


def drawing(corrections: Iterable[Correction], statements: Iterable[Statement]) -> frozenset[int]:
    """Indices of statements that are known to draw."""
    found = [correction for correction in corrections if correction.kind == "draw"]
    return frozenset(s.index for s in statements if any(c.first <= s.index <= c.last for c in found))


def correction_notes(corrections: Iterable[Correction], statements: Sequence[Statement]) -> list[Note]:
    """One note a correction, at the first cell that it is about."""
    notes: list[Note] = []
    for correction in corrections:
        about = [s for s in statements if correction.first <= s.index <= correction.last] or [
            s for s in statements if s.flow.binds & set(correction.names)
        ]
        cells = sorted({s.cell for s in about})
        notes.append(Note(cells[0] if cells else 0, 0, "corrected", f"{_what(correction, cells)}: {correction.why}"))
    return notes


def _what(correction: Correction, cells: Sequence[int]) -> str:
    names = ", ".join(correction.names)
    if correction.kind == "return":
        return f"the step gives back {names}"
    where = f"cells {cells[0]} to {cells[-1]}" if len(cells) > 1 else f"cell {cells[0]}"
    if correction.kind == "draw":
        return f"{where} saves its figures"
    return f"two steps merged, {where}" if correction.kind == "merge" else f"{where} stay in one step"
