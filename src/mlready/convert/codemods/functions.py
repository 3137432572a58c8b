"""Steps as functions, and functions that take or change what was global in the notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import libcst as cst

from mlready.convert.codemods.changing import Node, changed
from mlready.convert.codemods.source import Line, comments, empty_lines, set_apart, with_comments
from mlready.flow.ipython import problem_of


def with_parameters(code: Line, names: Sequence[str], annotations: Mapping[str, str]) -> Line:
    """A function with leading parameters added; no `global` of it names one of them any more."""
    assert isinstance(code, cst.FunctionDef)
    parameters = code.params
    types = {name: cst.Annotation(cst.parse_expression(text)) for name, text in annotations.items()}
    added = [cst.Param(cst.Name(name), types.get(name)) for name in names]
    if parameters.posonly_params:
        parameters = parameters.with_changes(posonly_params=[*added, *parameters.posonly_params])
    else:
        parameters = parameters.with_changes(params=[*added, *parameters.params])
    return without_global(code.with_changes(params=parameters), frozenset(names))


def described(code: Line) -> Line:
    """A function or class without a docstring, and with words of its author directly above it: those are its docstring."""
    if not isinstance(code, cst.FunctionDef | cst.ClassDef) or code.get_docstring() is not None:
        return code
    apart, above = set_apart(comments(code.leading_lines))
    text = "\n    ".join(line.lstrip("#").strip() for line in above)
    if not isinstance(code.body, cst.IndentedBlock) or not _is_prose(text):
        return code
    text = text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?", ":")) else ".")
    docstring = parsed(f'"""{text}"""' if "\n" not in text else f'"""{text}\n    """')
    body = code.body.with_changes(body=[docstring, *code.body.body])
    return with_comments(code.with_changes(body=body), apart)


def _is_prose(text: str) -> bool:
    """True for a sentence; not for code that is commented out, marks for tools, rulers and notes to oneself."""
    plain = len(text.split()) > 2 and text[:1].isalpha() and not set(text) & {'"', "\\"}
    return (
        plain
        and bool(problem_of(text))
        and re.match(r"(todo|fixme|xxx|hack|note|source|license|noqa|type:)\b", text, re.I) is None
    )


def without_global(code: Line, names: frozenset[str]) -> Line:
    """`global` of these names left out: functions inside read them from the function around."""
    return _declaring(code, lambda found: _declared(cst.Global, [name for name in found if name not in names]))


def with_nonlocal(code: Line, names: frozenset[str]) -> Line:
    """`nonlocal` in functions for `global` of names that the step around holds; any other `global` says nothing there."""

    def change(node: cst.CSTNode) -> cst.CSTNode:
        if not isinstance(node, cst.FunctionDef):
            return node
        return _declaring(node, lambda found: _declared(cst.Nonlocal, [name for name in found if name in names]))

    return _declaring(changed(code, change), lambda _: [])


def shown(code: Line, function: str) -> Line:
    """A last expression as a call that shows it."""
    assert isinstance(code, cst.SimpleStatementLine)
    (statement,) = code.body
    assert isinstance(statement, cst.Expr)
    value = statement.value
    if isinstance(value, cst.Tuple) and not value.lpar:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return code.with_changes(body=[cst.Expr(cst.Call(cst.Name(function), [cst.Arg(value)]))])


def step(signature: str, docstring: str, body: Sequence[Line], after: Sequence[str] = ()) -> cst.FunctionDef:
    """A function of statements; `after` are comments at its end."""
    function = cst.parse_statement(f"{signature}\n    {docstring}\n")
    assert isinstance(function, cst.FunctionDef)
    above = comments(body[0].leading_lines) if body else ()
    first = [with_comments(body[0], above[1:] if above[:1] == ("",) else above)] if body else []
    block = cst.IndentedBlock([*function.body.body, *first, *body[1:]], footer=empty_lines(after))
    return function.with_changes(body=block)


def parsed(text: str) -> Line:
    """One statement from its text."""
    statement = cst.parse_statement(text)
    assert isinstance(statement, cst.SimpleStatementLine | cst.BaseCompoundStatement)
    return statement


def with_comments_above(code: Line, above: Iterable[str]) -> Line:
    return with_comments(code, (*above, *comments(code.leading_lines)))


def _declaring(code: Node, new: Callable[[list[str]], list[cst.BaseSmallStatement]]) -> Node:
    """Other statements in place of each `global`, made from its names."""

    def change(node: cst.CSTNode) -> cst.CSTNode | cst.FlattenSentinel[cst.BaseSmallStatement]:
        if not isinstance(node, cst.Global):
            return node
        return cst.FlattenSentinel(new([item.name.value for item in node.names]) or [cst.Pass()])

    return changed(code, change)


def _declared(kind: type[cst.Global | cst.Nonlocal], names: Sequence[str]) -> list[cst.BaseSmallStatement]:
    return [kind([cst.NameItem(cst.Name(name)) for name in names])] if names else []
