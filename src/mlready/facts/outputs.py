"""What the saved outputs of a notebook cell show: an error, kinds of personal data in printed tables. Never values."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from mlready.facts.ipynb import Output, output_of
from mlready.facts.personal import personal_columns

_MAX_OUTPUTS = 200
_MAX_TABLE = 300_000
_ROW = re.compile(r"<tr[^>]{0,200}>(.*?)</tr>", re.S)
_ITEM = re.compile(r"<(?:th|td)[^>]{0,200}>(.*?)</(?:th|td)>", re.S)
_TAG = re.compile(r"<[^>]{0,300}>")


def error_of(outputs: Sequence[Raw]) -> str:
    """Name of the last exception among the outputs, or ""."""
    found = ""
    for output in map(output_of, outputs[:_MAX_OUTPUTS]):
        if output is not None and output.output_type in ("error", "pyerr"):
            found = output.ename[:100].encode("utf-8", "replace").decode() or "error"
    return found


def personal_kinds(outputs: Sequence[Raw]) -> tuple[str, ...]:
    """Kinds of personal data in the HTML tables among the outputs ("e-mail", "phone", …)."""
    kinds: dict[str, None] = {}
    for raw in outputs[:_MAX_OUTPUTS]:
        if b"<table" in memoryview(raw).tobytes()[:_MAX_TABLE]:
            output = output_of(raw)
            kinds.update(dict.fromkeys(kind for _, kind in _personal(output)) if output else {})
    return tuple(kinds)


def _personal(output: Output) -> list[tuple[str, str]]:
    try:
        text = msgspec.json.decode(output.data.get("text/html", Raw(b'""')), type=str | list[str])
    except (msgspec.MsgspecError, UnicodeError):
        return []
    table = (text if isinstance(text, str) else "".join(text))[:_MAX_TABLE]
    rows = [[_plain(item) for item in _ITEM.findall(row)] for row in _ROW.findall(table)]
    return personal_columns(rows[0], rows[1:]) if len(rows) > 1 else []


def _plain(item: str) -> str:
    return html.unescape(_TAG.sub("", item)).strip()
