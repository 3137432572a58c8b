"""The evaluated arguments of a call, and the constants among them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from mlready.facts.leak_values import NOTHING, Value

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk


class Arguments:
    """The evaluated arguments of one call."""

    __slots__ = ("keywords", "positional", "spread")

    def __init__(self, walk: Walk, node: ast.Call) -> None:
        self.spread = any(isinstance(arg, ast.Starred) for arg in node.args)
        self.positional = [walk.value(arg) for arg in node.args]
        self.keywords = {k.arg or "**": walk.value(k.value) for k in node.keywords}

    def first(self, *names: str) -> Value:
        """The first positional argument, or the first of these keywords."""
        if self.positional:
            return self.positional[0]
        return next((self.keywords[name] for name in names if name in self.keywords), NOTHING)

    def all(self) -> list[Value]:
        return [*self.positional, *self.keywords.values()]


def constant_keyword(node: ast.Call, name: str) -> object:
    return next((k.value.value for k in node.keywords if k.arg == name and isinstance(k.value, ast.Constant)), None)
