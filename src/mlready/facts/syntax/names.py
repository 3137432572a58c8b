"""Names: what a dotted expression means, which function a call calls, of which class an object is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache

from mlready.facts.syntax.interest import DATAFRAMES, WELL_KNOWN
from mlready.facts.syntax.scopes import INSTANCE, UNKNOWN, ModuleState, ScopeState

_MAX_DEPTH = 40
"""Of chained calls; what is nested deeper is of unknown class."""
_MAX_NAME = 200

_TABLE_VIEWS = frozenset({"loc", "iloc", "T", "at", "iat"})


def chain(node: ast.expr) -> tuple[ast.expr, list[str]]:
    """The innermost expression of an attribute chain and its attributes in reading order."""
    attributes: list[str] = []
    while type(node) is ast.Attribute:
        attributes.append(node.attr)
        node = node.value
    attributes.reverse()
    return node, attributes


def written(node: ast.expr) -> str:
    """A name as it stands in the source: "self.scaler", "df['price']", "" for what is no name."""
    base, attributes = chain(node)
    if type(base) is ast.Name:
        text = base.id
    elif type(base) is ast.Subscript and type(base.value) in (ast.Name, ast.Attribute):
        text = f"{written(base.value)}[{_index(base.slice)}]"
    else:
        return ""
    return ".".join([text, *attributes])[:_MAX_NAME]


def _index(node: ast.expr) -> str:
    return repr(node.value)[:40] if type(node) is ast.Constant else ""


def dotted(state: ModuleState, node: ast.expr) -> str:
    """The dotted name of a Name or Attribute: resolved through imports, as written for local objects, else ""."""
    if type(node) is ast.Name:
        binding = state.lookup(node.id)
        return binding if binding and binding[0] != INSTANCE else node.id
    base, attributes = chain(node)
    if type(base) is not ast.Name:
        return ""
    binding = state.lookup(base.id)
    root = base.id if not binding or binding[0] == INSTANCE else binding
    return ".".join([root, *attributes])[:_MAX_NAME]


def callee(state: ModuleState, node: ast.Call, depth: int = 0) -> str:
    """The resolved name of what a call calls: "pandas.read_csv", "sklearn.svm.SVC.fit", ".fit"; "" where it has none."""
    found = state.call_names.get(id(node))
    if found is None:
        found = _callee(state, node.func, depth)[:_MAX_NAME]
        if depth < _MAX_DEPTH:
            state.call_names[id(node)] = found
    return found


def _callee(state: ModuleState, func: ast.expr, depth: int) -> str:
    if type(func) is ast.Attribute and type(func.value) is ast.Name:
        base: ast.expr = func.value
        attributes = [func.attr]
    else:
        base, attributes = chain(func)
    if type(base) is ast.Name:
        binding = state.lookup(base.id)
        if binding is None and (not attributes or base.id in WELL_KNOWN):
            return ".".join([base.id, *attributes])
        if not binding:
            return state.lore.method(attributes) if attributes else ""
        if binding[0] != INSTANCE:
            return _through_class(state, binding, attributes)
        kind = binding[1:]
    else:
        kind = type_of(state, base, depth + 1)
    if not kind:
        return state.lore.method(attributes) if attributes else ""
    return method_of(state, kind, attributes) if attributes else f"{kind}.__call__"


def _through_class(state: ModuleState, name: str, attributes: Sequence[str]) -> str:
    """A dotted path, where a class of this module may inherit what is asked of it."""
    if not attributes:
        return name
    if name in state.classes:
        return method_of(state, name, attributes)
    return ".".join([name, *attributes])


def method_of(state: ModuleState, kind: str, attributes: Sequence[str]) -> str:
    """The name of what `object.a.b.c` calls, when the object is of class `kind`."""
    for attribute in attributes[:-1]:
        kind = attribute_type(state, kind, attribute)
        if not kind:
            return state.lore.method(attributes)
    last = attributes[-1]
    own = state.classes.get(kind)
    if own is None or last in own.methods:
        return f"{kind}.{last}"
    held = own.attributes.get(last)
    if held is not None:
        return f"{held[1:]}.__call__" if held else UNKNOWN
    return _inherited(state, own, last, depth=0) or f"{kind}.{last}"


def _inherited(state: ModuleState, own: ScopeState, method: str, depth: int) -> str:
    for base in own.bases:
        parent = state.classes.get(base)
        if parent is None:
            if base not in ("object", "abc.ABC", "typing.Generic", "typing.Protocol"):
                return f"{base}.{method}"
        elif method in parent.methods:
            return f"{base}.{method}"
        elif depth < 10 and parent is not own and (found := _inherited(state, parent, method, depth + 1)):
            return found
    return ""


def attribute_type(state: ModuleState, kind: str, attribute: str, depth: int = 0) -> str:
    """The class of an attribute of an object of class `kind`; "" where it isn't known."""
    own = state.classes.get(kind)
    if own is None:
        if kind in DATAFRAMES and attribute in _TABLE_VIEWS:
            return kind
        name = f"{kind}.{attribute}"
        return state.lore.returns(name) or (name if "." in kind and len(name) < _MAX_NAME else UNKNOWN)
    held = own.attributes.get(attribute) or own.names.get(attribute) or ""
    if held[:1] == INSTANCE:
        return held[1:]
    for base in own.bases if depth < 10 else ():
        if base in state.classes and base != kind and (found := attribute_type(state, base, attribute, depth + 1)):
            return found
    return UNKNOWN


