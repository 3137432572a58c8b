"""`mlready new` at a terminal: each question is asked once, a wrong answer again, and leaving leaves nothing behind."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import yaml

from mlready.scaffold.questions import read_questions
from mlready.scaffold.template import shipped

QUESTIONS = read_questions(shipped().folder)
ENTER, DOWN, BACKSPACE, CTRL_C = "\r", "\x1b[B", "\x7f", "\x03"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """`mlready new churn` in a terminal of its own, up to its first question."""
    environment = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "mlready", "new", str(tmp_path / "churn")],
        env=environment,
        encoding="utf-8",
        timeout=120,
        dimensions=(50, 200),
    )
    child.delaybeforesend = None
    child.expect_exact(QUESTIONS[0].help)
    yield child
    child.close(force=True)


def answers(folder: Path) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    return content


def finish(terminal: pexpect.spawn[str], *, first: int = 1) -> None:
    """Take the default of every question from the first that has not been answered."""
    for question in QUESTIONS[first:]:
        terminal.expect_exact(question.help)
        terminal.send(ENTER)
    terminal.expect(pexpect.EOF)
    terminal.close()


def test_enter_takes_every_default(terminal: pexpect.spawn[str], tmp_path: Path) -> None:
    terminal.send(ENTER)
    finish(terminal)
    assert terminal.exitstatus == 0
    made = answers(tmp_path / "churn")
    assert (made["project_name"], made["serving"], made["ci"], made["minimal"]) == ("churn", "fastapi", "github", False)
    assert "make train test serve drift" in (terminal.before or "")


def test_a_wrong_answer_is_asked_again(terminal: pexpect.spawn[str], tmp_path: Path) -> None:
    terminal.send("!" + ENTER)
    terminal.expect("starts with a letter; letters and digits")
    assert not (tmp_path / "churn").exists()
    terminal.send(BACKSPACE + "-risk" + ENTER)
    finish(terminal)
    assert terminal.exitstatus == 0
    assert answers(tmp_path / "churn")["project_name"] == "churn-risk"


def test_another_choice_is_an_arrow_away_and_minimal_asks_less(terminal: pexpect.spawn[str], tmp_path: Path) -> None:
    terminal.send(ENTER)
    for question, keys in zip(QUESTIONS[1:4], (ENTER, DOWN + ENTER, "y"), strict=True):
        terminal.expect_exact(question.help)
        terminal.send(keys)
    terminal.expect(["Where checks", "Where experiments", "How predictions"])
    assert re.search("Where checks", str(terminal.after))
    terminal.send(ENTER)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    made = answers(tmp_path / "churn")
    assert (made["task"], made["minimal"]) == ("regression", True)


def test_leaving_in_the_middle_leaves_nothing(terminal: pexpect.spawn[str], tmp_path: Path) -> None:
    terminal.send(ENTER)
    terminal.expect_exact(QUESTIONS[1].help)
    terminal.send(CTRL_C)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert "Traceback" not in (terminal.before or "")
    assert list(tmp_path.iterdir()) == []
