"""Credentials in one file: `scan` is a pure function from bytes to findings, cell by cell in notebooks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlready.external.finding import ExternalFinding
from mlready.external.secrets.generic import find_generic
from mlready.external.secrets.known import Hit, Marks, find_known, marks_in
from mlready.facts.reading import Unreadable, decode

TOOL = "secrets"
SCAN_VERSION = 3
"""To be raised with every change of formats or filters, so that cached findings are made anew."""
MAX_TEXT = 10_000_000
_GENERIC_ROLES = frozenset(("source", "script", "notebook", "config", "ci", "container", "infra"))
_GENERIC_NAMES = re.compile(
    r"\.(?:py|ipynb|ya?ml|json|toml|ini|cfg|conf|env|properties|sh|bash|tf|tfvars|R|js|ts)$|(?:^|/)(?:Dockerfile|\.env)[^/]*$"
)
_LOCK = re.compile(
    r"(?:^|/)(?:[^/]+\.lock|package-lock\.json|conda-lock\.ya?ml|pnpm-lock\.yaml|pylock[^/]*\.toml|[^/]+\.dvc)$"
)
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
_TEXT_MIMES = ("text/plain", "text/html", "text/markdown", "application/json", "text/latex")


def scan(path: str, data: bytes, *, role: str) -> tuple[ExternalFinding, ...]:
    """The credentials in a file; () for what is not text. No finding holds more than four characters of a value."""
    generic = role in _GENERIC_ROLES and bool(_GENERIC_NAMES.search(path)) and not _LOCK.search(path)
    if path.endswith(".ipynb"):
        found = _scan_notebook(path, data, generic=generic)
        if found is not None:
            return found
    try:
        text = decode(data)
    except Unreadable:
        return ()
    hits = _hits(text, path, marks_in(text), generic=generic)
    return tuple(_finding(path, hit, line=_line(text, hit.start)) for hit in hits)


def _hits(text: str, path: str, marks: Marks, *, generic: bool) -> list[Hit]:
    """Known formats first; an assignment of the same value is not told twice."""
    hits = find_known(text, marks)
    if generic:
        taken = [(hit.start, hit.end) for hit in hits]
        for hit in find_generic(text, path=path):
            if all(hit.end <= start or hit.start >= end for start, end in taken):
                hits.append(hit)
    return sorted(hits, key=lambda hit: hit.start)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _finding(path: str, hit: Hit, *, line: int, cell: int = 0, raw_line: int = 0, where: str = "") -> ExternalFinding:
    shown = f" ({hit.shown}…)" if hit.shown else ""
    return ExternalFinding(
        tool=TOOL,
        code=hit.code,
        path=path,
        line=line,
        message=f"{hit.title}{shown}{where}",
        cell=cell,
        raw_line=raw_line,
        certain=hit.certain,
    )


# ------------------------------------------------------------------------------------------------------------ notebooks


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text of a notebook."""

    cell: int
    kind: str
    """code, text or output."""
    text: str


def _scan_notebook(path: str, data: bytes, *, generic: bool) -> tuple[ExternalFinding, ...] | None:
    """None for what is no notebook. Metadata, widget state, images and attachments are not looked at."""
    try:
        document = json.loads(data)
        pieces = list(_pieces(document))
    except (ValueError, RecursionError):
        return None
    if not pieces:
        return () if isinstance(document, dict) and "cells" in document else None
    raw = data.decode("utf-8", "replace")
    marks = marks_in(raw)
    found: list[ExternalFinding] = []
    for piece in pieces:
        for hit in _hits(piece.text, path, marks, generic=generic and piece.kind == "code"):
            raw_line = _raw_line(raw, piece.text[hit.start : hit.end])
            if piece.kind == "output":
                found.append(
                    _finding(path, hit, line=0, cell=piece.cell, raw_line=raw_line, where=" in a saved output")
                )
            else:
                line = _line(piece.text, hit.start)
                found.append(_finding(path, hit, line=line, cell=piece.cell, raw_line=raw_line))
    return tuple(found)


def _raw_line(raw: str, value: str) -> int:
    """Where the value stands in the file itself, 0 when it is split or written otherwise."""
    at = raw.find(json.dumps(value, ensure_ascii=False)[1:-1])
    return _line(raw, at) if at >= 0 else 0


def _pieces(document: Any) -> Iterator[_Piece]:
    for number, cell in enumerate(_cells(document), start=1):
        if not isinstance(cell, dict):
            continue
        kind = "code" if cell.get("cell_type") == "code" else "text"
        yield _Piece(number, kind, _joined(cell.get("source", cell.get("input"))))
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            for text in _output_texts(output):
                yield _Piece(number, "output", _ESCAPE.sub("", text))


def _cells(document: Any) -> list[Any]:
    """The cells of nbformat 4, or of the worksheets of nbformat 3."""
    if not isinstance(document, dict):
        return []
    cells = document.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = document.get("worksheets")
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    return [cell for cells in lists if isinstance(cells, list) for cell in cells]


def _output_texts(output: Any) -> Iterator[str]:
    if not isinstance(output, dict):
        return
    yield _joined(output.get("text"))
    yield _joined(output.get("traceback"), "\n")
    data = output.get("data")
    if not isinstance(data, dict):
        return
    for mime in _TEXT_MIMES:
        value = data.get(mime)
        yield json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else _joined(value)


def _joined(value: Any, between: str = "") -> str:
    if isinstance(value, list):
        value = between.join(item for item in value if isinstance(item, str))
    return value[:MAX_TEXT] if isinstance(value, str) else ""
