"""Which imports move to the top of modules, which stay in functions, and which are values like any other."""

from __future__ import annotations

import ast
import builtins
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlready.convert.codemods.source import comments_of
from mlready.convert.model import ImportLine, Note, Statement
from mlready.flow.ipython import problem_of

SIDE_EFFECTS = (
    "sklearn.experimental",
    "mpl_toolkits",
    "seaborn",
    "scienceplots",
    "hvplot",
    "swifter",
    "cmocean",
    "lux",
)
"""Modules that are imported for what their import does; kept although no name of theirs is used."""

POLICY_MODULES = ("os", "subprocess", "runpy", "pathlib")
"""Modules that translated magics use."""

_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Imported:
    """The result: `lines` in the notebook's order, `names` that they bind, statements that are taken up by them."""

    lines: tuple[ImportLine, ...]
    names: frozenset[str]
    hoisted: frozenset[int]
    blocks: tuple[Statement, ...]
    notes: tuple[Note, ...]

    @property
    def stars(self) -> tuple[ImportLine, ...]:
        return tuple(line for line in self.lines if line.name == "*")


def plan_imports(statements: Sequence[Statement], folder: Path) -> Imported:
    """Hoists every import whose name means one thing throughout the notebook."""
    binders = _binders(statements)
    used = frozenset().union(*(s.flow.reads | s.flow.deferred | s.flow.deletes for s in statements))
    stable = {name for name, found in binders.items() if _is_stable(name, found)}
    blocks = tuple(s for s in statements if _is_block(s, binders, stable))
    block_names = frozenset().union(*(s.flow.binds for s in blocks))
    lines: list[ImportLine] = []
    hoisted: set[int] = {s.index for s in blocks}
    notes: list[Note] = []
    path_changed = False
    for statement in statements:
        path_changed = path_changed or changes_path(statement)
        if not isinstance(statement.node, ast.Import | ast.ImportFrom):
            continue
        line = _line(statement, folder, path_changed)
        if line.name != "*" and line.name not in stable:
            continue
        hoisted.add(statement.index)
        if problem := _problem_beside(line, folder):
            notes.append(Note(statement.cell, 0, "warning", f"{line.root}.py is not taken along: {problem}"))
        if line.name in used or line.name == "*" or line.side_effect:
            lines.append(line)
        elif line.root != "__future__":
            notes.append(Note(statement.cell, 0, "dropped", f"{line.text}: never used"))
    for module in POLICY_MODULES:
        if module in used and module not in binders:
            lines.append(ImportLine(f"import {module}", module, module, 0))
    return Imported(
        lines=tuple(_once(lines)),
        names=frozenset(line.name for line in lines if line.name != "*") | block_names,
        hoisted=frozenset(hoisted),
        blocks=blocks,
        notes=tuple(notes),
    )


def _once(lines: Iterable[ImportLine]) -> Iterable[ImportLine]:
    return {line.text: line for line in reversed(tuple(lines))}.values().__reversed__()


def _binders(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    found: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        for name in statement.flow.binds | statement.flow.global_writes | statement.flow.deletes:
            found[name].append(statement)
    return found


def _is_stable(name: str, binders: Sequence[Statement]) -> bool:
    nodes = [statement.node for statement in binders]
    if not all(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes):
        return False
    if all(isinstance(node, ast.Import) and node.names[0].asname is None for node in nodes):
        return True
    return len({ast.dump(node) for node in nodes}) == 1


def _is_block(statement: Statement, binders: dict[str, list[Statement]], stable: set[str]) -> bool:
    """`try: import x; except ImportError: x = None` and the like: nothing but imports and constants."""
    node = statement.node
    if not isinstance(node, ast.Try | ast.If) or not statement.flow.imports:
        return False
    if statement.flow.effects - {"print"} or not statement.flow.reads <= _BUILTINS | stable:
        return False
    simple = (ast.Import, ast.ImportFrom, ast.Pass, ast.Raise, ast.Try, ast.If, ast.Assign, ast.Expr)
    inner = [found for found in ast.walk(node) if isinstance(found, ast.stmt)]
    return all(isinstance(found, simple) for found in inner) and all(
        len(binders[name]) == 1 for name in statement.flow.binds
    )


def changes_path(statement: Statement) -> bool:
    return any(call.startswith(("sys.path.", "site.addsitedir", "os.chdir")) for call in statement.flow.calls) or (
        "sys" in statement.flow.mutates and "environment" in statement.flow.effects
    )


def _line(statement: Statement, folder: Path, path_changed: bool) -> ImportLine:
    node = statement.node
    assert isinstance(node, ast.Import | ast.ImportFrom)
    alias = node.names[0]
    module = alias.name if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
    name = alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name)
    root = module.split(".")[0]
    above, beside = comments_of(statement.code)
    local = _is_local(root, folder, path_changed)
    return ImportLine(
        text=ast.unparse(node),
        name=name,
        root=root,
        cell=statement.cell,
        side_effect=module.startswith(SIDE_EFFECTS) or (module == "__future__" and name == "annotations"),
        local=local,
        late=local and name != "*",
        above=above,
        beside=beside,
    )


def _problem_beside(line: ImportLine, folder: Path) -> str:
    """Why the module beside the notebook cannot be imported by this Python; "" where it can, or is elsewhere."""
    path = folder / f"{line.root}.py"
    return problem_of(path.read_text(encoding="utf-8", errors="replace")) if line.local and path.is_file() else ""


def _is_local(root: str, folder: Path, path_changed: bool) -> bool:
    if not root:
        return True
    if root in sys.stdlib_module_names:
        return False
    folders = [folder, *folder.parents[:3]] if path_changed else [folder]
    places = [place / sub for place in folders for sub in (("", "src", "lib") if path_changed else ("",))]
    return any((place / f"{root}.py").is_file() or (place / root / "__init__.py").is_file() for place in places)
