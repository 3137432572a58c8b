"""YAML as a tree of nodes that keep their line, tag, style and raw text; `yaml_nodes` makes plain values of it.

Nothing is constructed: tags are text, `on:` stays "on", `3.10` stays "3.10" (`Node.lossy` tells that a YAML loader
would make 3.1 of it). Depth, nodes and what aliases blow up to are bounded: a bomb is a `problem` and not a hang.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

MAX_BYTES = 4_000_000
MAX_DEPTH = 100
MAX_WEIGHT = 300_000
"""Nodes of one file after all aliases are written out."""

_LARGE = 16

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,300}|[0-9]{1,300}(?:\.[0-9]{0,300})?)(?:[eE][-+]?[0-9]{1,5})?")
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_BASED = re.compile(r"0x[0-9a-fA-F]{1,200}|0o[0-7]{1,200}")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", "+.inf"), math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    "-.inf": -math.inf,
}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A scalar, map or sequence. `text` is a scalar's raw text; `plain` tells that it stands without quotes."""

    kind: Literal["scalar", "map", "seq"]
    line: int
    text: str = ""
    plain: bool = False
    style: str = ""
    """"|" or ">" for block scalars, quotes or "" else."""
    tag: str = ""
    """A tag as written ("!reference"), "" without one."""
    items: tuple[Node, ...] = ()
    pairs: tuple[tuple[Node, Node], ...] = ()
    """Entries of a map, merge keys (`<<`) filled in after its own."""
    weight: int = 1
    lookup: dict[str, Node] | None = None
    """Entries of a large map by key."""

    def get(self, *keys: str) -> Node:
        """The node under a path of keys; MISSING (an empty plain scalar on line 0) where there is none."""
        node = self
        for key in keys:
            if node.lookup is not None:
                node = node.lookup.get(key, MISSING)
            else:
                node = next((value for name, value in node.pairs if name.text == key), MISSING)
        return node

    def __bool__(self) -> bool:
        """False for MISSING and for null: an absent value and an empty one say the same."""
        return self.kind != "scalar" or not self.plain or self.text not in ("", "~", "null")

    def entries(self) -> Iterator[tuple[str, Node]]:
        """(key, value) of a map; nothing for other nodes."""
        return ((key.text, value) for key, value in self.pairs)

    def listed(self) -> tuple[Node, ...]:
        """Items of a sequence; a scalar or map as the only item; nothing for null."""
        return self.items if self.kind == "seq" else ((self,) if self else ())

    def texts(self) -> tuple[str, ...]:
        """Texts of the scalars of a sequence, or the scalar alone."""
        return tuple(item.text for item in self.listed() if item.kind == "scalar")

    @property
    def text_line(self) -> int:
        """The file's line of the first line of the text."""
        return self.line + 1 if self.style in ("|", ">") else self.line

    @property
    def scalar(self) -> str | int | float | bool | None:
        """The constant that the text stands for (YAML 1.2 core schema; `yes` and `on` stay text)."""
        if not self.plain:
            return self.text
        if self.text in _WORDS:
            return _WORDS[self.text]
        if _INT.fullmatch(self.text):
            return int(self.text)
        if _BASED.fullmatch(self.text):
            return int(self.text, 0)
        return float(self.text) if _FLOAT.fullmatch(self.text) else self.text

    @property
    def lossy(self) -> bool:
        """True for an unquoted version such as 3.10, which loaders turn into the number 3.1."""
        return self.plain and bool(re.fullmatch(r"\d+\.\d*0", self.text)) and str(float(self.text)) != self.text


MISSING = Node(kind="scalar", line=0, plain=True)


@dataclass(frozen=True, slots=True)
class Tree:
    """The documents of a file; `problem` tells why what follows the last of them was not read."""

    documents: tuple[Node, ...]
    problem: str = ""

    @property
    def root(self) -> Node:
        """The first document, or MISSING."""
        return self.documents[0] if self.documents else MISSING


class _TooMuchError(Exception):
    pass


