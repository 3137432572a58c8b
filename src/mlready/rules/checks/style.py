"""Checks of factor 3: style, descriptions, size and types of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlready.facts.rows import Hook, Scope
from mlready.findings import Location, Site, Verdict, hazard, met, missing, unknown
from mlready.project.commands import Command
from mlready.project.entries import MAIN
from mlready.project.project import Project, ProjectFile

# ------------------------------------------------------------------------------------------------------ DES001, DES010

_FORMATTERS = re.compile(r"\b(ruff format|black|yapf|autopep8|blue|isort)\b|(^|[-_])(ruff-format|black|yapf)(-|$)")


_LINTERS = re.compile(
    r"\b(ruff( check)?|flake8|pylint|pycodestyle|pyflakes|prospector|pylama)\b|(^|[-_])(ruff|flake8|pylint)(-|$)"
)


_TYPES = re.compile(r"\b(mypy|pyright|basedpyright|pytype|pyre|ty check|pyrefly)\b")


def style_enforced(project: Project) -> Verdict:
    """DES001: a formatter and a linter run by pre-commit or CI."""
    formats, lints = _enforced(project, _FORMATTERS), _enforced(project, _LINTERS)
    if formats and lints:
        return met(Site(1.0, f"{formats.message}; {lints.message}", lints.where, key="style"))
    one = formats or lints
    if one is not None:
        lacks = "linter" if formats else "formatter"
        return met(Site(0.6, f"{one.message}, and no {lacks} is run", one.where, key="style"))
    configured = _configured(project)
    if configured is not None:
        return met(configured)
    return missing("no formatter and no linter is configured")


def _enforced(project: Project, tools: re.Pattern[str]) -> Site | None:
    for file, hook in project.hooks:
        if tools.search(hook.id) or tools.search(hook.entry) or _runs_script(project, hook, tools):
            return Site(1.0, f"pre-commit runs {hook.id}", file.at(hook.line), key=hook.id)
    for command in project.commands:
        if (
            command.origin == "ci"
            and tools.search(_said(command))
            and not re.search(r"\binstall\b|\badd\b", command.text)
        ):
            return Site(1.0, f"CI runs {command.text[:40].rstrip()}", command.where, key=command.text[:40])
        if command.origin == "ci" and "pre-commit" in command.text and "install" not in command.text:
            hooked = next((hook.id for _, hook in project.hooks if tools.search(hook.id)), "")
            if hooked:
                return Site(1.0, f"CI runs pre-commit with {hooked}", command.where, key=hooked)
    return None


_STYLE_SCRIPT = re.compile(r"(^|/)[\w-]*(lint|format|fmt|style)[\w-]*\.(sh|bash|py)\b")


def _runs_script(project: Project, hook: Hook, tools: re.Pattern[str]) -> bool:
    """A hook of the project's own (`entry: scripts/lint.sh`) runs what the project configures."""
    if not _STYLE_SCRIPT.search(hook.entry):
        return False
    configured = _configured(project)
    return configured is not None and bool(tools.search(configured.key.removeprefix("tool.")))


def _said(command: Command) -> str:
    return f"{' '.join(command.words)} {command.text if ' ' not in command.text.strip() else ''}"


_CONFIGURATIONS = (
    *("ruff.toml", ".ruff.toml", "black.toml", ".black.toml"),
    *(".flake8", ".pylintrc", "pylintrc", ".style.yapf", ".pycodestyle"),
)


def _configured(project: Project) -> Site | None:
    for name in ("tool.ruff", "tool.black", "tool.flake8", "tool.pylint", "tool.isort"):
        for file, row in project.settings("pyproject.toml", key=name):
            return Site(0.4, f"{name} is configured, and nothing runs it", file.at(row.line), key=name)
    for name in ("flake8", "pylint", "pycodestyle", "yapf"):
        for file, row in project.settings("setup.cfg", "tox.ini", key=name):
            return Site(0.4, f"{file.path} configures {name}, and nothing runs it", file.at(row.line), key=name)
    for file in project.matching(*_CONFIGURATIONS):
        return Site(0.4, f"{file.path} is configured, and nothing runs it", file.at(0), key=file.path)
    for command in project.commands:
        if command.origin == "task" and (_LINTERS.search(_said(command)) or _FORMATTERS.search(_said(command))):
            return Site(0.4, f"{command.text[:40]} is a task, and nothing runs it", command.where, key="task")
    return None


def types_checked(project: Project) -> Verdict:
    """DES010: a type checker is run by CI or pre-commit."""
    site = _enforced(project, _TYPES)
    if site is not None:
        return met(site)
    for name in ("tool.mypy", "tool.pyright", "tool.basedpyright", "tool.ty"):
        for file, row in project.settings("pyproject.toml", key=name):
            return met(Site(0.4, f"{name} is configured, and nothing runs it", file.at(row.line), key=name))
    for file in project.matching("mypy.ini", ".mypy.ini", "pyrightconfig.json"):
        return met(Site(0.4, f"{file.path} is configured, and nothing runs it", file.at(0), key=file.path))
    return missing("no type checker is run")


# -------------------------------------------------------------------------------------------------------------- DES002

_PER_THOUSAND = 40.0


"""So many violations in 1,000 lines break the rule altogether: one line in 25."""


_NOT_COUNTED = frozenset(("F821", "E902"))


_NEGLIGIBLE = 0.75
"""A file with fewer than ten violations in a thousand lines is kept well enough to say nothing."""


