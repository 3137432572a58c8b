"""Writes docs/reference/magics.md from the tables of `policy`: `python -m mlready.convert.magics_page`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlready.convert.policy import CELL_DROPPED, CELL_TRANSLATED, DROPPED, SHELL_DROPPED, TRANSLATED

INTRO = """# Magics and shell calls

What `mlready convert` makes of each. `CONVERSION.md` of a converted project lists every place.

- **dropped**: it leaves no trace in what the code computes.
- **translated**: it becomes the Python beside it.
- **kept**: it becomes an explicit call.
- **refused**: nothing in Python is equal to it. It is left out, and named as refused.

`obj?` and `?obj` are dropped. `x = !cmd` and any shell command that is not listed here are kept as `subprocess.run`, with
`{name}` filled in. Any magic that is not listed here is refused. A magic written without its `%` counts where the line is
no Python otherwise. `get_ipython()` calls count as what they stand for.
"""


def page() -> str:
    """The whole page."""
    parts = [
        INTRO,
        _table("Line magics", [("dropped", DROPPED), ("translated", TRANSLATED)], "%"),
        _table("Cell magics", [("dropped", CELL_DROPPED), ("translated", CELL_TRANSLATED)], "%%"),
        _table("Shell commands, by first word", [("dropped", SHELL_DROPPED)], "!"),
    ]
    return "\n".join(parts)


def _table(title: str, groups: list[tuple[str, Mapping[str, str]]], prefix: str) -> str:
    rows = [
        f"| `{prefix if name not in '!?' else ''}{name}` | {what} | {reason} |"
        for what, table in groups
        for name, reason in sorted(table.items())
    ]
    return "\n".join([f"## {title}", "", "| written | is | as |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    target = Path(__file__).parents[3] / "docs" / "reference" / "magics.md"
    target.write_text(page(), encoding="utf-8")
