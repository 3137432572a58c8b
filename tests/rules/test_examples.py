"""Every example of every rule gets the outcome that it promises, through the product's own loader and readers."""

from __future__ import annotations

import pytest

from mlready.rules import load_rules
from mlready.rules.examples import run_example
from mlready.rules.model import Example, Rule

CASES = [
    pytest.param(rule, example, id=f"{rule.id}-{example.name}".replace(" ", "-"))
    for rule in load_rules().rules
    for example in rule.examples
]


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_example(rule: Rule, example: Example) -> None:
    outcome = run_example(rule, example)
    assert outcome.problem == ""
