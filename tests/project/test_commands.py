"""The shell commands of a project: split, unwrapped, and followed through tasks to who runs them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.project.trees import project

from mlready.findings import Location
from mlready.project.commands import Command, split_shell


def words(text: str) -> tuple[str, ...]:
    return Command(text, "ci", Location("ci.yml")).words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pytest -q", ("pytest", "-q")),
        ("uv run pytest", ("pytest",)),
        ("uv run --frozen pytest", ("pytest",)),
        ("poetry run pytest", ("pytest",)),
        ("CI=1 LANG=C pytest", ("pytest",)),
        ("sudo env A=1 pytest", ("pytest",)),
        ("python -m pytest tests", ("pytest", "tests")),
        ("@pytest", ("pytest",)),
        ("python train.py", ("python", "train.py")),
        ("echo 'unbalanced", ("echo", "'unbalanced")),
        ("", ()),
    ],
)
def test_wrappers_are_taken_off(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_a_line_of_shell_is_several_commands() -> None:
    assert split_shell("cd a && python b.py; make c || true\nls \\\n-l") == [
        "cd a",
        "python b.py",
        "make c",
        "true",
        "ls  -l",
    ]


@given(st.text(max_size=200))
def test_any_text_can_be_split_and_unwrapped(text: str) -> None:
    for part in split_shell(text):
        assert isinstance(words(part), tuple)


def commands(files: dict[str, str]) -> set[tuple[str, str, str]]:
    return {(command.origin, command.text, command.through) for command in project(files).commands}


CI = "on: [push]\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: make test\n"


def test_ci_is_followed_through_make() -> None:
    found = commands({".github/workflows/ci.yml": CI, "Makefile": "test: lint\n\tpytest -q\nlint:\n\truff check\n"})
    assert ("ci", "pytest -q", "make test") in found
    assert any(origin == "ci" and text == "ruff check" for origin, text, _ in found)


def test_a_circle_of_tasks_ends() -> None:
    assert commands(
        {".github/workflows/ci.yml": CI, "Makefile": "test: other\n\tmake other\nother: test\n\tmake test\n"}
    )


def test_triggers_of_ci_are_kept() -> None:
    found = project(
        {".github/workflows/ci.yml": CI.replace("[push]", "{schedule: [{cron: '0 0 * * *'}], push: {}}")}
    ).commands
    assert {"schedule", "push"} <= set(next(c for c in found if c.text == "make test").triggers)


@pytest.mark.parametrize(
    ("files", "origin", "text"),
    [
        ({"Dockerfile": "FROM x\nRUN pip install a\nCMD python app.py\n"}, "container", "python app.py"),
        ({"dvc.yaml": "stages:\n  a:\n    cmd: python a.py\n"}, "pipeline", "python a.py"),
        ({"Makefile": "a:\n\tpython a.py\n"}, "task", "python a.py"),
        ({"README.md": "```bash\n$ python a.py\n```\n"}, "document", "python a.py"),
        ({"tox.ini": "[testenv]\ncommands = pytest\n"}, "task", "pytest"),
    ],
)
def test_where_commands_stand(files: dict[str, str], origin: str, text: str) -> None:
    assert (origin, text) in {(o, t) for o, t, _ in commands(files)}
