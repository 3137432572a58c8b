"""What an audit says: places, sites, verdicts and results. Frozen values that every rule makes and every report reads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

RuleKind = Literal["practice", "hazard"]
Severity = Literal["blocker", "error", "warning"]
SEVERITIES: tuple[Severity, ...] = ("blocker", "error", "warning")
"""The worst first."""
FULL = 0.999
"""Credits from here on are whole; shares are sums of floats."""
Status = Literal["pass", "partial", "fail", "unknown", "not-applicable"]


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in the project. In a notebook `line` is the line in the cell and `raw_line` the one in the .ipynb file."""

    path: str
    line: int = 0
    cell: int | None = None
    cell_id: str | None = None
    raw_line: int | None = None

    def __str__(self) -> str:
        if self.cell is not None:
            return f"{self.path} {self.in_notebook}"
        return f"{self.path}:{self.line}" if self.line else self.path

    @property
    def in_notebook(self) -> str:
        """The cell and its line; the cell alone where something is in its output."""
        return f"cell {self.cell} line {self.line}" if self.line else f"cell {self.cell}"


@dataclass(frozen=True, slots=True)
class Site:
    """One place where a rule holds (credit 1), holds in part, or is broken (credit 0)."""

    credit: float
    message: str
    where: Location | None = None
    key: str = ""
    """What is found there, without line numbers: it makes the fingerprint. Default: the message."""
    certain: bool = True
    """False for a suspicion: it warns and counts half in a hazard, and never blocks."""
    fingerprint: str = ""
    suppressed: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule found in one project. Made by the constructors below, never by hand."""

    sites: tuple[Site, ...] = ()
    units: int = 0
    """Hazards: how many natural units (files, functions, calls …) could have been broken, the broken ones included."""
    mean: bool = False
    """Practices: credit is the mean over the sites (every image, every notebook), not the best of them."""
    unknown: str = ""
    not_applicable: str = ""


def met(*sites: Site) -> Verdict:
    """A practice with evidence: the best site gives the credit; beside a full one, a weaker one is no finding."""
    return Verdict(sites=tuple(site for site in sites if site.credit >= FULL) or sites)


def met_best(sites: Iterable[Site], most: int) -> Verdict:
    """`met` with the strongest sites, at most so many; of equal ones the first."""
    return met(*sorted(sites, key=lambda site: -site.credit)[:most])


def each(*sites: Site) -> Verdict:
    """A practice that every site should follow: the mean of the sites gives the credit."""
    return Verdict(sites=sites, mean=True)


def missing(message: str, where: Location | None = None, *, key: str = "") -> Verdict:
    """A practice without any evidence."""
    return Verdict(sites=(Site(0.0, message, where, key=key),))


def hazard(broken: list[Site] | tuple[Site, ...], *, units: int) -> Verdict:
    """A hazard: the sites that are broken (credit below 1), out of `units` places where it could go wrong."""
    return Verdict(sites=tuple(broken), units=max(units, len(broken)))


def unknown(reason: str) -> Verdict:
    """The files do not tell."""
    return Verdict(unknown=reason)


def not_applicable(reason: str) -> Verdict:
    """There is nothing that the rule could speak of."""
    return Verdict(not_applicable=reason)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule judged in one project, with the numbers that the report shows."""

    id: str
    name: str
    kind: RuleKind
    severity: Severity
    status: Status
    weight: float
    credit: float | None
    """Practices: 0..1. Hazards: 1 - broken share. None when unknown or not applicable."""
    sites: tuple[Site, ...] = ()
    gain: float = 0.0
    reason: str = ""
    """Why it is unknown or not applicable, or where `elsewhere` says that the practice lives."""
    title: str = ""
    fix: str = ""
    raw_credit: float | None = None
    """The credit as if nothing were suppressed."""
    waits: bool = False
    """It refines a practice that is not met: there is nothing to do about it yet."""

    @property
    def counted(self) -> bool:
        return self.credit is not None and self.weight > 0


@dataclass(frozen=True, slots=True)
class FactorResult:
    number: int
    slug: str
    title: str
    score: float | None
    rules: tuple[RuleResult, ...]


@dataclass(frozen=True, slots=True)
class NotRead:
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the project was taken for."""

    path: str
    kind: str
    kind_reasons: tuple[str, ...]
    files: int
    python_lines: int
    notebooks: int
    activities: dict[str, int]
    coverage: float


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """The judgement of one project (or subproject)."""

    project: ProjectFacts
    score: float | None
    score_unsuppressed: float | None
    factors: tuple[FactorResult, ...]

    @property
    def weakest_factor(self) -> FactorResult | None:
        scored = [factor for factor in self.factors if factor.score is not None]
        return min(scored, key=lambda factor: (factor.score, factor.number)) if scored else None

    @property
    def rules(self) -> tuple[RuleResult, ...]:
        return tuple(rule for factor in self.factors for rule in factor.rules)

    @property
    def broken(self) -> tuple[tuple[RuleResult, Site], ...]:
        """Every site that counts against the project, with its rule; worst rules first."""
        counted = [rule for rule in self.rules if rule.credit is not None and rule.credit < FULL and rule.weight > 0]
        counted.sort(key=lambda rule: (SEVERITIES.index(rule.severity), rule.id))
        return tuple((r, site) for r in counted for site in r.sites if site.credit < FULL and not site.suppressed)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the change may pass, and why not."""

    passed: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnusedSuppression:
    """A suppression that suppresses nothing: in a comment (`where`) or in the configuration (`where` is None)."""

    rules: tuple[str, ...]
    why: str
    where: Location | None = None
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class StaleEntry:
    """Findings of a baseline that are gone: `count` of them."""

    rule: str
    path: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Ratchet:
    """The audit beside its baseline."""

    source: str
    new: tuple[tuple[str, Site], ...] = ()
    """(rule id, site) of what the baseline does not hold."""
    lost: tuple[str, ...] = ()
    """Practices that were met, or met better, when the baseline was written; in words."""
    known: int = 0
    stale: tuple[StaleEntry, ...] = ()
    floor: float | None = None
    not_compared: tuple[str, ...] = ()
    """Rules that the baseline knows nothing of."""
    newly_asked: tuple[str, ...] = ()
    """Practices that were not asked when the baseline was written, and are not met; in words. They fail nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change touched: the files, and (rule id, site) of the findings on touched lines."""

    since: str
    files: tuple[str, ...] = ()
    findings: tuple[tuple[str, Site], ...] = ()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything that a report shows of one audited path."""

    profile: str
    main: ProjectReport
    gate: Gate
    subprojects: tuple[ProjectReport, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    loosened: tuple[str, ...] = ()
    """What configuration took out of the judgement: ignored rules, suppressions, elsewhere, a corrected kind."""
    tools: dict[str, str] = field(default_factory=dict)
    """External tools used and their versions."""
    unused: tuple[UnusedSuppression, ...] = ()
    ratchet: Ratchet | None = None
    change: Change | None = None
    single_file: bool = False
    """One file was judged, by the rules that need no more; there is no score."""


_NUMBERS = re.compile(r"\d+(\.\d+)?")


def fingerprint(*, rule: str, path: str, key: str, ordinal: int) -> str:
    """Names a site across edits: line numbers and cell numbers are not part of it; `ordinal` tells twins apart."""
    text = "\x1f".join((rule, path, _NUMBERS.sub("#", key), str(ordinal)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
