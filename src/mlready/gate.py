"""The gate: whether an audit may pass. Floors, severities, the baseline's ratchet, what a change touched, credentials."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlready.errors import NothingToJudge, UsageError
from mlready.findings import SEVERITIES, AuditReport, Change, Gate, ProjectReport, Ratchet, RuleResult, Site
from mlready.rules.suppressions import SECRETS, is_known_secret

if TYPE_CHECKING:
    from mlready.audit import AuditOptions, Judged

FROM_BASELINE = "baseline"
_SHOWN = 20


def gated(judged: Judged, options: AuditOptions) -> Judged:
    """The judgement with its gate; reads and writes the baseline, and asks git what changed, where that is wanted."""
    report = judged.report
    ratchet = _ratchet(judged, options)
    change = _change(judged, options.since) if options.since else None
    report = replace(report, ratchet=ratchet, change=change)
    reasons = [_said(rule.id, site) for rule, site in known_secrets(report.main)]
    reasons += _floors(report, judged, options)
    reasons += _severities(report, options)
    if ratchet is not None:
        reasons += _new(ratchet, change)
    return replace(judged, report=replace(report, gate=Gate(passed=not reasons, reasons=tuple(reasons))))


def known_secrets(report: ProjectReport) -> list[tuple[RuleResult, Site]]:
    """Known-format credentials: they fail the gate with or without a floor; only a reasoned suppression lifts them."""
    rules = [rule for rule in report.rules if rule.id == SECRETS and rule.status not in ("unknown", "not-applicable")]
    return [(r, s) for r in rules for s in r.sites if is_known_secret(r.id, s) and not s.suppressed]


# --------------------------------------------------------------------------------------------------------------- floors


def _floors(report: AuditReport, judged: Judged, options: AuditOptions) -> list[str]:
    if report.single_file:
        return []
    config = judged.config
    whole = report.change is None  # a floor of the configuration is for the project, not for one change
    floor = options.fail_under if options.fail_under is not None else config.fail_under if whole else None
    least = options.fail_under_factor
    least = least if least is not None else config.fail_under_factor if whole else None
    said = _under(report.main.score, *_floor(floor, report.ratchet))
    if least is not None:
        for factor in report.main.factors:
            if factor.score is not None and factor.score < least:
                said.append(f"factor {factor.slug} {_shown(factor.score)} is under {least:g}")
    return said


def _floor(floor: float | str | None, ratchet: Ratchet | None) -> tuple[float | None, str]:
    if floor != FROM_BASELINE:
        return (None if isinstance(floor, str) else floor), ""
    if ratchet is None:
        raise UsageError(
            'fail-under = "baseline" needs a baseline', hint="give --baseline FILE, or `baseline` in [tool.mlready]"
        )
    return ratchet.floor, ", the score that the baseline recorded"


def _under(score: float | None, floor: float | None, said: str) -> list[str]:
    # The recorded score has one decimal: what is shown as equal is equal.
    now = round(score or 0.0, 1) if said else score or 0.0
    return [f"score {_shown(score)} is under {floor:g}{said}"] if floor is not None and now < floor else []


def _severities(report: AuditReport, options: AuditOptions) -> list[str]:
    """--fail-on, and for a change everything from `error` on."""
    change = report.change
    level = options.fail_on or ("error" if change is not None else None)
    if level is None:
        return []
    allowed = SEVERITIES[: SEVERITIES.index(level) + 1]
    touched = None if change is None else {(rule_id, site.fingerprint) for rule_id, site in change.findings}
    found = [
        (rule, site)
        for rule, site in report.main.broken
        if rule.severity in allowed and site.certain and not is_known_secret(rule.id, site)
        and (touched is None or (rule.id, site.fingerprint) in touched)
    ]  # fmt: skip
    known = _known(report)
    lines = [_said(rule.id, site) for rule, site in found if (rule.id, site.fingerprint) not in known]
    return _cut(lines, "findings")


def _known(report: AuditReport) -> set[tuple[str, str]]:
    """What the baseline holds: --fail-on leaves it alone."""
    if report.ratchet is None:
        return set()
    new = {(rule_id, site.fingerprint) for rule_id, site in report.ratchet.new}
    return {(rule.id, site.fingerprint) for rule, site in report.main.broken} - new


def _new(ratchet: Ratchet, change: Change | None) -> list[str]:
    """What the ratchet forbids: anything new and anything lost; for one change, what is new on lines it touched."""
    touched = None if change is None else {(rule_id, site.fingerprint) for rule_id, site in change.findings}
    fresh = [(r, s) for r, s in ratchet.new if touched is None or (r, s.fingerprint) in touched]
    lines = [f"new: {_said(rule_id, site)}" for rule_id, site in fresh]
    return _cut(lines, "new findings") + [f"lost: {text}" for text in (ratchet.lost if change is None else ())]


def _cut(lines: list[str], what: str) -> list[str]:
    return lines if len(lines) <= _SHOWN else [*lines[:_SHOWN], f"… and {len(lines) - _SHOWN} more {what}"]


def _said(rule_id: str, site: Site) -> str:
    return f"{rule_id} {site.message} ({site.where})" if site.where else f"{rule_id} {site.message}"


def _shown(score: float | None) -> str:
    return "-" if score is None else f"{score:.1f}"


# ------------------------------------------------------------------------------------------------- baseline and change


def _ratchet(judged: Judged, options: AuditOptions) -> Ratchet | None:
    from mlready.baseline import baseline_of, compare, read_baseline, updated, write_baseline

    target = options.write_baseline
    source = _source(judged, options)
    if source is None and target is None:
        return None
    if judged.report.single_file:
        if target is not None:
            raise UsageError("a baseline is written from a whole project, not from one file")
        return None
    old = read_baseline(source) if source is not None else None
    if target is None:
        assert old is not None
        return compare(judged.report, old, source=str(source))
    before = compare(judged.report, old, source=str(source)) if old is not None else None
    written = updated(judged.report, old) if old is not None else baseline_of(judged.report)
    write_baseline(target, written)
    return before or compare(judged.report, written, source=str(target))


def _source(judged: Judged, options: AuditOptions) -> Path | None:
    """The baseline to compare with: the one that is given, the one to be updated, or the configuration's."""
    if options.baseline is not None:
        return options.baseline
    if options.write_baseline is not None:
        return options.write_baseline if options.write_baseline.exists() else None
    if not judged.config.baseline:
        return None
    path = (judged.folder / judged.config.baseline).resolve()
    if not path.is_relative_to(judged.folder.resolve()):
        raise UsageError("[tool.mlready] baseline: a path out of the project")
    return path


def _change(judged: Judged, revision: str) -> Change:
    from mlready.since import changes_since

    changes = changes_since(judged.folder, revision)
    files = tuple(path for path in changes.files if path in judged.project.by_path)
    if not files:
        raise NothingToJudge(f"no file that is judged has changed since {revision}")
    found = []
    for rule, site in judged.report.main.broken:
        file = judged.project.by_path.get(site.where.path) if site.where else None
        if site.where and file and changes.touches(site.where, file.facts.notebook):
            found.append((rule.id, site))
    return Change(since=revision, files=files, findings=tuple(found))
