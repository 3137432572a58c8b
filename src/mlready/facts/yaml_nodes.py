"""YAML as plain values that know their lines. The only home of PyYAML.

Built from the parser's events, without recursion and without constructors: tags are never acted upon, aliases are
shared and what they would expand to is counted, so that a small file cannot ask for more than a large one.
Scalars follow YAML 1.2 (`on` and `no` are text, `1e-3` is a number) and keys are always text.
"""

from __future__ import annotations

import re
from typing import Any

from mlready.facts.reading import MAX_BYTES, MAX_DEPTH, Unreadable

MAX_NODES = 200_000
"""Values in one file, aliases counted as often as they are used."""

_INT = re.compile(r"[-+]?[0-9]{1,300}\Z|0x[0-9a-fA-F]{1,200}\Z|0o[0-7]{1,200}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,300}|[0-9]{1,300}(?:\.[0-9]{0,300})?)(?:[eE][-+]?[0-9]{1,5})?\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", "+.inf"), float("inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    "-.inf": float("-inf"),
}


class Mapping(dict[str, Any]):
    """A YAML mapping: `line` is where it starts, `lines` where each of its keys stands (1-based)."""

    __slots__ = ("line", "lines", "weight")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.weight = 1


class Sequence(list[Any]):
    """A YAML sequence: `lines[i]` is where its i-th item starts (1-based)."""

    __slots__ = ("line", "lines", "weight")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []
        self.weight = 1


Container = Mapping | Sequence


def load_yaml(data: bytes | str) -> list[Any]:
    """The documents of a YAML file: Mapping, Sequence, text, number, bool or None.

    Raises Unreadable for broken YAML, more than 10 MB, 200,000 values (aliases expanded) or 100 levels.
    """
    import yaml

    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")
    base = getattr(yaml, "CParser", None) or yaml.Loader
    builder = _Builder()
    try:
        parser = base(data)
        while (event := parser.get_event()) is not None:
            builder.take(event)
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"not valid YAML: {_reason(error)}") from None
    return builder.documents


def line_of(container: object, key: str | int) -> int:
    """The line of a key or an item, or 0 where it is not known."""
    if isinstance(container, Mapping) and isinstance(key, str):
        return container.lines.get(key, container.line)
    if isinstance(container, Sequence) and isinstance(key, int) and key < len(container.lines):
        return container.lines[key]
    return 0


class _Builder:
    """Puts events together: a stack of open containers and, for each mapping, the key that waits for its value."""

    def __init__(self) -> None:
        self.documents: list[Any] = []
        self._open: list[Container] = []
        self._keys: list[tuple[str, int] | None] = []
        self._anchors: dict[str, Any] = {}
        self._anchor_of: list[str | None] = []
        self._nodes = 0

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._count(1)
            value = _scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = value
            self._place(value, event.start_mark.line + 1)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._start(event, Mapping if kind[0] == "M" else Sequence)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._end()
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent":
            self._anchors = {}

    def _start(self, event: Any, container: type[Container]) -> None:
        self._count(1)
        if len(self._open) >= MAX_DEPTH:
            raise Unreadable("nested too deeply")
        self._open.append(container(event.start_mark.line + 1))
        self._keys.append(None)
        self._anchor_of.append(event.anchor)

    def _end(self) -> None:
        value = self._open.pop()
        self._keys.pop()
        # Anchored only once complete: an alias inside its own value has nothing to point at.
        if anchor := self._anchor_of.pop():
            self._anchors[anchor] = value
        self._place(value, value.line)

    def _alias(self, event: Any) -> None:
        value = self._anchors.get(event.anchor)
        self._count(_weight(value))
        self._place(value, event.start_mark.line + 1)

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES:,} values")

    def _place(self, value: Any, line: int) -> None:
        if not self._open:
            self.documents.append(value)
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.append(value)
            parent.lines.append(line)
            parent.weight += _weight(value)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = (_key(value), line)
        else:
            self._keys[-1] = None
            _set(parent, key, value)


def _set(parent: Mapping, key: tuple[str, int], value: Any) -> None:
    name, line = key
    parent.weight += _weight(value)
    if name == "<<" and _merge(parent, value):
        return
    parent[name] = value
    parent.lines[name] = line


def _merge(parent: Mapping, value: Any) -> bool:
    """`<<: *base`: keys of the bases that the mapping does not have itself; its own later keys overwrite them."""
    bases = value if isinstance(value, Sequence) else [value]
    if not all(isinstance(base, Mapping) for base in bases):
        return False
    for base in bases:
        for name, item in base.items():
            if name not in parent:
                parent[name] = item
                parent.lines[name] = base.lines.get(name, base.line)
    return True


def _weight(value: Any) -> int:
    return value.weight if isinstance(value, Mapping | Sequence) else 1


def _key(value: Any) -> str:
    if isinstance(value, Mapping | Sequence):
        return "?"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if not event.implicit[0] or event.style not in (None, ""):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    return float(text) if _FLOAT.match(text) else text


def _reason(error: Exception) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unexpected content"
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
