"""One transformer for all changes: a function says what becomes of a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import libcst as cst

Node = TypeVar("Node", bound=cst.CSTNode)


def changed(code: Node, change: Callable[[cst.CSTNode], Any]) -> Node:
    """Code with `change` made to every node of it, inner ones first; most stay as they are."""
    return _same_kind(code, code.visit(_Each(lambda _, node: change(node))))


def replaced(code: Node, new: Mapping[cst.CSTNode, cst.BaseExpression]) -> Node:
    """Code with other expressions in place of some of its nodes; parentheses around them stay."""

    def change(original: cst.CSTNode, node: cst.CSTNode) -> cst.CSTNode:
        expression = new.get(original)
        if expression is None:
            return node
        assert isinstance(node, cst.BaseExpression)
        return expression.with_changes(lpar=node.lpar, rpar=node.rpar)

    return _same_kind(code, code.visit(_Each(change)))


def _same_kind(code: Node, result: object) -> Node:
    assert isinstance(result, type(code))
    return result


class _Each(cst.CSTTransformer):
    def __init__(self, change: Callable[[cst.CSTNode, cst.CSTNode], Any]) -> None:
        super().__init__()
        self.change = change

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Any:
        return self.change(original_node, updated_node)
