"""The index reader gives what `git ls-files` gives."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.project.gitindex import BrokenIndex, read_index

Tree = Callable[[dict[str, str | bytes]], Path]
Git = Callable[..., str]

_NAMES = ["a", "ab", "abc/d.py", "abc/de.py", "abcdefgh", "é/ü.txt", "x" * 200, "dir/sub/" + "y" * 100, "with space"]


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_version_is_read_like_git_does(tree: Tree, git: Git, version: str) -> None:
    root = tree(dict.fromkeys(_NAMES, "content"))
    git(root, "init", "-q")
    git(root, "add", ".")
    if version == "3":
        git(root, "update-index", "--skip-worktree", "a")
    else:
        git(root, "update-index", "--index-version", version)
    data = (root / ".git/index").read_bytes()
    assert data[7] == int(version)
    expected = git(root, "ls-files", "-z").split("\0")[:-1]
    assert [entry.path for entry in read_index(data)] == expected


def test_a_sha256_repository(tree: Tree, git: Git) -> None:
    root = tree(dict.fromkeys(_NAMES, "content"))
    git(root, "init", "-q", "--object-format=sha256")
    git(root, "add", ".")
    data = (root / ".git/index").read_bytes()
    assert sorted(entry.path for entry in read_index(data, hash_size=32)) == sorted(_NAMES)


@given(st.binary(max_size=400), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_any_bytes_are_an_index_or_broken(tail: bytes, version: int, count: int) -> None:
    data = b"DIRC" + version.to_bytes(4, "big") + count.to_bytes(4, "big") + tail
    with contextlib.suppress(BrokenIndex):
        read_index(data)
