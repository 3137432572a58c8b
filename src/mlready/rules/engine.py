"""Judges a project by rules: asks what applies, runs the check, keeps the run going when a rule fails."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mlready import __version__
from mlready.findings import RuleResult, Site, Status, Verdict, fingerprint, not_applicable
from mlready.project.project import Project
from mlready.rules import evidence
from mlready.rules.model import Need, Profile, Rule
from mlready.rules.registry import find_check
from mlready.rules.suppressions import suppression_of

_FULL = 0.999


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked: the profile, and what the caller or the configuration selected, left out or suppressed."""

    profile: Profile
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    suppress: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Path pattern -> rule id (or prefix) -> reason."""
    require_reason: bool = False
    single_file: bool = False
    """Judge one file alone: only the rules that need no more, whatever kind of project it may belong to."""

    def asks(self, rule: Rule) -> bool:
        if self.select and not _named(rule, self.select):
            return False
        return not _named(rule, self.ignore)

    def weight(self, rule: Rule) -> int:
        """The rule's own weight, or what the profile says of the rule, or of its factor."""
        for word in (rule.id, rule.id[:3]):
            if word in self.profile.weights:
                return self.profile.weights[word]
        return rule.weight


def _named(rule: Rule, words: tuple[str, ...]) -> bool:
    return any(rule.id.startswith(word.upper()) or word.lower() in (rule.name, rule.factor) for word in words)


def judge(project: Project, rules: tuple[Rule, ...], choice: Choice) -> dict[str, RuleResult]:
    """A result for each rule, by id; rules that others refine are judged first."""
    results: dict[str, RuleResult] = {}
    by_id = {rule.id: rule for rule in rules}
    for rule in rules:
        _judge_in_order(rule, project, choice, by_id, results)
    return {rule.id: results[rule.id] for rule in rules}


def _judge_in_order(
    rule: Rule, project: Project, choice: Choice, by_id: Mapping[str, Rule], results: dict[str, RuleResult]
) -> None:
    if rule.id in results:
        return
    base = by_id.get(rule.refines)
    if base is not None:
        _judge_in_order(base, project, choice, by_id, results)
    results[rule.id] = judge_rule(rule, project, choice, base=results.get(rule.refines))


def judge_rule(rule: Rule, project: Project, choice: Choice, *, base: RuleResult | None = None) -> RuleResult:
    """One rule in one project; whatever goes wrong inside the rule becomes `unknown` with a line to report."""
    weight = choice.weight(rule)
    if not choice.asks(rule):
        return _skipped(rule, "not selected")
    if weight == 0:
        return _skipped(rule, f"not asked in the {choice.profile.name} profile")
    if choice.single_file and not rule.single_file:
        return _skipped(rule, "needs the whole project")
    if project.kind.name not in rule.kinds and not choice.single_file:
        return _skipped(rule, f"not asked of a project of kind {project.kind.name}")
    if rule.id in project.elsewhere:
        return _result(rule, weight, "unknown", None, (), f"elsewhere: {project.elsewhere[rule.id]}")
    verdict = _verdict(rule, project, base)
    sites = _identified(rule, _suppressed(rule, _distinct(verdict.sites), project, choice))
    result = _weigh(rule, weight, replace(verdict, sites=sites))
    return replace(result, waits=base is not None and base.status == "fail")


def _verdict(rule: Rule, project: Project, base: RuleResult | None) -> Verdict:
    lacking = next((need for need in rule.needs if not NEEDS[need](project)), None)
    if lacking is not None:
        return not_applicable(_LACKING[lacking])
    if base is not None and (base.status == "fail" or base.status == "not-applicable"):
        if rule.kind == "hazard" or base.status == "not-applicable":
            return not_applicable(f"{base.id} ({base.name}) comes first")
        return Verdict(sites=(Site(0.0, f"nothing to refine yet: {base.id} ({base.name}) comes first"),))
    try:
        return find_check(rule.check)(project) if rule.check else evidence.judge(rule, project)
    except Exception as error:  # a rule must never end the run
        version = f"mlready {__version__}, Python {platform.python_version()}"
        place = _place_of(error)
        return Verdict(unknown=f"the rule crashed: {type(error).__name__} at {place}; please report it ({version})")


def _place_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"


def _suppressed(rule: Rule, sites: tuple[Site, ...], project: Project, choice: Choice) -> tuple[Site, ...]:
    def judged(site: Site) -> Site:
        reason = suppression_of(
            rule.id, site, project, configured=choice.suppress, require_reason=choice.require_reason
        )
        return replace(site, suppressed=reason) if reason else site

    return tuple(judged(site) for site in sites)


