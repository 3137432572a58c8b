"""Small whole projects get the kind and the scores that their goldens give reasons for (tests/goldens/*.toml).

When a rule changes on purpose: `python -m tests.goldens`, read the difference, and mend the sentence where it is no longer true.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.goldens.loader import NAMES, Outcome, audit, outcome_of, read_golden, write_project


@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, tmp_path: Path) -> None:
    golden = read_golden(name)
    found = outcome_of(audit(write_project(golden, tmp_path)))
    assert found == Outcome(golden.kind, golden.score, golden.factors, golden.subprojects), golden.why["project"]


@pytest.mark.parametrize("name", NAMES)
def test_reasons_speak_of_factors_that_are_asked(name: str) -> None:
    golden = read_golden(name)
    assert set(golden.why) - {"project"} <= set(golden.factors)


def test_kinds() -> None:
    assert {name: read_golden(name).kind for name in NAMES} == {
        "perfect": "training-and-service",
        "notebooks": "notebook-collection",
        "library": "library",
        "service": "service",
        "llm": "llm-application",
        "monorepo": "monorepo",
        "secret": "library",
    }


def test_the_better_project_has_the_better_score() -> None:
    scores = {name: read_golden(name).score for name in NAMES}
    assert scores["library"] > scores["secret"]
    assert scores["perfect"] > scores["service"] > scores["notebooks"]


def test_a_secret_caps_its_factor_and_fails_the_gate(tmp_path: Path) -> None:
    golden, without = read_golden("secret"), read_golden("library")
    judged = audit(write_project(golden, tmp_path))
    assert not judged.report.gate.passed
    assert golden.factors["descriptive-code"] == 40 < without.factors["descriptive-code"]
    same = {slug for slug, score in golden.factors.items() if score == without.factors[slug]}
    assert same == set(golden.factors) - {"descriptive-code"}


def test_a_library_is_not_asked_how_a_model_is_run() -> None:
    asked = set(read_golden("library").factors)
    assert not asked & {"features", "drift", "tracking", "no-skew", "comparability", "monitoring"}


def test_each_project_of_a_monorepo_is_judged() -> None:
    golden = read_golden("monorepo")
    assert set(golden.subprojects) == {"demand", "price", "returns"}
    assert golden.score == pytest.approx(sum(golden.subprojects.values()) / 3, abs=0.1)
