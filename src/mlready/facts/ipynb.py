"""The JSON of a notebook: cells in the shape that all versions share, with the line of the file of each source line.

Outputs are never decoded as a whole: a notebook may carry 100 MB of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

MAX_BYTES = 100_000_000
_SLOW_JSON = 30_000_000
"""Bytes up to which JSON with NaN in it, which is none, is read the slow way."""
_MAX_OUTPUT = 2_000_000
_SOURCE = re.compile(rb'"(?:source|input)"\s*:\s*')

_Text = str | list[str]


class Unreadable(ValueError):
    """No notebook; the message is for the user."""


class Output(Struct, frozen=True):
    """What is looked at of an output."""

    output_type: str = ""
    ename: str = ""
    text: _Text = ""
    data: dict[str, Raw] = {}


class _Metadata(Struct, frozen=True):
    tags: list[str] = []
    id: str = ""


class _Cell(Struct, frozen=True):
    cell_type: str = ""
    source: Raw = Raw(b'""')
    input: Raw = Raw(b"")
    id: str = ""
    execution_count: int | None = None
    prompt_number: int | None = None
    outputs: list[Raw] = []
    metadata: Raw = Raw(b"{}")
    level: int = 1


class _Sheet(Struct, frozen=True):
    cells: list[Raw] = []


class _Language(Struct, frozen=True):
    name: str = ""
    language: str = ""


class _TopMetadata(Struct, frozen=True):
    kernelspec: _Language = _Language()
    language_info: _Language = _Language()


class _Top(Struct, frozen=True):
    nbformat: int = 4
    cells: list[Raw] | None = None
    worksheets: list[_Sheet] | None = None
    metadata: Raw = Raw(b"{}")


class RawCell(Struct, frozen=True):
    """One cell; `raw_lines[i]` is the line of the file that line i of `source` stands on."""

    kind: Literal["code", "markdown", "raw"]
    source: str
    raw_lines: tuple[int, ...] = ()
    id: str = ""
    execution_count: int | None = None
    tags: tuple[str, ...] = ()
    outputs: tuple[Raw, ...] = ()
    problem: str = ""
    level: int = 0
    """Of a heading cell of nbformat 3."""

    @property
    def output_bytes(self) -> int:
        """Size of the outputs in the file."""
        return sum(len(memoryview(output)) for output in self.outputs)


class RawNotebook(Struct, frozen=True):
    cells: tuple[RawCell, ...]
    nbformat: int
    language: str


def read_ipynb(data: bytes) -> RawNotebook:
    """The cells of an .ipynb file of nbformat 3 or 4. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")
    if not data.strip():
        raise Unreadable("an empty file, no notebook")
    data, top = _decode_top(data)
    cells = top.cells
    if cells is None and top.worksheets is not None:
        cells = [cell for sheet in top.worksheets for cell in sheet.cells]
    if cells is None:
        raise Unreadable("no notebook: it has no cells")
    return RawNotebook(tuple(_Lines(data).cells(cells)), top.nbformat, _language(top.metadata))


def _decode_top(data: bytes) -> tuple[bytes, _Top]:
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode()
    try:
        return data, _TOP.decode(data)
    except msgspec.ValidationError as error:
        raise Unreadable(f"no notebook: {str(error)[:120]}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_slowly(data, str(error) or type(error).__name__)


def _decode_slowly(data: bytes, problem: str) -> tuple[bytes, _Top]:
    """JSON with NaN or Infinity, which Python writes and standards forbid."""
    reason = f"no valid JSON: {problem.partition(chr(10))[0][:120]}"
    if len(data) > _SLOW_JSON or not re.search(rb"\b(?:NaN|Infinity)\b", data):
        raise Unreadable(reason)
    try:
        plain = msgspec.json.encode(json.loads(data))
        return plain, _TOP.decode(plain)
    except (ValueError, TypeError, RecursionError):
        raise Unreadable(reason) from None


_TOP = msgspec.json.Decoder(_Top)
_CELL = msgspec.json.Decoder(_Cell)
_STRINGS = msgspec.json.Decoder(list[Raw])
_STRING = msgspec.json.Decoder(str)
_OUTPUT = msgspec.json.Decoder(Output)


def _language(metadata: Raw) -> str:
    try:
        top = msgspec.json.decode(metadata, type=_TopMetadata)
    except (msgspec.MsgspecError, RecursionError):
        return "python"
    found = top.language_info.name or top.kernelspec.language or top.kernelspec.name or "python"
    found = found.lower()[:40]
    return "python" if found.startswith(("python", "ipython", "pyspark", "conda", "sage")) else found


class _Lines:
    """Finds the line of the file for each source line, going through the file once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._counted_to = 0
        self._line = 1

    def cells(self, cells: Sequence[Raw]) -> list[RawCell]:
        found = []
        end = 0
        for raw in cells:
            text = bytes(raw)
            start = max(self._data.find(text, end), end)
            end = start + len(text)
            found.append(self._cell(text, start))
        return found

    def line_at(self, position: int) -> int:
        self._line += self._data.count(b"\n", self._counted_to, position)
        self._counted_to = position
        return self._line

    def _cell(self, text: bytes, start: int) -> RawCell:
        try:
            cell = _CELL.decode(text)
            body = cell.input if len(memoryview(cell.input)) > 0 else cell.source
            source, raw_lines = self._source(body, text, start)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return RawCell("raw", "", problem="not a cell of the notebook format")
        metadata = _metadata(cell.metadata)
        count = cell.execution_count if cell.execution_count is not None else cell.prompt_number
        kind = cell.cell_type
        return RawCell(
            kind="code" if kind == "code" else "markdown" if kind in ("markdown", "heading") else "raw",
            source=source,
            raw_lines=raw_lines,
            id=_clean(cell.id or metadata.id),
            execution_count=count if count is None or abs(count) < 2**62 else None,
            tags=tuple(_clean(tag) for tag in metadata.tags[:50]),
            outputs=tuple(cell.outputs),
            level=max(1, min(cell.level, 6)) if kind == "heading" else 0,
        )

    def _source(self, body: Raw, text: bytes, start: int) -> tuple[str, tuple[int, ...]]:
        """The source, and the line of the file for each of its lines."""
        raw = bytes(body)
        position = next((m.end() for m in _SOURCE.finditer(text) if text.startswith(raw, m.end())), 0)
        if raw[:1] != b"[":
            source = _plain(_STRING.decode(raw))
            return source, (self.line_at(start + position),) * (source.count("\n") + 1)
        parts: list[str] = []
        lines: list[int] = []
        begins_line = True
        for item in _STRINGS.decode(raw):
            part = _plain(_STRING.decode(item))
            position = max(text.find(bytes(item), position), position)
            here = self.line_at(start + position)
            position += len(memoryview(item))
            lines.extend([here] * (part.count("\n") + begins_line - part.endswith("\n")))
            if part:
                begins_line = part.endswith("\n")
            parts.append(part)
        source = "".join(parts)
        lines.extend([lines[-1] if lines else self._line] * (source.count("\n") + 1 - len(lines)))
        return source, tuple(lines[: source.count("\n") + 1])


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _clean(text: str) -> str:
    return text[:80].encode("utf-8", "replace").decode()


def _metadata(raw: Raw) -> _Metadata:
    try:
        return msgspec.json.decode(raw, type=_Metadata)
    except (msgspec.MsgspecError, RecursionError):
        return _Metadata()


def output_of(raw: Raw) -> Output | None:
    """An output of moderate size and ordinary shape, else None."""
    if len(memoryview(raw)) > _MAX_OUTPUT:
        return None
    try:
        return _OUTPUT.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
