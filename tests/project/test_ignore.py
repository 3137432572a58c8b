"""Ignore patterns mean what git, Docker and LFS mean by them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlready.project.ignore import Ignores, lfs_patterns


def test_a_deeper_file_wins_and_what_is_below_an_ignored_folder_stays_ignored() -> None:
    rules = Ignores({"": "*.csv\nout/\n", "data": "!keep.csv\n", "out": "!back.txt\n"})
    assert rules.ignored("a.csv")
    assert not rules.ignored("data/keep.csv")
    assert rules.ignored("out/back.txt")


@pytest.mark.parametrize(
    ("text", "path", "covered"),
    [
        ("outputs/", "outputs", True),
        ("outputs/", "outputs/run/1", True),
        ("/outputs/*\n!/outputs/.gitkeep", "outputs", True),
        ("outputs/*.csv", "outputs", False),
        ("*.pkl", "models/model.pkl", True),
        ("*.pkl", "models", False),
        ("", "models", False),
        ("mlruns", "sub/mlruns", True),
        ("/mlruns", "sub/mlruns", False),
        (".env\n.venv/", ".env", True),
    ],
)
def test_covers(text: str, path: str, covered: bool) -> None:
    assert Ignores({"": text}).covers(path) is covered


def test_a_folder_that_ignores_its_own_content_is_covered() -> None:
    assert Ignores({"outputs": "*\n!.gitignore\n"}).covers("outputs")


def test_lfs_lines_become_patterns() -> None:
    text = "*.bin filter=lfs -text\n# no\na[[:space:]]b.csv filter=lfs\nx.bin -filter\n*.txt text\n"
    assert lfs_patterns(text).splitlines() == ["*.bin", "a?b.csv", "!x.bin"]


def test_broken_and_costly_patterns_are_passed_over() -> None:
    rules = Ignores({"": "*a*a*a*a*a*a*a*a*a*a*b\n[\n!\n\\\n" + "x" * 5000 + "\n*.ok\n"})
    begin = time.monotonic()
    assert not rules.ignored("a" * 255)
    assert rules.ignored("x.ok")
    assert time.monotonic() - begin < 2


_STEP = st.sampled_from(["a", "b", "a.py", "*", "a*", "?", "[ab]", "**"])
_PATTERN = st.builds(
    lambda bang, lead, steps, tail: bang + lead + "/".join(steps) + tail,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(_STEP, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PATTERN, max_size=4), st.lists(_PATTERN, max_size=3))
def test_git_agrees(tmp_path_factory: pytest.TempPathFactory, top: list[str], below: list[str]) -> None:
    root: Path = tmp_path_factory.mktemp("ignore")
    paths = ["a", "b/a", "b/a.py", "b/b/a", "c/a.py", "c/b/a/b"]
    subprocess.run(["git", "init", "-q", root], check=True)
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    files = {"": "\n".join(top) + "\n", "b": "\n".join(below) + "\n"}
    for folder, text in files.items():
        (root / folder / ".gitignore").write_text(text)
    command = ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", *paths]
    expected = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.split()
    rules = Ignores(files)
    assert [path for path in paths if rules.ignored(path)] == expected
