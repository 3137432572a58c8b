"""The audit, from a path to a report: read everything, then judge, then score. Nothing is executed, nothing written.

path -> inventory -> facts per file -> project (and subprojects) -> rules -> sites -> scores -> gate -> report
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlready.config import Config
from mlready.errors import NothingToJudge, UsageError, unknown_key
from mlready.findings import (
    AuditReport,
    FactorResult,
    Gate,
    NotRead,
    ProjectFacts,
    ProjectReport,
    RuleResult,
    Site,
)
from mlready.project.kinds import NOT_ML
from mlready.rules import load_rules
from mlready.rules.engine import Choice, judge, status_of
from mlready.rules.score import is_blocking, project_score, raw_score, score_factors

if TYPE_CHECKING:
    from mlready.project.project import Project
    from mlready.rules.model import Profile, Rule

Progress = Callable[[int, int], None]
"""Called with (files done, files in all) while files are read."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What the caller asks for; what is None is taken from the project's configuration."""

    profile: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_under: float | None = None
    fail_under_factor: float | None = None
    jobs: int | None = None
    use_cache: bool = True
    progress: Progress | None = None
    external: bool = True
    """Whether external tools (ruff, hadolint, zizmor, secrets) are run."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A report with what it was made from, for reporters that show source and for baselines."""

    report: AuditReport
    project: Project
    root: Path
    config: Config = field(default_factory=Config)


def audit_path(path: Path, *, config: Config, options: AuditOptions) -> Judged:
    """Audit a folder (or one file) and judge its gate. Raises UsageError, or NothingToJudge for a project without ML."""
    from mlready.project.load import load_project

    profile = choose_profile(options.profile or config.profile or "production")
    project, not_read, tools = load_project(path, config=config, options=options)
    report = judge_project(project, profile=profile, config=config, options=options, not_read=not_read, tools=tools)
    return Judged(report=report, project=project, root=path, config=config)


def choose_profile(name: str) -> Profile:
    """The profile of that name."""
    profiles = {profile.name: profile for profile in load_rules().profiles}
    if name not in profiles:
        raise unknown_key(where="profile", key=name, allowed=profiles)
    return profiles[name]


def judge_project(
    project: Project,
    *,
    profile: Profile,
    config: Config,
    options: AuditOptions,
    not_read: Sequence[NotRead] = (),
    tools: Mapping[str, str] | None = None,
) -> AuditReport:
    """The report of a project that has been read."""
    from mlready.project.subprojects import find_subprojects

    rules = load_rules().rules
    check_words(rules, (*options.select, *options.ignore, *config.select, *config.ignore, *config.elsewhere))
    choice = Choice(
        profile=profile,
        select=options.select or config.select,
        ignore=(*options.ignore, *config.ignore),
        suppress=_suppressions(config),
        require_reason=config.require_reason,
    )
    parts = find_subprojects(project)
    if project.kind.name == NOT_ML and not parts:
        raise NothingToJudge("no machine-learning code found", hint="state `kind` in [tool.mlready] if there is some")
    subreports = tuple(_report(part, rules, choice, not_read) for part in parts)
    main = _combined(project, subreports, not_read) if subreports else _report(project, rules, choice, not_read)
    gate = judge_gate(main, fail_under=_first(options.fail_under, _number(config.fail_under)),
                      fail_under_factor=_first(options.fail_under_factor, config.fail_under_factor))  # fmt: skip
    return AuditReport(
        profile=profile.name, main=main, gate=gate, subprojects=subreports, not_read=tuple(not_read),
        loosened=config.loosened(), tools=dict(tools or {}),
    )  # fmt: skip


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _number(value: float | str | None) -> float | None:
    return None if isinstance(value, str) else value


def _suppressions(config: Config) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for entry in config.suppress:
        if config.require_reason and not entry.reason:
            continue
        found.setdefault(entry.path, {}).update(dict.fromkeys(entry.rules, entry.reason))
    return found


def check_words(rules: tuple[Rule, ...], words: Sequence[str]) -> None:
    """Every word of a selection must name a rule, a factor or a prefix of ids."""
    known = {rule.id for rule in rules} | {rule.name for rule in rules} | {rule.factor for rule in rules}
    for word in words:
        if word in known or any(rule.id.startswith(word.upper()) for rule in rules):
            continue
        raise unknown_key(where="rule selection", key=word, allowed=sorted({r.id[:3] for r in rules} | known))


