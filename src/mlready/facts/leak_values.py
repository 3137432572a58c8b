"""What an expression may hold, as far as leaks need it: which data, which part of a split, what was done to it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

Strength = Literal["none", "weak", "strong"]
Part = tuple[int, str]
"""(line of the split, "train" or "test"); ("some") for a slice of rows that is no side of a split."""

_MAX_MARKS = 60
_MAX_MAKERS = 4


class Mark(Struct, frozen=True):
    """Something that happened to data on its way: fitted, oversampled, cut, lagged, written by a language model.

    `roots` and `parts` say which data it was learned from; `columns` which columns carry it (None: all).
    """

    kind: str
    name: str
    line: int
    strength: Strength = "strong"
    roots: frozenset[int] = frozenset()
    parts: frozenset[Part] = frozenset()
    columns: frozenset[str] | None = None


@dataclass(slots=True, eq=False)
class Maker:
    """An object that is fitted: a transformer, sampler, model, search or splitter. It keeps what it was fitted on."""

    role: str
    name: str
    strength: Strength = "none"
    fitted: list[Mark] = field(default_factory=list)
    steps: tuple[Maker, ...] = ()
    line: int = 0
    shuffled: bool = False
    tried: int = 0
    """Line of the loop that makes one such object for each value it tries; 0 outside of loops."""
    early: bool = False
    """Whether it stops early by what it sees in an evaluation set."""


@dataclass(slots=True, eq=False)
class Function:
    """A function of the file, with the names around it and the object that it is a method of."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    outer: Names
    owner: Value | None = None


