"""Baselines: what was found when a team began to care, so that only what is new, or lost since, fails.

Hazards are counted per rule, file and thing found (never by line or cell number); practices are kept with their credit.
A credential of a known format is never part of a baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from mlready import __version__
from mlready.errors import UsageError
from mlready.facts.masking import mask_text
from mlready.files import write_atomically
from mlready.findings import AuditReport, Ratchet, RuleResult, Site, StaleEntry, fingerprint
from mlready.report.redact import redact
from mlready.rules.suppressions import is_known_secret

SCHEMA = 1
_MAX_BYTES = 50_000_000
_FULL = 0.999
_SAME = 0.005
"""Credits nearer than this are the same: shares are rounded when they are written."""


class Entry(Struct, frozen=True):
    """So many findings of a rule in a file that are the same thing; `what` is there for people."""

    rule: str
    path: str
    key: str
    count: int
    what: str = ""


class Baseline(Struct, frozen=True):
    """What a baseline file holds. `credits`: every rule that was judged, None where it was not asked."""

    schema: int
    tool: str
    profile: str
    floor: float | None
    credits: dict[str, float | None]
    findings: tuple[Entry, ...] = ()


class _Group(NamedTuple):
    rule: RuleResult
    sites: list[Site]


# ----------------------------------------------------------------------------------------------------- reading, writing


def read_baseline(path: Path) -> Baseline:
    """A baseline file; UsageError when it is none."""
    hint = f"write one: mlready audit --write-baseline {path}"
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise UsageError(f"{path} is not a file", hint=hint)
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{path}: larger than {_MAX_BYTES // 1_000_000} MB")
        baseline = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except OSError as error:
        raise UsageError(f"cannot read the baseline {path}: {error.strerror or error}", hint=hint) from error
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a baseline: {error}", hint=hint) from error
    if baseline.schema != SCHEMA:
        raise UsageError(f"{path}: a baseline of schema {baseline.schema}; this mlready reads {SCHEMA}")
    return baseline


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write it so that a change reads well in review: one finding a line, in a fixed order."""
    head = msgspec.json.encode(msgspec.structs.replace(baseline, findings=())).decode()
    rows = ",\n  ".join(msgspec.json.encode(entry).decode() for entry in baseline.findings)
    text = msgspec.json.format(head, indent=1).rstrip()
    findings = f'"findings": [\n  {rows}\n ]' if rows else '"findings": []'
    try:
        write_atomically(path, redact(text.replace('"findings": []', findings) + "\n"))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


# ------------------------------------------------------------------------------------------------------------ comparing


def baseline_of(report: AuditReport) -> Baseline:
    """All that a first baseline records."""
    return Baseline(
        schema=SCHEMA,
        tool=__version__,
        profile=report.profile,
        floor=None if report.main.score is None else round(report.main.score, 1),
        credits=_credits(report),
        findings=_entries({key: len(group.sites) for key, group in _groups(report).items()}, _groups(report)),
    )


def compare(report: AuditReport, baseline: Baseline, *, source: str) -> Ratchet:
    """What is new, what is lost and what is gone since the baseline was written."""
    if baseline.profile != report.profile:
        raise UsageError(
            f"{source} was written with the {baseline.profile} profile, this audit uses {report.profile}",
            hint=f"audit with --profile {baseline.profile}, or write the baseline again",
        )
    groups = _groups(report)
    recorded = {entry.key: entry for entry in baseline.findings}
    compared = {key: group for key, group in groups.items() if group.rule.id in baseline.credits}
    new = [
        (group.rule.id, site)
        for key, group in compared.items()
        for site in group.sites[recorded[key].count if key in recorded else 0 :]
    ]
    unknown_rules = {rule.id for rule in report.main.rules if rule.credit is not None} - baseline.credits.keys()
    return Ratchet(
        source=source,
        new=tuple(new),
        lost=tuple(_lost(report, baseline)),
        known=sum(min(len(group.sites), recorded[key].count) for key, group in groups.items() if key in recorded),
        stale=tuple(_stale(report, recorded, groups)),
        floor=baseline.floor,
        not_compared=tuple(sorted(unknown_rules)),
        newly_asked=tuple(_newly_asked(report, baseline)),
    )


