"""Assignments: what names mean from then on, and the values that rules look at."""

from __future__ import annotations

import ast

from mlready.facts.rows import Assign, Field
from mlready.facts.syntax.expressions import shadow, visit
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
from mlready.facts.syntax.scopes import INSTANCE, UNKNOWN, ModuleState
from mlready.facts.syntax.subscripts import note_subscript
from mlready.facts.syntax.values import named_value


def assign(state: ModuleState, node: ast.Assign) -> None:
    visit(state, node.value, "assign", _names_of(node.targets) if _binds(node.value) else ())
    for target in node.targets:
        bind_target(state, target, node.value)
        _note_assign(state, target, node.value, node.lineno)


def _binds(value: ast.expr) -> bool:
    """Whether the names that are assigned to stand in a row: only calls have them."""
    return type(value) is ast.Call or type(value) is ast.Await


def _names_of(targets: list[ast.expr]) -> tuple[str, ...]:
    if len(targets) == 1 and type(targets[0]) is ast.Name:
        return (targets[0].id,)
    return tuple([name for target in targets for name in targets_of(target)])


def targets_of(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [name for item in target.elts[:20] if (name := written(_unstarred(item)))]
    name = written(target)
    return [name] if name else []


def _unstarred(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Starred) else node


def bind_target(state: ModuleState, target: ast.expr, value: ast.expr | None) -> None:
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
                bind_target(state, _unstarred(item), values[position] if paired else None)
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


def annotated_assign(state: ModuleState, node: ast.AnnAssign) -> None:
    scope = state.scope
    target = node.target
    visit(state, node.value, "assign", tuple(targets_of(target)))
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


def augmented_assign(state: ModuleState, node: ast.AugAssign) -> None:
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


def delete(state: ModuleState, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            visit(state, target)
