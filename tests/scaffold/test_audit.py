"""What the audit says of generated projects: 100 where every part is there, else just the rules of what is left out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlready.scaffold.new import create

from .missed import missed_by
from .option_sets import CHOICES, name_of
from .trained import commit_lock

DEFAULT = {name: values[0] for name, values in CHOICES.items()}
EVERY_VALUE = [
    DEFAULT,
    {**DEFAULT, "task": "regression"},
    {**DEFAULT, "ci": "gitlab"},
    {**DEFAULT, "ci": "azure"},
    {**DEFAULT, "tracking": "wandb"},
    {**DEFAULT, "tracking": "none"},
    {**DEFAULT, "serving": "batch", "tracking": "wandb"},
    {**DEFAULT, "serving": "batch", "tracking": "none", "ci": "azure"},
    {"task": "classification", "ci": "github", "minimal": "true"},
]


def audit(project: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "mlready", "audit", "--format", "json", "--no-cache", str(project)]
    result: dict[str, object] = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return result


def unmet(report: dict[str, object]) -> set[str]:
    rules = [rule for factor in report["factors"] for rule in factor["rules"]]  # type: ignore[attr-defined]
    return {rule["id"] for rule in rules if rule["status"] in ("fail", "partial", "unknown")}


def score(report: dict[str, object]) -> float:
    value = report["score"]
    assert isinstance(value, int | float)
    return value


def gate(project: Path) -> float:
    """The score that the project's own `make audit` asks for."""
    found = re.search(r"audit --fail-under (\d+) ", (project / "Makefile").read_text(encoding="utf-8"))
    assert found
    return float(found[1])


@pytest.mark.parametrize("answers", EVERY_VALUE, ids=name_of)
def test_a_project_misses_just_the_rules_of_what_it_leaves_out(answers: dict[str, str], tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given=answers).folder
    commit_lock(project)
    report = audit(project)
    assert unmet(report) == missed_by(answers)
    assert score(report) >= gate(project)
    if not missed_by(answers):
        assert report["score"] == 100
        assert report["project"]["kind"] == "training-and-service"  # type: ignore[index]
        assert all(factor["score"] == 100 for factor in report["factors"])  # type: ignore[attr-defined]


def test_a_project_that_never_ran_waits_for_its_lock_only(tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given={}).folder
    report = audit(project)
    assert unmet(report) <= {"VER003", "VER011"}
    assert score(report) >= gate(project)