def _report(project: Project, rules: tuple[Rule, ...], choice: Choice, not_read: Sequence[NotRead]) -> ProjectReport:
    results = judge(project, rules, choice)
    factors = score_factors(results, list(project.vocabulary.factors))
    return ProjectReport(
        project=_facts(project, not_read),
        score=project_score(factors),
        score_unsuppressed=raw_score(results, list(project.vocabulary.factors)),
        factors=factors,
    )


def _facts(project: Project, not_read: Sequence[NotRead]) -> ProjectFacts:
    files = len(project.files)
    inside = [entry for entry in not_read if not project.base or entry.path.startswith(project.base + "/")]
    return ProjectFacts(
        path=project.base or ".",
        kind=project.kind.name,
        kind_reasons=project.kind.reasons,
        files=files,
        python_lines=project.python_lines,
        notebooks=len(project.notebooks),
        activities=project.activities,
        coverage=round(files / (files + len(inside)), 4) if files else 0.0,
    )


def _combined(project: Project, parts: Sequence[ProjectReport], not_read: Sequence[NotRead]) -> ProjectReport:
    """The repository of several projects: means of scores, and of the credits of each rule."""
    factors = tuple(_combined_factor([part.factors[i] for part in parts]) for i in range(len(parts[0].factors)))
    return ProjectReport(
        project=replace(_facts(project, not_read), kind="monorepo", kind_reasons=(f"{len(parts)} projects inside",)),
        score=project_score(part.score for part in parts),
        score_unsuppressed=project_score(part.score_unsuppressed for part in parts),
        factors=factors,
    )


def _combined_factor(parts: list[FactorResult]) -> FactorResult:
    rules = tuple(_combined_rule([part.rules[i] for part in parts]) for i in range(len(parts[0].rules)))
    return replace(parts[0], score=project_score(parts), rules=rules)


def _combined_rule(parts: list[RuleResult]) -> RuleResult:
    """One rule over all subprojects: mean credit, sites together without twins, mean gain."""
    known = [part for part in parts if part.credit is not None]
    if not known:
        return parts[0]
    credit = sum(part.credit or 0.0 for part in known) / len(known)
    raw = sum(part.raw_credit or 0.0 for part in known) / len(known)
    sites = tuple(dict.fromkeys(site for part in known for site in part.sites))
    status = status_of(credit)
    gain = sum(part.gain for part in parts) / len(parts)
    weight = max(part.weight for part in known)
    return replace(known[0], credit=credit, raw_credit=raw, sites=sites, status=status, gain=gain, weight=weight)


def judge_gate(report: ProjectReport, *, fail_under: float | None, fail_under_factor: float | None) -> Gate:
    """Whether the audit passes: the floors, and never with a credential of a known format."""
    reasons = [_said(rule, site) for rule, site in gate_breakers(report)]
    if fail_under is not None and (report.score or 0.0) < fail_under:
        reasons.append(f"score {_shown(report.score)} is under {fail_under:g}")
    if fail_under_factor is not None:
        for factor in report.factors:
            if factor.score is not None and factor.score < fail_under_factor:
                reasons.append(f"factor {factor.slug} {_shown(factor.score)} is under {fail_under_factor:g}")
    return Gate(passed=not reasons, reasons=tuple(reasons))


def gate_breakers(report: ProjectReport) -> list[tuple[RuleResult, Site]]:
    """Known-format credentials: they fail the gate with or without a floor; only a reasoned suppression lifts them."""
    secrets = [rule for rule in report.rules if rule.id == "DES008" and is_blocking(rule)]
    return [(r, s) for r in secrets for s in r.sites if s.certain and s.credit < 0.5 and not s.suppressed]


def _said(rule: RuleResult, site: Site) -> str:
    return f"{rule.id} {site.message} ({site.where})" if site.where else f"{rule.id} {site.message}"


def _shown(score: float | None) -> str:
    return "-" if score is None else f"{score:.1f}"


def require_ml(path: Path) -> None:
    """A path that is not there is an error of its own."""
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
