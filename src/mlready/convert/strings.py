"""Names that code reads through text: formulas, `df.query("a > @limit")`, `eval("x + 1")`.

Such calls look names up in the frame of their caller, so a step must hold those names as the notebook did.
"""

from __future__ import annotations

import ast
import re

EVALUATORS = frozenset(
    {"eval", "query", "evaluate", "exec", "timeit", "model_matrix", "dmatrix", "dmatrices", "Formula"}
)

_WORD = re.compile(r"[A-Za-z_]\w*")
_PRINTED = re.compile(r"([A-Za-z_]\w*)\s*=")
_CALLED = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*\s*\(")


def names_in_strings(node: ast.AST) -> frozenset[str]:
    """Every word of a text argument that may be a name of the caller; most are columns, so compare with what is known."""
    found: set[str] = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            callee = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
                for text in _texts(argument):
                    found |= _names(text, callee)
    return frozenset(found)


def quoted_names(node: ast.AST) -> frozenset[str]:
    """Names that must be plain local variables: read through text, or printed with their names by `f"{x=}"`."""
    printed = (text for found in ast.walk(node) if isinstance(found, ast.JoinedStr) for text in _texts(found))
    return names_in_strings(node).union(*(_PRINTED.findall(text) for text in printed))


def _texts(node: ast.AST) -> list[str]:
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _names(text: str, callee: str) -> set[str]:
    if len(text) > 2000:
        return set()
    if "~" in text or callee in EVALUATORS:
        return set(_WORD.findall(text))
    if callee in ("fit", "from_formula", "ols", "get_model_matrix"):
        return set(_CALLED.findall(text))
    return set()
