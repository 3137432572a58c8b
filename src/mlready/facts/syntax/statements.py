"""The walk over the statements of a module: scopes, imports, assignments, handlers; expressions go to `expressions`.

Blocks wait on a stack of iterators, so a nested block is walked in its place and no depth of nesting matters.
A handler gives back the blocks inside its statement, each with its context and, for definitions, its scope.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mlready.facts.rows import Assign, Field, Handler, Import
from mlready.facts.syntax import conditions, interest
from mlready.facts.syntax.definitions import open_class, open_function, predeclare
from mlready.facts.syntax.expressions import note_bare_decorator, note_subscript, shadow, visit
from mlready.facts.syntax.names import (
    annotated_type,
    annotation_text,
    binding_of,
    callee,
    chain,
    dotted,
    type_of,
    written,
)
from mlready.facts.syntax.scopes import INSTANCE, UNKNOWN, Context, ModuleState, ScopeState
from mlready.facts.syntax.values import named_value


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


# ------------------------------------------------------------------------------------------------------- assignments


def _assign(state: ModuleState, node: ast.Assign) -> None:
    visit(state, node.value, "assign", _names_of(node.targets) if _binds(node.value) else ())
    for target in node.targets:
        _bind_target(state, target, node.value)
        _note_assign(state, target, node.value, node.lineno)


def _binds(value: ast.expr) -> bool:
    """Whether the names that are assigned to stand in a row: only calls have them."""
    return type(value) is ast.Call or type(value) is ast.Await


def _names_of(targets: list[ast.expr]) -> tuple[str, ...]:
    if len(targets) == 1 and type(targets[0]) is ast.Name:
        return (targets[0].id,)
    return tuple([name for target in targets for name in _targets(target)])


def _targets(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [name for item in target.elts[:20] if (name := written(_unstarred(item)))]
    name = written(target)
    return [name] if name else []


def _unstarred(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Starred) else node


def _bind_target(state: ModuleState, target: ast.expr, value: ast.expr | None) -> None:
    kind = type(target)
    if kind is ast.Name:
        name = target.id  # type: ignore[attr-defined]
        if not (_is_placeholder(value) and state.scope.names.get(name, INSTANCE)[:1] != INSTANCE):
            state.bind(name, binding_of(state, value) if value else UNKNOWN)
    elif isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        paired = len(values) == len(target.elts)
        for position, item in enumerate(target.elts[:100]):
            if isinstance(item, ast.Tuple | ast.List):
                shadow(state, item)
            else:
                _bind_target(state, _unstarred(item), values[position] if paired else None)
    elif isinstance(target, ast.Attribute):
        _bind_attribute(state, target, type_of(state, value) if value else UNKNOWN)
        visit(state, target.value)
    elif isinstance(target, ast.Subscript):
        note_subscript(state, target, store=True)
        visit(state, target.value)
        visit(state, target.slice, "subscript")


def _is_placeholder(value: ast.expr | None) -> bool:
    """`mlflow = None` after a failed import: where the name is used, it means the module."""
    return type(value) is ast.Constant and not value.value


def _bind_attribute(state: ModuleState, target: ast.Attribute, kind: str) -> None:
    """`self.x = Maker()` tells of which class `self.x` is in every method."""
    if type(target.value) is ast.Name:
        binding = state.lookup(target.value.id)
        own = state.classes.get(binding[1:]) if binding and binding[0] == INSTANCE else None
        if own is not None and (kind or target.attr not in own.attributes):
            own.attributes[target.attr] = INSTANCE + kind if kind else UNKNOWN


_LITERALS = frozenset({ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.JoinedStr, ast.UnaryOp})
_AT_TOP = _LITERALS | {ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, ast.IfExp, ast.BoolOp, ast.Compare}


def _is_telling(state: ModuleState, value: ast.expr) -> bool:
    """Whether an assignment is kept: inside functions only literals, look-ups (`cfg.lr`, `cfg["lr"]`) and known calls."""
    kind = type(value)
    if state.scope.kind == "module":
        return kind in _AT_TOP
    if kind is ast.Call:
        name = callee(state, value)  # type: ignore[arg-type]
        return bool(name) and state.lore.known(name).asked
    if kind is ast.Attribute or kind is ast.Subscript:
        base = chain(value.value)[0]  # type: ignore[attr-defined]
        if type(base) is not ast.Name or base.id == "self":
            return False
        return kind is ast.Attribute or _is_text(value.slice)  # type: ignore[attr-defined]
    return kind in _LITERALS


def _note_assign(state: ModuleState, target: ast.expr, value: ast.expr, line: int) -> None:
    scope = state.scope
    if isinstance(target, ast.Tuple | ast.List):
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) <= 20:
            for item, inner in zip(target.elts, value.elts, strict=True):
                if not isinstance(item, ast.Tuple | ast.List):
                    _note_assign(state, item, inner, line)
        return
    if scope.kind == "class" and type(target) is ast.Name:
        state.fields.append(Field(scope.index, target.id, "", line, named_value(state, target.id, value, 3)))
        return
    if not _is_telling(state, value):
        return
    name = _assigned_name(state, target)
    if name:
        depth = 4 if scope.kind == "module" else 2
        state.assigns.append(Assign(name, named_value(state, name, value, depth), line, scope.index))
    if name == "__all__" and scope.kind == "module" and isinstance(value, ast.List | ast.Tuple):
        names = (item.value for item in value.elts[:2000] if isinstance(item, ast.Constant))
        state.exports = tuple(name[:200] for name in names if isinstance(name, str) and name.isidentifier())


def _is_text(node: ast.expr) -> bool:
    return type(node) is ast.Constant and type(node.value) is str


def _assigned_name(state: ModuleState, target: ast.expr) -> str:
    """What is assigned to: resolved where it belongs to an import ("os.environ['SEED']"), else as written."""
    if isinstance(target, ast.Subscript):
        base = dotted(state, target.value)
        inner = target.slice.value if isinstance(target.slice, ast.Constant) else None
        return f"{base}[{inner!r}]"[:200] if base and isinstance(inner, str) and inner.isascii() else ""
    return dotted(state, target) if isinstance(target, ast.Attribute) else written(target)


def _annotated_assign(state: ModuleState, node: ast.AnnAssign) -> None:
    scope = state.scope
    target = node.target
    visit(state, node.value, "assign", tuple(_targets(target)))
    kind = (type_of(state, node.value) if node.value else UNKNOWN) or annotated_type(
        annotation_text(state, node.annotation)
    )
    if isinstance(target, ast.Name):
        state.bind(target.id, INSTANCE + kind if kind else UNKNOWN)
        if scope.kind == "class":
            default = named_value(state, target.id, node.value, 3) if node.value else None
            text = annotation_text(state, node.annotation)
            state.fields.append(Field(scope.index, target.id, text, node.lineno, default))
            _annotation_refs(state, node.annotation)
            return
    elif isinstance(target, ast.Attribute):
        _bind_attribute(state, target, kind)
    if node.value is not None:
        _note_assign(state, target, node.value, node.lineno)


def _annotation_refs(state: ModuleState, node: ast.expr) -> None:
    """A class that a field names is used, though nothing calls it."""
    if state.own_names:
        visit(state, node, "annotation")


def _augmented_assign(state: ModuleState, node: ast.AugAssign) -> None:
    visit(state, node.value, "assign")
    if isinstance(node.target, ast.Subscript):
        note_subscript(state, node.target, store=True)
        visit(state, node.target.value)
    elif isinstance(node.target, ast.Name):
        if state.lookup(node.target.id) is None:
            state.bind(node.target.id, UNKNOWN)
        if node.target.id == "__all__" and isinstance(node.value, ast.List | ast.Tuple):
            names = (item.value for item in node.value.elts[:2000] if isinstance(item, ast.Constant))
            state.exports += tuple(name[:200] for name in names if isinstance(name, str) and name.isidentifier())


def _delete(state: ModuleState, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            visit(state, target)


def _global(state: ModuleState, node: ast.Global) -> None:
    state.scope.global_names.update(node.names)


# ------------------------------------------------------------------------------------------------- plain statements


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
    if scope.kind == "function" and not scope.returned:
        scope.returned = type_of(state, node.value)


def _raise(state: ModuleState, node: ast.Raise) -> None:
    visit(state, node.exc, "raise")
    visit(state, node.cause)


def _assert(state: ModuleState, node: ast.Assert) -> None:
    state.scope.asserts += 1
    visit(state, node.test, "compare")
    visit(state, node.msg, "raise")


# --------------------------------------------------------------------------------------------- statements with blocks


def _if(state: ModuleState, node: ast.If) -> Blocks:
    visit(state, node.test)
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
    visit(state, node.iter, "loop", tuple(_targets(node.target)))
    _bind_target(state, node.target, None)
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
        visit(state, item.context_expr, "", tuple(_targets(item.optional_vars)) if item.optional_vars else ())
        if item.optional_vars is not None:
            _bind_target(state, item.optional_vars, item.context_expr)
    state.context = outer
    return [_block(state, node.body, "with")]


def _try(state: ModuleState, node: ast.Try) -> Blocks:
    context = state.context
    optional = context.optional or any(conditions.catches_import_error(handler) for handler in node.handlers)
    labels = (*context.labels, "try")
    blocks = [Block(node.body, Context(labels, optional, context.typing_only), state.scope)]
    for handler in node.handlers:
        state.handlers.append(_handler_row(state, handler))
        if handler.name:
            state.bind(handler.name, UNKNOWN)
        blocks.append(
            Block(handler.body, Context((*context.labels, "except"), optional, context.typing_only), state.scope)
        )
    blocks.append(Block(node.orelse, Context(labels, optional, context.typing_only), state.scope))
    blocks.append(_block(state, node.finalbody))
    return blocks


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
    ast.Assign: _assign,
    ast.AnnAssign: _annotated_assign,
    ast.AugAssign: _augmented_assign,
    ast.Delete: _delete,
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