def _distinct(sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """One place is one site: of several in the same line with the same key the best credit of a practice stays."""
    best: dict[object, Site] = {}
    for site in sites:
        name = (site.where, site.key or site.message) if site.where else site
        known = best.get(name)
        if known is None or site.credit > known.credit:
            best[name] = site
    return tuple(best.values())


def _identified(rule: Rule, sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """Fingerprints: rule, file and what is found there; twins are told apart by their order."""
    seen: Counter[tuple[str, str]] = Counter()
    marked = []
    for site in sites:
        path, key = (site.where.path if site.where else ""), site.key or site.message
        marked.append(
            replace(site, fingerprint=fingerprint(rule=rule.id, path=path, key=key, ordinal=seen[(path, key)]))
        )
        seen[(path, key)] += 1
    return tuple(marked)


def _weigh(rule: Rule, weight: float, verdict: Verdict) -> RuleResult:
    if verdict.unknown:
        return _result(rule, weight, "unknown", None, verdict.sites, verdict.unknown)
    if verdict.not_applicable:
        return _result(rule, weight, "not-applicable", None, verdict.sites, verdict.not_applicable)
    credit = credit_of(rule.kind, verdict, suppressions=True)
    if credit is None:
        return _result(rule, weight, "not-applicable", None, verdict.sites, "every site is suppressed")
    raw = credit_of(rule.kind, verdict, suppressions=False)
    return _result(rule, weight, status_of(credit), credit, verdict.sites, "", raw_credit=raw)


def credit_of(kind: str, verdict: Verdict, *, suppressions: bool) -> float | None:
    """0..1: how far a practice is met, or the share of a hazard's units that is not broken. None: nothing counts."""
    sites = [site for site in verdict.sites if not (suppressions and site.suppressed)]
    if kind == "hazard":
        if not verdict.units:
            return 1.0
        broken = sum((1.0 - site.credit) * (1.0 if site.certain else 0.5) for site in sites)
        return 1.0 - min(1.0, broken / verdict.units)
    if not sites:
        return None if verdict.sites else 0.0
    credits = [site.credit for site in sites]
    return sum(credits) / len(credits) if verdict.mean else max(credits)


def status_of(credit: float) -> Status:
    """How a credit is called."""
    if credit >= _FULL:
        return "pass"
    return "partial" if credit > 0.001 else "fail"


def _skipped(rule: Rule, reason: str) -> RuleResult:
    """A rule that is not asked here: its weight counts nowhere."""
    return _result(rule, 0, "not-applicable", None, (), reason)


def _result(
    rule: Rule, weight: float, status: Status, credit: float | None, sites: tuple[Site, ...], reason: str,
    raw_credit: float | None = None,
) -> RuleResult:  # fmt: skip
    return RuleResult(
        id=rule.id, name=rule.name, kind=rule.kind, severity=rule.severity, status=status, weight=weight, credit=credit,
        sites=sites, reason=reason, title=rule.title, fix=rule.fix.strip().split("\n")[0],
        raw_credit=credit if raw_credit is None else raw_credit,
    )  # fmt: skip


NEEDS: Mapping[Need, Callable[[Project], bool]] = {
    "python": lambda project: bool(project.python_files),
    "notebooks": lambda project: bool(project.notebooks),
    "package": lambda project: project.has_package,
    "reads-data": lambda project: project.reads_own_data,
    "reads-tables": lambda project: project.has("read-data"),
    "trains": lambda project: project.has("train", "tune", "fine-tune", "fit"),
    "serves": lambda project: project.has("endpoint", "serve"),
    "saves-models": lambda project: project.has("save-model", "register-model"),
    "loads-models": lambda project: project.has("load-model"),
    "calls-llm": lambda project: project.has("call-llm"),
    "tunes": lambda project: project.has("tune"),
    "preprocesses": lambda project: project.preprocesses,
    "splits": lambda project: project.has("split"),
    "evaluates": lambda project: project.has("evaluate"),
    "ci": lambda project: bool(project.automations),
    "containers": lambda project: bool(project.containers),
    "tests": lambda project: bool(project.test_files),
    "supervised": lambda project: project.has("train", "tune", "evaluate", "fit"),
}

_LACKING: Mapping[Need, str] = {
    "python": "there is no Python code",
    "notebooks": "there are no notebooks",
    "package": "there is no package",
    "reads-data": "it reads no data of its own",
    "reads-tables": "it reads no tables",
    "trains": "nothing is trained",
    "serves": "nothing is served",
    "saves-models": "no model is saved",
    "loads-models": "no model is loaded",
    "calls-llm": "no language model is called",
    "tunes": "nothing is tuned",
    "preprocesses": "nothing is preprocessed",
    "splits": "no data is split",
    "evaluates": "nothing is evaluated",
    "ci": "there is no CI configuration",
    "containers": "there is no container",
    "tests": "there are no tests",
    "supervised": "no supervised model is trained or evaluated",
}
