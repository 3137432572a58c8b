"""SARIF 2.1.0 for code scanning. A finding in a notebook stands on the line of the .ipynb file that holds the code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlready import __version__
from mlready.report.rows import Row, rows_of

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style
    from mlready.rules.model import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MAX_RESULTS = 25_000
"""What GitHub takes of one run."""
_SECURITY = {"DES008": "9.0", "DEP011": "8.0", "DEP015": "8.0"}
"""Rules that are about security, with the score that code scanning sorts by."""


def render(judged: Sequence[Judged], _style: Style) -> str:
    """One run for each audited path."""
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(item) for item in judged]}
    return json.dumps(log, indent=1) + "\n"


def _run(item: Judged) -> dict[str, Any]:
    from mlready.rules import load_rules

    rules = load_rules().rules
    index = {rule.id: i for i, rule in enumerate(rules)}
    rows = rows_of(item)
    notes = [_not_read(entry.path, entry.reason) for entry in item.report.not_read]
    if len(rows) > _MAX_RESULTS:
        notes.append(_note(f"{len(rows) - _MAX_RESULTS} more findings are left out: see the JSON report"))
    return {
        "tool": {"driver": {
            "name": "mlready",
            "semanticVersion": __version__,
            "rules": [_rule(rule) for rule in rules],
        }},
        "automationDetails": {"id": f"mlready/{item.report.profile}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The folder that mlready was started in."}}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [_result(row, index) for row in rows[:_MAX_RESULTS]],
        "properties": {"score": item.report.main.score, "kind": item.report.main.project.kind},
    }  # fmt: skip


def _rule(rule: Rule) -> dict[str, Any]:
    level = "warning" if rule.severity == "warning" else "error"
    properties: dict[str, Any] = {"tags": ["machine-learning", rule.factor], "precision": "high"}
    if rule.id in _SECURITY:
        properties["tags"].append("security")
        properties["security-severity"] = _SECURITY[rule.id]
    said = f"{rule.what.strip()}\n\nWhy: {rule.why.strip()}\n\nFix: {rule.fix.strip()}"
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.what.strip()},
        "help": {"text": said, "markdown": said},
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }


def _result(row: Row, index: dict[str, int]) -> dict[str, Any]:
    uri = quote(row.path.encode("utf-8", "surrogateescape"), safe="/")
    found: dict[str, Any] = {
        "ruleId": row.rule.id,
        "ruleIndex": index.get(row.rule.id, -1),
        "level": row.level,
        "message": {"text": _text(row)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri, "uriBaseId": "SRCROOT"},
                "region": {"startLine": row.line},
            }
        }],
        "partialFingerprints": {"mlready/v1": row.site.fingerprint},
        "suppressions": _suppressions(row),
    }  # fmt: skip
    if row.new is not None:
        found["baselineState"] = "new" if row.new else "unchanged"
    return found


def _text(row: Row) -> str:
    # Brackets make links in SARIF messages: a path or a name of the audited project must not become one.
    said = f"{row.message}. {row.rule.fix}"
    return said.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _suppressions(row: Row) -> list[dict[str, str]]:
    if not row.site.suppressed:
        return []
    return [{"kind": "external", "status": "accepted", "justification": row.site.suppressed}]


def _not_read(path: str, reason: str) -> dict[str, Any]:
    return _note(f"not read: {path}: {reason}")


def _note(text: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": text}}
