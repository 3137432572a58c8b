"""Plain cells into statements: code, comments and flow of each top-level statement, in the order of the cells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mlready.convert.codemods.source import Piece, comments, pieces, set_apart, with_comments
from mlready.convert.model import Note, PlainCell, Statement
from mlready.flow.statements import Imports, analyze

_OF_IMPORTS = re.compile(r"import|librar|package|module|depend|noqa|isort", re.I)


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
        kept, waiting = _placed(inside, (*waiting, ""))
        found += [_statement(piece, cell, len(found) + n, imports, piece is kept[-1]) for n, piece in enumerate(kept)]
        waiting += below
    return Reading(tuple(read), tuple(found), waiting if any(waiting) else ())


def _is_nothing(piece: Piece) -> bool:
    return isinstance(piece.node, ast.Pass | ast.Global)


def _placed(inside: Sequence[Piece], waiting: tuple[str, ...]) -> tuple[list[Piece], tuple[str, ...]]:
    """What is kept of a cell, with comments where they belong, and comments that wait for what comes next.

    Those above an import go to the code below it in the cell, unless there is none or they speak of imports.
    """
    code = [not _is_import(piece) and not _is_nothing(piece) for piece in inside]
    found: list[Piece] = []
    for number, piece in enumerate(inside):
        above = _joined(waiting, comments(piece.code.leading_lines))
        if _is_nothing(piece):
            waiting, _ = set_apart(above)
            continue
        moves = _is_import(piece) and any(code[number:]) and not _OF_IMPORTS.search(" ".join(above))
        waiting = above if moves else piece.after
        stays = tuple(line for line in above[:1] if not line) if moves else above
        found.append(replace(piece, code=with_comments(piece.code, stays)))
    return found, waiting


def _joined(above: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """Comments one below the other; the blank line between code that is gone and what follows is no longer needed."""
    if any(above) and not any(own):
        return above
    return (*above, *(own[1:] if above[-1:] == own[:1] == ("",) else own))


def _is_import(piece: Piece) -> bool:
    return isinstance(piece.node, ast.Import | ast.ImportFrom)


def _refused(cell: PlainCell, problem: str) -> PlainCell:
    note = Note(cell.number, 0, "refused", f"not Python that can be converted: {problem}; kept as text")
    return replace(cell, problem=problem, notes=(*cell.notes, note))


def _statement(piece: Piece, cell: PlainCell, index: int, imports: Imports, last: bool) -> Statement:
    node = piece.node
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
    return Statement(
        index=index,
        cell=cell.number,
        node=node,
        code=piece.code,
        origin=piece.origin,
        flow=analyze([node], imports)[0],
        weight=sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)),
        lines=(node.end_lineno or first) - first + 1 + len(piece.code.leading_lines),
        shown=last and isinstance(node, ast.Expr) and not piece.muted and first not in cell.commands,
    )
