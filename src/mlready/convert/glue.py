"""Where no step may begin: between a closure and what re-binds the names that it reads or writes."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mlready.convert.definitions import Moved
from mlready.convert.model import Statement
from mlready.flow.effects import PURE_METHODS

_CONSUMERS = PURE_METHODS | {"sorted", "map", "filter", "max", "min", "reduce", "sort", "curve_fit", "minimize", "quad"}


def glued_positions(work: Sequence[Statement], variables: frozenset[str], moved: Moved) -> frozenset[int]:
    """Positions in `work` that must stay in the step of the statement before.

    A closure holds what the moved functions that it calls are handed, too.
    """
    glued: set[int] = set()
    for position, statement in enumerate(work):
        flow = statement.flow
        last = position
        if flow.global_writes:
            last = max(last, _last_use(work, position, flow.global_writes | flow.binds))
        held = _held(statement)
        held = (held | moved.added_reads(held)) & variables
        holders = _holders(work, position) if held else frozenset()
        for later in range(position + 1, len(work)) if held else ():
            rebound = (work[later].flow.binds | work[later].flow.global_writes) & held
            if rebound and _last_use(work, later - 1, holders) >= later:
                last = max(last, later)
        glued.update(range(position + 1, last + 1))
    return frozenset(glued)


def _holders(work: Sequence[Statement], position: int) -> frozenset[str]:
    """Names that may keep a closure alive: where it is bound or put, what shares that, instances of a class."""
    flow = work[position].flow
    holders = flow.binds | flow.mutates | flow.may_mutate
    makes_more = _makes_closures(work[position].node)
    for statement in work[position + 1 :]:
        later = statement.flow
        if holders & later.reads:
            holders |= later.mutates | later.may_mutate
        if makes_more and holders & later.reads:
            holders |= later.binds | later.mutates
        else:
            holders |= {name for name, shared in later.aliases if shared & holders}
    return holders


def _makes_closures(node: ast.stmt) -> bool:
    """True for a class, and for a function with functions inside: their results hold what they read."""
    if isinstance(node, ast.ClassDef):
        return True
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.GeneratorExp, ast.Yield)
    return any(isinstance(inner, kinds) for inner in ast.walk(node) if inner is not node)


def _last_use(work: Sequence[Statement], position: int, names: frozenset[str]) -> int:
    """Last position after `position` whose statement has to do with one of the names."""
    for later in range(len(work) - 1, position, -1):
        flow = work[later].flow
        if names & (flow.reads | flow.deferred | flow.binds):
            return later
    return position


def _held(statement: Statement) -> frozenset[str]:
    """Names that closures made here read later; closures that a call consumes on the spot hold nothing."""
    if not statement.flow.deferred:
        return frozenset()
    if isinstance(statement.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.flow.deferred
    lambdas = {id(node) for node in ast.walk(statement.node) if isinstance(node, ast.Lambda)}
    for node in ast.walk(statement.node):
        if isinstance(node, ast.Call) and _callee(node) in _CONSUMERS:
            arguments = (*node.args, *(keyword.value for keyword in node.keywords))
            lambdas -= {id(argument) for argument in arguments}
    compound = any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(statement.node))
    return statement.flow.deferred if lambdas or compound else frozenset()


def _callee(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
