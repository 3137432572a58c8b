"""The score: points come only from evidence, hazards only take, blockers cap, what is not asked does not count."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.findings import RuleResult, Site
from mlready.rules.score import BLOCKER_CAP, factor_score, project_score, score_factors
from mlready.vocabulary.model import Factor

FACTORS = tuple(
    Factor(number=i, code=code, slug=code.lower(), title=code, summary="", text="")
    for i, code in enumerate(("AAA", "BBB", "CCC"), start=1)
)


def practice(id_: str, credit: float | None, weight: int = 1, **more: object) -> RuleResult:
    return _result(id_, "practice", credit, weight, **more)


def hazard(id_: str, credit: float | None, weight: int = 1, **more: object) -> RuleResult:
    return _result(id_, "hazard", credit, weight, **more)


def _result(id_: str, kind: str, credit: float | None, weight: int, **more: object) -> RuleResult:
    status = "unknown" if credit is None else "pass" if credit > 0.999 else "partial" if credit else "fail"
    values = {"severity": "warning", "raw_credit": credit, **more}
    return RuleResult(id=id_, name=id_, kind=kind, status=status, weight=weight, credit=credit, **values)  # type: ignore[arg-type]


BROKEN_BLOCKER = {"severity": "blocker", "sites": (Site(0.0, "a secret"),)}

credits_ = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))


@st.composite
def results(draw: st.DrawFn) -> dict[str, RuleResult]:
    found = {}
    for i in range(draw(st.integers(0, 12))):
        code = draw(st.sampled_from(FACTORS)).code
        kind, credit = draw(st.sampled_from(["practice", "hazard"])), draw(credits_)
        blocker = BROKEN_BLOCKER if draw(st.integers(0, 9)) == 0 and credit is not None and credit < 0.5 else {}
        rule = _result(f"{code}{i:03}", kind, credit, draw(st.integers(0, 3)), **blocker)
        found[rule.id] = rule
    return found


def total(found: dict[str, RuleResult]) -> float | None:
    return project_score(score_factors(found, FACTORS))


# ------------------------------------------------------------------------------------------------------------- examples


def test_practices_are_weighed() -> None:
    assert factor_score([practice("A1", 1.0, 3), practice("A2", 0.0, 1)]) == 75


def test_a_hazard_takes_its_broken_share_of_all_weights() -> None:
    # P = 1, H = 2 x 0.5 / (1 + 2): one third of what was earned goes
    assert factor_score([practice("A1", 1.0), hazard("A2", 0.5, 2)]) == pytest.approx(100 * 2 / 3)


def test_a_factor_without_practices_has_no_score() -> None:
    assert factor_score([hazard("A1", 1.0)]) is None
    assert factor_score([practice("A1", None)]) is None
    assert factor_score([]) is None


def test_what_is_unknown_does_not_count() -> None:
    assert factor_score([practice("A1", 1.0), practice("A2", None, 3)]) == 100


def test_a_confirmed_blocker_caps_at_forty() -> None:
    assert factor_score([practice("A1", 1.0, 3), hazard("A2", 0.9, **BROKEN_BLOCKER)]) == BLOCKER_CAP == 40


def test_a_suspicion_and_a_suppressed_blocker_do_not_cap() -> None:
    doubtful = {"severity": "blocker", "sites": (Site(0.0, "perhaps", certain=False),)}
    accepted = {"severity": "blocker", "sites": (Site(0.0, "a secret", suppressed="a test key"),)}
    for more in (doubtful, accepted):
        assert (factor_score([practice("A1", 1.0, 3), hazard("A2", 0.9, **more)]) or 0) > 90
    assert factor_score([practice("A1", 1.0, 3), hazard("A2", 0.9, **accepted)], raw=True) == 40


def test_the_project_is_the_mean_of_the_factors_that_are_asked() -> None:
    assert project_score([100.0, None, 50.0]) == 75
    assert project_score([None, None]) is None


# ----------------------------------------------------------------------------------------------------------- properties


@given(results())
def test_scores_lie_between_0_and_100(found: dict[str, RuleResult]) -> None:
    for factor in score_factors(found, FACTORS):
        assert factor.score is None or 0 <= factor.score <= 100


@given(results(), st.data())
def test_meeting_a_practice_never_lowers_a_score(found: dict[str, RuleResult], data: st.DataObject) -> None:
    counted = [rule for rule in found.values() if rule.credit is not None]
    if not counted:
        return
    rule = data.draw(st.sampled_from(counted))
    more = data.draw(st.floats(rule.credit or 0.0, 1.0))
    better = found | {rule.id: replace(rule, credit=more, raw_credit=more)}
    for before, after in zip(score_factors(found, FACTORS), score_factors(better, FACTORS), strict=True):
        assert (after.score or 0) >= (before.score or 0) - 1e-9
    assert (total(better) or 0) >= (total(found) or 0) - 1e-9


@given(results())
def test_hazards_only_take(found: dict[str, RuleResult]) -> None:
    without = {id_: rule for id_, rule in found.items() if rule.kind == "practice"}
    for all_, earned in zip(score_factors(found, FACTORS), score_factors(without, FACTORS), strict=True):
        assert (all_.score is None) == (earned.score is None)
        assert (all_.score or 0) <= (earned.score or 0) + 1e-9


@given(results())
def test_an_unbroken_hazard_gives_nothing(found: dict[str, RuleResult]) -> None:
    earned_nothing = {id_: replace(r, credit=0.0) for id_, r in found.items() if r.kind == "practice" and r.credit}
    clean = found | earned_nothing | {f"{f.code}900": hazard(f"{f.code}900", 1.0, 3) for f in FACTORS}
    assert all(not factor.score for factor in score_factors(clean, FACTORS))


@given(results())
def test_gain_is_the_difference_that_meeting_the_rule_makes(found: dict[str, RuleResult]) -> None:
    before = total(found)
    for factor in score_factors(found, FACTORS):
        for rule in factor.rules:
            assert rule.gain >= 0
            if factor.score is None or rule.credit is None or rule.credit >= 0.999 or rule.weight == 0:
                assert rule.gain == 0  # not counted, or as good as met
                continue
            met = found | {rule.id: replace(found[rule.id], credit=1.0, status="pass", sites=())}
            assert rule.gain == pytest.approx((total(met) or 0) - (before or 0), abs=1e-6)


@given(results(), st.randoms(use_true_random=False))
def test_order_does_not_matter(found: dict[str, RuleResult], rng: random.Random) -> None:
    items = list(found.items())
    rng.shuffle(items)
    assert total(dict(items)) == pytest.approx(total(found))


@given(results())
def test_raw_scores_are_those_of_raw_credits(found: dict[str, RuleResult]) -> None:
    suppressed = {id_: replace(r, credit=1.0 if r.credit is not None else None) for id_, r in found.items()}
    groups = [list(suppressed.values()), list(found.values())]
    assert factor_score(groups[0], raw=True) == factor_score(groups[1])
