"""Which rules the audit misses when a part is left out; docs/options.md tells the reader the same."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "options.md"


def missed_by(answers: dict[str, str]) -> set[str]:
    """The ids that the page lists for what these answers leave out."""
    rows = dict(
        re.findall(r"^\| `([\w=]+)` \| ((?:[A-Z]{3}\d{3}(?:, )?)+) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    )
    assert rows
    chosen = [row for row in rows if row.partition("=")[2] == answers.get(row.partition("=")[0])]
    return {rule for row in chosen for rule in rows[row].split(", ")}
