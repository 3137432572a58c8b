"""Hashes of function bodies that stay equal when locals are renamed, comments change or code is formatted anew."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from hashlib import blake2b

MIN_STATEMENTS = 4
MAX_LINES = 400

_TOKEN = re.compile(
    r"""\#[^\n]*
    |(?:[rbufRBUF]{0,2})(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |\.?\w+|[^\w\s,()\\;]""",
    re.X,
)
"""Comments, strings, words and signs; blanks, brackets and commas match nothing, so they are left out."""


def body_hash(lines: Sequence[str], local_names: Collection[str], documented: bool) -> str:
    """Sixteen hex digits for the body in `lines`; names of locals count only by the order in which they appear.

    Brackets and commas are left out with the layout: what is left (names, attributes, operators, literals) tells
    bodies apart well enough, and survives a formatter.
    """
    renamed: dict[str, str] = {}
    out: list[str] = []
    for token in _TOKEN.findall("\n".join(lines)):
        if token[0] == "#":
            continue
        if documented and not out:
            documented = False
            continue
        if token in local_names:
            token = renamed.setdefault(token, f"${len(renamed)}")
        elif token[0] in "'\"":
            token = token.strip("'\"")
        out.append(token)
    return blake2b(" ".join(out).encode("utf-8", "replace"), digest_size=8).hexdigest()
