"""The engine: what is asked, what a verdict is worth, and that a rule that fails does not end the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlready.findings import Location, RuleResult, Site, Verdict, each, hazard, met, missing, not_applicable, unknown
from mlready.project.load import Tree, project_of
from mlready.project.project import Project
from mlready.rules import engine, load_rules
from mlready.rules.engine import Choice, credit_of, judge
from mlready.rules.model import Profile, Rule

PRODUCTION = Profile(name="production", title="", summary="")
HERE = Location("a.py", 1)


def rule(id_: str = "REP901", **more: Any) -> Rule:
    values: dict[str, Any] = {
        "name": id_.lower(), "factor": "reproducible-training", "kind": "practice", "weight": 1, "severity": "warning",
        "kinds": ("training",), "title": "", "what": "", "why": "", "fix": "do it\nand more", "examples": (), "check": id_,
    }  # fmt: skip
    return Rule(id=id_, **{**values, **more})


def project(files: dict[str, str] | None = None, *, kind: str = "training", **more: Any) -> Project:
    return project_of(Tree(files={path: text.encode() for path, text in (files or {}).items()}, kind=kind, **more))


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Checks by name, in place of the product's own."""
    table: dict[str, Any] = {}
    monkeypatch.setattr(engine, "find_check", lambda name: table[name])
    return table


def judged(checks: dict[str, Any], verdict: Verdict, *, rule_: Rule | None = None, choice: Choice | None = None,
           of: Project | None = None) -> RuleResult:  # fmt: skip
    asked = rule_ or rule()
    checks[asked.check] = lambda _project: verdict
    return judge(of or project(), (asked,), choice or Choice(profile=PRODUCTION))[asked.id]


# -------------------------------------------------------------------------------------------------------------- credits


def test_the_best_site_of_a_practice_counts(checks: dict[str, Any]) -> None:
    assert judged(checks, met(Site(0.5, "half"), Site(1.0, "whole"))).credit == 1
    assert judged(checks, met(Site(0.5, "half"))).status == "partial"


def test_each_site_counts_where_every_one_should_hold(checks: dict[str, Any]) -> None:
    assert judged(checks, each(Site(0.0, "a"), Site(1.0, "b"))).credit == 0.5


def test_nothing_found_is_a_fail_and_says_what_is_missing(checks: dict[str, Any]) -> None:
    result = judged(checks, missing("there is none"))
    assert (result.status, result.credit, result.sites[0].message) == ("fail", 0, "there is none")


def test_a_hazard_counts_its_broken_share(checks: dict[str, Any]) -> None:
    asked = rule(kind="hazard")
    assert judged(checks, hazard([Site(0.0, "x", HERE)], units=4), rule_=asked).credit == 0.75
    assert judged(checks, hazard([], units=0), rule_=asked).credit == 1


def test_a_suspicion_counts_half() -> None:
    assert credit_of("hazard", hazard([Site(0.0, "perhaps", certain=False)], units=1), suppressions=True) == 0.5


def test_two_sites_at_one_place_are_one(checks: dict[str, Any]) -> None:
    twice = hazard([Site(0.0, "x", HERE), Site(0.0, "x", HERE)], units=2)
    assert len(judged(checks, twice, rule_=rule(kind="hazard")).sites) == 1


def test_unknown_and_not_applicable_have_no_credit_and_a_reason(checks: dict[str, Any]) -> None:
    for verdict, status in ((unknown("hidden"), "unknown"), (not_applicable("no data"), "not-applicable")):
        result = judged(checks, verdict)
        assert (result.status, result.credit, result.reason != "") == (status, None, True)


def test_the_first_line_of_the_fix_stands_in_reports(checks: dict[str, Any]) -> None:
    assert judged(checks, missing("none")).fix == "do it"


# -------------------------------------------------------------------------------------------------------- what is asked


def test_a_rule_is_asked_of_its_kinds_only(checks: dict[str, Any]) -> None:
    result = judged(checks, missing("none"), of=project(kind="library"))
    assert (result.status, result.weight) == ("not-applicable", 0)


def test_a_profile_changes_weights_by_rule_and_by_factor(checks: dict[str, Any]) -> None:
    for weights, weight in (({"REP901": 3}, 3), ({"REP": 2}, 2), ({"REP901": 0}, 0), ({"REP": 0, "REP901": 1}, 1)):
        choice = Choice(profile=replace_weights(weights))
        assert judged(checks, missing("none"), choice=choice).weight == weight


