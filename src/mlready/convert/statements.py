"""Plain cells into statements: code, comments and flow of each top-level statement, in the order of the cells."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mlready.convert.codemods.source import Piece, comments, pieces, with_comments
from mlready.convert.model import Note, PlainCell, Statement
from mlready.flow.statements import Imports, analyze


@dataclass(frozen=True)
class Reading:
    """`cells` as they were given, those that cannot be rewritten with their problem; `after`: comments below it all."""

    cells: tuple[PlainCell, ...]
    statements: tuple[Statement, ...]
    after: tuple[str, ...] = ()


def read_statements(cells: Iterable[PlainCell], imports: Imports) -> Reading:
    """Statements of all cells that parse. A `pass` that stands for a dropped magic is no statement."""
    found: list[Statement] = []
    read: list[PlainCell] = []
    waiting: tuple[str, ...] = ()
    for cell in cells:
        try:
            inside, below = ([], ()) if cell.problem else pieces(cell.code)
        except SyntaxError as error:
            read.append(_refused(cell, str(error)))
            continue
        read.append(cell)
        kept = [piece for piece in inside if not isinstance(piece.node, ast.Pass | ast.Global)]
        for piece in kept:
            code = with_comments(piece.code, (*waiting, *comments(piece.code.leading_lines)))
            waiting = piece.after
            last = piece is kept[-1]
            found.append(_statement(replace(piece, code=code), cell.number, len(found), imports, last))
        waiting += below
    return Reading(tuple(read), tuple(found), waiting)


def _refused(cell: PlainCell, problem: str) -> PlainCell:
    note = Note(cell.number, 0, "refused", f"not Python that can be converted: {problem}; kept as text")
    return replace(cell, problem=problem, notes=(*cell.notes, note))


def _statement(piece: Piece, cell: int, index: int, imports: Imports, last: bool) -> Statement:
    node = piece.node
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
    return Statement(
        index=index,
        cell=cell,
        node=node,
        code=piece.code,
        origin=piece.origin,
        flow=analyze([node], imports)[0],
        weight=sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)),
        lines=(node.end_lineno or first) - first + 1 + len(piece.code.leading_lines),
        shown=last and isinstance(node, ast.Expr) and not piece.muted,
        ends_cell=last,
    )
