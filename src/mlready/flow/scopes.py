"""What a nested scope (function, lambda, class) takes from outside: its free names, as Python itself resolves them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Outer:
    """Names that a scope takes from the scopes around it."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    """Names of the module that it binds through `global`."""
    mutates: frozenset[str] = frozenset()
    """Names of outer objects that its code changes in place by item or attribute stores."""
    declared: frozenset[str] = frozenset()
    """Names that it declares `global`: the module's, whatever the scopes between bind."""


@dataclass
class _Names:
    """What the code of one scope does with names, nested scopes set apart."""

    loads: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)
    mutates: set[str] = field(default_factory=set)
    nested: list[Outer] = field(default_factory=list)


def outer_names(function: Function) -> Outer:
    """Free names of a function's body; defaults, decorators and annotations run outside and are not counted."""
    body: Iterable[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else function.body
    names = _collect(body)
    names.stores.update(parameter_names(function.args))
    return _resolve(names)


def parameter_names(args: ast.arguments) -> Iterator[str]:
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs):
        yield arg.arg
    if args.vararg:
        yield args.vararg.arg
    if args.kwarg:
        yield args.kwarg.arg


def immediate_parts(function: Function) -> Iterator[ast.expr]:
    """The expressions of a definition that run when it is defined."""
    yield from getattr(function, "decorator_list", ())
    yield from function.args.defaults
    yield from (default for default in function.args.kw_defaults if default is not None)
    if not isinstance(function, ast.Lambda):
        args = function.args
        every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
        yield from (arg.annotation for arg in every if arg is not None and arg.annotation is not None)
        if function.returns is not None:
            yield function.returns


def target_names(target: ast.AST) -> Iterator[str]:
    """Names that an assignment target binds; items and attributes bind none."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from target_names(element)
    elif isinstance(target, ast.Starred):
        yield from target_names(target.value)


def root_name(node: ast.AST) -> str:
    """`a` of `a.b[0].c` and of `a.loc[x]`; "" where the root is no name."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _resolve(names: _Names) -> Outer:
    local = names.stores - names.declared_global - names.declared_nonlocal
    reads = (names.loads - local) | names.declared_nonlocal
    writes = names.declared_global & names.stores
    mutates = names.mutates - local
    declared = set(names.declared_global)
    for nested in names.nested:
        reads |= (nested.reads - local) | (nested.reads & nested.declared)
        writes |= nested.writes
        mutates |= nested.mutates - (local - nested.declared)
        declared |= nested.declared
    return Outer(frozenset(reads), frozenset(writes), frozenset(mutates), frozenset(declared))


def _collect(nodes: Iterable[ast.AST]) -> _Names:
    names = _Names()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            _name(node, names)
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            names.mutates.add(root_name(node))
            stack.extend(ast.iter_child_nodes(node))
        else:
            stack.extend(_enter(node, names))
    return names


def _name(node: ast.Name, names: _Names) -> None:
    (names.loads if isinstance(node.ctx, ast.Load) else names.stores).add(node.id)


def _enter(node: ast.AST, names: _Names) -> Iterable[ast.AST]:
    """Takes in one node that is no name; answers with the nodes of the same scope that are left to see."""
    if isinstance(node, FUNCTIONS):
        if not isinstance(node, ast.Lambda):
            names.stores.add(node.name)
        names.nested.append(outer_names(node))
        return immediate_parts(node)
    if isinstance(node, COMPREHENSIONS):
        names.nested.append(_comprehension(node, names))
        return (node.generators[0].iter,)
    if isinstance(node, ast.ClassDef):
        names.stores.add(node.name)
        names.nested.append(class_names(node))
        return (*node.decorator_list, *node.bases, *node.keywords)
    _bind(node, names)
    return ast.iter_child_nodes(node)


def _bind(node: ast.AST, names: _Names) -> None:
    """Bindings that are no Name node."""
    if isinstance(node, ast.Global):
        names.declared_global.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        names.declared_nonlocal.update(node.names)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        names.stores.update(imported_names(node))
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        names.stores.add(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        names.stores.add(node.rest)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        names.loads.add(node.target.id)


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Names that an import binds; a star binds none that can be known."""
    for alias in node.names:
        if alias.name != "*":
            yield alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name)


def inner_names(node: ast.AST) -> frozenset[str]:
    """Names that some scope inside a node binds as its own."""
    found: set[str] = set()
    for inner in ast.walk(node):
        names = _Names()
        _bind(inner, names)
        found |= names.stores
        if isinstance(inner, ast.arg):
            found.add(inner.arg)
        elif isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            found.add(inner.id)
        elif inner is not node and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(inner.name)
    return frozenset(found)


def _comprehension(node: Comprehension, outer: _Names) -> Outer:
    """Names that a comprehension takes from around it; a walrus inside binds in the scope around it."""
    inner = _collect(_comprehension_parts(node))
    walrus = {
        found.target.id
        for part in _comprehension_parts(node)
        for found in ast.walk(part)
        if isinstance(found, ast.NamedExpr)
    }
    outer.stores |= walrus
    inner.stores -= walrus
    return _resolve(inner)


def _comprehension_parts(node: Comprehension) -> Iterator[ast.AST]:
    if isinstance(node, ast.DictComp):
        yield from (node.key, node.value)
    else:
        yield node.elt
    for number, generator in enumerate(node.generators):
        yield generator.target
        yield from generator.ifs
        if number:
            yield generator.iter


def class_names(node: ast.ClassDef) -> Outer:
    """Free names of a class body. Methods do not see names of the class, so theirs are not taken off."""
    names = _collect(node.body)
    local = names.stores - names.declared_global
    reads = (names.loads - local) | _read_before_bound(node, local & names.loads)
    writes = names.declared_global & names.stores
    return Outer(
        frozenset(reads.union(*(nested.reads for nested in names.nested))),
        frozenset(writes.union(*(nested.writes for nested in names.nested))),
        frozenset((names.mutates - local).union(*(nested.mutates for nested in names.nested))),
        frozenset(names.declared_global.union(*(nested.declared for nested in names.nested))),
    )


def _read_before_bound(node: ast.ClassDef, candidates: set[str]) -> set[str]:
    """Names such as x in `class C: x = x`: read from outside, then bound in the class."""
    found: set[str] = set()
    bound: set[str] = set()
    for statement in node.body if candidates else ():
        names = _collect([statement])
        found |= (names.loads & candidates) - bound
        bound |= names.stores
    return found
