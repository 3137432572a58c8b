"""Hooks of pre-commit and its like: .pre-commit-config.yaml, prek.toml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mlready.facts.masking import mask_text
from mlready.facts.reading import decode, guarded, items, load_toml, table, text_of, texts
from mlready.facts.rows import FileFacts, Hook
from mlready.facts.toml_lines import TomlLines
from mlready.facts.yaml_nodes import line_of, load_yaml

_YAML_NAMES = frozenset((".pre-commit-config.yaml", ".pre-commit-config.yml"))
_TOML_NAMES = frozenset(("prek.toml", ".prek.toml"))
_MAX_HOOKS = 500


def claims(path: str) -> bool:
    """Is it a configuration of pre-commit or prek?"""
    return PurePosixPath(path).name.lower() in _YAML_NAMES | _TOML_NAMES


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """The hooks, each with the repository and revision that it comes from ("local" and "meta" have none)."""
    text = decode(data)
    if PurePosixPath(path).name.lower() in _TOML_NAMES:
        hooks = list(_toml_hooks(load_toml(text), TomlLines(text)))
    else:
        hooks = [hook for document in load_yaml(text) for hook in _yaml_hooks(table(document))]
    return FileFacts(hooks=tuple(hooks[:_MAX_HOOKS]))


def _yaml_hooks(root: dict[str, Any]) -> Iterator[Hook]:
    stages = texts(root.get("default_stages"))
    for repo in map(table, items(root.get("repos"))):
        listed = repo.get("hooks")
        for index, hook in enumerate(items(listed)):
            if isinstance(hook, dict):
                yield _hook(hook, repo, line=line_of(listed, index), stages=stages)


def _toml_hooks(root: dict[str, Any], lines: TomlLines) -> Iterator[Hook]:
    stages = texts(root.get("default_stages"))
    for number, repo in enumerate(map(table, items(root.get("repos")))):
        for index, hook in enumerate(items(repo.get("hooks"))):
            if isinstance(hook, dict):
                line = lines.of(f"repos[{number}].hooks[{index}]", text_of(hook.get("id")))
                yield _hook(hook, repo, line=line, stages=stages)


def _hook(hook: dict[str, Any], repo: dict[str, Any], *, line: int, stages: list[str]) -> Hook:
    entry = " ".join([text_of(hook.get("entry")), *texts(hook.get("args"))]).strip()
    return Hook(
        id=text_of(hook.get("id")),
        repo=mask_text(text_of(repo.get("repo"))),
        rev=text_of(repo.get("rev")),
        line=line,
        entry=mask_text(entry),
        stages=tuple(texts(hook.get("stages")) or stages),
    )