@dataclass(slots=True, eq=False)
class Class:
    node: ast.ClassDef
    methods: dict[str, FunctionNode]
    outer: Names


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a class of the file."""

    kind: Class
    attributes: dict[str, Value] = field(default_factory=dict)


class Value(Struct, frozen=True, eq=False):
    """The result of an expression. A value without roots is no data that anything is known of."""

    roots: frozenset[int] = frozenset()
    parts: frozenset[Part] = frozenset()
    marks: frozenset[Mark] = frozenset()
    makers: tuple[Maker, ...] = ()
    items: tuple[Value, ...] | None = None
    keys: tuple[str, ...] = ()
    """Of a dict that is spelled out: what `items` stand under."""
    element: Value | None = None
    """What iteration gives, where it differs from a part of the same data."""
    constant: str | int | float | bool | tuple[str, ...] | None = None
    selected: tuple[str, ...] = ()
    """Columns that were taken out of a table by name."""
    statistic: str = ""
    """"mean" and the like when it is a statistic of the data."""
    read: bool = False
    joined: bool = False
    """Several sources laid end to end: cutting them apart again is no split."""
    filtered: bool = False
    row: bool = False
    """One row of a table, or a few: its statistics are of itself."""
    index: bool = False
    """Row numbers or labels rather than rows."""
    thing: Function | Class | Instance | None = None


NOTHING = Value()


class Names:
    """The names that can be seen in one function, and those around it."""

    __slots__ = ("known", "outer")

    def __init__(self, outer: Names | None = None, known: dict[str, Value] | None = None) -> None:
        self.outer = outer
        self.known: dict[str, Value] = known if known is not None else {}

    def get(self, name: str) -> Value | None:
        scope: Names | None = self
        while scope is not None:
            found = scope.known.get(name)
            if found is not None:
                return found
            scope = scope.outer
        return None


def join(values: Iterable[Value]) -> Value:
    """What may be any of several values, or is made of all of them."""
    real = [value for value in values if value is not NOTHING]
    if not real:
        return NOTHING
    if len(real) == 1 or all(value is real[0] for value in real):
        return real[0]
    makers = {id(maker): maker for value in real for maker in value.makers}
    return Value(
        roots=frozenset().union(*(value.roots for value in real)),
        parts=frozenset().union(*(value.parts for value in real)),
        marks=bounded(mark for value in real for mark in value.marks),
        makers=tuple(makers.values())[:_MAX_MAKERS],
        items=_joined_items(real),
        keys=real[0].keys if all(value.keys == real[0].keys for value in real) else (),
        read=any(value.read for value in real),
        joined=any(value.joined for value in real),
        row=all(value.row for value in real if value.roots),
        index=all(value.index for value in real),
        statistic=next((value.statistic for value in real if value.statistic), ""),
        thing=next((value.thing for value in real if value.thing is not None), None),
    )


def _joined_items(values: list[Value]) -> tuple[Value, ...] | None:
    rows = [value.items for value in values]
    first = rows[0]
    if (
        first is None
        or any(value.keys != values[0].keys for value in values)
        or any(row is None or len(row) != len(first) for row in rows)
    ):
        return None
    return tuple(join(column) for column in zip(*(row for row in rows if row is not None), strict=True))


def bounded(marks: Iterable[Mark]) -> frozenset[Mark]:
    found = frozenset(marks)
    return found if len(found) <= _MAX_MARKS else frozenset(sorted(found, key=lambda m: m.line)[:_MAX_MARKS])


def derived(*values: Value) -> Value:
    """New data made from others: what happened to them happened to it; what they were beside that is forgotten."""
    return join(flat(value) for value in values)


def flat(value: Value) -> Value:
    """The data of a value, containers opened."""
    if not value.items and value.element is None:
        if not value.roots and not value.marks:
            return NOTHING
        return replace(
            value, makers=(), items=None, keys=(), constant=None, selected=(), statistic="", thing=None, filtered=False
        )
    inside = [flat(item) for item in value.items or ()]
    if value.element is not None:
        inside.append(flat(value.element))
    return join([replace(value, items=None, keys=(), element=None, makers=(), thing=None), *inside])


def root_of(node: ast.expr | ast.arg) -> int:
    """Names the data that an expression brings into being; the same from run to run."""
    return node.lineno * 10_000 + node.col_offset + 1


def with_marks(value: Value, *marks: Mark) -> Value:
    return replace(value, marks=bounded({*value.marks, *marks}))


def select(value: Value, columns: tuple[str, ...]) -> Value:
    """Some columns of a table: marks of other columns stay behind."""
    wanted = frozenset(columns)
    kept = frozenset(m for m in value.marks if m.columns is None or m.columns & wanted)
    return replace(derived(replace(value, items=None)), marks=kept, selected=columns)


def drop(value: Value, columns: tuple[str, ...]) -> Value:
    gone = frozenset(columns)
    kept = frozenset(m for m in value.marks if m.columns is None or not m.columns <= gone)
    return replace(derived(replace(value, items=None)), marks=kept)


def placed(value: Value, columns: tuple[str, ...] | None) -> frozenset[Mark]:
    """The marks of a value that is written into columns of a table."""
    where = frozenset(columns) if columns else None
    return frozenset(replace(mark, columns=where) for mark in value.marks)


def part_of(value: Value, split: int, side: str) -> Value:
    """One side of a split of a value."""
    kept = {part for part in value.parts if part[0] != split}
    base = derived(replace(value, items=None))
    return replace(base, parts=frozenset({*kept, (split, side)}), joined=False)


def halves(parts: frozenset[Part]) -> frozenset[Part]:
    """The parts that are sides of splits."""
    return frozenset(part for part in parts if part[1] != "some")


def held_out(parts: frozenset[Part]) -> bool:
    """Whether data is of the test side of every split that it went through, and went through one."""
    of_splits = halves(parts)
    return bool(of_splits) and all(side == "test" for _, side in of_splits)


def sides(parts: frozenset[Part]) -> dict[int, set[str]]:
    table: dict[int, set[str]] = {}
    for split, side in parts:
        table.setdefault(split, set()).add(side)
    return table


def held_out_of(learned: Mark, value: Value) -> Iterator[tuple[int, bool]]:
    """The splits whose held-out rows were among what was learned from, as (line, whether only those were).

    Says nothing where it cannot be told that they are of the same data: other sources, other splits.
    """
    if not learned.roots & value.roots:
        return
    seen, asked = sides(learned.parts), sides(value.parts)
    if not seen.keys() <= asked.keys():
        return
    for split, _ in halves(value.parts):
        if split in seen and "test" not in seen[split]:
            continue
        others = (s for s in asked if s != split)
        if all(s not in seen or asked[s] <= seen[s] for s in others):
            yield split, seen.get(split) == {"test"}


def columns_of(index: Value) -> tuple[str, ...] | None:
    """Names of columns that an index spells out."""
    if isinstance(index.constant, str):
        return (index.constant,)
    return index.constant if isinstance(index.constant, tuple) else None
