"""Shell scripts: each is one task without a name, with its commands as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Task
from mlready.facts.task_formats.common import task

_HEREDOC = re.compile(r"<<-?\s*['\"]?(?P<end>\w+)")
_CONTROL = re.compile(r"(?:if|elif|while|until)\s+|(?:do|then|else)\b\s*|[{(]\s*")
"""What stands before a command without being one."""
_NO_COMMAND = re.compile(
    r"(?:for|case|fi|done|esac|function|return|shift|set|local|echo)\b|[\w-]+\s*\(\)|[)}\]]|;;|\w+=\S*\Z"
)


def read_shell(text: str) -> Iterator[Task]:
    """The script as a task; what a here-document holds is no command."""
    commands = [found for line in _lines(text) if (found := _command(line))]
    if commands:
        yield task("shell", "", commands, line=1)


def _lines(text: str) -> Iterator[str]:
    """Lines with continuations joined, here-documents left out."""
    until, parts = "", list[str]()
    for raw in text.splitlines():
        line = raw.strip()
        if until:
            until = "" if line == until else until
            continue
        parts.append(line.removesuffix("\\").strip())
        if line.endswith("\\"):
            continue
        joined, parts = " ".join(parts), []
        begun = _HEREDOC.search(joined)
        until = begun["end"] if begun and "<<<" not in joined else ""
        yield joined


def _command(line: str) -> str:
    while found := _CONTROL.match(line):
        line = line[found.end() :]
    return "" if line.startswith("#") or _NO_COMMAND.match(line) else line
