"""GitLab Code Quality: what a merge request shows beside its changes. Suppressed findings are left out, as GitLab has no word for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlready.report.rows import Row, rows_of
from mlready.report.text import printable

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

_SEVERITY = {"blocker": "blocker", "error": "major", "warning": "minor"}


def render(judged: Sequence[Judged], _style: Style) -> str:
    """One list for all audited paths; every fingerprint stands in it once."""
    found: dict[str, dict[str, Any]] = {}
    for item in judged:
        for row in rows_of(item):
            if not row.site.suppressed:
                fingerprint = f"{row.site.fingerprint}{len(found):x}" if _key(row) in found else _key(row)
                found[fingerprint] = _issue(row, fingerprint)
    return json.dumps(list(found.values()), indent=1) + "\n"


def _key(row: Row) -> str:
    return row.site.fingerprint


def _issue(row: Row, fingerprint: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "description": printable(f"{row.rule.id}: {row.message}. {row.rule.fix}"),
        "check_name": f"mlready/{row.rule.id}",
        "categories": [row.factor.title],
        "fingerprint": fingerprint,
        "severity": _SEVERITY[row.rule.severity] if row.site.certain else "info",
        "location": {"path": row.path, "lines": {"begin": row.line}},
    }
