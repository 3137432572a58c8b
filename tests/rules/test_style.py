"""DES002: how many slips a file may hold before it is told."""

from __future__ import annotations

import pytest

from mlready.rules import load_rules
from mlready.rules.examples import run_example
from mlready.rules.model import Example


@pytest.mark.parametrize(("lines", "outcome"), [(20, "partial"), (200, "pass")])
def test_one_slip_is_told_in_a_short_file_and_not_in_a_long_one(lines: int, outcome: str) -> None:
    rule = next(rule for rule in load_rules().rules if rule.id == "DES002")
    text = "import os\n\nVALUES = [\n" + "    1,\n" * lines + "]\n"
    example = Example(name="one slip", outcome=outcome, files={"train.py": text})
    assert run_example(rule, example).problem == ""
