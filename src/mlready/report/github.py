"""GitHub workflow commands: annotations on the changed lines, worst first, as only the first ten of a step are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlready.report.rows import Row, rows_of
from mlready.report.text import counted, printable

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_ORDER = ("blocker", "error", "warning")


def render(judged: Sequence[Judged], _style: Style) -> str:
    """A command for each finding, then one line with the score of each path."""
    lines = []
    for item in judged:
        rows = [row for row in rows_of(item) if not row.site.suppressed]
        rows.sort(key=lambda row: (not row.site.certain, _ORDER.index(row.rule.severity), -row.rule.gain))
        lines += [_command(row) for row in rows]
        score = item.report.main.score
        said = "no score" if score is None else f"score {score:.1f} of 100"
        lines.append(f"mlready: {printable(str(item.root))}: {said}, {counted(len(rows), 'finding')}")
    return "\n".join(lines) + "\n"


def _command(row: Row) -> str:
    place = {"file": row.path, "line": str(row.line), "title": f"{row.rule.id} {row.rule.name}"}
    properties = ",".join(f"{key}={escape_property(value)}" for key, value in place.items())
    text = printable(f"{row.message}. {row.rule.fix}")
    return f"::{_COMMANDS[row.level]} {properties}::{escape_data(text)}"


def escape_data(text: str) -> str:
    """Text of a workflow command: a line end would begin a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A property of a workflow command."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