def replace_weights(weights: dict[str, int]) -> Profile:
    return Profile(name="other", title="", summary="", weights=weights)


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        (Choice(profile=PRODUCTION, select=("REP",)), True),
        (Choice(profile=PRODUCTION, select=("rep901",)), True),
        (Choice(profile=PRODUCTION, select=("reproducible-training",)), True),
        (Choice(profile=PRODUCTION, select=("TRK",)), False),
        (Choice(profile=PRODUCTION, ignore=("REP9",)), False),
        (Choice(profile=PRODUCTION, select=("REP",), ignore=("REP901",)), False),
        (Choice(profile=PRODUCTION, single_file=True), False),
    ],
)
def test_selection(checks: dict[str, Any], choice: Choice, asked: bool) -> None:
    assert (judged(checks, missing("none"), choice=choice).status == "fail") is asked


def test_a_rule_whose_needs_are_lacking_is_not_applicable(checks: dict[str, Any]) -> None:
    asked = rule(needs=("trains",))
    assert judged(checks, missing("none"), rule_=asked).reason == "nothing is trained"
    trains = project({"t.py": "from sklearn.svm import SVC\nSVC().fit([[1]], [1])\n"})
    assert judged(checks, missing("none"), rule_=asked, of=trains).status == "fail"


def test_elsewhere_is_shown_and_not_counted(checks: dict[str, Any]) -> None:
    result = judged(checks, missing("none"), of=project(elsewhere={"REP901": "platform/alerts"}))
    assert (result.status, result.credit) == ("unknown", None)
    assert "platform/alerts" in result.reason


def test_a_refinement_is_nothing_until_its_base_is_met(checks: dict[str, Any]) -> None:
    base, finer = rule("REP901"), rule("REP902", refines="REP901")
    checks["REP902"] = lambda _project: met(Site(1.0, "fine"))
    for verdict, credit in ((missing("none"), 0), (met(Site(1.0, "there")), 1)):
        checks["REP901"] = lambda _project, verdict=verdict: verdict
        assert judge(project(), (finer, base), Choice(profile=PRODUCTION))["REP902"].credit == credit


def test_a_suppressed_site_does_not_count_but_is_kept(checks: dict[str, Any]) -> None:
    choice = Choice(profile=PRODUCTION, suppress={"a.py": {"REP901": "agreed"}})
    broken = hazard([Site(0.0, "x", HERE)], units=1)
    result = judged(checks, broken, rule_=rule(kind="hazard"), choice=choice, of=project({"a.py": "x = 1\n"}))
    assert (result.credit, result.raw_credit, result.sites[0].suppressed) == (1, 0, "agreed")


# ------------------------------------------------------------------------------------------------------- what goes wrong


def test_a_rule_that_crashes_is_unknown_and_the_run_goes_on(checks: dict[str, Any]) -> None:
    def crash(_project: Project) -> Verdict:
        raise KeyError("secret value of the project")

    checks["REP901"], checks["REP902"] = crash, lambda _project: met(Site(1.0, "fine"))
    results = judge(project(), (rule("REP901"), rule("REP902")), Choice(profile=PRODUCTION))
    assert (results["REP901"].status, results["REP902"].status) == ("unknown", "pass")
    reason = results["REP901"].reason
    assert "KeyError at test_engine.py:" in reason
    assert "please report it (mlready " in reason
    assert "secret value" not in reason


def test_endless_recursion_is_a_crash_like_any_other(checks: dict[str, Any]) -> None:
    def dive(project: Project) -> Verdict:
        return dive(project)

    checks["REP901"] = dive
    assert "RecursionError" in judge(project(), (rule(),), Choice(profile=PRODUCTION))["REP901"].reason


# --------------------------------------------------------------------------------------------------------- fingerprints


def test_fingerprints_survive_moved_lines_and_tell_twins_apart(checks: dict[str, Any]) -> None:
    asked = rule(kind="hazard")
    before = hazard(
        [Site(0.0, "x", Location("a.py", 1), key="k"), Site(0.0, "x", Location("a.py", 5), key="k")], units=2
    )
    moved = replace(
        before, sites=tuple(replace(s, where=Location("a.py", s.where.line + 7)) for s in before.sites if s.where)
    )
    first, second = judged(checks, before, rule_=asked), judged(checks, moved, rule_=asked)
    prints = [site.fingerprint for site in first.sites]
    assert prints == [site.fingerprint for site in second.sites]
    assert len(set(prints)) == 2


def test_every_check_that_a_rule_names_exists() -> None:
    from mlready.rules.registry import find_check

    for known in load_rules().rules:
        if known.check:
            assert callable(find_check(known.check)), known.id
