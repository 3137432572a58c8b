"""Subscripts that choose columns, cut rows, or look something up in a known place."""

from __future__ import annotations

import ast

from mlready.facts.rows import Subscript
from mlready.facts.syntax.names import chain, dotted, type_of, written
from mlready.facts.syntax.scopes import INSTANCE, UNKNOWN, ModuleState
from mlready.facts.syntax.values import MAX_TEXT, index_text

_COLUMN_BASES = frozenset({"iloc", "iat", "loc", "at", "values"})
_MANY = 10


def note_subscript(state: ModuleState, node: ast.Subscript, store: bool = False) -> None:
    """Keep a subscript that chooses columns, cuts rows, or looks something up in a known place."""
    base, index = node.value, node.slice
    last = base.attr if type(base) is ast.Attribute else ""
    if last in _COLUMN_BASES:
        kind = type_of(state, base.value)  # type: ignore[attr-defined]
    elif type(index) is ast.Slice or type(index) is ast.Tuple:
        if not (_cuts(index) or _positional(index)):
            return
        kind = type_of(state, base)
    elif state.tabular and _names_columns(index):
        kind = type_of(state, base)
        if kind != UNKNOWN and "Frame" not in kind:
            return
    elif last and _is_looked_up(state, base):
        kind = UNKNOWN
    else:
        return
    text = dotted(state, base) or written(base) or ("…." + last if last else "…")
    scope = state.scope
    scope.notable = True
    state.subscripts.append(Subscript(text, index_text(state, index)[:MAX_TEXT], node.lineno, scope.index, store, kind))


def _cuts(index: ast.expr) -> bool:
    """`[:1000]`, rather than `[:3]` or `[:-1]`."""
    if type(index) is not ast.Slice:
        return False
    upper = index.upper
    return type(upper) is ast.Constant and type(upper.value) is int and upper.value >= _MANY


def _positional(index: ast.expr) -> bool:
    """`[:, 3]`, `[:, 0:4]`: rows by slice, columns by number."""
    if type(index) is not ast.Tuple or len(index.elts) != 2 or type(index.elts[0]) is not ast.Slice:
        return False
    column = index.elts[1]
    parts = [column.lower, column.upper] if type(column) is ast.Slice else [column]
    return any(type(part) in (ast.Constant, ast.UnaryOp, ast.List) for part in parts)


def _names_columns(index: ast.expr) -> bool:
    """`["a"]`, `[["a", "b"]]`, `[categorical + numerical]`."""
    if type(index) is ast.BinOp and type(index.op) is ast.Add:
        return all(type(part) is ast.Name or _names_columns(part) for part in (index.left, index.right))
    if type(index) is ast.List and index.elts:
        index = index.elts[0]
    return type(index) is ast.Constant and type(index.value) is str


def _is_looked_up(state: ModuleState, base: ast.expr) -> bool:
    """`os.environ[…]`, `sys.argv[1]`, `st.secrets[…]`: an attribute of something imported."""
    root, _ = chain(base)
    binding = state.lookup(root.id) if type(root) is ast.Name else None
    return bool(binding) and binding[0] != INSTANCE and binding.partition(".")[0] not in _TYPE_ROOTS  # type: ignore[index,union-attr]


_TYPE_ROOTS = frozenset(
    {"typing", "collections", "typing_extensions", "numpy", "torch", "jaxtyping", "tensorflow", "jax"}
)
