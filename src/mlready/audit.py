"""The audit, from a path to a report: read everything, then judge, then score. Nothing is executed, nothing written.

path -> inventory -> facts per file -> project (and subprojects) -> rules -> sites -> scores -> gate -> report
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlready.config import Config, project_folder
from mlready.errors import NothingToJudge, UsageError, unknown_key
from mlready.findings import (
    AuditReport,
    FactorResult,
    Gate,
    NotRead,
    ProjectFacts,
    ProjectReport,
    RuleResult,
    Severity,
    Site,
)
from mlready.project.kinds import NOT_ML
from mlready.rules import load_rules
from mlready.rules.engine import Choice, judge, status_of
from mlready.rules.score import project_score, raw_score, score_factors
from mlready.rules.suppressions import unused_suppressions

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
    fail_under: float | str | None = None
    """A score, or "baseline"."""
    fail_under_factor: float | None = None
    fail_on: Severity | None = None
    """Fail on a broken site of this severity or a worse one."""
    baseline: Path | None = None
    write_baseline: Path | None = None
    since: str | None = None
    """A git revision: only what changed since then is judged by the gate."""
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
    folder: Path = field(default_factory=Path)
    """Where the paths of sites start from."""


def audit_path(path: Path, *, config: Config, options: AuditOptions) -> Judged:
    """Audit a folder (or one file) and judge its gate. Raises UsageError, or NothingToJudge for a project without ML."""
    from mlready.project.load import load_project

    profile = choose_profile(options.profile or config.profile or "production")
    project, not_read, tools = load_project(path, config=config, options=options)
    single = path.is_file()
    report = judge_project(
        project, profile=profile, config=config, options=options, not_read=not_read, tools=tools, single_file=single
    )
    judged = Judged(
        report=report, project=project, root=path, config=config, folder=project_folder(path) if single else path
    )
    if single and not project.files:
        raise NothingToJudge("left out by configuration, or not readable", judged=judged)
    if report.main.project.kind == NOT_ML and not single:
        if config.kind == NOT_ML:
            raise NothingToJudge(f"{config.source} says that it is no machine learning", judged=judged)
        raise NothingToJudge("no machine-learning code found", hint=_hint(not_read), judged=judged)
    from mlready.gate import gated

    return gated(judged, options)


def _hint(not_read: Sequence[NotRead]) -> str:
    """What a person who knows better can do; code that could not be read may be where it is."""
    code = [entry for entry in not_read if entry.path.endswith((".py", ".ipynb"))]
    unread = f"code that could not be read: {len(code)} ({code[0].path}: {code[0].reason}); " if code else ""
    return unread + "state `kind` in [tool.mlready] if there is some"


def choose_profile(name: str) -> Profile:
    """The profile of that name."""
    profiles = {profile.name: profile for profile in load_rules().profiles}
    if name not in profiles:
        raise unknown_key(what="profile", key=name, allowed=profiles)
    return profiles[name]


def judge_project(
    project: Project,
    *,
    profile: Profile,
    config: Config,
    options: AuditOptions,
    not_read: Sequence[NotRead] = (),
    tools: Mapping[str, str] | None = None,
    single_file: bool = False,
) -> AuditReport:
    """The report of a project that has been read."""
    from mlready.project.subprojects import find_subprojects

    rules = load_rules().rules
    check_words(rules, (*options.select, *options.ignore))
    check_words(rules, _words(config), where=f"{config.source} [tool.mlready]")
    choice = Choice(
        profile=profile,
        select=options.select or config.select,
        ignore=(*options.ignore, *config.ignore),
        suppress=_suppressions(config),
        require_reason=config.require_reason,
        single_file=single_file,
    )
    parts = () if single_file else find_subprojects(project)
    subreports = tuple(_report(part, rules, choice, not_read) for part in parts)
    main = _combined(project, subreports, not_read) if subreports else _report(project, rules, choice, not_read)
    unused = unused_suppressions(
        project, rules, main.rules, configured=choice.suppress, require_reason=choice.require_reason
    )
    return AuditReport(
        profile=profile.name, main=main, gate=Gate(passed=True), subprojects=subreports, not_read=tuple(not_read),
        loosened=config.loosened(), tools=dict(tools or {}), unused=unused, single_file=single_file,
    )  # fmt: skip


def _words(config: Config) -> tuple[str, ...]:
    """Each rule or factor that a configuration names."""
    suppressed = [word for entry in config.suppress for word in entry.rules]
    return (*config.select, *config.ignore, *config.elsewhere, *suppressed)


def _suppressions(config: Config) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for entry in config.suppress:
        if config.require_reason and not entry.reason:
            continue
        found.setdefault(entry.path, {}).update(dict.fromkeys(entry.rules, entry.reason))
    return found


def check_words(rules: tuple[Rule, ...], words: Sequence[str], *, where: str = "") -> None:
    """Every word of a selection must name a rule, a factor or a prefix of ids."""
    known = {rule.id for rule in rules} | {rule.name for rule in rules} | {rule.factor for rule in rules}
    for word in words:
        if word in known or any(rule.id.startswith(word.upper()) for rule in rules):
            continue
        error = unknown_key(where=where, what="rule or factor", key=word, allowed={r.id[:3] for r in rules} | known)
        error.hint = error.hint or "mlready rules lists them"
        raise error


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
    names = [part.project.path for part in parts]
    factors = tuple(_combined_factor([part.factors[i] for part in parts], names) for i in range(len(parts[0].factors)))
    return ProjectReport(
        project=replace(_facts(project, not_read), kind="monorepo", kind_reasons=(f"{len(parts)} projects inside",)),
        score=project_score(part.score for part in parts),
        score_unsuppressed=project_score(part.score_unsuppressed for part in parts),
        factors=factors,
    )


def _combined_factor(parts: list[FactorResult], names: list[str]) -> FactorResult:
    rules = tuple(_combined_rule([part.rules[i] for part in parts], names) for i in range(len(parts[0].rules)))
    return replace(parts[0], score=project_score(parts), rules=rules)


def _combined_rule(parts: list[RuleResult], names: list[str]) -> RuleResult:
    """One rule over all subprojects: mean credit, sites together without twins, mean gain."""
    known = [part for part in parts if part.credit is not None]
    sites = _combined_sites(parts, names)
    if not known:
        return replace(parts[0], sites=sites)
    credit = sum(part.credit or 0.0 for part in known) / len(known)
    raw = sum(part.raw_credit or 0.0 for part in known) / len(known)
    status = status_of(credit)
    gain = sum(part.gain for part in parts) / len(parts)
    weight = max(part.weight for part in known)
    waits = all(part.waits for part in known)
    return replace(
        known[0], credit=credit, raw_credit=raw, sites=sites, status=status, gain=gain, weight=weight, waits=waits
    )


def _combined_sites(parts: list[RuleResult], names: list[str]) -> tuple[Site, ...]:
    """The sites of all subprojects, each once; one without a place names the subprojects, unless it is true of all."""
    found: dict[Site, list[str]] = {}
    for part, name in zip(parts, names, strict=True):
        for site in part.sites:
            found.setdefault(site, []).append(name)
    return tuple(
        site if site.where is not None or len(where) == len(parts) else _named(site, where)
        for site, where in found.items()
    )


_MOST_NAMED = 3


def _named(site: Site, names: list[str]) -> Site:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return replace(site, message=f"{site.message} (in {', '.join(names[:_MOST_NAMED])}{more})")


def require_ml(path: Path) -> None:
    """A path that is not there is an error of its own."""
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
