"""Cells of Python 2, turned into Python 3 of the same lines, so that what they do can be read. Nothing of it is run."""

from __future__ import annotations

import re

PYTHON_2 = "Python 2 syntax"
"""What the problem of such a cell ends with."""

_REWRITES = (
    (re.compile(r"(^[ \t]*|[:;][ \t]*)(print|exec)[ \t]*>>[ \t]*", re.M), r"\1\2;"),
    (re.compile(r"(^[ \t]*|[:;][ \t]*)(print|exec)[ \t]+(?=[^\s=])", re.M), r"\1\2;"),
    (re.compile(r"^([ \t]*except[ \t]+[\w.]+|[ \t]*except[ \t]*\([^()\n]*\))[ \t]*,[ \t]*(\w+)[ \t]*:", re.M), r"\1 as \2:"),
    (re.compile(r"^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*(.+)$", re.M), r"\1(\2)"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"(?<![\w.])0(?=[0-7]+\b)"), "0o"),
    (re.compile(r"\b(\d+)[lL]\b"), r"\1"),
    (re.compile(r"\bur(?=['\"])"), "r"),
)  # fmt: skip
"""`print x, y` becomes `print;x, y`: an expression that goes on over lines as the statement did."""


def as_python_3(code: str) -> str:
    """The code with the statements of Python 2 rewritten; texts inside of it may change, and nobody reads them."""
    for pattern, replacement in _REWRITES:
        code = pattern.sub(replacement, code)
    return code