def updated(report: AuditReport, old: Baseline) -> Baseline:
    """The baseline after an update: gone entries leave, nothing new comes in, credits and the floor only rise.

    Rules that the old baseline knows nothing of (those of a newer mlready) are recorded as they are.
    """
    groups = _groups(report)
    recorded = {entry.key: entry.count for entry in old.findings}
    credits = _credits(report)
    kept = {
        key: min(len(group.sites), recorded.get(key, 0)) if group.rule.id in old.credits else len(group.sites)
        for key, group in groups.items()
    }
    judged = _judged(report)
    unjudged = [entry for entry in old.findings if entry.rule not in judged and entry.rule in _known_rules(report)]
    scores = [score for score in (old.floor, report.main.score) if score is not None]
    return Baseline(
        schema=SCHEMA,
        tool=__version__,
        profile=report.profile,
        floor=round(max(scores), 1) if scores else None,
        credits={rule_id: _raised(rule_id, credit, old) for rule_id, credit in credits.items()}
        | {rule_id: old.credits[rule_id] for rule_id in old.credits.keys() & _known_rules(report) - credits.keys()},
        findings=tuple(
            sorted((*_entries(kept, groups), *unjudged), key=lambda entry: (entry.rule, entry.path, entry.key))
        ),
    )


def _raised(rule_id: str, now: float | None, old: Baseline) -> float | None:
    if rule_id not in old.credits:
        return now
    before = old.credits[rule_id]
    return now if before is None else before if now is None else max(before, now)


def _groups(report: AuditReport) -> dict[str, _Group]:
    """Broken sites of hazards by what they are; the same thing twice in a file is counted twice."""
    found: dict[str, _Group] = {}
    for rule in report.main.rules:
        if rule.kind != "hazard" or rule.credit is None or rule.weight <= 0:
            continue
        for site in rule.sites:
            if site.credit >= _FULL or site.suppressed or is_known_secret(rule.id, site):
                continue
            found.setdefault(key_of(rule.id, site), _Group(rule, [])).sites.append(site)
    for group in found.values():
        group.sites.sort(key=lambda site: (site.where.cell or 0, site.where.line) if site.where else (0, 0))
    return found


def key_of(rule_id: str, site: Site) -> str:
    """The fingerprint that all twins of a site share."""
    path = site.where.path if site.where else ""
    return fingerprint(rule=rule_id, path=path, key=site.key or site.message, ordinal=0)


def _entries(counts: Mapping[str, int], groups: Mapping[str, _Group]) -> tuple[Entry, ...]:
    rows = [
        Entry(group.rule.id, _path(group.sites[0]), key, counts[key], mask_text(group.sites[0].message)[:200])
        for key, group in groups.items()
        if counts[key] > 0
    ]
    return tuple(sorted(rows, key=lambda entry: (entry.rule, entry.path, entry.key)))


def _path(site: Site) -> str:
    return site.where.path if site.where else ""


def _credits(report: AuditReport) -> dict[str, float | None]:
    """Credits of the rules that were judged; what is unknown today is left out, so that it is not compared later."""
    asked = [rule for rule in report.main.rules if rule.status != "unknown" and rule.reason != "not selected"]
    return {rule.id: None if rule.credit is None else round(rule.credit, 4) for rule in asked}


def _known_rules(report: AuditReport) -> frozenset[str]:
    return frozenset(rule.id for rule in report.main.rules)


def _judged(report: AuditReport) -> frozenset[str]:
    """Rules whose silence means that nothing is there."""
    return frozenset(
        rule.id for rule in report.main.rules if rule.status != "unknown" and rule.reason != "not selected"
    )


def _lost(report: AuditReport, baseline: Baseline) -> list[str]:
    lost = []
    for rule in report.main.rules:
        before = baseline.credits.get(rule.id)
        if rule.kind == "practice" and before is not None and rule.credit is not None and rule.credit < before - _SAME:
            said = _worst(rule)
            lost.append(f"{rule.id} {rule.name} was met to {before:.0%}, now to {rule.credit:.0%}{said}")
    return lost


def _worst(rule: RuleResult) -> str:
    site = min((site for site in rule.sites if not site.suppressed), key=lambda site: site.credit, default=None)
    return f": {site.message}" if site is not None and site.credit < _FULL else ""


def _newly_asked(report: AuditReport, baseline: Baseline) -> list[str]:
    """Practices that were not asked when the baseline was written, as a project that begins to serve is asked for more."""
    found = []
    for rule in report.main.rules:
        newly = rule.id in baseline.credits and baseline.credits[rule.id] is None
        if rule.kind == "practice" and newly and rule.credit is not None and rule.credit < _FULL:
            found.append(f"{rule.id} {rule.name}{_worst(rule)}")
    return found


def _stale(report: AuditReport, recorded: Mapping[str, Entry], groups: Mapping[str, _Group]) -> list[StaleEntry]:
    judged, known = _judged(report), _known_rules(report)
    gone = []
    for key, entry in recorded.items():
        if entry.rule in known and entry.rule not in judged:
            continue
        left = entry.count - (len(groups[key].sites) if key in groups else 0)
        if left > 0:
            gone.append(StaleEntry(entry.rule, entry.path, entry.what, left))
    return gone
