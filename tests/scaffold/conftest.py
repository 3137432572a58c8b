"""Every option set, rendered once for all tests; and projects that a test may change."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlready.scaffold import render
from mlready.scaffold.lock import write_lock
from mlready.scaffold.new import create, read_answers
from mlready.scaffold.questions import check_answers, read_questions
from mlready.scaffold.template import Template, shipped

from .option_sets import NAME, every_combination, name_of


@pytest.fixture(scope="session")
def template() -> Template:
    return shipped()


@pytest.fixture(scope="session")
def combinations(tmp_path_factory: pytest.TempPathFactory, template: Template) -> dict[str, Path]:
    """The folder of each option set, by its name; all projects have the longest name that is allowed."""
    root = tmp_path_factory.mktemp("combinations")
    made = {}
    for answers in every_combination():
        folder = root / name_of(answers)
        given = check_answers({**answers, "project_name": NAME}, read_questions(template.folder))
        render.copy(folder, answers=given, template=template, ask=False)
        write_lock(folder, locks=template.locks, answers=read_answers(folder))
        made[folder.name] = folder
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A default project in its own repository, with one commit."""
    return create(tmp_path / "churn", given={}).folder


@pytest.fixture
def commit() -> Callable[[Path], None]:
    """Commit everything in a project."""

    def run(folder: Path) -> None:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
        subprocess.run(["git", *identity, "commit", "-qm", "Edit"], cwd=folder, check=True)

    return run
