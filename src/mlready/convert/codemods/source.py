"""Code of a cell as libcst nodes: parsed once, each top-level statement beside its `ast` node."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import libcst as cst

from mlready.convert.codemods.imports import one_name_each
from mlready.flow.ipython import parse, problem_of

Line: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement
"""One statement with the lines that it stands on and the comments above it."""

MAX_DEPTH = 100
"""Nodes inside each other; the transformers are recursive."""

_BARE_BACKSLASH = re.compile(r"(?:\A|(?<!\\)\n)[ \t\f]*\\\n")
"""Libcst takes what follows for a part of the block before."""


class Origin:
    """The text that statements come from; finds the libcst node of a literal in it."""

    def __init__(self, text: str) -> None:
        """Raises SyntaxError for what `ast` or libcst cannot read, and for what is nested too deeply to be changed."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.lines = text.split("\n")
        self.tree = parse(text)
        if _deeper_than(MAX_DEPTH, self.tree):
            raise SyntaxError("expressions or blocks are nested too deeply")
        if _BARE_BACKSLASH.search(text):
            raise SyntaxError("a statement begins with a backslash")
        try:
            self.module = cst.parse_module(text if text.endswith("\n") else text + "\n")
        except (cst.ParserSyntaxError, RecursionError, ValueError) as error:
            raise SyntaxError(f"libcst cannot read it: {str(error).splitlines()[0]}") from error

    def literal(self, node: ast.expr) -> cst.CSTNode | None:
        """The node that was parsed from the same place."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = node.lineno, self._column(node.lineno, node.col_offset)
        return self._literals.get((*start, node.end_lineno, self._column(node.end_lineno, node.end_col_offset)))

    def _column(self, line: int, offset: int) -> int:
        """`ast` counts UTF-8 bytes, libcst characters."""
        text = self.lines[line - 1]
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))

    @cached_property
    def _literals(self) -> dict[tuple[int, int, int, int], cst.CSTNode]:
        from libcst.metadata import MetadataWrapper, PositionProvider

        kinds = (
            cst.SimpleString,
            cst.ConcatenatedString,
            cst.Integer,
            cst.Float,
            cst.Name,
            cst.List,
            cst.Dict,
            cst.Set,
        )
        places = MetadataWrapper(self.module, unsafe_skip_copy=True).resolve(PositionProvider)
        return {
            (place.start.line, place.start.column, place.end.line, place.end.column): node
            for node, place in places.items()
            if isinstance(node, kinds)
        }


@dataclass(frozen=True, eq=False)
class Piece:
    """One top-level statement. `muted`: a semicolon stands behind it; `after`: comments at the end of its block."""

    node: ast.stmt
    code: Line
    origin: Origin
    muted: bool = False
    after: tuple[str, ...] = ()


def pieces(text: str) -> tuple[list[Piece], tuple[str, ...]]:
    """The statements of a cell, and the comments below the last. Raises SyntaxError as `Origin` does."""
    origin = Origin(text)
    module = origin.module
    found = [piece for pair in _paired(origin.tree.body, module.body, origin) for piece in _unfolded(pair)]
    if not found:
        return [], comments((*module.header, *module.footer))
    first = found[0]
    above = comments((*module.header, *first.code.leading_lines))
    found[0] = replace(first, code=with_comments(first.code, above))
    return found, comments(module.footer)


def code_of(node: cst.CSTNode) -> str:
    """Source of a node, without blank lines around it, and without a backslash that continues into one."""
    text = cst.Module([]).code_for_node(node).lstrip("\n").rstrip()
    while text.endswith("\\") and "#" not in text.rsplit("\n", 1)[-1]:
        text = text[:-1].rstrip()
    return text


def comments(lines: Iterable[cst.EmptyLine]) -> tuple[str, ...]:
    """Comment lines; "" for blank lines between and above them."""
    found: list[str] = []
    for line in lines:
        if line.comment:
            found.append(line.comment.value)
        elif not found or found[-1]:
            found.append("")
    return tuple(found)


def comment_text(line: str) -> str:
    """A comment without its marks."""
    return line.strip("#-=*: \t")


def set_apart(above: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Comments that a blank line sets apart from what stands below them, and those directly above it."""
    place = len(above) - above[::-1].index("") if "" in above else 0
    return tuple(above[:place]), tuple(above[place:])


def with_comments(code: Line, above: Iterable[str]) -> Line:
    """A statement with these lines above it, as `comments` gives them, and nothing else."""
    return code.with_changes(leading_lines=empty_lines(above))


