"""Notebook files into cells: .ipynb of format 3 and 4, read leniently, and scripts with `# %%` cells."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from mlready.convert.model import Cell, Notebook
from mlready.errors import UsageError
from mlready.flow.ipython import parse, problem_of

MAX_BYTES = 200_000_000

_PERCENT = re.compile(r"#\s*%%(?P<title>.*)")
_BANNER = re.compile(r"#{20,}\s*")
_PYTHON = re.compile(r"python|ipython|xpython|sage|conda|venv|pyspark", re.I)


def read_notebook(path: Path) -> Notebook:
    """The notebook in a file. Raises UsageError, with the reason, for what is no Python notebook."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    text = data.decode("utf-8-sig", errors="replace")
    if path.suffix == ".py":
        return _read_script(path, text)
    return _read_ipynb(path, text)


def _read_script(path: Path, text: str) -> Notebook:
    cells = percent_cells(text)
    if len(cells) < 2:
        raise UsageError(f"{path}: a script without `# %%` cells", hint="a plain module needs no conversion")
    return Notebook(path, cells)


def _read_ipynb(path: Path, text: str) -> Notebook:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON, so no notebook ({_short(str(error))})") from None
    raw = _raw_cells(content)
    if raw is None:
        raise UsageError(f"{path}: JSON, but no notebook: it has no list of cells")
    metadata = content.get("metadata")
    kernel = _language(metadata if isinstance(metadata, dict) else {}, raw)
    if kernel and not _PYTHON.search(kernel):
        raise UsageError(f"{path}: its language is {kernel}, only Python is converted")
    cells = tuple(_cell(number, cell) for number, cell in enumerate(raw, start=1))
    if not any(cell.kind == "code" and cell.source.strip() for cell in cells):
        raise UsageError(f"{path}: it has no code")
    return Notebook(path, cells, kernel)


def _short(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _raw_cells(content: Any) -> list[dict[str, Any]] | None:
    """The list of cells, of format 4 or of format 3, where sheets hold them; what is no cell is left out."""
    if not isinstance(content, dict):
        return None
    cells = content.get("cells")
    if not isinstance(cells, list):
        sheets = content.get("worksheets")
        if not isinstance(sheets, list):
            return None
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or ()]
    return [cell for cell in cells if isinstance(cell, dict)]


def _language(metadata: dict[str, Any], cells: list[dict[str, Any]]) -> str:
    """What the kernel speaks, as far as the file says: language_info, then kernelspec, then format 3's cells."""
    for key, field in (("language_info", "name"), ("kernelspec", "language"), ("kernelspec", "name")):
        section = metadata.get(key)
        if isinstance(section, dict) and isinstance(section.get(field), str) and section[field]:
            return str(section[field])
    languages = {str(cell["language"]) for cell in cells if isinstance(cell.get("language"), str)}
    return languages.pop() if len(languages) == 1 else ""


def _cell(number: int, cell: dict[str, Any]) -> Cell:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(str(part) for part in source)
    kind: Literal["code", "markdown", "raw"] = "raw"
    if cell.get("cell_type") == "code":
        kind = "code"
    elif cell.get("cell_type") in ("markdown", "heading"):
        kind = "markdown"
        if cell["cell_type"] == "heading":
            level = cell.get("level")
            source = "#" * (level if isinstance(level, int) and 0 < level < 7 else 1) + f" {source}"
    count = cell.get("execution_count", cell.get("prompt_number"))
    return Cell(
        number=number,
        kind=kind,
        source=str(source or "").replace("\r\n", "\n").replace("\r", "\n"),
        id=str(cell.get("id") or ""),
        execution_count=count if isinstance(count, int) else None,
    )


def percent_cells(text: str) -> tuple[Cell, ...]:
    """Cells of a script in percent format. Comments right below a marker are the cell's prose.

    In a script with such markers, a line of # alone between statements is one too, as galleries of examples have it.
    """
    blocks: list[tuple[str, list[str]]] = [("", [])]
    lines = text.replace("\r\n", "\n").split("\n")
    marked = any(map(_PERCENT.match, lines))
    banners = _between_statements(
        "\n".join(lines), [n for n, line in enumerate(lines, 1) if marked and _BANNER.fullmatch(line)]
    )
    for number, line in enumerate(lines, start=1):
        match = _PERCENT.match(line)
        if match or number in banners:
            blocks.append((match.group("title").strip() if match else "", []))
        else:
            blocks[-1][1].append(line)
    cells: list[Cell] = []
    for title, lines in blocks:
        for kind, source in _split_block(title, lines):
            cells.append(Cell(len(cells) + 1, kind, source))
    return tuple(cells)


def _between_statements(text: str, numbers: list[int]) -> frozenset[int]:
    """Those of some lines that are inside of no statement; none where the text is no Python."""
    if not numbers or problem_of(text):
        return frozenset()
    inside = [range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in parse(text).body]
    return frozenset(number for number in numbers if not any(number in lines for lines in inside))


def _split_block(title: str, lines: list[str]) -> list[tuple[Literal["code", "markdown"], str]]:
    """Prose and code of one block between two markers."""
    prose: list[str] = []
    start = 0
    while start < len(lines) and (not lines[start].strip() or lines[start].startswith("#")):
        prose.append(re.sub(r"^#\s?", "", lines[start]))
        start += 1
    code = "\n".join(lines[start:]).strip("\n")
    docstring = re.match(r'\s*(?:[rRuU]?)("""|\'\'\')(.*?)\1\s*(?:\n|$)', code, re.S)
    if docstring and not prose and not title:
        prose, code = [docstring.group(2)], code[docstring.end() :].strip("\n")
    heading = re.sub(r"^\[\w+\]\s*", "", title)
    text = "\n".join(([f"## {heading}"] if heading else []) + prose).strip()
    parts: list[tuple[Literal["code", "markdown"], str]] = []
    if text:
        parts.append(("markdown", underlined_headings(text)))
    if code.strip():
        parts.append(("code", code))
    return parts


def underlined_headings(text: str) -> str:
    """Headings underlined as in reStructuredText, written with # signs."""
    lines = text.split("\n")
    out: list[str] = []
    for number, line in enumerate(lines):
        if out and re.fullmatch(r"(=+|-+|~+|\^+)\s*", line) and len(line.strip()) >= 3 and out[-1].strip():
            level = {"=": 1, "-": 2, "~": 3, "^": 4}[line[0]]
            if number >= 2 and set(lines[number - 2].strip()) == {line[0]} and len(out) >= 2:
                out.pop(-2)
            out[-1] = "#" * level + " " + out[-1].strip()
        else:
            out.append(line)
    return "\n".join(out)
