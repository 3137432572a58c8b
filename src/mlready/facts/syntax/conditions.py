"""Small questions about tests, handlers and patterns."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mlready.facts.syntax.interest import AVAILABILITY_WORDS, LOGGING_CALLS

_MAX_NODES = 60
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def sort_of(test: ast.expr) -> str:
    """What an `if` asks: "main-guard", "typing", "available", "debug", or "" for anything else."""
    if type(test) is ast.Compare:
        return "main-guard" if _is_main_guard(test) else ""
    for name in _names(test):
        if name == "TYPE_CHECKING":
            return "typing"
        lowered = name.lower()
        if any(word in lowered for word in AVAILABILITY_WORDS) or lowered.startswith(("has_", "_has_", "have_")):
            return "available"
        if "debug" in lowered:
            return "debug"
    return ""


def _is_main_guard(test: ast.Compare) -> bool:
    if not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, *test.comparators]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _names(test: ast.expr) -> Iterator[str]:
    """Last names in a test, a few levels deep."""
    todo: list[ast.expr] = [test]
    for _ in range(_MAX_NODES):
        if not todo:
            return
        node = todo.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Call):
            todo.append(node.func)
        elif isinstance(node, ast.UnaryOp):
            todo.append(node.operand)
        elif isinstance(node, ast.BoolOp):
            todo.extend(node.values[:10])


def catches_import_error(handler: ast.ExceptHandler) -> bool:
    """Whether an import that fails inside the `try` goes on."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _IMPORT_ERRORS for kind in kinds)


def does_nothing(body: Sequence[ast.stmt]) -> bool:
    """Only pass, `...`, continue or a bare string."""
    return all(
        isinstance(statement, ast.Pass | ast.Continue)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in body
    )


def answers(body: Sequence[ast.stmt]) -> tuple[bool, bool]:
    """Whether a handler raises, and whether it logs what happened; nested blocks are looked into."""
    raises = logs = False
    todo = list(body)
    for _ in range(_MAX_NODES):
        if not todo:
            break
        statement = todo.pop()
        if isinstance(statement, ast.Raise):
            raises = True
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            func = statement.value.func
            name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            logs = logs or name in LOGGING_CALLS
            raises = raises or name in ("exit", "_exit", "abort", "fail", "skip")
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(statement, part, None)
            if isinstance(inner, list):
                todo.extend(inner)
    return raises, logs


def captured(pattern: ast.pattern) -> list[str]:
    """Names that a `case` pattern binds."""
    found: list[str] = []
    todo: list[ast.pattern] = [pattern]
    while todo:
        node = todo.pop()
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if isinstance(name, str):
            found.append(name)
        inner = getattr(node, "pattern", None)
        if inner is not None:
            todo.append(inner)
        todo.extend(getattr(node, "patterns", ()))
        todo.extend(getattr(node, "kwd_patterns", ()))
    return found
