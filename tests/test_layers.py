"""Who may import whom: one direction, one home per third-party package, and a start that loads next to nothing."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import mlready

ROOT = Path(mlready.__file__).parent

LAYERS: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "resources": frozenset({"errors"}),
    "files": frozenset({"errors"}),
    "findings": frozenset(),
    "compiled": frozenset({"errors", "resources", "files"}),
    "vocabulary": frozenset({"errors", "resources", "files", "compiled"}),
    "flow": frozenset({"vocabulary"}),
    "facts": frozenset({"errors", "resources", "files", "compiled", "vocabulary", "flow"}),
    "project": frozenset(
        {"errors", "files", "compiled", "findings", "vocabulary", "facts", "flow", "config", "external"}
    ),
    "config": frozenset({"errors", "facts", "findings", "project", "vocabulary"}),
    "external": frozenset({"errors", "files", "compiled", "findings", "facts", "project"}),
    "rules": frozenset(
        {"errors", "resources", "compiled", "findings", "vocabulary", "facts", "flow", "project", "external"}
    ),
    "report": frozenset(
        {"errors", "external", "facts", "files", "findings", "vocabulary", "rules", "audit", "project", "resources"}
    ),
    "scaffold": frozenset({"errors", "resources", "files", "compiled"}),
    "convert": frozenset(
        {"errors", "resources", "files", "compiled", "vocabulary", "facts", "flow", "project", "scaffold"}
    ),
}
"""Package or module of mlready -> what it may import at run time. Whatever is not listed is a top of the tree."""

TOPS = frozenset({"__main__", "audit", "baseline", "catalogue", "cli", "gate", "since"})
"""Modules that put the others together; `cli` is imported by nobody but `__main__`."""

HOMES: dict[str, frozenset[str]] = {
    "click": frozenset({"cli"}),
    "copier": frozenset({"scaffold/render.py"}),
    "jinja2": frozenset({"scaffold/parts.py"}),
    "libcst": frozenset({"convert/codemods"}),
    "nbclient": frozenset({"convert/verify"}),
    "nbformat": frozenset({"convert"}),
    "pathspec": frozenset({"project/ignore.py", "vocabulary/operations.py"}),
    "platformdirs": frozenset({"compiled.py"}),
    "tomli": frozenset({"facts/reading.py"}),
    "tomlkit": frozenset({"scaffold/pyproject.py"}),
    "yaml": frozenset({"facts/yamltree.py", "scaffold"}),
    "detect_secrets": frozenset({"external/secrets"}),
    "ahocorasick_rs": frozenset({"external/secrets"}),
    "rich": frozenset({"cli", "report"}),
    "ruff": frozenset({"convert/tidy.py", "external"}),
    "requests": frozenset(),
    "httpx": frozenset(),
}
"""Third-party package -> the only places that import it. No place at all: never to be imported."""

HEAVY = ("rich", "libcst", "copier", "nbformat", "jinja2", "yaml", "msgspec", "pathspec", "pydantic", "asyncio")


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    """src/mlready/facts/ci/github.py -> facts.ci.github"""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path, *, at_start: bool = False) -> tuple[tuple[str, int], ...]:
    """(full name, line) of everything that a module imports when it runs; `at_start`: when it is imported."""
    return tuple(_imports(ast.parse(path.read_bytes()), at_start))


def _imports(node: ast.AST, at_start: bool) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if at_start and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports name the whole path"
            yield from ((f"{child.module}.{alias.name}", child.lineno) for alias in child.names)
        yield from _imports(child, at_start)


def layer_of(name: str) -> str:
    return name.removeprefix("mlready").lstrip(".").split(".")[0]


@pytest.mark.parametrize("layer", sorted({layer_of(name_of(p)) for p in modules()} - {""}))
def test_every_module_has_its_place(layer: str) -> None:
    assert layer in LAYERS or layer in TOPS


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_a_layer_imports_only_what_is_below_it(layer: str) -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {name}"
        for path in modules()
        if layer_of(name_of(path)) == layer
        for name, line in imports(path)
        if name.startswith("mlready.")
        and (known := layer_of(name)) not in LAYERS[layer] | {layer}
        and known in LAYERS | dict.fromkeys(TOPS)
    ]
    assert wrong == []


def test_only_main_imports_the_command_line() -> None:
    wrong = [
        f"{name_of(path)}:{line}"
        for path in modules()
        if layer_of(name_of(path)) not in ("cli", "__main__")
        for name, line in imports(path)
        if name.startswith("mlready.cli")
    ]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(HOMES))
def test_a_third_party_package_has_one_home(package: str) -> None:
    wrong = []
    for path in modules():
        inner = path.relative_to(ROOT).as_posix()
        if any(inner == home or inner.startswith(home + "/") for home in HOMES[package]):
            continue
        wrong += [f"{inner}:{line}" for name, line in imports(path) if name.split(".")[0] == package]
    assert wrong == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    """At import time, that is: what a function imports when it runs cannot lock the start."""
    known = {name_of(path): path for path in modules()}
    edges = {
        name: sorted({t for n, _ in imports(path, at_start=True) if (t := _target(n, known)) and t != name})
        for name, path in known.items()
    }
    assert _cycle(edges) == []


def _target(name: str, known: dict[str, Path]) -> str:
    inner = name.removeprefix("mlready.") if name.startswith("mlready.") else ""
    if inner in known:
        return inner
    return inner.rpartition(".")[0] if inner.rpartition(".")[0] in known else ""


def _cycle(edges: dict[str, list[str]]) -> list[str]:
    """The first circle that is found, as the names along it; empty when there is none."""
    done: set[str] = set()
    for start, targets in edges.items():
        stack = [(start, iter(targets))] if start not in done else []
        path = [name for name, _ in stack]
        while stack:
            name, rest = stack[-1]
            following = next((n for n in rest if n not in done), None)
            if following is None:
                done.add(name)
                stack.pop()
                path.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            else:
                path.append(following)
                stack.append((following, iter(edges[following])))
    return []


def test_a_circle_would_be_seen() -> None:
    assert _cycle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert _cycle({"a": ["b", "c"], "b": ["c"], "c": []}) == []


def loaded_by(*arguments: str) -> set[str]:
    """Roots of the modules that a run of mlready has loaded, beyond those of a bare interpreter."""
    code = (
        "import sys; bare = set(sys.modules); import contextlib, io, json\n"
        "from mlready.cli import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): run(sys.argv[1:])\n"
        "print(json.dumps(sorted(set(sys.modules) - bare)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_start_loads_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(*arguments)
    assert {name for name in loaded if name.split(".")[0] in HEAVY} == set()
    assert {name for name in loaded if name.startswith("mlready")} <= {"mlready", "mlready.cli", "mlready.errors"}


def test_help_of_a_command_does_not_load_the_engine() -> None:
    loaded = loaded_by("audit", "--help")
    assert not {name for name in loaded if name.startswith(("mlready.facts", "mlready.rules", "mlready.vocabulary"))}
