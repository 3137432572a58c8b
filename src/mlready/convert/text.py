"""Source text changed in place: edits at offsets, indentation that leaves multi-line strings alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from mlready.convert.model import Edit, Statement
from mlready.flow.ipython import parse

INDENT = "    "


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Text with all edits made, from the last to the first; edits never overlap."""
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def indented(text: str, prefix: str = INDENT) -> str:
    """Text moved right, the inner lines of multi-line strings left as they are."""
    fixed = string_lines(text)
    lines = text.split("\n")
    return "\n".join(
        line if number in fixed or not line.strip() else prefix + line for number, line in enumerate(lines, start=1)
    )


def string_lines(text: str) -> frozenset[int]:
    """Numbers of the lines that begin inside a string."""
    if "\n" not in text or not ("'''" in text or '"""' in text or "\\\n" in text):
        return frozenset()
    found: set[int] = set()
    for node in ast.walk(parse(text)):
        text_like = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        )
        if text_like and node.end_lineno:  # type: ignore[attr-defined]
            found.update(range(node.lineno + 1, node.end_lineno + 1))  # type: ignore[attr-defined]
    return frozenset(found)


def global_to_nonlocal(text: str, names: frozenset[str]) -> str:
    """`global x` becomes `nonlocal x` in a function that now stands in another one."""
    if not names:
        return text
    return re.sub(r"^(\s*)global(\s+)(?=[\w, ]+$)", r"\1nonlocal\2", text, flags=re.M)


def assembled(statement: Statement, text: str) -> str:
    """A statement with the comments that belong to it."""
    tail = f"  {statement.trailing}" if statement.trailing else ""
    return "\n".join((*statement.comments, text + tail))


def shown(text: str, node: ast.Expr, function: str) -> str:
    """A last expression as a call that shows it."""
    bare_tuple = isinstance(node.value, ast.Tuple) and not text.startswith("(")
    return f"{function}(({text}))" if bare_tuple else f"{function}({text})"
