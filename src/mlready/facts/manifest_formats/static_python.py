"""What the top level of a small script such as setup.py says, told without running it."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from typing import Any, Final

MAX_ITEMS = 2_000
MAX_CHARACTERS = 100_000
_MAX_NODES = 200_000
_FILE = re.compile(
    r"[\w./ -]*(?:requirements?|reqs?|constraints?|dev|base|main|test|prod)[\w./-]*\.(?:txt|in|pip)\Z", re.I
)


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


class Module:
    """Names bound at the top level (in `if`, `with`, `try` and `for` too) and functions, in source order."""

    def __init__(self, tree: ast.Module) -> None:
        self._values: dict[str, Any] = {}
        self._sources: dict[str, list[ast.AST]] = {}
        self._strings: dict[str, int] = {}
        for count, node in enumerate(ast.walk(tree)):
            if count > _MAX_NODES:
                break
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for offset, line in enumerate(node.value.splitlines()[:MAX_ITEMS]):
                    self._strings.setdefault(line.strip(), node.lineno + offset)
        for statement in _statements(tree.body):
            self._run(statement)

    def line_of(self, text: str) -> int:
        """Where a string literal (or a line of one) stands, 0 if it is not written out."""
        return self._strings.get(text.strip(), 0)

    def definition(self, name: ast.Name) -> ast.AST | None:
        """The last expression that a name is bound to."""
        return self._sources.get(name.id, [None])[-1]

    def value(self, node: ast.AST | None) -> Any:
        """Value of an expression of constants and known names; UNKNOWN otherwise. Sequences become lists."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._values.get(node.id, UNKNOWN)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self._sequence(node.elts)
        if isinstance(node, ast.Dict):
            return self._dict(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return _add(self.value(node.left), self.value(node.right))
        if isinstance(node, ast.JoinedStr):
            return self._joined(node)
        if isinstance(node, ast.Subscript):
            return self._item(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        return UNKNOWN

    def requirement_files(self, node: ast.AST) -> list[str]:
        """Names of requirement files in the expression and in whatever the names in it are made from."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting: list[ast.AST] = [node]
        while waiting and len(seen) < MAX_ITEMS:
            for inner in ast.walk(waiting.pop()):
                if (file := _file_named(inner)) and not any(old.endswith("/" + file) for old in found):
                    found[file] = None
                if isinstance(inner, ast.Name) and inner.id not in seen:
                    seen.add(inner.id)
                    waiting += self._sources.get(inner.id, [])
        return list(found)

    # ------------------------------------------------------------------------------------------------- statements

    def _run(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self._sources[node.name] = [node]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value:
            self._bind(node.target, node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            added = self.value(node.value) if isinstance(node.op, ast.Add) else UNKNOWN
            self._set(name, _add(self._values.get(name, UNKNOWN), added), node.value)
        elif isinstance(node, ast.With):
            for item in node.items:
                if isinstance(item.optional_vars, ast.Name):
                    self._sources.setdefault(item.optional_vars.id, []).append(item.context_expr)
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            self._set(node.target.id, UNKNOWN, node.iter)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._mutate(node.value)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._sources[target.id] = []
            self._set(target.id, self.value(value), value)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            known, key = self._values.get(target.value.id), self.value(target.slice)
            if isinstance(known, dict) and isinstance(key, str):
                known[key] = _shallow(self.value(value))
            self._sources.setdefault(target.value.id, []).append(value)

    def _set(self, name: str, value: Any, source: ast.AST) -> None:
        self._values[name] = list(value) if isinstance(value, list) else value
        self._sources.setdefault(name, []).append(source)

    def _mutate(self, call: ast.Call) -> None:
        """`names.append(x)` and `names.extend(xs)`."""
        func = call.func
        if not (isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and len(call.args) == 1):
            return
        name, value = func.value.id, self.value(call.args[0])
        if func.attr in ("append", "extend") and name in self._values:
            added = [_flat(value)] if func.attr == "append" else value
            self._set(name, _add(self._values[name], added), call.args[0])
        elif func.attr == "update" and isinstance(self._values.get(name), dict):
            self._values[name].update(value if isinstance(value, dict) else {"*": UNKNOWN})

    # ------------------------------------------------------------------------------------------------ expressions

    def _sequence(self, nodes: list[ast.expr]) -> list[Any]:
        found: list[Any] = []
        for node in nodes[:MAX_ITEMS]:
            if isinstance(node, ast.Starred):
                inner = self.value(node.value)
                found += inner[:MAX_ITEMS] if isinstance(inner, list) else [UNKNOWN]
            else:
                found.append(_flat(self.value(node)))
        return found[:MAX_ITEMS]

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in list(zip(node.keys, node.values, strict=True))[:MAX_ITEMS]:
            if key is None:
                inner = self.value(value)
                found.update(inner if isinstance(inner, dict) else {"*": UNKNOWN})
            elif isinstance(name := self.value(key), str):
                found[name] = _shallow(self.value(value))
        return found

    def _joined(self, node: ast.JoinedStr) -> Any:
        parts = [self.value(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
        if not all(isinstance(part, str | int | float) for part in parts):
            return UNKNOWN
        text = "".join(map(str, parts))
        return text if len(text) <= MAX_CHARACTERS else UNKNOWN

    def _item(self, node: ast.Subscript) -> Any:
        base, key = self.value(node.value), self.value(node.slice)
        return base.get(key, UNKNOWN) if isinstance(base, dict) and isinstance(key, str) else UNKNOWN

    def _call(self, node: ast.Call) -> Any:
        """Calls that only repack what is known: `list(x)`, `"a b".split()`, `dict(a=[...])`."""
        func = node.func
        if isinstance(func, ast.Name) and func.id == "dict" and not node.args:
            return {keyword.arg: self.value(keyword.value) for keyword in node.keywords if keyword.arg}
        if isinstance(func, ast.Name) and func.id in ("list", "tuple", "sorted", "set") and len(node.args) == 1:
            inner = self.value(node.args[0])
            return inner if isinstance(inner, list) else UNKNOWN
        if isinstance(func, ast.Attribute) and func.attr in ("split", "splitlines", "strip"):
            base = self.value(func.value)
            if isinstance(base, str) and not node.args:
                return base.strip() if func.attr == "strip" else getattr(base, func.attr)()[:MAX_ITEMS]
        return UNKNOWN


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of the module in order, those inside compound statements too; not those inside definitions."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, name, []))
        for handler in getattr(node, "handlers", []):
            yield from _statements(handler.body)


def _flat(value: Any) -> Any:
    """Items of lists are scalars: nesting would let shared values grow without bound."""
    return UNKNOWN if isinstance(value, list | dict) else value


def _shallow(value: Any) -> Any:
    return UNKNOWN if isinstance(value, dict) else value


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, list) or isinstance(right, list):
        sides = [side if isinstance(side, list) else [UNKNOWN] for side in (left, right)]
        return (sides[0] + sides[1])[:MAX_ITEMS]
    if isinstance(left, str) and isinstance(right, str) and len(left) + len(right) <= MAX_CHARACTERS:
        return left + right
    return UNKNOWN


def _file_named(node: ast.AST) -> str:
    """The requirement file that a literal, a joined path or a `folder / "name"` names, else ""."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parts = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("join", "joinpath"):
        parts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = _divided(node)
    else:
        return ""
    path = posixpath.join("", *parts) if parts else ""
    return path if len(path) < 200 and _FILE.match(path) else ""


def _divided(node: ast.BinOp) -> list[str]:
    parts: list[str] = []
    current: ast.expr = node
    while isinstance(current, ast.BinOp):
        if isinstance(current.right, ast.Constant) and isinstance(current.right.value, str):
            parts.insert(0, current.right.value)
        current = current.left
    return parts
