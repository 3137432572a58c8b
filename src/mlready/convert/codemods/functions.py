"""Steps as functions, and functions that take or change what was global in the notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import libcst as cst

from mlready.convert.codemods.changing import changed
from mlready.convert.codemods.source import Line, comments, empty_lines, with_comments


def with_parameters(code: Line, names: Sequence[str]) -> Line:
    """A function with leading parameters added; no `global` of it names one of them any more."""
    assert isinstance(code, cst.FunctionDef)
    parameters = code.params
    added = [cst.Param(cst.Name(name)) for name in names]
    if parameters.posonly_params:
        parameters = parameters.with_changes(posonly_params=[*added, *parameters.posonly_params])
    else:
        parameters = parameters.with_changes(params=[*added, *parameters.params])
    return without_global(code.with_changes(params=parameters), frozenset(names))


def without_global(code: Line, names: frozenset[str]) -> Line:
    """`global` of these names left out: functions inside read them from the function around."""
    return _global_changed(code, names, None)


def with_nonlocal(code: Line, names: frozenset[str]) -> Line:
    """`nonlocal` for `global` of names that the function around holds."""
    return _global_changed(code, names, cst.Nonlocal)


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


def _global_changed(code: Line, names: frozenset[str], others: type[cst.Nonlocal] | None) -> Line:
    """Takes names out of `global`; what is left of the statement, and the other that they move to, take its place."""

    def change(node: cst.CSTNode) -> cst.CSTNode | cst.FlattenSentinel[cst.BaseSmallStatement]:
        if not isinstance(node, cst.Global):
            return node
        taken = [_listed(item) for item in node.names if item.name.value in names]
        rest = [_listed(item) for item in node.names if item.name.value not in names]
        found: list[cst.BaseSmallStatement] = [others(taken)] if taken and others else []
        found += [cst.Global(rest)] if rest else []
        return cst.FlattenSentinel(found or [cst.Pass()]) if taken else node

    return changed(code, change)


def _listed(item: cst.NameItem) -> cst.NameItem:
    return item.with_changes(comma=cst.MaybeSentinel.DEFAULT)
