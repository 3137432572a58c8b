"""Which heading a code cell stands under."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlready.convert.model import Notebook

_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$|<h([1-6])[^>]*>(.*?)</h\3>", re.I)
_BOLD = re.compile(r"\s{0,3}(?:\*\*|__)([^*_\n]{3,80})(?:\*\*|__)\s*:?\s*")
"""A line that is bold as a whole: many authors write their lowest headings so."""


@dataclass(frozen=True)
class Section:
    """A heading: its text, depth and the number of the markdown cell that holds it."""

    title: str
    level: int
    cell: int


def headings(markdown: str) -> list[tuple[int, str]]:
    """(level, text) of each heading, those in fenced blocks left out."""
    found: list[tuple[int, str]] = []
    fenced = False
    for line in markdown.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        match = None if fenced else _HEADING.search(line)
        bold = None if fenced else _BOLD.fullmatch(line)
        if bold:
            found.append((7, plain_text(bold.group(1))))
        if match:
            level = len(match.group(1)) if match.group(1) else int(match.group(3))
            found.append((level, plain_text(match.group(2) or match.group(4) or "")))
    return found


def prose_above(notebook: Notebook) -> dict[int, str]:
    """The first paragraph of the text right above a code cell, by its number."""
    found: dict[int, str] = {}
    waiting = ""
    for cell in notebook.cells:
        if cell.kind == "code":
            if waiting and cell.source.strip():
                found[cell.number], waiting = waiting, ""
        else:
            waiting = first_paragraph(cell.source) if cell.kind == "markdown" else ""
    return found


def first_paragraph(markdown: str) -> str:
    """The first paragraph that is text, in one line; "" without one."""
    for paragraph in re.split(r"\n\s*\n|(?<=\n)(?=#)|(?m:^#.*$)", markdown):
        text = plain_text(paragraph)
        if len(text) >= MIN_PROSE and not _NO_TEXT.match(paragraph.strip()):
            return text
    return ""


MIN_PROSE = 40
_NO_TEXT = re.compile(r"[#<|`!=\-*\[.>:$]|\d+[.)]|.*[\\$]", re.S)
"""Lists, tables, code, formulas and markup."""


def plain_text(markdown: str) -> str:
    """Markdown of one line without its marks."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r":\w+:`~?([^`<]*)(?:<[^>]*>)?`", r"\1", text)
    text = re.sub(r"<[^>]*>|[*`_]{1,3}(?=\S)|(?<=\S)[*`]{1,3}", "", text)
    return re.sub(r"\s+", " ", text).strip()


def sections(notebook: Notebook) -> dict[int, Section]:
    """Section by number of the code cell."""
    found: dict[int, Section] = {}
    current: Section | None = None
    for cell in notebook.cells:
        if cell.kind == "markdown":
            titles = [(level, text) for level, text in headings(cell.source) if text]
            if titles:
                level, text = titles[-1]
                current = Section(text, level, cell.number)
        elif current is not None:
            found[cell.number] = current
    return found
