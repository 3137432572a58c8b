"""Names that a notebook cell reads before any earlier cell defines them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from mlready.flow.ipython import Magic, NormalizedCell, parse
from mlready.flow.statements import StatementFlow, analyze

_IPYTHON = frozenset(
    {"get_ipython", "display", "In", "Out", "exit", "quit", "_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh", "_dh"}
    | {"__name__", "__doc__", "__builtins__", "__builtin__", "__spec__", "__loader__", "__package__", "__annotations__"}
    | {"dbutils", "spark", "sc", "sqlContext", "displayHTML", "WindowsError"}
)
KNOWN = frozenset(dir(builtins)) | _IPYTHON
"""Names that every notebook has."""

_OPAQUE_MAGICS = frozenset({"%run", "%load", "%pylab", "%macro", "%store", "%rerun", "%recall", "%%cython", "%%cell"})
_LOADED = {
    "kedro": frozenset({"catalog", "context", "pipelines", "session"}),
}
"""Names that extensions of IPython define as they are loaded or reloaded, by the package of the extension."""
_OPAQUE_CALLS = frozenset({"exec", "eval", "globals", "get_ipython", ".update"})


@dataclass(frozen=True)
class UndefinedName:
    """A name that is read too early: `cell` is the index of the reading cell, `line` 1-based in it."""

    name: str
    cell: int
    line: int
    defined_later: bool


def undefined_names(cells: Sequence[NormalizedCell]) -> tuple[UndefinedName, ...]:
    """Each such name once, at its first place. Silent after anything that may define names unseen."""
    trees = [None if cell.problem else parse(cell.code) for cell in cells]
    flows = [analyze(tree.body) if tree else () for tree in trees]
    ever = frozenset().union(*(flow.binds | flow.global_writes for cell in flows for flow in cell))
    defined = set(KNOWN)
    found: dict[str, UndefinedName] = {}
    for index, (cell, tree) in enumerate(zip(cells, trees, strict=True)):
        if tree is None or _opaque(cell, flows[index]):
            break
        defined |= {magic.target for magic in cell.magics} | {call.target for call in cell.shell}
        defined.update(*(_defined_by(magic) for magic in cell.magics))
        for statement, flow in zip(tree.body, flows[index], strict=True):
            missing = set() if _expects_missing(statement) else flow.reads - defined
            missing = {name for name in missing if name not in flow.binds or not _bound_first(statement, name)}
            missing |= flow.deferred - defined - ever - flow.binds
            for name in sorted(missing - found.keys()):
                line = _line_of(statement, name)
                found[name] = UndefinedName(name, index, line, name in ever)
            defined |= flow.binds | flow.global_writes
    return tuple(found.values())


def _defined_by(magic: Magic) -> frozenset[str]:
    """Names of an extension: `%load_ext kedro.ipython`, `%reload_kedro`."""
    if magic.name in ("%load_ext", "%reload_ext"):
        return _LOADED.get(magic.argument.strip().partition(".")[0], frozenset())
    return _LOADED["kedro"] if magic.name == "%reload_kedro" else frozenset()


def _opaque(cell: NormalizedCell, flows: tuple[StatementFlow, ...]) -> bool:
    """True where the cell may define names that cannot be seen."""
    if any(magic.name in _OPAQUE_MAGICS for magic in cell.magics):
        return True
    return any(flow.star_imports or _OPAQUE_CALLS.intersection(flow.calls) for flow in flows)


def _expects_missing(statement: ast.stmt) -> bool:
    """True for `try: name ... except NameError`: the read is a question."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                types = {
                    found.id for found in ast.walk(handler.type or ast.Name("NameError")) if isinstance(found, ast.Name)
                }
                if types & {"NameError", "Exception", "BaseException"}:
                    return True
    return False


def _bound_first(statement: ast.stmt, name: str) -> bool:
    """Whether some path through a compound statement binds the name before the place of its first use."""
    if not hasattr(statement, "body") or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    updated = {
        id(node.target)
        for node in ast.walk(statement)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }
    stores: list[int] = []
    loads: list[int] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id == name:
            bound = isinstance(node.ctx, ast.Store) and id(node) not in updated
            (stores if bound else loads).append(node.lineno)
    return bool(stores) and (min(stores) < min(loads, default=0) or _bound_by_earlier_turn(statement, name))


def _bound_by_earlier_turn(statement: ast.stmt, name: str) -> bool:
    """`if started: rows = add(rows, …) else: rows = […]` in a loop: the branch that only binds runs in an earlier turn."""
    for loop in ast.walk(statement):
        if not isinstance(loop, ast.For | ast.While):
            continue
        for choice in ast.walk(loop):
            if isinstance(choice, ast.If):
                uses = [_uses(branch, name) for branch in (choice.body, choice.orelse)]
                if any(only_binds for _, only_binds in uses) and any(reads for reads, _ in uses):
                    return True
    return False


def _uses(branch: list[ast.stmt], name: str) -> tuple[bool, bool]:
    """Whether statements read a name; whether they bind it, and never read it."""
    kinds = {
        isinstance(node.ctx, ast.Load)
        for statement in branch
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == name
    }
    return True in kinds, kinds == {False}


def _line_of(statement: ast.stmt, name: str) -> int:
    lines = [node.lineno for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == name]
    return min(lines, default=statement.lineno)
