"""Changes inside a statement: literals to settings, displays and figures to calls of the package, arguments added."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

import libcst as cst

from mlready.convert.codemods.changing import Node, changed, replaced


def with_literals_replaced(code: Node, new: Mapping[cst.CSTNode, str]) -> Node:
    """Other expressions in place of literals, given as nodes of `code`. Has to be the first change of a statement."""
    return replaced(code, {node: cst.parse_expression(text) for node, text in new.items()})


def with_calls_renamed(code: Node, names: Mapping[str, str]) -> Node:
    """`new(...)` for `old(...)`, by plain name."""

    def change(node: cst.CSTNode) -> cst.CSTNode:
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in names:
            return node.with_changes(func=node.func.with_changes(value=names[node.func.value]))
        return node

    return changed(code, change)


def with_figures_saved(code: Node, callees: frozenset[str], call: str) -> Node:
    """`call` in place of every call of a dotted name such as "plt.show"."""
    saved = cst.parse_expression(call)

    def change(node: cst.CSTNode) -> cst.CSTNode:
        if isinstance(node, cst.Call) and dotted(node.func) in callees:
            return saved.with_changes(lpar=node.lpar, rpar=node.rpar)
        return node

    return changed(code, change)


def with_leading_arguments(code: Node, arguments: Mapping[str, Sequence[str]]) -> Node:
    """`f(a, x)` for `f(x)`, by plain name of the function."""

    def change(node: cst.CSTNode) -> cst.CSTNode:
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in arguments:
            added = [cst.Arg(cst.Name(name)) for name in arguments[node.func.value]]
            return node.with_changes(args=[*added, *map(_enclosed, node.args)])
        return node

    return changed(code, change)


def _enclosed(argument: cst.Arg) -> cst.Arg:
    """A generator that is no longer the only argument needs parentheses of its own."""
    value = argument.value
    if isinstance(value, cst.GeneratorExp) and not value.lpar:
        value = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return argument.with_changes(value=value)


def with_names_replaced(code: Node, new: Mapping[str, str]) -> Node:
    """Other expressions in place of names that are read; no scope in the code may bind one of them."""
    return replaced(code, {node: cst.parse_expression(new[node.value]) for node in _read_names(code, new)})


def with_main_name(code: Node) -> Node:
    """`"__main__"` for `__name__`: that is its value in a notebook, and not in a module."""
    return replaced(code, dict(_main_names(code, '"')))


def dotted(node: cst.CSTNode) -> str:
    """ "a.b.c" of names and attributes alone; "" of everything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr.value}" if owner else ""
    return ""


def _main_names(node: cst.CSTNode, quote: str) -> Iterator[tuple[cst.CSTNode, cst.SimpleString]]:
    """An attribute `x.__name__` or a keyword `__name__=` is another thing; an f-string has its own quotes."""
    if isinstance(node, cst.Name) and node.value == "__name__":
        yield node, cst.SimpleString(f"{quote}__main__{quote}")
    if isinstance(node, cst.FormattedString):
        quote = "'" if '"' in node.start else '"'
    for child in _evaluated(node):
        yield from _main_names(child, quote)


def _read_names(node: cst.CSTNode, names: Container[str]) -> Iterator[cst.Name]:
    if isinstance(node, cst.Name) and node.value in names:
        yield node
    for child in _evaluated(node):
        yield from _read_names(child, names)


def _evaluated(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Parts of a node without names of attributes, of keywords and in `global`."""
    fields = {cst.Attribute: "attr", cst.Arg: "keyword", cst.NameItem: "name"}
    other = getattr(node, fields.get(type(node), ""), None)
    return (child for child in node.children if child is not other)
