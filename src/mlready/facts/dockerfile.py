"""Dockerfiles: continuation lines, heredocs, ARG defaults and stages. Nothing fails: odd lines are left out.

No kept library reads heredocs, so this is an own reader of the documented format.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from mlready.facts.masking import mask_text, mask_value
from mlready.facts.reading import clean
from mlready.facts.rows import Container, Instruction, Stage

MAX_INSTRUCTIONS = 3_000
MAX_VALUE = 20_000
_MAX_HEREDOCS = 10
_MAX_HEREDOC_LINES = 2_000

Pinned = Literal["digest", "full-tag", "loose-tag", "none", "stage", "argument"]

_OPS = frozenset(
    (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    )
)
_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)")
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_]\w*)\2")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^{}]*))?\})")
_ASSIGNED = re.compile(r"(?<![\w.-])([A-Za-z_][\w.-]*)=(\"(?:\\.|[^\"\\])*\"|'[^']*'|(?:\\.|[^\s\"'\\])*)")
_FULL_TAG = re.compile(
    r"\d+\.\d+\.\d+|\d{8}|\d{4}[.-]\d{2}[.-]\d{2}|(?:^|-)(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}(?:-|$)"
)
_FROM = re.compile(r"(?:--\w+=\S+\s+)*(\S+)(?:\s+[Aa][Ss]\s+(\S+))?")


@dataclass(slots=True)
class _State:
    """What holds at the end of a stage; a stage that starts from another one inherits it."""

    user: str = ""
    command: str = ""
    entrypoint: str = ""
    healthcheck: bool = False
    variables: dict[str, str] = field(default_factory=dict)


def read_dockerfile(text: str) -> Container:
    """Stages, instructions, and what the last stage ends up with. Values of secrets are masked."""
    reader = _Reader()
    for op, value, line in _statements(text.split("\n")):
        reader.take(op, value, line)
        if len(reader.instructions) >= MAX_INSTRUCTIONS:
            break
    last = reader.state
    return Container(
        stages=tuple(reader.stages),
        instructions=tuple(reader.instructions),
        user=clean(last.user),
        command=clean(mask_text(last.command), limit=MAX_VALUE),
        entrypoint=clean(mask_text(last.entrypoint), limit=MAX_VALUE),
        healthcheck=last.healthcheck,
    )


def _statements(lines: list[str]) -> Iterator[tuple[str, str, int]]:
    """(instruction, its text with heredocs behind it, first line); comments and blank lines inside are skipped."""
    escape = _escape(lines)
    index = 0
    while index < len(lines):
        start = index
        parts: list[str] = []
        more = True
        while more and index < len(lines):
            line = lines[index].rstrip("\r")
            index += 1
            bare = line.strip()
            if bare.startswith("#") or (not bare and parts):
                continue
            more = bare.endswith(escape)
            parts.append((bare[: -len(escape)] if more else bare).strip())
        op, _, value = " ".join(part for part in parts if part).partition(" ")
        if op.upper() not in _OPS:
            continue
        bodies, index = _heredocs(lines, index, value) if op.upper() in ("RUN", "COPY", "ADD") else ([], index)
        yield op.upper(), "\n".join([value.strip(), *bodies])[:MAX_VALUE], _first_line(lines, start)


def _first_line(lines: list[str], start: int) -> int:
    """Comments before an instruction are not part of it."""
    while start < len(lines) and (not lines[start].strip() or lines[start].lstrip().startswith("#")):
        start += 1
    return start + 1


def _escape(lines: list[str]) -> str:
    for line in lines[:5]:
        if match := _ESCAPE.match(line.strip()):
            return match.group(1)
        if not line.startswith("#"):
            break
    return "\\"


def _heredocs(lines: list[str], start: int, value: str) -> tuple[list[str], int]:
    """The lines of the heredocs that an instruction announces, and where the next instruction begins."""
    bodies: list[str] = []
    for match in itertools.islice(_HEREDOC.finditer(value), _MAX_HEREDOCS):
        for index in range(start, min(len(lines), start + _MAX_HEREDOC_LINES)):
            line = lines[index].rstrip("\r")
            if (line.lstrip("\t") if match.group(1) else line) == match.group(3):
                bodies += lines[start:index]
                start = index + 1
                break
    return bodies, start


class _Reader:
    """Follows the stages."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.instructions: list[Instruction] = []
        self.state = _State()
        self._ends: dict[str, _State] = {}
        self._arguments: dict[str, str] = {}
        self._command_is_own = False

    def take(self, op: str, value: str, line: int) -> None:
        if op == "FROM":
            self._from(value, line)
        elif op in ("ARG", "ENV"):
            self._assign(op, value)
        else:
            self._note(op, value)
        masked = _masked(value) if op in ("ARG", "ENV") else mask_text(value)
        self.instructions.append(Instruction(op, clean(masked, limit=MAX_VALUE), line, max(len(self.stages) - 1, 0)))

    def _from(self, value: str, line: int) -> None:
        match = _FROM.match(value)
        if match is None:
            return
        image, unresolved = _filled(match.group(1), self._arguments)
        name = (match.group(2) or "").lower()
        pinned: Pinned = "stage" if image.lower() in self._ends else _pinned(image, unresolved=unresolved)
        base = self._ends.get(image.lower(), _State())
        self.state = _State(base.user, base.command, base.entrypoint, base.healthcheck, dict(base.variables))
        self._command_is_own = False
        self._ends[name or str(len(self.stages))] = self.state
        self._ends.setdefault(str(len(self.stages)), self.state)
        self.stages.append(Stage(clean(image), clean(match.group(2) or ""), line, pinned))

    def _assign(self, op: str, value: str) -> None:
        """Before the first FROM arguments are global; a stage sees one of them after a bare `ARG NAME`."""
        known = self.state.variables if self.stages else self._arguments
        for name, text in _assignments(value):
            known[name] = _filled(text, known)[0]
        bare = value.strip()
        if op == "ARG" and self.stages and bare in self._arguments:
            known.setdefault(bare, self._arguments[bare])

    def _note(self, op: str, value: str) -> None:
        state = self.state
        if op == "USER":
            state.user = _filled(value.strip(), state.variables)[0]
        elif op == "CMD":
            state.command = _plain(value)
            self._command_is_own = True
        elif op == "ENTRYPOINT":
            # Docker forgets an inherited CMD when an ENTRYPOINT is set.
            state.command = state.command if self._command_is_own else ""
            state.entrypoint = _plain(value)
        elif op == "HEALTHCHECK":
            state.healthcheck = not value.strip().upper().startswith("NONE")


