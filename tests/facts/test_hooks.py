"""Hooks with where they come from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlready.facts import hooks
from mlready.facts.rows import Hook

CONFIG = """\
default_stages: [pre-push]
repos:
  - repo: https://github.com/astral-sh/ruff-pre-commit
    rev: v0.5.0
    hooks:
      - id: ruff
        args: [--fix, --exit-non-zero-on-fix]
      - id: ruff-format
        stages: [pre-commit]
  - repo: local
    hooks:
      - id: mypy
        entry: uv run mypy
"""


def test_claims() -> None:
    assert hooks.claims(".pre-commit-config.yaml")
    assert not hooks.claims(".pre-commit-hooks.yaml")


def test_hooks_with_lines_and_stages() -> None:
    repo = "https://github.com/astral-sh/ruff-pre-commit"
    fix = "--fix --exit-non-zero-on-fix"
    assert hooks.read(".pre-commit-config.yaml", CONFIG.encode()).hooks == (
        Hook(id="ruff", repo=repo, rev="v0.5.0", line=6, entry=fix, stages=("pre-push",)),
        Hook(id="ruff-format", repo=repo, rev="v0.5.0", line=8, stages=("pre-commit",)),
        Hook(id="mypy", repo="local", rev="", line=12, entry="uv run mypy", stages=("pre-push",)),
    )


def test_prek() -> None:
    text = '[[repos]]\nrepo = "builtin"\nhooks = [\n  { id = "trailing-whitespace" },\n  { id = "check-yaml" },\n]\n'
    found = hooks.read("prek.toml", text.encode()).hooks
    assert [(hook.id, hook.line) for hook in found] == [("trailing-whitespace", 4), ("check-yaml", 5)]


def test_broken() -> None:
    assert hooks.read(".pre-commit-config.yaml", b"repos: [").problem.startswith("not valid YAML")
    assert hooks.read(".pre-commit-config.yaml", b"repos: 3\n").hooks == ()


@given(at=st.integers(0, len(CONFIG)), cut=st.integers(0, 9), noise=st.text(alphabet=" \n:-[]{}'\"&*!0", max_size=5))
def test_mutations_never_raise(at: int, cut: int, noise: str) -> None:
    hooks.read(".pre-commit-config.yaml", (CONFIG[:at] + noise + CONFIG[at + cut :]).encode())
