"""Expressions as values that rules can look at, without evaluating anything. No credential gets through."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable

from mlready.facts.masking import MASK, is_secret_name, mask_text
from mlready.facts.rows import Arg, Value
from mlready.facts.syntax.names import callee, dotted
from mlready.facts.syntax.scopes import ModuleState

MAX_TEXT = 200
MAX_ITEMS = 64
MAX_ARGUMENTS = 40
DEPTH = 4
# What `mask_text` could change, each with what must be there before it is looked for: most texts hold nothing of it.
_LONG_RUN = re.compile(r"(?=[A-Za-z_+/=.-]{0,60}\d)[\w+/=.-]{16}")
_DIGIT = re.compile(r"\d")
_USER = re.compile(r"://[^@]{0,300}@")
_ASSIGNED = re.compile(r"(?:pass|secret|token|key)\w{0,20}\s*[=:]", re.IGNORECASE)

NONE = Value("const")


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Text that can be stored: cut, without lone surrogates, credentials masked."""
    if len(text) > 2 * limit:
        text = text[: 2 * limit]
    if len(text) >= 11 and _is_suspect(text):
        text = mask_text(text)
    if len(text) > limit:
        text = text[:limit]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _is_suspect(text: str) -> bool:
    """Whether it may hold a key, an address with a user, an assignment to the name of a secret, or a private key."""
    return bool(
        (_DIGIT.search(text) and _LONG_RUN.search(text))
        or ("://" in text and _USER.search(text))
        or (("=" in text or ":" in text) and _ASSIGNED.search(text))
        or "BEGIN " in text
    )


