"""Patterns of .gitignore and .gitattributes; the only home of pathspec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_PROBE = "mlready-probe-3f1c"
"""A name that no pattern is written for: stands for "any file that could be in the folder"."""
_Line = tuple[bool, re.Pattern[str]]
"""Whether a line ignores (or brings back), and what it matches."""
_MAX_PATTERNS = 5_000
_MAX_PATTERN_LENGTH = 1_000


class Ignores:
    """The ignore files of one tree; a deeper file wins over a higher one, a later line over an earlier one."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files`: folder of each ignore file ("" for the root, POSIX) -> its text."""
        self._files = dict(files)
        self._lines: dict[str, tuple[_Line, ...]] = {}

    def add(self, folder: str, text: str) -> None:
        """Take one more ignore file in, as a walk finds it."""
        self._files[folder] = text
        self._lines.pop(folder, None)

    def ignored(self, path: str) -> bool:
        """Whether a path is left out; a folder ends with "/". What is below an ignored folder is ignored too."""
        parts = path.rstrip("/").split("/")
        above = ("/".join(parts[:depth]) + "/" for depth in range(1, len(parts)))
        return any(self.matches(folder) for folder in above) or self.matches(path)

    def matches(self, path: str) -> bool:
        """Like `ignored`, when it is known already that no folder above is."""
        folder = path.rstrip("/")
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self._files:
                decided = self._decide(folder, path)
                if decided is not None:
                    return decided
        return False

    def covers(self, path: str) -> bool:
        """Whether what a program writes to `path` (a file or a folder, there or not) would be left out."""
        plain = path.rstrip("/")
        probe = f"{plain}/{_PROBE}"
        return self.ignored(plain + "/") or self.ignored(probe) or (not path.endswith("/") and self.ignored(plain))

    def _decide(self, folder: str, path: str) -> bool | None:
        """What the last line says that matches the path itself; a match of a folder above it says nothing here."""
        inner = path[len(folder) + 1 :] if folder else path
        for ignores, pattern in self._lines_of(folder):
            found = pattern.match(inner)
            if found is not None and found.end() == len(inner):
                return ignores
        return None

    def _lines_of(self, folder: str) -> tuple[_Line, ...]:
        if folder not in self._lines:
            spec = compile_patterns(self._files[folder].splitlines())
            self._lines[folder] = () if spec is None else tuple(_lines(spec))
        return self._lines[folder]


def _lines(spec: GitIgnoreSpec) -> Iterator[_Line]:
    """Last line first, as they are to be asked."""
    from pathspec import RegexPattern

    for pattern in reversed(spec.patterns):
        if isinstance(pattern, RegexPattern) and pattern.include is not None and pattern.regex is not None:
            yield pattern.include, _whole(pattern.regex.pattern)


def _whole(regex: str) -> re.Pattern[str]:
    """Pathspec's expressions stop where what is below a match is decided too; these go on to the end of the path."""
    if regex == "(?P<ps_d>/)":
        regex = ".*/"
    elif regex == "." or regex.endswith("/"):
        regex += ".+" if regex != "." else "*"
    return re.compile(regex)


def lfs_patterns(text: str) -> str:
    """The lines of a .gitattributes that turn `filter=lfs` on or off, as ignore patterns ("!" turns off)."""
    lines: list[str] = []
    for line in text.splitlines():
        pattern, _, attributes = line.strip().partition(" ")
        words = attributes.split()
        pattern = pattern.replace("[[:space:]]", "?")
        if "filter=lfs" in words:
            lines.append(pattern)
        elif any(word in ("-filter", "!filter") or word.startswith("filter=") for word in words):
            lines.append("!" + pattern)
    return "\n".join(lines)


def compile_patterns(lines: Iterable[str]) -> GitIgnoreSpec | None:
    """The patterns in gitignore's sense; lines that are no pattern are passed over; None when nothing is left."""
    from pathspec import GitIgnoreSpec

    kept = [_spelled_out(line) for line in lines if line.strip() and not line.startswith("#") and _is_cheap(line)]
    if not kept:
        return None
    try:
        return GitIgnoreSpec.from_lines(kept[:_MAX_PATTERNS])
    except ValueError:
        return _compile_one_by_one(kept[:_MAX_PATTERNS])


def _spelled_out(pattern: str) -> str:
    """`a/**/` means the folders below `a` alone; pathspec takes it for files too, unless the last step is written."""
    plain = pattern.rstrip()
    return plain + "*/" if plain.endswith("/**/") else pattern


def _is_cheap(pattern: str) -> bool:
    """Patterns become regular expressions: many stars in one step take time without end on a long name."""
    steps = pattern.split("/")
    stars = sum("*" in step for step in steps if step != "**")
    return (
        len(pattern) <= _MAX_PATTERN_LENGTH
        and steps.count("**") <= 3
        and stars <= 6
        and all(step.count("*") <= 3 for step in steps)
    )


def _compile_one_by_one(lines: list[str]) -> GitIgnoreSpec | None:
    """Git passes over a pattern that it cannot read; so do we."""
    from pathspec import GitIgnoreSpec

    sound: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        sound.append(line)
    return GitIgnoreSpec.from_lines(sound) if sound else None
