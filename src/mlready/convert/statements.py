"""Plain cells into statements: source text, comments and flow of each top-level statement, in the order of the cells."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mlready.convert.model import PlainCell, Statement
from mlready.flow.ipython import parse, problem_of
from mlready.flow.statements import Imports, analyze


class Source:
    """Text with offsets for the (line, UTF-8 column) places of `ast`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def offset(self, line: int, column: int) -> int:
        text = self.lines[line - 1]
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return self.starts[line - 1] + column

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Start and end of a node; of a definition with its decorators."""
        decorators = getattr(node, "decorator_list", ())
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        if decorators:
            line = min(decorator.lineno for decorator in decorators)
            column = 0 if self.lines[line - 1].startswith("@") else len(self.lines[line - 1].split("@", 1)[0])
        return self.offset(line, column), self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Piece:
    node: ast.stmt
    text: str
    comments: tuple[str, ...] = ()
    trailing: str = ""
    muted: bool = False


def read_statements(cells: Iterable[PlainCell], imports: Imports) -> tuple[Statement, ...]:
    """Statements of all cells that parse. A `pass` that stands for a dropped magic is no statement."""
    found: list[Statement] = []
    waiting: tuple[str, ...] = ()
    for cell in cells:
        if cell.problem:
            continue
        pieces = [piece for piece in _pieces(cell.code) if not isinstance(piece.node, ast.Pass | ast.Global)]
        last = len(pieces) - 1
        for number, piece in enumerate(pieces):
            shown = number == last and isinstance(piece.node, ast.Expr) and not piece.muted
            piece = replace(piece, comments=waiting + piece.comments)
            waiting = ()
            found.append(_statement(piece, cell.number, len(found), imports, shown, number == last))
        waiting += _comments(_after_last(cell.code))
    return tuple(found)


def _after_last(code: str) -> str:
    """What follows the last statement of a cell, its own line left out."""
    body = parse(code).body
    if not body:
        return code
    return "\n".join(code.split("\n")[body[-1].end_lineno :])


def _statement(piece: _Piece, cell: int, index: int, imports: Imports, shown: bool, ends_cell: bool) -> Statement:
    return Statement(
        index=index,
        cell=cell,
        node=piece.node,
        text=piece.text,
        comments=piece.comments,
        trailing=piece.trailing,
        flow=analyze([piece.node], imports)[0],
        weight=sum(isinstance(node, ast.stmt) for node in ast.walk(piece.node)),
        shown=shown,
        ends_cell=ends_cell,
    )


def _pieces(code: str) -> Iterator[_Piece]:
    source = Source(code)
    previous = 0
    for node in parse(code).body:
        start, end = source.span(node)
        comments = _comments(code[previous:start])
        tail = code[end : code.find("\n", end) if "\n" in code[end:] else len(code)]
        trailing = tail.split("#", 1)[1].rstrip() if "#" in tail and not tail.split("#", 1)[0].strip("; \t") else ""
        piece = _Piece(
            _again(code[start:end], node),
            code[start:end],
            comments,
            f"#{trailing}" if trailing else "",
            tail.lstrip().startswith(";"),
        )
        previous = end + (len(tail) if trailing else 0)
        yield from _unfold(piece)


def _again(text: str, node: ast.stmt) -> ast.stmt:
    """The node with places counted in its own text."""
    return parse(textwrap.dedent(text)).body[0] if node.col_offset == 0 else parse(text).body[0]


def _comments(gap: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in gap.split("\n") if line.strip().startswith("#"))


def _unfold(piece: _Piece) -> Iterator[_Piece]:
    """Imports one name each; `if __name__ == "__main__"` and `exec` of a literal as the statements that they run."""
    node = piece.node
    if isinstance(node, ast.Import | ast.ImportFrom) and len(node.names) > 1:
        for number, alias in enumerate(node.names):
            single: ast.Import | ast.ImportFrom = ast.Import([alias])
            if isinstance(node, ast.ImportFrom):
                single = ast.ImportFrom(node.module, [alias], node.level)
            text = ast.unparse(single)
            yield _Piece(parse(text).body[0], text, piece.comments if not number else ())
    elif _is_main_guard(node):
        assert isinstance(node, ast.If)
        yield from _inlined(textwrap.dedent(_block_text(piece.text, node)), piece)
    elif (code := _literal_exec(node)) is not None:
        yield from _inlined(code, piece)
    else:
        yield piece


def _inlined(code: str, piece: _Piece) -> Iterator[_Piece]:
    for number, inner in enumerate(_pieces(code)):
        comments = piece.comments + inner.comments if not number else inner.comments
        yield replace(inner, comments=comments, muted=True)


def _is_main_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    parts = [node.test.left, *node.test.comparators]
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    values = {part.value for part in parts if isinstance(part, ast.Constant)}
    return names == {"__name__"} and values == {"__main__"} and isinstance(node.test.ops[0], ast.Eq)


def _block_text(text: str, node: ast.If) -> str:
    source = Source(text)
    first, last = node.body[0], node.body[-1]
    start = source.starts[source.text.count("\n", 0, source.span(first)[0])]
    if source.lines[node.lineno - 1].rstrip().endswith(":"):
        start = source.starts[node.lineno]
    else:
        start = source.span(first)[0]
    return text[start : source.span(last)[1]]


def _literal_exec(node: ast.stmt) -> str | None:
    """`a = 1` of `exec("a = 1")`."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and len(node.value.args) == 1):
        return None
    call, argument = node.value, node.value.args[0]
    if not (isinstance(call.func, ast.Name) and call.func.id == "exec" and not call.keywords):
        return None
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and not problem_of(argument.value):
        return argument.value
    return None
