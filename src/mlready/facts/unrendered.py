"""Finding marks of a project template that were never filled in."""

from __future__ import annotations

import re

from mlready.facts.rows import FileFacts

_NAMED = re.compile(rb"\{\{-?\s*(cookiecutter\b|_?copier)")
"""What only a generator of projects fills in."""
_STATEMENT = re.compile(rb"^\{%-?\s*(if|elif|else|endif|for|endfor|raw|endraw)\b.*%\}\s*$", re.MULTILINE)
"""A statement on a line of its own. In values such marks are meant: prompts, changelogs, tasks of pixi."""


def first_mark(data: bytes, facts: FileFacts) -> int:
    """The line of the first mark in a file of configuration, 0 where there is none or where the format has them.

    A statement counts where it breaks the format: in a Makefile or Dockerfile, or in a file that could not be parsed.
    """
    if b"{{" not in data and b"{%" not in data:
        return 0
    has_lines = facts.container is not None or any(task.tool == "make" for task in facts.tasks)
    found = _NAMED.search(data) or (_STATEMENT.search(data) if has_lines or facts.problem else None)
    return data.count(b"\n", 0, found.start()) + 1 if found else 0