def result_of(state: ModuleState, name: str) -> str:
    """The class of what a call of a resolved name gives back."""
    if not name:
        return UNKNOWN
    if name in state.classes:
        return name
    function = state.functions.get(name)
    return function.returned if function is not None else state.lore.returns(name)


def type_of(state: ModuleState, node: ast.expr | None, depth: int = 0) -> str:
    """The class of the object that an expression gives; "" where it isn't known."""
    handler = _TYPES.get(type(node)) if node is not None else None
    return handler(state, node, depth) if handler and depth < _MAX_DEPTH else UNKNOWN


def _type_of_name(state: ModuleState, node: ast.Name, depth: int) -> str:
    binding = state.lookup(node.id)
    return binding[1:] if binding and binding[0] == INSTANCE else UNKNOWN


def _type_of_call(state: ModuleState, node: ast.Call, depth: int) -> str:
    name = callee(state, node, depth)
    if name == "super" and not node.args:
        scope: ScopeState | None = state.scope
        while scope is not None and scope.kind != "class":
            scope = scope.enclosing
        return scope.bases[0] if scope is not None and scope.bases else UNKNOWN
    return result_of(state, name)


def _type_of_attribute(state: ModuleState, node: ast.Attribute, depth: int) -> str:
    base, attributes = chain(node)
    kind = type_of(state, base, depth + 1)
    for attribute in attributes:
        if not kind:
            return UNKNOWN
        kind = attribute_type(state, kind, attribute)
    return kind


def _type_of_subscript(state: ModuleState, node: ast.Subscript, depth: int) -> str:
    kind = type_of(state, node.value, depth + 1)
    if kind not in DATAFRAMES:
        return UNKNOWN if kind != "str" else kind
    if type(node.slice) is ast.Constant:
        return kind.replace("DataFrame", "Series")
    return kind


def _type_of_constant(state: ModuleState, node: ast.Constant, depth: int) -> str:
    return type(node.value).__name__ if type(node.value) in (str, bytes, int, float) else UNKNOWN


def _type_of_await(state: ModuleState, node: ast.Await | ast.NamedExpr | ast.Starred, depth: int) -> str:
    return type_of(state, node.value, depth + 1)


def _type_of_choice(state: ModuleState, node: ast.IfExp, depth: int) -> str:
    return type_of(state, node.body, depth + 1) or type_of(state, node.orelse, depth + 1)


def _type_of_operation(state: ModuleState, node: ast.BinOp, depth: int) -> str:
    return type_of(state, node.left, depth + 1) or type_of(state, node.right, depth + 1)


