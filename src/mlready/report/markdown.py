"""Markdown for a pull-request comment: one screen with the score, what changed since a previous report, what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlready.errors import UsageError
from mlready.findings import AuditReport, Site
from mlready.report.text import counted, printable, to_do, unused_text
from mlready.rules.score import is_blocking

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

MARKER = "<!-- mlready-audit -->"
"""First line of the comment: a workflow finds it again and writes over it."""

_TODO = 5
_LISTED = 5
_LONGEST = 160
_MAX_BYTES = 100_000_000


def render(judged: Sequence[Judged], style: Style) -> str:
    """The comment for all audited paths."""
    before = read_previous(style.previous) if style.previous else {}
    lines = [MARKER]
    for item in judged:
        lines += _report(
            item, before.get(str(item.root)) or (next(iter(before.values())) if len(before) == 1 else None)
        )
    return "\n".join(lines) + "\n"


def read_previous(path: Path) -> dict[str, dict[str, Any]]:
    """Audited path -> its table in an earlier JSON report; UsageError when the file is none."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path}: larger than {_MAX_BYTES // 1_000_000} MB")
        whole = json.loads(path.read_text(encoding="utf-8"))
        tables = whole.get("projects", [whole])
        found = {str(table["project"]["path"]): table for table in tables}
        for table in found.values():
            _scores(table)
            _findings(table)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is not a JSON report of mlready audit") from error
    return found


def code(text: str, *, limit: int = _LONGEST) -> str:
    """Text of the audited project as a code span: no markup, link, mention or HTML in it is alive."""
    text = printable(text)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _report(item: Judged, before: Mapping[str, Any] | None) -> Iterator[str]:
    report = item.report
    yield f"### {'✅' if report.gate.passed else '❌'} mlready: {_headline(report, before)}"
    yield ""
    yield _subtitle(item)
    yield from _gate(report)
    if before is not None:
        yield from _differences(report, before)
    yield from _to_do(report)
    yield from _factors(report, before)
    yield from _aside(report)
    yield ""


def _headline(report: AuditReport, before: Mapping[str, Any] | None) -> str:
    score = report.main.score
    if score is None:
        return counted(len(report.main.broken), "finding")
    change = ""
    if before is not None and isinstance(before.get("score"), int | float):
        change = f" ({_signed(round(score, 1) - before['score'])})"
    return f"{score:.1f} of 100{change}"


def _signed(value: float) -> str:
    return "±0" if abs(value) < 0.05 else f"{value:+.1f}"


def _subtitle(item: Judged) -> str:
    main = item.report.main
    parts = [code(str(item.root)), main.project.kind, f"profile {item.report.profile}"]
    if main.weakest_factor is not None:
        parts.append(f"weakest: {main.weakest_factor.title} ({main.weakest_factor.score:.0f})")
    raw, score = main.score_unsuppressed, main.score
    if raw is not None and score is not None and abs(raw - score) >= 0.05:
        parts.append(f"{raw:.1f} without suppressions")
    return " · ".join(parts)


def _gate(report: AuditReport) -> Iterator[str]:
    if report.gate.passed:
        return
    yield ""
    yield "**The gate fails**"
    yield ""
    yield from _bullets([code(reason) for reason in report.gate.reasons])


def _bullets(lines: Sequence[str], limit: int = _LISTED) -> Iterator[str]:
    yield from (f"- {line}" for line in lines[:limit])
    if len(lines) > limit:
        yield f"- … and {len(lines) - limit} more"


# ----------------------------------------------------------------------------------------------------- what changed


def _differences(report: AuditReport, before: Mapping[str, Any]) -> Iterator[str]:
    old, now = _findings(before), report.main.broken
    new = [(rule, site) for (rule, site) in now if (rule.id, site.fingerprint) not in old]
    left = old - {(rule.id, site.fingerprint) for rule, site in now}
    yield ""
    yield f"**{len(new)} new, {len(left)} gone** since the previous report"
    if new:
        yield ""
        yield from _bullets([f"{rule.id} {_place(site)}{code(site.message)}" for rule, site in new])


def _findings(table: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(rule id, fingerprint) of what was open in an earlier report."""
    return {
        (str(rule["id"]), str(site["fingerprint"]))
        for factor in table["factors"]
        for rule in factor["rules"]
        if rule["status"] in ("fail", "partial") and rule["weight"] > 0
        for site in rule["sites"]
        if site["credit"] < 0.999 and not site["suppressed"]
    }


def _scores(table: Mapping[str, Any]) -> dict[str, float | None]:
    return {str(factor["slug"]): factor["score"] for factor in table["factors"]}


def _place(site: Site) -> str:
    return f"{code(str(site.where))}: " if site.where else ""


# ------------------------------------------------------------------------------------------------------- the long part


def _to_do(report: AuditReport) -> Iterator[str]:
    rules = to_do(report)
    if not rules:
        return
    yield ""
    yield "| what to do next | points |"
    yield "| --- | ---: |"
    for rule in rules[:_TODO]:
        gain = "blocker" if is_blocking(rule) else f"+{rule.gain:.1f}"
        yield f"| **{rule.id}** {rule.fix.replace('|', '&#124;')} | {gain} |"


def _factors(report: AuditReport, before: Mapping[str, Any] | None) -> Iterator[str]:
    if report.single_file:
        return
    old = _scores(before) if before is not None else {}
    yield ""
    yield "<details><summary>The twelve factors</summary>"
    yield ""
    yield "| | factor | score |" + (" change |" if before is not None else "")
    yield "| ---: | --- | ---: |" + (" ---: |" if before is not None else "")
    for factor in report.main.factors:
        score = "not asked" if factor.score is None else f"{factor.score:.0f}"
        row = f"| {factor.number} | {factor.title} | {score} |"
        if before is not None:
            was = old.get(factor.slug)
            both = factor.score is not None and isinstance(was, int | float)
            row += f" {_signed(round(factor.score or 0.0, 1) - (was or 0.0)) if both else '–'} |"
        yield row
    yield ""
    yield "</details>"


def _aside(report: AuditReport) -> Iterator[str]:
    """What was taken out of the judgement and what was not read: folded, never left out."""
    lines = [
        f"suppressed: {rule.id} {_place(site)}{code(site.suppressed)}"
        for rule in report.main.rules
        for site in rule.sites
        if site.suppressed
    ]
    lines += [f"suppression unused: {code(unused_text(entry))}" for entry in report.unused]
    lines += [f"loosened: {code(text)}" for text in report.loosened]
    lines += [f"not read: {code(entry.path)}: {code(entry.reason)}" for entry in report.not_read]
    if report.ratchet is not None:
        lines += [
            f"gone from the code, still in the baseline: {e.count} × {e.rule} {code(e.path)}"
            for e in report.ratchet.stale
        ]
    if not lines:
        return
    yield ""
    yield f"<details><summary>{len(lines)} suppressed, loosened or not read</summary>"
    yield ""
    yield from _bullets(lines, limit=50)
    yield ""
    yield "</details>"