def _assignments(value: str) -> list[tuple[str, str]]:
    """`A=1 B="x y"`, or the old `ENV A x y`."""
    found = [(match.group(1), match.group(2).strip("\"'")) for match in _ASSIGNED.finditer(value)]
    name, _, rest = value.strip().partition(" ")
    return [(name, rest.strip())] if rest and "=" not in name else found


def _masked(value: str) -> str:
    name, _, rest = value.strip().partition(" ")
    if rest and "=" not in name:
        return f"{name} {mask_value(name, rest)}"
    return mask_text(_ASSIGNED.sub(lambda match: f"{match.group(1)}={_quoted_mask(match)}", value))


def _quoted_mask(match: re.Match[str]) -> str:
    bare = match.group(2).strip("\"'")
    masked = mask_value(match.group(1), bare)
    return match.group(2) if masked == bare else masked


def _filled(text: str, known: dict[str, str]) -> tuple[str, bool]:
    """The text with variables filled in, and whether one of them has no value."""
    unresolved = False

    def value(match: re.Match[str]) -> str:
        nonlocal unresolved
        name, operator, word = match.group(1) or match.group(2), match.group(3) or "", match.group(4) or ""
        if operator.endswith("+"):
            return word if known.get(name) else ""
        found = known.get(name) or (word if operator else None)
        unresolved = unresolved or found is None
        return match.group() if found is None else found[:500]

    return _VARIABLE.sub(value, text.strip("\"'")[:2_000]), unresolved


def _pinned(image: str, *, unresolved: bool) -> Pinned:
    """How firmly an image is named. `scratch` is empty and never changes, so it counts as a digest."""
    if "@sha256:" in image or image == "scratch":
        return "digest"
    if unresolved or "{{" in image:
        return "argument"
    tag = image.rpartition("/")[2].partition(":")[2]
    if not tag or tag == "latest":
        return "none"
    return "full-tag" if _FULL_TAG.search(tag) else "loose-tag"


def _plain(value: str) -> str:
    """Exec form as one shell line, shell form as it is."""
    bare = value.strip()
    if bare.startswith("["):
        try:
            words = json.loads(bare)
        except (ValueError, RecursionError):
            return bare
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return shlex.join(words)
    return bare