def _type_of_alternatives(state: ModuleState, node: ast.BoolOp, depth: int) -> str:
    return next(filter(None, (type_of(state, value, depth + 1) for value in node.values[:4])), UNKNOWN)


_TYPES: dict[type[ast.expr], Callable[..., str]] = {
    ast.Name: _type_of_name,
    ast.Call: _type_of_call,
    ast.Attribute: _type_of_attribute,
    ast.Subscript: _type_of_subscript,
    ast.Constant: _type_of_constant,
    ast.Await: _type_of_await,
    ast.NamedExpr: _type_of_await,
    ast.IfExp: _type_of_choice,
    ast.BinOp: _type_of_operation,
    ast.BoolOp: _type_of_alternatives,
    ast.JoinedStr: lambda state, node, depth: "str",
    ast.List: lambda state, node, depth: "list",
    ast.ListComp: lambda state, node, depth: "list",
    ast.Dict: lambda state, node, depth: "dict",
    ast.DictComp: lambda state, node, depth: "dict",
    ast.Set: lambda state, node, depth: "set",
    ast.Tuple: lambda state, node, depth: "tuple",
}


def binding_of(state: ModuleState, node: ast.expr) -> str:
    """What a name means after `name = node`: another name for an import, an object of a class, or UNKNOWN."""
    kind = type_of(state, node)
    if kind:
        return INSTANCE + kind
    if type(node) in (ast.Name, ast.Attribute):
        base, attributes = chain(node)
        binding = state.lookup(base.id) if type(base) is ast.Name else None
        if binding and binding[0] != INSTANCE:
            return ".".join([binding, *attributes])[:_MAX_NAME]
    return UNKNOWN


# ------------------------------------------------------------------------------------------------------- annotations

_WRAPPERS = frozenset({"Optional", "Annotated", "Final", "ClassVar", "Union", "Required", "NotRequired", "Mapped"})


def annotation_text(state: ModuleState, node: ast.expr | None, depth: int = 0) -> str:
    """An annotation in resolved names: "typing.Optional[pandas.DataFrame]"; parts that are no names are "…"."""
    if node is None:
        return ""
    if depth > 6:
        return "…"
    if type(node) is ast.Name or type(node) is ast.Attribute:
        return dotted(state, node) or "…"
    if isinstance(node, ast.Constant):
        return _quoted(state, node.value) if isinstance(node.value, str) else repr(node.value)[:40]
    if isinstance(node, ast.Subscript):
        return f"{annotation_text(state, node.value, depth + 1)}[{annotation_text(state, node.slice, depth + 1)}]"
    if isinstance(node, ast.Tuple | ast.List):
        text = ", ".join(annotation_text(state, item, depth + 1) for item in node.elts[:20])
        return f"[{text}]" if isinstance(node, ast.List) else text
    if isinstance(node, ast.BinOp):
        return f"{annotation_text(state, node.left, depth + 1)} | {annotation_text(state, node.right, depth + 1)}"
    if isinstance(node, ast.Call):
        return callee(state, node) + "(…)"
    return "…"


def _quoted(state: ModuleState, text: str) -> str:
    """A forward reference, or the text of a Literal in quotes."""
    root, dot, rest = text[:_MAX_NAME].partition(".")
    if not root.isidentifier():
        return text[:_MAX_NAME].encode("utf-8", "replace").decode()
    binding = state.lookup(root)
    resolved = root if not binding or binding[0] == INSTANCE else binding
    return resolved + dot + rest


@lru_cache(maxsize=20_000)
def annotated_type(text: str) -> str:
    """The class that the text of an annotation promises; "" where it names none, the first where it names several."""
    for _ in range(6):
        alternatives = [part for part in text.split(" | ") if part not in ("None", "")] if "[" not in text else [text]
        head, bracket, rest = (alternatives[0] if alternatives else "").partition("[")
        if bracket and head.rpartition(".")[2] in _WRAPPERS:
            text = rest.rpartition("]")[0] if "[" in rest else rest.partition("]")[0].partition(",")[0]
            continue
        return head if head.replace(".", "").isidentifier() and head not in ("None", "Any", "typing.Any") else UNKNOWN
    return UNKNOWN