def load_yaml(data: bytes | str) -> Tree:
    """Read all documents of a YAML (or JSON) text. Never raises."""
    import yaml

    if len(data) > MAX_BYTES:
        return Tree((), f"larger than {MAX_BYTES // 1_000_000} MB")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for event in yaml.parse(data, Loader=loader):
            builder.take(event)
    except (yaml.YAMLError, _TooMuchError, ValueError, RecursionError) as error:
        return Tree(tuple(builder.documents), _reason(error))
    return Tree(tuple(builder.documents))


def _reason(error: Exception) -> str:
    if isinstance(error, _TooMuchError):
        return str(error)
    mark = getattr(error, "problem_mark", None)
    line = f"line {mark.line + 1}: " if mark is not None else ""
    what = str(getattr(error, "problem", None) or error).splitlines()[0][:160]
    if "nesting depth" in what:  # the parser's own bound, met while it looks ahead
        return "nested too deeply"
    return f"not valid YAML: {line}{what}"


@dataclass(slots=True)
class _Open:
    """A sequence or map that is still being read."""

    kind: Literal["map", "seq"]
    line: int
    tag: str
    anchor: str | None
    children: list[Node]
    weight: int = 1


class _Builder:
    """Turns parser events into nodes, with an own stack so that depth costs no recursion."""

    def __init__(self) -> None:
        self.documents: list[Node] = []
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._weight = 0

    def take(self, event: Any) -> None:
        name = type(event).__name__
        if name == "ScalarEvent":
            self._add(_scalar(event), event.anchor)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            self._open("map" if name[0] == "M" else "seq", event)
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._close()
        elif name == "AliasEvent":
            self._add(self._alias(event), None)
        elif name == "DocumentStartEvent":
            self._anchors.clear()

    def _open(self, kind: Literal["map", "seq"], event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _TooMuchError("nested too deeply")
        if event.anchor:  # until it is complete there is nothing that an alias inside could point at
            self._anchors[event.anchor] = Node("scalar", event.start_mark.line + 1, plain=True)
        tag = event.tag or ""
        self._stack.append(_Open(kind, event.start_mark.line + 1, tag, event.anchor, []))

    def _close(self) -> None:
        opened = self._stack.pop()
        children = tuple(opened.children)
        if opened.kind == "seq":
            node = Node("seq", opened.line, tag=opened.tag, items=children, weight=opened.weight)
        else:
            pairs = _merged(tuple(zip(children[::2], children[1::2], strict=True)))
            weight = 1 + sum(key.weight + value.weight for key, value in pairs)
            lookup = {key.text: value for key, value in reversed(pairs)} if len(pairs) > _LARGE else None
            node = Node("map", opened.line, tag=opened.tag, pairs=pairs, weight=weight, lookup=lookup)
        self._add(node, opened.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self._weight += node.weight
            self.documents.append(node)
        else:
            top = self._stack[-1]
            top.children.append(node)
            top.weight += node.weight
        if node.weight + self._weight > MAX_WEIGHT or (self._stack and self._stack[-1].weight > MAX_WEIGHT):
            raise _TooMuchError(f"more than {MAX_WEIGHT:,} values")

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise ValueError(f"line {event.start_mark.line + 1}: alias *{event.anchor} without its anchor")
        return self._anchors[event.anchor]


def _scalar(event: Any) -> Node:
    style = event.style or ""
    tag = event.tag or ""
    plain = style == "" and not tag
    value = event.value
    return Node("scalar", event.start_mark.line + 1, value, plain=plain, style=style, tag=tag)


def _merged(pairs: tuple[tuple[Node, Node], ...]) -> tuple[tuple[Node, Node], ...]:
    """Entries of a map with those of its merge keys behind its own; own keys win."""
    if not any(key.text == "<<" and key.plain for key, _ in pairs):
        return pairs
    own = [(key, value) for key, value in pairs if key.text != "<<"]
    seen = {key.text for key, _ in own}
    for key, source in pairs:
        for entry in source.listed() if key.text == "<<" else ():
            new = [pair for pair in entry.pairs if pair[0].text not in seen]
            own += new
            seen |= {pair[0].text for pair in new}
    return tuple(own)
