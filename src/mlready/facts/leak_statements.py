"""Statements: what each does to the names of a walk. Branches run side by side and are joined."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mlready.facts import leak_calls, leak_splits
from mlready.facts.leak_values import NOTHING, Class, Function, FunctionNode, Instance, Value, drop, join

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk

_DEBUG = re.compile(r"debug|fast|quick|smoke|dry|sample|subset|limit|max_|small|test|demo|verbose|n_rows|nrows", re.I)


def _expression(walk: Walk, node: ast.Expr) -> None:
    walk.value(node.value)


def _assign(walk: Walk, node: ast.Assign) -> None:
    if len(node.targets) == 1 and _pairwise(walk, node.targets[0], node.value):
        return
    found = _named(walk, node.targets, node.value)
    for target in node.targets:
        walk.bind(target, found)


def _pairwise(walk: Walk, target: ast.expr, source: ast.expr) -> bool:
    """`a, b = x[:n], x[n:]`: each side by its own name."""
    if not (isinstance(target, ast.Tuple) and isinstance(source, ast.Tuple)):
        return False
    if len(target.elts) != len(source.elts) or any(isinstance(e, ast.Starred) for e in target.elts):
        return False
    values = [_named(walk, [to], of) for to, of in zip(target.elts, source.elts, strict=True)]
    for to, found in zip(target.elts, values, strict=True):
        walk.bind(to, found)
    return True


def _named(walk: Walk, targets: list[ast.expr], source: ast.expr) -> Value:
    found = walk.value(source)
    return leak_splits.named_part(walk, targets, source, found)


def _annotated(walk: Walk, node: ast.AnnAssign) -> None:
    if node.value is not None:
        walk.bind(node.target, _named(walk, [node.target], node.value))


def _augmented(walk: Walk, node: ast.AugAssign) -> None:
    found = leak_calls.operation(walk, walk.value(node.target), node.op, walk.value(node.value), node.lineno)
    walk.bind(node.target, found)


def _if(walk: Walk, node: ast.If) -> None:
    walk.value(node.test)
    if isinstance(node.test, ast.Constant):  # `if False:` switches a part off.
        walk.block(node.body if node.test.value else node.orelse)
        return
    before = dict(walk.names.known)
    words = " ".join(n.id if isinstance(n, ast.Name) else n.attr for n in _names_in(node.test))
    debug = bool(_DEBUG.search(words))
    walk.debug_depth += debug
    walk.block(node.body)
    walk.debug_depth -= debug
    after, walk.names.known = walk.names.known, before
    walk.block(node.orelse)
    other = walk.names.known
    for name, found in after.items():
        known = other.get(name)
        if known is not found:
            other[name] = found if known is None else join((found, known))


def _for(walk: Walk, node: ast.For | ast.AsyncFor) -> None:
    walk.bind(node.target, walk.element(walk.value(node.iter)))
    walk.loops.append((node.lineno, frozenset(n.id for n in ast.walk(node.target) if isinstance(n, ast.Name))))
    walk.block(node.body)
    walk.loops.pop()
    walk.block(node.orelse)


def _while(walk: Walk, node: ast.While) -> None:
    walk.value(node.test)
    walk.block(node.body)
    walk.block(node.orelse)


def _with(walk: Walk, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        found = walk.value(item.context_expr)
        if item.optional_vars is not None:
            walk.bind(item.optional_vars, found)
    walk.block(node.body)


def _try(walk: Walk, node: ast.Try | ast.TryStar) -> None:
    walk.block(node.body)
    for handler in node.handlers:
        walk.block(handler.body)
    walk.block(node.orelse)
    walk.block(node.finalbody)


def _match(walk: Walk, node: ast.Match) -> None:
    walk.value(node.subject)
    for case in node.cases:
        walk.block(case.body)


def _define(walk: Walk, node: FunctionNode) -> None:
    function = Function(node, walk.names)
    walk.functions.append(function)
    walk.names.known[node.name] = Value(thing=function)


def _class(walk: Walk, node: ast.ClassDef) -> None:
    methods = {item.name: item for item in node.body if isinstance(item, FunctionNode)}
    kind = Class(node, methods, walk.names)
    walk.names.known[node.name] = Value(thing=kind)
    owner = Value(thing=Instance(kind))
    ordered = sorted(methods.values(), key=lambda item: item.name != "__init__")
    walk.functions += [Function(item, walk.names, owner) for item in ordered]


def _return(walk: Walk, node: ast.Return) -> None:
    found = walk.value(node.value) if node.value is not None else NOTHING
    if walk.returns:
        walk.returns[-1].append(found)


def _import(walk: Walk, node: ast.Import | ast.ImportFrom) -> None:
    for alias in node.names:
        walk.names.known[(alias.asname or alias.name).partition(".")[0]] = NOTHING


def _delete(walk: Walk, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            walk.bind(target.value, drop(walk.value(target.value), (str(target.slice.value),)))


def _check(walk: Walk, node: ast.Assert) -> None:
    walk.value(node.test)


def _names_in(node: ast.expr) -> Iterator[ast.Name | ast.Attribute]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name | ast.Attribute):
            yield item


STATEMENTS: dict[type[ast.stmt], Callable[..., None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _class,
    ast.Return: _return,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Delete: _delete,
    ast.Assert: _check,
}
