"""Scripts made of cells: `# %%` (Jupytext, VS Code, Spyder), `# In[1]:` exports, Databricks and marimo notebooks.

Their lines are the lines of the file, so a place in a cell is a place in the file.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Format = Literal["percent", "databricks", "marimo"]
Kind = Literal["code", "markdown", "raw"]

_SCANNED = 200_000
_DATABRICKS_FIRST = "# Databricks notebook source"
_PERCENT = re.compile(r"^# ?%%(?!\w)(?P<head>[^\n]*)|^# In ?\[[\d ]*\]:?[ \t]*$", re.M)
_COMMAND = re.compile(r"^# COMMAND -{5,}[^\n]*$", re.M)
_MARIMO_APP = re.compile(rb"^\w+ = marimo\.App\(", re.M)
_MARIMO_CELL = re.compile(r"^@app\.(?:cell|function|class_definition)\b[^\n]*$", re.M)
_MARIMO_END = re.compile(r"^if __name__ ==|\Z", re.M)
_MAGIC = re.compile(r"^# MAGIC ?", re.M)


class ScriptCell(NamedTuple):
    """One cell of a script: its lines `start` to `start + lines - 1`, without the marker."""

    kind: Kind
    start: int
    lines: int
    text: str
    title: str = ""


def is_cell_script(data: bytes) -> bool:
    """Whether a Python file is made of cells: two markers at least, for one may be an accident."""
    head = data[:_SCANNED]
    if head.startswith(_DATABRICKS_FIRST.encode()):
        return True
    # Two quick searches leave out nearly all files before the four exact ones.
    may_have_marks = head.count(b"%%") + head.count(b"# In") >= 2
    if may_have_marks and sum(head.count(mark) for mark in (b"# %%", b"#%%", b"# In[", b"# In [")) >= 2:
        return len(_PERCENT.findall(head.decode("latin-1").replace("\r\n", "\n"))) >= 2
    return b"marimo" in head and bool(_MARIMO_APP.search(head))


def split_script(source: str) -> tuple[Format, list[ScriptCell]]:
    """The cells of a script."""
    if source.startswith(_DATABRICKS_FIRST):
        return "databricks", _databricks(source)
    if _MARIMO_APP.search(source.encode("utf-8", "replace")):
        return "marimo", _marimo(source)
    return "percent", _percent(source)


def _percent(source: str) -> list[ScriptCell]:
    marks = list(_PERCENT.finditer(source))
    cells = [_cell(source, "code", 0, marks[0].start())] if marks and source[: marks[0].start()].strip() else []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        head = (mark["head"] or "").strip()
        kind: Kind = "markdown" if "[markdown]" in head or "[md]" in head else "raw" if "[raw]" in head else "code"
        end = following.start() if following else len(source)
        cells.append(_cell(source, kind, mark.end() + 1, end, head.partition("[")[0].strip()))
    return cells


def _databricks(source: str) -> list[ScriptCell]:
    marks = [len(_DATABRICKS_FIRST) + 1, *(mark.end() + 1 for mark in _COMMAND.finditer(source))]
    ends = [*(mark.start() for mark in _COMMAND.finditer(source)), len(source)]
    cells = []
    for start, end in zip(marks, ends, strict=True):
        body = _MAGIC.sub("", source[start:end]).strip()
        kind: Kind = "markdown" if body.startswith("%md") else "code"
        cells.append(_cell(source, kind, start, end))
    return [cell for cell in cells if cell.text.strip()]


def _marimo(source: str) -> list[ScriptCell]:
    marks = list(_MARIMO_CELL.finditer(source))
    last = _MARIMO_END.search(source, marks[-1].end() if marks else 0)
    ends = [*(mark.start() for mark in marks[1:]), last.start() if last else len(source)]
    return [_cell(source, "code", mark.end() + 1, end) for mark, end in zip(marks, ends, strict=True)]


def _cell(source: str, kind: Kind, start: int, end: int, title: str = "") -> ScriptCell:
    text = source[start:end].rstrip("\n")
    return ScriptCell(kind, source.count("\n", 0, start) + 1, text.count("\n") + 1, text, title)


def markdown_of(cell: ScriptCell) -> str:
    """The text of a markdown cell without its comment signs or quotes."""
    text = _MAGIC.sub("", cell.text).strip()
    if text.startswith("%md"):
        return text[3:].strip()
    if text.startswith(('"""', "'''")):
        return text.strip("\"'").strip()
    return re.sub(r"^# ?", "", text, flags=re.M)


def magic_lines(cell: ScriptCell) -> str:
    """A Databricks cell that holds `# MAGIC` lines, as IPython would see it; "" for other cells."""
    if not _MAGIC.search(cell.text):
        return ""
    return "\n".join(_MAGIC.sub("", line) if line.startswith("# MAGIC") else line for line in cell.text.split("\n"))