def empty_lines(texts: Iterable[str]) -> list[cst.EmptyLine]:
    """Lines of comments alone, blank for ""."""
    return [cst.EmptyLine(comment=cst.Comment(text)) if text else cst.EmptyLine(indent=False) for text in texts]


def comments_of(code: Line) -> tuple[tuple[str, ...], str]:
    """Lines above a statement, and the comment behind it or ""."""
    behind = code.trailing_whitespace.comment if isinstance(code, cst.SimpleStatementLine) else None
    return comments(code.leading_lines), behind.value if behind else ""


def _deeper_than(limit: int, root: ast.AST) -> bool:
    level: list[ast.AST] = [root]
    for _ in range(limit):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def _paired(nodes: Sequence[ast.stmt], lines: Sequence[cst.CSTNode], origin: Origin) -> Iterator[Piece]:
    """Statements of both trees side by side, `a; b` as two."""
    waiting = iter(nodes)
    for line in lines:
        if isinstance(line, cst.SimpleStatementLine):
            last = len(line.body) - 1
            for number, small in enumerate(line.body):
                muted = isinstance(small.semicolon, cst.Semicolon)
                yield Piece(next(waiting), _alone(line, small, number == 0, number == last), origin, muted)
        else:
            assert isinstance(line, cst.BaseCompoundStatement)
            plain = with_comments(line, comments(line.leading_lines))
            yield Piece(next(waiting), plain, origin)


def _alone(line: cst.SimpleStatementLine, small: cst.BaseSmallStatement, first: bool, last: bool) -> Line:
    """One of the statements of a line as a line of its own; comments go with the first and the last."""
    alone = cst.SimpleStatementLine(
        body=[small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)],
        trailing_whitespace=line.trailing_whitespace if last else cst.TrailingWhitespace(),
    )
    return with_comments(alone, comments(line.leading_lines) if first else ())


def _unfolded(piece: Piece) -> Iterator[Piece]:
    """Imports one name each; `if __name__ == "__main__"` and `exec` of a literal as the statements that they run."""
    node = piece.node
    if isinstance(node, ast.Import | ast.ImportFrom) and len(node.names) > 1:
        assert isinstance(piece.code, cst.SimpleStatementLine)
        for alias, code in zip(node.names, one_name_each(piece.code), strict=True):
            single = ast.Import([alias]) if isinstance(node, ast.Import) else _from(node, alias)
            yield replace(piece, node=ast.copy_location(single, node), code=code)
    elif _is_main_guard(node):
        assert isinstance(node, ast.If)
        assert isinstance(piece.code, cst.If)
        yield from _inlined(_guarded(piece, node.body, piece.code), piece)
    elif (text := _literal_exec(node)) is not None:
        inner, rest = pieces(text)
        yield from _inlined([*inner[:-1], replace(inner[-1], after=rest)] if inner else [], piece)
    else:
        yield piece


def _from(node: ast.ImportFrom, alias: ast.alias) -> ast.ImportFrom:
    return ast.ImportFrom(node.module, [alias], node.level)


def _inlined(inner: Sequence[Piece], outer: Piece) -> Iterator[Piece]:
    """Statements in place of the one that held them; it shows no value."""
    above = comments(outer.code.leading_lines)
    for number, piece in enumerate(inner):
        own = comments(piece.code.leading_lines)
        yield replace(piece, code=with_comments(piece.code, own if number else above + own), muted=True)


def _guarded(piece: Piece, nodes: Sequence[ast.stmt], code: cst.If) -> list[Piece]:
    body = code.body
    if isinstance(body, cst.SimpleStatementSuite):
        line = cst.SimpleStatementLine(body=body.body, trailing_whitespace=body.trailing_whitespace)
        return [inner for pair in _paired(nodes, [line], piece.origin) for inner in _unfolded(pair)]
    found = [inner for pair in _paired(nodes, body.body, piece.origin) for inner in _unfolded(pair)]
    rest = comments(body.footer) if isinstance(body, cst.IndentedBlock) else ()
    return [*found[:-1], replace(found[-1], after=rest)]


def _is_main_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    parts = [node.test.left, *node.test.comparators]
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    values = {part.value for part in parts if isinstance(part, ast.Constant)}
    return names == {"__name__"} and values == {"__main__"} and isinstance(node.test.ops[0], ast.Eq)


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


def assigned_value(code: Line) -> str:
    """Source of `value` in `name = value`, in parentheses where it takes several lines and has none."""
    assert isinstance(code, cst.SimpleStatementLine)
    (statement,) = code.body
    assert isinstance(statement, cst.Assign)
    text = code_of(statement.value)
    return f"({text})" if "\n" in text and text[0] not in "([" else text