def constant(value: object) -> Value:
    """The value of a literal; what a row cannot hold becomes an expression with the name of its type."""
    if isinstance(value, str):
        return Value("const", scalar=clean(value), length=len(value))
    if value is None or value is True or value is False:
        return Value("const", scalar=value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return Value("const", scalar=value)
    if isinstance(value, float) and math.isfinite(value):
        return Value("const", scalar=value)
    return Value("expr", type(value).__name__)


def value_of(state: ModuleState, node: ast.expr | None, depth: int = DEPTH) -> Value:
    """What an expression says, `depth` levels deep."""
    if node is None:
        return NONE
    if type(node) is ast.Constant:
        return constant(node.value)
    if depth <= 0:
        return Value("expr", type(node).__name__)
    handler = _VALUES.get(type(node), _expression)
    return handler(state, node, depth)


def named_value(state: ModuleState, name: str, node: ast.expr, depth: int = DEPTH) -> Value:
    """The value that is given to a name; text under the name of a credential is masked."""
    if type(node) is ast.Constant and type(node.value) is str and len(node.value) >= 4 and is_secret_name(name):
        return Value("const", scalar=MASK, length=len(node.value))
    return value_of(state, node, depth)


def arguments(state: ModuleState, node: ast.Call, depth: int = DEPTH) -> tuple[Arg, ...]:
    """The arguments of a call, positions as "0", "1", …"""
    found = [
        Arg("*", value_of(state, arg.value, depth))
        if type(arg) is ast.Starred
        else Arg(str(position), value_of(state, arg, depth))
        for position, arg in enumerate(node.args[:MAX_ARGUMENTS])
    ]
    found += [
        Arg(keyword.arg, named_value(state, keyword.arg, keyword.value, depth))
        if keyword.arg
        else Arg("**", value_of(state, keyword.value, depth))
        for keyword in node.keywords[:MAX_ARGUMENTS]
    ]
    return tuple(found)


def _name(state: ModuleState, node: ast.Name | ast.Attribute, depth: int) -> Value:
    text = dotted(state, node)
    if text:
        return Value("name", text)
    if isinstance(node, ast.Attribute):
        return Value("expr", "Attribute", items=(value_of(state, node.value, depth - 1),))
    return Value("expr", "Name")


def _call(state: ModuleState, node: ast.Call, depth: int) -> Value:
    items = tuple(value_of(state, arg, depth - 1) for arg in node.args[:8])
    return Value("call", callee(state, node), items=items)


def _list(state: ModuleState, node: ast.List | ast.Tuple | ast.Set, depth: int) -> Value:
    items = tuple(value_of(state, item, depth - 1) for item in node.elts[:MAX_ITEMS])
    return Value("list", items=items, length=len(node.elts))


def _dict(state: ModuleState, node: ast.Dict, depth: int) -> Value:
    pairs = list(zip(node.keys[:MAX_ITEMS], node.values[:MAX_ITEMS], strict=True))
    keys = tuple(value_of(state, key, depth - 1) if key else Value("expr", "**") for key, _ in pairs)
    values = tuple(named_value(state, _key(key), value, depth - 1) for key, value in pairs)
    return Value("dict", items=keys, length=len(node.keys), values=values)


def _key(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def template(node: ast.JoinedStr) -> str:
    """The text of an f-string, `{}` for each hole."""
    parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values[:200])
    return "".join(part if isinstance(part, str) else "{}" for part in parts)


def _fstring(state: ModuleState, node: ast.JoinedStr, depth: int) -> Value:
    text = template(node)
    holes = [part.value for part in node.values[:40] if isinstance(part, ast.FormattedValue)]
    items = tuple(value_of(state, hole, depth - 1) for hole in holes[:8])
    return Value("fstring", clean(text), items=items, length=len(text))


def _item(state: ModuleState, node: ast.Subscript, depth: int) -> Value:
    base = dotted(state, node.value)
    if not base and isinstance(node.value, ast.Call):
        base = callee(state, node.value)
    return Value("item", base, items=(value_of(state, node.slice, depth - 1),))


def _unary(state: ModuleState, node: ast.UnaryOp, depth: int) -> Value:
    inner = value_of(state, node.operand, depth - 1)
    if isinstance(node.op, ast.USub) and inner.kind == "const" and isinstance(inner.scalar, int | float):
        return constant(-inner.scalar)
    return Value("expr", type(node.op).__name__, items=(inner,))


def _slice(state: ModuleState, node: ast.Slice, depth: int) -> Value:
    parts = (node.lower, node.upper, node.step)
    return Value("expr", "Slice", items=tuple(value_of(state, part, depth - 1) for part in parts))


def _wrapped(state: ModuleState, node: ast.Await | ast.NamedExpr, depth: int) -> Value:
    return value_of(state, node.value, depth)


_PARTS: dict[type[ast.expr], Callable[..., list[ast.expr]]] = {
    ast.BinOp: lambda node: [node.left, node.right],
    ast.BoolOp: lambda node: node.values,
    ast.IfExp: lambda node: [node.body, node.orelse, node.test],
    ast.Compare: lambda node: [node.left, *node.comparators],
    ast.Lambda: lambda node: [node.body],
    ast.ListComp: lambda node: [node.elt, *(generator.iter for generator in node.generators)],
    ast.SetComp: lambda node: [node.elt, *(generator.iter for generator in node.generators)],
    ast.GeneratorExp: lambda node: [node.elt, *(generator.iter for generator in node.generators)],
    ast.DictComp: lambda node: [node.key, node.value, *(generator.iter for generator in node.generators)],
    ast.Starred: lambda node: [node.value],
}


def _expression(state: ModuleState, node: ast.expr, depth: int) -> Value:
    parts = _PARTS.get(type(node))
    items = tuple(value_of(state, part, depth - 1) for part in parts(node)[:8]) if parts else ()
    return Value("expr", type(node).__name__, items=items)


_VALUES: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Name: _name,
    ast.Attribute: _name,
    ast.Call: _call,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _list,
    ast.Dict: _dict,
    ast.JoinedStr: _fstring,
    ast.Subscript: _item,
    ast.UnaryOp: _unary,
    ast.Slice: _slice,
    ast.Await: _wrapped,
    ast.NamedExpr: _wrapped,
}


def index_text(state: ModuleState, node: ast.expr, depth: int = 3) -> str:
    """The index of a subscript in normalised source: ":, 3", "'price'", "['a', 'b']", names and sums of them, else "…"."""
    if isinstance(node, ast.Constant):
        return repr(clean(node.value, 80)) if isinstance(node.value, str) else repr(node.value)[:40]
    if depth <= 0:
        return "…"
    if isinstance(node, ast.Slice):
        lower, upper = (index_text(state, part, depth - 1) if part else "" for part in (node.lower, node.upper))
        return f"{lower}:{upper}" + (f":{index_text(state, node.step, depth - 1)}" if node.step else "")
    if isinstance(node, ast.Tuple | ast.List):
        text = ", ".join(index_text(state, item, depth - 1) for item in node.elts[:40])
        return f"[{text}]" if isinstance(node, ast.List) else text
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return "-" + index_text(state, node.operand, depth - 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{index_text(state, node.left, depth - 1)} + {index_text(state, node.right, depth - 1)}"
    return dotted(state, node) or "…" if isinstance(node, ast.Name | ast.Attribute) else "…"