def style_kept(project: Project) -> Verdict:
    """DES002: violations per thousand lines, from ruff with an explicit selection. The unit is the file."""
    findings = project.external.get("ruff")
    if findings is None:
        return unknown("ruff did not run")
    if isinstance(findings, str):
        return unknown(findings)
    files = [
        f
        for f in project.python_files
        if f.role in ("source", "script", "notebook", "test") and f.python and f.python.code_lines
    ]
    by_file: dict[str, list[Any]] = {}
    for finding in findings:
        if finding.code not in _NOT_COUNTED:
            by_file.setdefault(finding.path, []).append(finding)
    broken = []
    for file in files:
        found = by_file.get(file.path, [])
        if not found:
            continue
        rate = 1000.0 * len(found) / max(50, file.python.code_lines if file.python else 1)
        credit = max(0.0, 1.0 - rate / _PER_THOUSAND)
        if credit > _NEGLIGIBLE:
            continue
        first = found[0]
        said = f"{len(found)} violation{'s' if len(found) > 1 else ''}, {first.code} {first.message} for one"
        broken.append(Site(credit, said, place(first), key="style"))
    return hazard(broken, units=len(files))


def place(finding: Any) -> Location:
    if finding.cell:
        return Location(finding.path, finding.line, finding.cell, None, finding.raw_line or None)
    return Location(finding.path, finding.line)


# ------------------------------------------------------------------------------------------------------ DES003, DES004


def functions_described(project: Project) -> Verdict:
    """DES003: public functions and classes of code have a docstring. The unit is the definition."""
    described = _described_methods(project)
    broken, units = [], 0
    for file in project.code_files:
        assert file.python is not None
        for scope in file.python.scopes[1:]:
            if not _is_public(file, scope) or _overrides(file, scope, described):
                continue
            units += 1
            if not scope.documented:
                broken.append(Site(0.0, f"{scope.name} says not what it does", file.at(scope.line), key=scope.name))
    return hazard(broken, units=units)


_PLAIN_DECORATORS = re.compile(
    r"(^|\.)(overload|property|setter|override|cached_property|abstractmethod|(field_|model_|root_)?validator)$"
)
_HOOKS = re.compile(
    r"^(main|forward|backward|setup_context|on_\w+|configure_\w+|(training|validation|test|predict|val|train)_(step|dataloader|epoch_end)|prepare_data"
    r"|update_state|reset_states?|result|call|build|get_config|compute_\w+|fit|transform|inverse_transform|predict|predict_proba"
    r"|fit_transform|fit_predict|score|get_feature_names_out|get_params|set_params|load_context|process|setup|teardown|emit|step|reset|action)$"
)
"""What frameworks call by these names is described by the framework."""


def _is_public(file: ProjectFile, scope: Scope) -> bool:
    assert file.python is not None
    name = scope.name.rpartition(".")[2]
    if name.startswith(("_", "<", "visit_")) or scope.trivial or scope.statements < 2 or name == "main":
        return False
    parents = list(_parents(file, scope))
    if any(parent.kind == "function" or parent.name.rpartition(".")[2].startswith("_") for parent in parents):
        return False
    if parents and parents[0].bases and _HOOKS.match(name):
        return False
    return not any(_PLAIN_DECORATORS.search(decorator.text) for decorator in scope.decorators)


def _parents(file: ProjectFile, scope: Scope) -> Iterator[Scope]:
    """The classes and functions around a definition, the nearest first."""
    assert file.python is not None
    while scope.parent > 0:
        scope = file.python.scopes[scope.parent]
        yield scope


def _described_methods(project: Project) -> frozenset[tuple[str, str]]:
    """(class, method) of the documented methods of the project, by plain names."""
    found = set()
    for file in project.python_files:
        for scope in file.python.scopes if file.python else ():
            owner, _, name = scope.name.rpartition(".")
            if owner and scope.documented:
                found.add((owner.rpartition(".")[2], name))
    return frozenset(found)


def _overrides(file: ProjectFile, scope: Scope, described: frozenset[tuple[str, str]]) -> bool:
    """Whether a base class of the project describes the method already."""
    name = scope.name.rpartition(".")[2]
    parent = next(_parents(file, scope), None)
    return parent is not None and any((base.rpartition(".")[2], name) in described for base in parent.bases)


_LONG_FUNCTION, _LONG_MODULE, _LONG_CELL = 80, 60, 60


def modular_code(project: Project) -> Verdict:
    """DES004: no function over 80 statements, no module or cell that does everything at its top. The unit is the file."""
    broken = []
    for file in project.work_files:
        fault = next(_oversized(file), None)
        if fault is not None:
            line, said = fault
            broken.append(Site(0.0, said, file.at(line), key=said.partition(" has")[0]))
    return hazard(broken, units=len(project.work_files))


def _oversized(file: ProjectFile) -> Iterator[tuple[int, str]]:
    assert file.python is not None
    for scope in file.python.scopes[1:]:
        if scope.kind == "function" and scope.statements > _LONG_FUNCTION:
            name = "what stands under the main guard" if scope.name == MAIN else scope.name
            yield scope.line, f"{name} has {scope.statements} statements"
    if file.facts.notebook is None:
        top = file.python.scopes[0]
        if top.statements > _LONG_MODULE and not _is_constants(file):
            yield 1, f"the module has {top.statements} statements at its top level"
        return
    for cell in file.facts.notebook.cells:
        if cell.statements > _LONG_CELL:
            yield cell.start, f"cell {cell.number} has {cell.statements} statements"


def _is_constants(file: ProjectFile) -> bool:
    """A settings module: nearly all of its top level are assignments."""
    assert file.python is not None
    top = file.python.scopes[0].statements
    return sum(row.scope == 0 for row in file.python.assigns) > 0.8 * top
