"""What an external tool says of one place."""

from __future__ import annotations

from mlready.facts.rows import Row


class ExternalFinding(Row, frozen=True, array_like=True, gc=False):
    """One finding. `line` is 1-based in the file, or in the cell's source where `cell` is set (0: in its output)."""

    tool: str
    code: str
    path: str
    line: int
    message: str
    cell: int = 0
    """1-based number of the notebook cell, markdown cells counted."""
    raw_line: int = 0
    """Line in the .ipynb file, where it is known."""
    level: str = ""
    """The tool's own severity: error, warning, info, style (hadolint); high, medium, low, informational (zizmor)."""
    certain: bool = True
    """Secrets: a credential of a provider's known format; False for what only looks like one."""
