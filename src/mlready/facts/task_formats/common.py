"""One task from whatever its file says."""

from __future__ import annotations

from collections.abc import Iterable

from mlready.facts.masking import mask_text
from mlready.facts.reading import clean
from mlready.facts.rows import Task

MAX_COMMANDS = 200
MAX_COMMAND = 2_000


def task(tool: str, name: str, commands: Iterable[str], *, line: int, needs: Iterable[str] = ()) -> Task:
    """A task row: empty commands left out, credentials masked, all bounded."""
    kept = [kept_command(command) for command in list(commands)[:MAX_COMMANDS] if command.strip()]
    return Task(
        tool=tool,
        name=clean(name, limit=200),
        commands=tuple(kept),
        line=line,
        needs=tuple(clean(need, limit=200) for need in list(needs)[:MAX_COMMANDS]),
    )


def kept_command(command: str) -> str:
    return mask_text(clean(command.strip(), limit=MAX_COMMAND))
