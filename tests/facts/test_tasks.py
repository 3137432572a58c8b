"""Named commands of every task runner, with lines and what they need."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlready.facts import tasks
from mlready.facts.rows import FileFacts, Task


def read(path: str, text: str) -> list[Task]:
    facts = tasks.read(path, text.encode())
    assert facts.problem == ""
    return list(facts.tasks)


def brief(path: str, text: str) -> list[tuple[str, tuple[str, ...], int, tuple[str, ...]]]:
    return [(one.name, one.commands, one.line, one.needs) for one in read(path, text)]


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("Makefile", True), ("build/rules.mk", True), ("justfile", True), ("tox.ini", True), ("noxfile.py", True),
        ("tasks.py", True), ("package.json", True), ("Taskfile.yml", True), ("pyproject.toml", True), ("train.py", False),
        ("CMakeLists.txt", False),
    ],
)  # fmt: skip
def test_claims(path: str, claimed: bool) -> None:
    assert tasks.claims(path) is claimed


def test_makefile() -> None:
    text = """\
PYTHON ?= python3
export TOKEN := x
URL = http://a:80
.PHONY: test train
include other.mk

test: install ## run tests
\t@$(PYTHON) -m pytest \\
\t\t-q
\t-rm -rf x  # why

# a comment
train evaluate: data/raw.csv | folder
\tpython train.py
ifeq ($(X),1)
\tpython more.py
endif
test: VAR = 1
%.o: %.c
\tcc $<
define HELP
fake: rule
endef
one: ; echo done
https:
"""
    assert brief("Makefile", text) == [
        ("test", ("$(PYTHON) -m pytest -q", "rm -rf x  # why"), 7, ("install",)),
        ("train", ("python train.py", "python more.py"), 13, ("data/raw.csv", "folder")),
        ("evaluate", ("python train.py", "python more.py"), 13, ("data/raw.csv", "folder")),
        ("one", ("echo done",), 24, ()),
        ("https", (), 25, ()),
    ]


def test_justfile() -> None:
    text = """\
set shell := ["bash"]
version := "1"
alias t := test
[private]
test *args: build (lint "all")
    @pytest {{args}}

build:
    #!/usr/bin/env bash
    uv build
"""
    assert brief("justfile", text) == [
        ("test", ("pytest {{args}}",), 5, ("build", "lint")),
        ("build", ("uv build",), 8, ()),
    ]


def test_tox() -> None:
    text = "[tox]\nenvlist = py\n[testenv]\ncommands =\n  pytest \\\n    -q\n  - coverage report\n[testenv:lint]\ndepends = py\ncommands = ruff check\n"
    assert brief("tox.ini", text) == [
        ("testenv", ("pytest -q", "coverage report"), 3, ()),
        ("lint", ("ruff check",), 8, ("py",)),
    ]


def test_nox_and_invoke() -> None:
    nox = """\
import nox
@nox.session(python=["3.11"], name="unit", requires=["lint"])
def tests(session):
    session.install("-r", "requirements.txt")
    session.run("pytest", *session.posargs, f"--cov={x}", env={})
@nox.session
def lint(s):
    s.run(*["ruff", "check"])
def helper(session):
    session.run("no")
"""
    assert brief("noxfile.py", nox) == [
        ("unit", ("pip install -r requirements.txt", "pytest --cov={}"), 3, ("lint",)),
        ("lint", ("ruff check",), 7, ()),
    ]
    invoke = 'from invoke import task\n@task\ndef clean(c):\n    c.run("rm -rf x")\n@task(clean)\ndef run_all(c):\n    c.run("pytest")\n'
    assert brief("tasks.py", invoke) == [
        ("clean", ("rm -rf x",), 3, ()),
        ("run-all", ("pytest",), 6, ("clean",)),
    ]


def test_a_tasks_py_of_celery_has_no_tasks() -> None:
    assert read("tasks.py", "from celery import task\n@task\ndef a(c):\n    c.run('x')\n") == []


def test_pyproject() -> None:
    text = """\
[tool.hatch.envs.default.scripts]
test = "pytest {args}"
[tool.hatch.envs.docs.scripts]
build = ["mkdocs build", "ls"]
[tool.poe.tasks]
train = "python -m churn.train"
all = ["train", "eval"]
eval = { cmd = "python eval.py", deps = ["train"] }
seq = { sequence = [{ cmd = "a b" }, "train"] }
[tool.pdm.scripts]
_.env_file = ".env"
lint = {composite = ["ruff", "mypy"]}
run = {cmd = ["python", "x.py"]}
[tool.pixi.tasks]
fit = { cmd = "python fit.py", depends-on = [{ task = "data" }] }
[tool.tox]
legacy_tox_ini = '''
[testenv]
commands = pytest
'''
"""
    assert [(one.tool, one.name, one.commands, one.line, one.needs) for one in read("pyproject.toml", text)] == [
        ("hatch", "test", ("pytest {args}",), 2, ()),
        ("hatch", "docs:build", ("mkdocs build", "ls"), 4, ()),
        ("poe", "train", ("python -m churn.train",), 6, ()),
        ("poe", "all", (), 7, ("train", "eval")),
        ("poe", "eval", ("python eval.py",), 8, ("train",)),
        ("poe", "seq", ("a b",), 9, ("train",)),
        ("pdm", "lint", (), 12, ("ruff", "mypy")),
        ("pdm", "run", ("python x.py",), 13, ()),
        ("pixi", "fit", ("python fit.py",), 15, ("data",)),
        ("tox", "testenv", ("pytest",), 17, ()),
    ]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("package.json", '{\n "scripts": {\n  "test": "jest"}}', [("test", ("jest",), 3, ())]),
        (
            "Taskfile.yml",
            "tasks:\n  a:\n    deps: [b]\n    cmds:\n      - echo\n      - task: c\n  b: ls\n",
            [("a", ("echo",), 2, ("b", "c")), ("b", ("ls",), 7, ())],
        ),
        ("tox.toml", '[env_run_base]\ncommands = [["pytest", "-q"]]\n', [("testenv", ("pytest -q",), 1, ())]),
        ("Pipfile", '[scripts]\nrun = "python x.py"\n', [("run", ("python x.py",), 2, ())]),
        ("pixi.toml", '[tasks]\nrun = "python x.py"\n', [("run", ("python x.py",), 2, ())]),
        ("setup.cfg", "[metadata]\nname = x\n", []),
    ],
)
def test_other_runners(path: str, text: str, expected: object) -> None:
    assert brief(path, text) == expected


def test_credentials_in_commands_are_masked() -> None:
    assert read("Makefile", "up:\n\tAPI_KEY=abcdef12345 twine upload\n")[0].commands == ("API_KEY=*** twine upload",)


@pytest.mark.parametrize("path", ["tox.ini", "noxfile.py", "package.json", "Taskfile.yml", "pyproject.toml"])
def test_broken_files_have_a_problem(path: str) -> None:
    assert tasks.read(path, b"{ [ (").problem


@settings(max_examples=200)
@given(
    path=st.sampled_from(
        ["Makefile", "justfile", "tox.ini", "noxfile.py", "package.json", "Taskfile.yml", "pyproject.toml"]
    ),
    text=st.text(alphabet=" \n\t:=@#\\[]{}\"'%;abtask.,-", max_size=60),
)
def test_never_raises(path: str, text: str) -> None:
    facts = tasks.read(path, text.encode())
    assert msgspec.json.decode(msgspec.json.encode(facts), type=FileFacts) == facts
