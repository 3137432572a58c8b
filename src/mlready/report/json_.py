"""The JSON report: a stable, versioned contract for scripts (docs/reference/audit.schema.json)."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlready import __version__
from mlready.findings import (
    AuditReport,
    Change,
    FactorResult,
    ProjectReport,
    Ratchet,
    RuleResult,
    Site,
    UnusedSuppression,
)

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

SCHEMA = 1


def render(judged: Sequence[Judged], _style: Style) -> str:
    """One object for one path; for several `{"schema": 1, "projects": [...]}`."""
    tables = [report_table(item.report, path=str(item.root)) for item in judged]
    whole = tables[0] if len(tables) == 1 else {"schema": SCHEMA, "projects": tables}
    return json.dumps(whole, indent=2, ensure_ascii=True) + "\n"


def report_table(report: AuditReport, *, path: str) -> dict[str, Any]:
    """The report as plain data, keys in a fixed order."""
    main = report.main
    return {
        "schema": SCHEMA,
        "tool": {"name": "mlready", "version": __version__, "python": platform.python_version(), "uses": report.tools},
        "profile": report.profile,
        "project": {
            "path": path,
            "kind": main.project.kind,
            "kind_reasons": list(main.project.kind_reasons),
            "files": main.project.files,
            "python_lines": main.project.python_lines,
            "notebooks": main.project.notebooks,
            "activities": main.project.activities,
            "coverage": main.project.coverage,
        },
        "score": rounded(main.score),
        "score_unsuppressed": rounded(main.score_unsuppressed),
        "weakest_factor": main.weakest_factor.slug if main.weakest_factor else None,
        "gate": {"passed": report.gate.passed, "reasons": list(report.gate.reasons)},
        "factors": [_factor(factor) for factor in main.factors],
        "subprojects": [_subproject(part) for part in report.subprojects],
        "single_file": report.single_file,
        "loosened": list(report.loosened),
        "unused_suppressions": [_unused(entry) for entry in report.unused],
        "baseline": None if report.ratchet is None else _ratchet(report.ratchet),
        "since": None if report.change is None else _change(report.change),
        "not_read": [{"path": entry.path, "reason": entry.reason} for entry in report.not_read],
    }


def rounded(value: float | None) -> float | None:
    """One decimal: what people see is what scripts compare."""
    return None if value is None else round(value, 1)


def _factor(factor: FactorResult) -> dict[str, Any]:
    return {
        "number": factor.number,
        "slug": factor.slug,
        "title": factor.title,
        "score": rounded(factor.score),
        "rules": [_rule(rule) for rule in factor.rules],
    }


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "kind": rule.kind,
        "severity": rule.severity,
        "status": rule.status,
        "credit": None if rule.credit is None else round(rule.credit, 4),
        "weight": rule.weight,
        "gain": round(rule.gain, 2),
        "reason": rule.reason or None,
        "sites": [_site(site) for site in rule.sites],
    }


def _site(site: Site) -> dict[str, Any]:
    where = site.where
    return {
        "credit": round(site.credit, 4),
        "message": site.message,
        "path": where.path if where else None,
        "line": where.line or None if where else None,
        "cell": where.cell if where else None,
        "cell_id": where.cell_id if where else None,
        "raw_line": where.raw_line if where else None,
        "certain": site.certain,
        "fingerprint": site.fingerprint,
        "suppressed": site.suppressed,
    }


def _subproject(part: ProjectReport) -> dict[str, Any]:
    return {
        "path": part.project.path,
        "kind": part.project.kind,
        "score": rounded(part.score),
        "weakest_factor": part.weakest_factor.slug if part.weakest_factor else None,
    }


def _unused(entry: UnusedSuppression) -> dict[str, Any]:
    where = entry.where
    return {
        "rules": list(entry.rules),
        "why": entry.why,
        "path": where.path if where else entry.pattern,
        "line": where.line or None if where else None,
        "cell": where.cell if where else None,
    }


def _ratchet(ratchet: Ratchet) -> dict[str, Any]:
    return {
        "file": ratchet.source,
        "known": ratchet.known,
        "floor": ratchet.floor,
        "new": [{"id": rule, **_site(site)} for rule, site in ratchet.new],
        "lost": list(ratchet.lost),
        "stale": [{"id": e.rule, "path": e.path, "what": e.what, "count": e.count} for e in ratchet.stale],
        "not_compared": list(ratchet.not_compared),
        "newly_asked": list(ratchet.newly_asked),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "revision": change.since,
        "files": list(change.files),
        "findings": [{"id": rule, **_site(site)} for rule, site in change.findings],
    }
