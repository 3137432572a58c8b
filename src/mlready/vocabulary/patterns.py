"""Names with wildcards: "sklearn.preprocessing.*.fit", where "*" stands for one or more segments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

MAX_NAME = 300
"""Longer names are nobody's: no library has them."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_SEGMENT = re.compile(r"[^\W\d]\w*|\*")


class _Node(Struct, Generic[T]):
    children: dict[str, _Node[T]] = {}
    star: _Node[T] | None = None
    rank: tuple[int, int] = (0, 0)
    payload: T | None = None


def expand(pattern: str) -> list[str]:
    """The patterns that braces stand for: "a.{b,c}" -> "a.b", "a.c"."""
    parts = _BRACES.split(pattern)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def is_pattern(pattern: str) -> bool:
    """Whether it is a dotted name, a method of an unknown object (".fit"), or either with up to two "*" segments."""
    segments = pattern.removeprefix(".").split(".")
    return all(_SEGMENT.fullmatch(segment) for segment in segments) and segments.count("*") <= 2 and segments != ["*"]


class Patterns(Generic[T]):
    """An index from patterns to payloads; a look-up costs the length of the name, not the number of patterns."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        self._root: _Node[T] = _Node()
        for pattern, payload in entries:
            if "*" in pattern:
                self._insert(pattern, payload)
            else:
                self._exact[pattern] = payload

    def best(self, name: str) -> T | None:
        """The payload of the most specific pattern that matches; the exact name comes first."""
        found = self._exact.get(name)
        if found is not None or len(name) > MAX_NAME:
            return found
        nodes = list(_walk(self._root, name.split("."), 0))
        return max(nodes, key=lambda node: node.rank).payload if nodes else None

    def every(self, name: str) -> list[T]:
        """The payloads of all patterns that match."""
        if len(name) > MAX_NAME:
            return []
        exact = self._exact.get(name)
        found = [] if exact is None else [exact]
        found += [node.payload for node in _walk(self._root, name.split("."), 0) if node.payload is not None]
        return found

    def _insert(self, pattern: str, payload: T) -> None:
        segments = pattern.split(".")
        node = self._root
        for segment in segments:
            if segment == "*":
                node.star = node.star or _Node()
                node = node.star
            else:
                node = node.children.setdefault(segment, _Node())
        node.payload = payload
        node.rank = (len(segments) - segments.count("*"), segments.index("*"))


def _walk(node: _Node[T], segments: list[str], at: int) -> Iterator[_Node[T]]:
    if at == len(segments):
        if node.payload is not None:
            yield node
        return
    child = node.children.get(segments[at])
    if child is not None:
        yield from _walk(child, segments, at + 1)
    if node.star is not None:
        for following in range(at + 1, len(segments) + 1):
            yield from _walk(node.star, segments, following)
