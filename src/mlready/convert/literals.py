"""Long literals: data that stands in the code of a notebook and goes to a module of its own, so that steps stay readable."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlready.convert.codemods.source import code_of
from mlready.convert.model import LongLiteral, Statement
from mlready.convert.names import unique
from mlready.convert.tokens import COPY
from mlready.flow.effects import is_pure_function
from mlready.flow.statements import Imports

MIN_LINES = 40


def long_literals(statements: Sequence[Statement], imports: Imports, taken: set[str]) -> dict[int, LongLiteral]:
    """The longest literal of each plain statement that is longer than a page, by index of the statement."""
    found: dict[int, LongLiteral] = {}
    names = set(taken)
    for statement in statements:
        if statement.lines < MIN_LINES or not isinstance(statement.node, ast.Assign | ast.AnnAssign | ast.Expr):
            continue
        place = max(_places(statement, imports), key=lambda place: _lines(place.node), default=None)
        if place is None:
            continue
        base = next(iter(sorted(statement.flow.binds)), "").strip("_") or "values"
        name = unique(base.upper(), names)
        names.add(name)
        use = name if place.shares_nothing else f"{COPY}({name})"
        found[statement.index] = LongLiteral(name, place.node, use, place.text, _lines(place.node), statement.cell)
    return found


@dataclass(frozen=True)
class _Place:
    """`shares_nothing`: nobody could change the constant, because it is no container or only read."""

    node: ast.expr
    text: str
    shares_nothing: bool


def _places(statement: Statement, imports: Imports) -> Iterator[_Place]:
    stack: list[tuple[ast.AST, bool]] = [(statement.node, False)]
    while stack:
        node, only_read = stack.pop()
        if isinstance(node, ast.expr) and _lines(node) >= MIN_LINES and _is_plain(node):
            code = statement.origin.literal(node)
            if code is not None:
                yield _Place(node, code_of(code), only_read or isinstance(node, ast.Constant))
        elif not isinstance(node, ast.Lambda | ast.JoinedStr):
            reads = isinstance(node, ast.Call) and is_pure_function(imports.resolve(node.func))
            stack.extend((child, reads) for child in ast.iter_child_nodes(node))


def _is_plain(node: ast.expr) -> bool:
    """True for texts, numbers, and containers of nothing else."""
    kinds = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(inner, kinds) for inner in ast.walk(node))


def _lines(node: ast.expr) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def literals_module(literals: Sequence[LongLiteral]) -> str:
    """Source of the module that holds the data."""
    parts = ['"""Data that stood in the code of the notebook."""', *(f"{one.name} = {one.text}" for one in literals)]
    return "\n\n".join(parts) + "\n"
