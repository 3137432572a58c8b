"""`import a, b` as one statement for each name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst


def one_name_each(line: cst.SimpleStatementLine) -> Iterator[cst.SimpleStatementLine]:
    """Imports of one name each; a comment beside a name inside parentheses stays beside it."""
    (statement,) = line.body
    assert isinstance(statement, cst.Import | cst.ImportFrom)
    assert not isinstance(statement.names, cst.ImportStar)
    last = len(statement.names) - 1
    for number, (alias, comment) in enumerate(zip(statement.names, _comments(statement), strict=True)):
        single = statement.with_changes(names=[alias.with_changes(comma=cst.MaybeSentinel.DEFAULT)])
        if isinstance(single, cst.ImportFrom):
            single = single.with_changes(lpar=None, rpar=None)
        trailing = cst.TrailingWhitespace(cst.SimpleWhitespace("  "), comment) if comment else cst.TrailingWhitespace()
        if number == last and line.trailing_whitespace.comment:
            trailing = line.trailing_whitespace
        yield line.with_changes(
            body=[single], trailing_whitespace=trailing, leading_lines=() if number else line.leading_lines
        )


def _comments(statement: cst.Import | cst.ImportFrom) -> Sequence[cst.Comment | None]:
    """For each name, the comment at the end of its line."""
    assert not isinstance(statement.names, cst.ImportStar)
    found: list[cst.Comment | None] = []
    for alias in statement.names:
        space = alias.comma.whitespace_after if isinstance(alias.comma, cst.Comma) else None
        if space is None and isinstance(statement, cst.ImportFrom) and statement.rpar:
            space = statement.rpar.whitespace_before
        inside = isinstance(space, cst.ParenthesizedWhitespace)
        found.append(space.first_line.comment if inside else None)  # type: ignore[union-attr]
    return found
