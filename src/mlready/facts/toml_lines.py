"""Where keys and values of a TOML file stand; the standard parser does not tell."""

from __future__ import annotations

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_PATH = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_PATH})[ \t]*\]")
_KEY = re.compile(rf"[ \t]*({_PATH})[ \t]*=")
_SPLIT = re.compile(_PART)
_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')
_REACH = 2_000
"""How many lines a value of an array is looked for after its key."""


class TomlLines:
    """Lines of the dotted keys of a TOML text (1-based); items of arrays of tables as "key[0]"."""

    def __init__(self, text: str) -> None:
        self._text = text.split("\n")
        self._keys: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._scan()

    def of(self, key: str, value: object = None) -> int:
        """Line of the key; with a string value that of the value itself, if it stands on a later line. 0 if unknown."""
        line = self._keys.get(key, 0)
        while not line and key:
            key = max(key.rpartition(".")[0], key.rpartition("[")[0], key=len)
            line = self._keys.get(key, 0)
        return self._value_line(line, value) if line and isinstance(value, str) and value else line

    def _value_line(self, line: int, value: str) -> int:
        quoted = (f'"{value}"', f"'{value}'", value.replace('"', '\\"'))
        for number, text in enumerate(self._text[line - 1 : line - 1 + _REACH], start=line):
            if any(form in text for form in quoted):
                return number
        return line

    def _scan(self) -> None:
        prefix, depth, fence = "", 0, ""
        for number, line in enumerate(self._text, start=1):
            if fence:
                fence = "" if fence in line else fence
                continue
            if not depth:
                prefix = self._take(line, number, prefix)
            fence = _opened(line)
            bare = _STRINGS.sub("", line)
            depth = max(0, depth + bare.count("[") - bare.count("]"))

    def _take(self, line: str, number: int, prefix: str) -> str:
        """Record what the line declares; returns the table that the following lines belong to."""
        if header := _HEADER.match(line):
            prefix = self._enter(_parts(header[2]), array=header[1] == "[[")
            self._keys.setdefault(prefix, number)
        elif key := _KEY.match(line):
            path = ".".join(_parts(key[1]))
            self._keys.setdefault(f"{prefix}.{path}" if prefix else path, number)
        return prefix

    def _enter(self, parts: list[str], *, array: bool) -> str:
        path = ""
        for index, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            if array and index == len(parts) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = f"{path}[{self._counts[path]}]"
        return path


def _parts(path: str) -> list[str]:
    return [part.strip("\"'") for part in _SPLIT.findall(path)]


def _opened(line: str) -> str:
    """The triple quote that a line leaves open, or ""."""
    for fence in ('"""', "'''"):
        if line.count(fence) % 2:
            return fence
    return ""
