"""The walk over the statements of a module: scopes, imports, assignments, handlers; expressions go to `expressions`.

Blocks wait on a stack of iterators, so a nested block is walked in its place and no depth of nesting matters.
A handler gives back the blocks inside its statement, each with its context and, for definitions, its scope.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from mlready.facts.rows import Guard, Handler, Import
from mlready.facts.syntax import conditions, interest
from mlready.facts.syntax.assignments import annotated_assign, assign, augmented_assign, bind_target, delete, targets_of
from mlready.facts.syntax.definitions import open_class, open_function, predeclare
from mlready.facts.syntax.expressions import note_bare_decorator, visit
from mlready.facts.syntax.names import (
    dotted,
    type_of,
)
from mlready.facts.syntax.scopes import UNKNOWN, Context, ModuleState, ScopeState


class Block(NamedTuple):
    """Statements that are still to be walked."""

    body: Sequence[ast.stmt]
    context: Context
    scope: ScopeState


Blocks = list[Block] | None


def walk(state: ModuleState, tree: ast.Module) -> None:
    """Walk a whole module."""
    predeclare(state, tree.body)
    open_blocks: list[tuple[Iterator[ast.stmt], Context, ScopeState]] = [(iter(tree.body), Context(), state.root)]
    handlers = _HANDLERS
    while open_blocks:
        statements, context, scope = open_blocks[-1]
        state.scope, state.context = scope, context
        uncounted = _DEFINITIONS if scope.kind == "function" else _UNCOUNTED
        for statement in statements:
            kind = type(statement)
            scope.statements += kind not in uncounted
            handler = handlers.get(kind)
            inner = handler(state, statement) if handler else None
            if inner:
                open_blocks.extend((iter(block.body), block.context, block.scope) for block in reversed(inner))
                break
        else:
            open_blocks.pop()


_DEFINITIONS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef})
_UNCOUNTED = _DEFINITIONS | {ast.Import, ast.ImportFrom}


def _block(state: ModuleState, body: Sequence[ast.stmt], label: str = "") -> Block:
    context = state.context
    if label:
        context = Context((*context.labels, label), context.optional, context.typing_only)
    return Block(body, context, state.scope)


# ------------------------------------------------------------------------------------------------------ definitions


def _function(state: ModuleState, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Blocks:
    _decorators(state, node)
    for default in (*node.args.defaults, *node.args.kw_defaults):
        visit(state, default, "default")
    scope = open_function(state, node)
    return [Block(node.body, Context(), scope)]


def _class(state: ModuleState, node: ast.ClassDef) -> Blocks:
    _decorators(state, node)
    for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
        visit(state, base, "base")
    scope = open_class(state, node)
    return [Block(node.body, Context(), scope)]


def _decorators(state: ModuleState, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    outer = state.context
    state.context = outer._replace(labels=(*outer.labels, "decorator"))
    for decorator in node.decorator_list:
        visit(state, decorator, "decorator", (node.name,))
        if type(decorator) in (ast.Name, ast.Attribute):
            state.context, inner = outer, state.context
            note_bare_decorator(state, decorator, node.name)
            state.context = inner
    state.context = outer


# ---------------------------------------------------------------------------------------------------------- imports


def _import(state: ModuleState, node: ast.Import) -> None:
    for alias in node.names:
        _note_import(state, node, alias.name, "", alias.asname or "", 0)
        root = alias.name.partition(".")[0]
        bound, meant = (alias.asname, alias.name) if alias.asname else (root, root)
        _bind_import(state, bound, meant)


def _import_from(state: ModuleState, node: ast.ImportFrom) -> None:
    module = node.module or ""
    prefix = "." * node.level + module
    for alias in node.names:
        _note_import(state, node, module, alias.name, alias.asname or "", node.level)
        if alias.name != "*":
            joint = "." if module else ""
            _bind_import(state, alias.asname or alias.name, f"{prefix}{joint}{alias.name}")


def _note_import(
    state: ModuleState, node: ast.Import | ast.ImportFrom, module: str, name: str, alias: str, level: int
) -> None:
    context = state.context
    if not level and module.partition(".")[0] in interest.TABULAR_ROOTS:
        state.tabular = True
    state.imports.append(
        Import(
            module=module,
            name=name,
            alias=alias,
            line=node.lineno,
            scope=state.scope.index,
            level=level,
            optional=context.optional,
            typing_only=context.typing_only,
        )
    )


def _bind_import(state: ModuleState, bound: str, meant: str) -> None:
    state.bind(bound, meant)
    if state.lore.may_be_own(meant):
        state.own_names.add(bound)


# ------------------------------------------------------------------------------------------------- plain statements


def _global(state: ModuleState, node: ast.Global) -> None:
    state.scope.global_names.update(node.names)


def _expression(state: ModuleState, node: ast.Expr) -> None:
    if type(node.value) is not ast.Constant:
        visit(state, node.value)


def _return(state: ModuleState, node: ast.Return) -> None:
    if node.value is None:
        return
    scope, outer = state.scope, state.context
    if type(node.value) not in (ast.Constant, ast.Name):
        state.context = outer._replace(labels=(*outer.labels, "return"))
        visit(state, node.value, "return")
        state.context = outer
    else:
        visit(state, node.value, "return")
    if scope.kind == "function":
        scope.gives = _names_given(node.value) or scope.gives
        scope.returned = scope.returned or type_of(state, node.value)


def _names_given(value: ast.expr) -> tuple[str, ...]:
    items = value.elts[:20] if isinstance(value, ast.Tuple | ast.List) else [value]
    names = tuple((targets_of(item) or [""])[0] for item in items)
    return names if any(names) else ()


def _raise(state: ModuleState, node: ast.Raise) -> None:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    if isinstance(raised, ast.Name) and raised.id == "AssertionError":
        state.scope.asserts += 1
    state.scope.raises = state.scope.raises or "except" not in state.context.labels
    visit(state, node.exc, "raise")
    visit(state, node.cause)


def _assert(state: ModuleState, node: ast.Assert) -> None:
    if not isinstance(node.test, ast.Constant):
        state.scope.asserts += 1
    visit(state, node.test, "compare")
    visit(state, node.msg, "raise")


# --------------------------------------------------------------------------------------------- statements with blocks


_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EXITS = frozenset(("exit", "quit", "_exit"))


def _guard(state: ModuleState, node: ast.If) -> None:
    """Keep an `if` that compares sizes and whose last statement leaves."""
    last = node.body[-1]
    fatal = isinstance(last, ast.Raise)
    leaves = fatal or isinstance(last, ast.Return | ast.Continue)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        called = last.value.func
        leaves = fatal = (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in _EXITS
    if not leaves or len(state.guards) >= 500:
        return
    parts = list(islice(ast.walk(node.test), 40))
    if any(isinstance(part, ast.Compare) and isinstance(part.ops[0], _ORDERS) for part in parts):
        words = (getattr(part, "id", None) or getattr(part, "attr", None) or _short(part) for part in parts)
        named = tuple(dict.fromkeys(filter(None, words)))
        state.guards.append(Guard(node.lineno, state.scope.index, named, fatal))
    elif isinstance(last, ast.Raise) and _misses_columns(parts, last):
        state.guards.append(Guard(node.lineno, state.scope.index, ("missing-columns",), fatal))


_LACKING = re.compile(r"missing|lacking|absent|unexpected", re.IGNORECASE)
_COLUMN_WORD = re.compile(r"column|(^|_)cols?(_|$)|feature", re.IGNORECASE)


def _misses_columns(test: list[ast.AST], raised: ast.Raise) -> bool:
    """Whether an `if` refuses a table for its columns: `if missing_columns: raise …`, `if "age" not in rows.columns: raise …`."""
    asked = {str(getattr(part, "id", None) or getattr(part, "attr", "")) for part in test}
    if "columns" in asked:
        return any(isinstance(part, ast.NotIn | ast.Not | ast.NotEq) for part in test)
    if not any(map(_LACKING.search, asked)):
        return False
    said = (_short(part) for part in islice(ast.walk(raised), 60))
    return any(map(_COLUMN_WORD.search, asked)) or any(map(_COLUMN_WORD.search, said))


def _short(node: ast.AST) -> str:
    value = node.value if isinstance(node, ast.Constant) else None
    return str(value)[:60] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _if(state: ModuleState, node: ast.If) -> Blocks:
    visit(state, node.test)
    _guard(state, node)
    context = state.context
    sort = conditions.sort_of(node.test)
    labels = (*context.labels, sort if sort in ("main-guard", "debug") else "if")
    if sort == "main-guard" and not state.main_guard:
        state.main_guard = node.lineno
    optional = context.optional or sort == "available"
    inside = Context(labels, optional, context.typing_only or sort == "typing")
    body_scope = state.main_scope(node) if sort == "main-guard" and state.scope is state.root else state.scope
    blocks = [Block(node.body, inside, body_scope)]
    if node.orelse:
        blocks.append(Block(node.orelse, Context((*context.labels, "if"), optional, context.typing_only), state.scope))
    return blocks


def _for(state: ModuleState, node: ast.For | ast.AsyncFor) -> Blocks:
    visit(state, node.iter, "loop", tuple(targets_of(node.target)))
    bind_target(state, node.target, None)
    blocks = [_block(state, node.body, "loop")]
    return [*blocks, _block(state, node.orelse)] if node.orelse else blocks


def _while(state: ModuleState, node: ast.While) -> Blocks:
    visit(state, node.test)
    blocks = [_block(state, node.body, "loop")]
    return [*blocks, _block(state, node.orelse)] if node.orelse else blocks


def _with(state: ModuleState, node: ast.With | ast.AsyncWith) -> Blocks:
    outer = state.context
    state.context = outer._replace(labels=(*outer.labels, "with"))
    for item in node.items:
        visit(state, item.context_expr, "", tuple(targets_of(item.optional_vars)) if item.optional_vars else ())
        if item.optional_vars is not None:
            bind_target(state, item.optional_vars, item.context_expr)
    state.context = outer
    return [_block(state, node.body, "with")]


def _try(state: ModuleState, node: ast.Try) -> Blocks:
    context = state.context
    optional = context.optional or any(conditions.catches_import_error(handler) for handler in node.handlers)
    labels = (*context.labels, "try")
    blocks = [Block(node.body, Context(labels, optional, context.typing_only), state.scope)]
    for handler in node.handlers:
        if not _tidies(node.body):
            state.handlers.append(_handler_row(state, handler))
        if handler.name:
            state.bind(handler.name, UNKNOWN)
        blocks.append(
            Block(handler.body, Context((*context.labels, "except"), optional, context.typing_only), state.scope)
        )
    blocks.append(Block(node.orelse, Context(labels, optional, context.typing_only), state.scope))
    blocks.append(_block(state, node.finalbody))
    return blocks


def _tidies(body: list[ast.stmt]) -> bool:
    """`try: file.close()`, `try: os.remove(old)`: best effort, whose failure harms nothing."""
    only = body[0].value if len(body) == 1 and type(body[0]) is ast.Expr else None
    if type(only) is not ast.Call or type(only.func) is not ast.Attribute:
        return False
    return only.func.attr in ("close", "remove", "unlink", "rmtree") and not only.keywords


def _handler_row(state: ModuleState, handler: ast.ExceptHandler) -> Handler:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
    raises, logs = conditions.answers(handler.body)
    return Handler(
        line=handler.lineno,
        scope=state.scope.index,
        types=tuple(dotted(state, kind) or "…" for kind in kinds[:20]),
        silent=conditions.does_nothing(handler.body),
        reraises=raises,
        logs=logs,
    )


def _match(state: ModuleState, node: ast.Match) -> Blocks:
    visit(state, node.subject)
    blocks = []
    for case in node.cases:
        for name in conditions.captured(case.pattern):
            state.bind(name, UNKNOWN)
        visit(state, case.guard)
        blocks.append(_block(state, case.body, "if"))
    return blocks


_HANDLERS: dict[type[ast.stmt], Callable[..., Blocks]] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Assign: assign,
    ast.AnnAssign: annotated_assign,
    ast.AugAssign: augmented_assign,
    ast.Delete: delete,
    ast.Global: _global,
    ast.Expr: _expression,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Assert: _assert,
    ast.If: _if,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
}
