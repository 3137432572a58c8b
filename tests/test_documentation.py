"""The documentation is true: generated pages are current, commands exist, the tutorial runs as it stands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mlready.cli import COMMANDS, group
from mlready.errors import ExitCode

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "/reference/rules/" not in path.as_posix() and "/reference/systems/" not in path.as_posix()
)
IN_CHECKOUT = (ROOT / ".git").exists()

_FENCE = re.compile(r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each `mlready …` command in shell blocks, entries and run steps."""
    for match in _FENCE.finditer(text):
        for line in match["text"].splitlines():
            found = re.search(
                r"(?:^\$ |^    |^(?=mlready )|entry: |run: |&& )(?:uvx --from mlready-cli )?(mlready .*)", line
            )
            if found:
                command = found[1].split("#")[0].split("|")[0].split("&&")[0].split(" > ")[0]
                yield shlex.split(command.replace("\\", ""))


def mistake_in(words: list[str]) -> str:
    """What is wrong with a command: a subcommand or an option that does not exist."""
    if len(words) < 2 or words[1].startswith("-"):
        return ""
    command = group.get_command(click.Context(group), words[1]) if words[1] in COMMANDS else None
    if command is None:
        return f"no command {words[1]}"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    wrong = [w for w in words[2:] if w.startswith("-") and w.split("=")[0] not in {*known, "-h", "--help"}]
    return f"{words[1]} has no {wrong[0]}" if wrong else ""


@pytest.mark.parametrize("page", WRITTEN)
def test_every_command_exists(page: str) -> None:
    mistakes = [mistake_in(words) for words in commands_in((ROOT / page).read_text())]
    assert [mistake for mistake in mistakes if mistake] == []


def test_a_command_that_does_not_exist_would_be_seen() -> None:
    text = "```console\n$ mlready audit --fail-under 3\n$ mlready audit --frobnicate\n$ mlready frobnicate\n```\n"
    mistakes = [mistake_in(words) for words in commands_in(text)]
    assert mistakes == ["", "audit has no --frobnicate", "no command frobnicate"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Those of docs/ are held by the strict build."""
    broken = [link for link in _LINK.findall((ROOT / page).read_text()) if not (ROOT / link).exists()]
    assert broken == []


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"^\$ make ([a-z-]+)", (ROOT / "README.md").read_text(), re.M))
    assert named
    assert named <= targets


@pytest.mark.skipif(not IN_CHECKOUT, reason="the report in the README is that of a checkout")
def test_generated_pages_are_current() -> None:
    """Run `python scripts/pages.py` when this fails."""
    done = subprocess.run(
        [sys.executable, "scripts/pages.py", "--check"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_tutorial_runs_as_it_stands(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran = 0
    for block in _FENCE.finditer((ROOT / "docs" / "tutorial.md").read_text()):
        if block["title"]:
            target = tmp_path / block["title"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block["text"])
            continue
        for line in block["text"].splitlines() if block["language"] == "console" else ():
            words = shlex.split(line.removeprefix("$ "))
            done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == ExitCode.OK, f"{line}\n{done.stdout}\n{done.stderr}"
            ran += 1
    assert ran >= 8
