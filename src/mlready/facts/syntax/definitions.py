"""Functions and classes: their scopes, parameters, and what is known of their names before any code runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from mlready.facts.rows import Param
from mlready.facts.syntax.interest import HANDLER_NAMES
from mlready.facts.syntax.names import annotated_type, annotation_text, dotted
from mlready.facts.syntax.scopes import INSTANCE, UNKNOWN, ModuleState, ScopeState
from mlready.facts.syntax.values import named_value, value_of

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def predeclare(state: ModuleState, body: Sequence[ast.stmt]) -> None:
    """Let functions name what is defined further down the module."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            state.root.names[statement.name] = statement.name
            state.own_names.add(statement.name)


def open_function(state: ModuleState, node: FunctionNode) -> ScopeState:
    """The scope of a function, its parameters bound to what their annotations promise."""
    outer = state.scope
    scope = state.open_scope("function", node, node.name)
    _name_definition(state, outer, node.name, scope.name)
    scope.body_line = node.body[0].lineno
    scope.is_async = isinstance(node, ast.AsyncFunctionDef)
    docstring, scope.trivial = _body(node.body)
    scope.documented, scope.examples = docstring is not None, ">>>" in (docstring or "")
    scope.harmless = node.name.startswith("test") and _MUST_NOT_FAIL.search(docstring or "") is not None
    scope.decorators = tuple(value_of(state, decorator, 2) for decorator in node.decorator_list[:20])
    scope.returns = annotation_text(state, node.returns)
    scope.returned = annotated_type(scope.returns)
    _add_params(state, scope, node.args, typed=bool(node.decorator_list) or node.name in HANDLER_NAMES)
    if outer.kind == "class":
        _bind_self(outer, scope, node)
    state.functions[scope.name] = scope
    return scope


def _refer_to_type(state: ModuleState, scope: ScopeState, kind: str) -> None:
    """A class that only an annotation names is used as well: frameworks make objects of it."""
    if kind and (kind in state.classes or (state.lore.may_be_own(kind) and "." in kind)):
        scope.refs[kind] = None


def _name_definition(state: ModuleState, outer: ScopeState, name: str, qualified: str) -> None:
    state.bind(name, qualified)
    if outer.kind != "class":
        state.own_names.add(name)


def _bind_self(outer: ScopeState, scope: ScopeState, node: FunctionNode) -> None:
    decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    positional = [*node.args.posonlyargs, *node.args.args]
    if not positional or "staticmethod" in decorators:
        return
    is_class = "classmethod" in decorators or node.name in ("__new__", "__init_subclass__")
    scope.names[positional[0].arg] = outer.name if is_class else INSTANCE + outer.name


def open_class(state: ModuleState, node: ast.ClassDef) -> ScopeState:
    """The scope of a class; the names of its methods are known from the start."""
    outer = state.scope
    scope = state.open_scope("class", node, node.name)
    _name_definition(state, outer, node.name, scope.name)
    docstring, scope.trivial = _body(node.body)
    scope.documented = docstring is not None
    scope.decorators = tuple(value_of(state, decorator, 2) for decorator in node.decorator_list[:20])
    scope.bases = tuple(filter(None, (_base(state, base) for base in node.bases[:20])))
    scope.methods = {s.name for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)}
    state.classes[scope.name] = scope
    return scope


def _base(state: ModuleState, node: ast.expr) -> str:
    return dotted(state, node.value if isinstance(node, ast.Subscript) else node)


def _add_params(state: ModuleState, scope: ScopeState, args: ast.arguments, *, typed: bool) -> None:
    """Bind the parameters; types that nothing asks for (numbers, texts, tensors) are kept only if `typed`."""
    rows = []
    for argument, default, stars in _with_defaults(args):
        text = annotation_text(state, argument.annotation) if argument.annotation else ""
        kind = annotated_type(text) if text else UNKNOWN
        scope.names[argument.arg] = INSTANCE + kind if kind else UNKNOWN
        if kind:
            _refer_to_type(state, scope, kind)
            text = text if typed or state.lore.is_telling(kind) else ""
        value = named_value(state, argument.arg, default, 3) if default is not None else None
        rows.append(Param(stars + argument.arg, text, value))
    scope.params = tuple(rows)


def _with_defaults(args: ast.arguments) -> list[tuple[ast.arg, ast.expr | None, str]]:
    positional = [*args.posonlyargs, *args.args]
    missing = len(positional) - len(args.defaults)
    found: list[tuple[ast.arg, ast.expr | None, str]] = [(argument, None, "") for argument in positional[:missing]]
    found += [(argument, default, "") for argument, default in zip(positional[missing:], args.defaults, strict=True)]
    found += [(argument, default, "") for argument, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.vararg:
        found.append((args.vararg, None, "*"))
    if args.kwarg:
        found.append((args.kwarg, None, "**"))
    return found


_MUST_NOT_FAIL = re.compile(
    r"\b(not|never|without|n't) (an? |any )?(rais|fail|crash|throw|error|exception)|\bno (errors?|exceptions?)\b|\bsmoke\b",
    re.IGNORECASE,
)


def _body(body: Sequence[ast.stmt]) -> tuple[str | None, bool]:
    """The docstring of a body, and whether it does nothing or hands on."""
    first = body[0]
    text = first.value.value if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None
    docstring = text if isinstance(text, str) else None
    rest = body[1:] if docstring is not None else body
    trivial = len(rest) == 0 or (len(rest) == 1 and isinstance(rest[0], ast.Pass | ast.Return | ast.Raise | ast.Expr))
    return docstring, trivial
