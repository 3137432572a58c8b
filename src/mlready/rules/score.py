"""Results -> scores. Points come only from evidence: practices earn, hazards take away, blockers cap.

P = weighted mean of the credits of the practices that are asked (unknown and not-applicable ones are left out)
H = sum over hazards of weight x broken share, over the weights of all practices and hazards of the factor
factor score = 100 x P x (1 - H);  capped at 40 by a confirmed site of a blocker;  null when no practice is asked
project score = mean of the factor scores that are not null
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mlready.findings import FactorResult, RuleResult
from mlready.vocabulary.model import Factor

BLOCKER_CAP = 40.0


def factor_score(results: Iterable[RuleResult], *, raw: bool = False) -> float | None:
    """0..100, or None when no practice is asked. `raw`: as if nothing were suppressed."""
    asked = [result for result in results if result.weight > 0]
    practices = [r for r in asked if r.kind == "practice" and _credit(r, raw) is not None]
    if not practices:
        return None
    earned = sum(r.weight * (_credit(r, raw) or 0.0) for r in practices)
    points = earned / sum(r.weight for r in practices)
    counted = [r for r in asked if r.kind == "hazard" or _credit(r, raw) is not None]
    taken = sum(
        r.weight * (1.0 - credit) for r in asked if r.kind == "hazard" and (credit := _credit(r, raw)) is not None
    )
    score = 100.0 * points * (1.0 - taken / sum(r.weight for r in counted))
    blocked = any(is_blocking(result, raw=raw) for result in asked)
    return min(score, BLOCKER_CAP) if blocked else score


def _credit(result: RuleResult, raw: bool) -> float | None:
    return result.raw_credit if raw else result.credit


def is_blocking(result: RuleResult, *, raw: bool = False) -> bool:
    """Whether a blocker has a confirmed site that is broken."""
    if result.severity != "blocker" or result.status in ("unknown", "not-applicable"):
        return False
    return any(site.certain and site.credit < 0.5 and (raw or not site.suppressed) for site in result.sites)


def project_score(factors: Iterable[FactorResult | float | None]) -> float | None:
    """The mean of the factors that have a score."""
    values = [f.score if isinstance(f, FactorResult) else f for f in factors]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def score_factors(results: Mapping[str, RuleResult], factors: Sequence[Factor]) -> tuple[FactorResult, ...]:
    """The twelve factors with their rules, scores and the gain of each rule."""
    groups = {factor.code: [r for r in results.values() if r.id.startswith(factor.code)] for factor in factors}
    scores = {code: factor_score(group) for code, group in groups.items()}
    counted = sum(score is not None for score in scores.values())
    found = []
    for factor in factors:
        group, score = groups[factor.code], scores[factor.code]
        rules = tuple(replace(rule, gain=_gain(rule, group, score, counted)) for rule in group)
        found.append(FactorResult(number=factor.number, slug=factor.slug, title=factor.title, score=score, rules=rules))
    return tuple(found)


def _gain(rule: RuleResult, group: list[RuleResult], score: float | None, counted: int) -> float:
    """Points that the project score would rise by if this rule were met, and nothing else changed."""
    if score is None or rule.credit is None or rule.credit >= 0.999 or rule.weight == 0:
        return 0.0
    met = replace(rule, credit=1.0, status="pass", sites=())
    better = factor_score([met if other.id == rule.id else other for other in group])
    return max(0.0, ((better or 0.0) - score) / counted)


def raw_score(results: Mapping[str, RuleResult], factors: Sequence[Factor]) -> float | None:
    """The project score as if nothing were suppressed."""
    return project_score(
        factor_score((r for r in results.values() if r.id.startswith(factor.code)), raw=True) for factor in factors
    )
