"""YAML as plain values that know their lines: `yamltree` read once more, for formats where tags and raw text say nothing.

Keys are always text; aliases are shared. A part of a file is no value: what `yamltree` calls a problem is raised here.
"""

from __future__ import annotations

from typing import Any

from mlready.facts import yamltree
from mlready.facts.reading import Unreadable
from mlready.facts.yamltree import Node


class Mapping(dict[str, Any]):
    """A YAML mapping: `line` is where it starts, `lines` where each of its keys stands (1-based)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A YAML sequence: `lines[i]` is where its i-th item starts (1-based)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def load_yaml(data: bytes | str) -> list[Any]:
    """The documents of a YAML file: Mapping, Sequence, text, number, bool or None.

    Raises Unreadable for broken YAML and for what is beyond the bounds of `yamltree`.
    """
    tree = yamltree.load_yaml(data)
    if tree.problem:
        raise Unreadable(tree.problem)
    plain = _Plain()
    return [plain.value(document) for document in tree.documents]


def line_of(container: object, key: str | int) -> int:
    """The line of a key or an item, or 0 where it is not known."""
    if isinstance(container, Mapping) and isinstance(key, str):
        return container.lines.get(key, container.line)
    if isinstance(container, Sequence) and isinstance(key, int) and key < len(container.lines):
        return container.lines[key]
    return 0


class _Plain:
    """Turns nodes into values; a node that several aliases share stays one value."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    def value(self, node: Node) -> Any:
        if node.kind == "scalar":
            return node.scalar
        if id(node) not in self._made:
            self._made[id(node)] = self._mapping(node) if node.kind == "map" else self._sequence(node)
        return self._made[id(node)]

    def _mapping(self, node: Node) -> Mapping:
        found = Mapping(node.line)
        for key, item in node.pairs:
            name = _key(key)
            found[name] = self.value(item)
            found.lines[name] = key.line
        return found

    def _sequence(self, node: Node) -> Sequence:
        found = Sequence(node.line)
        for item in node.items:
            found.append(self.value(item))
            found.lines.append(item.line)
        return found


def _key(node: Node) -> str:
    """A key as text: a number as it is meant (`1e3` is "1000.0"), a word as YAML writes it, "?" for a collection."""
    if node.kind != "scalar":
        return "?"
    value = node.scalar
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
