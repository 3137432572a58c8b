"""Reading notebooks into the same facts as modules: .ipynb, and scripts made of cells.

The code cells are laid end to end and parsed once; only where that fails is each cell looked at alone.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from mlready.facts.cells import ScriptCell, magic_lines, markdown_of, split_script
from mlready.facts.ipynb import RawCell, Unreadable, read_ipynb
from mlready.facts.masking import mask_text
from mlready.facts.outputs import error_of, personal_kinds
from mlready.facts.python import MAX_BYTES, SourceProblem, decode, facts_of, parse
from mlready.facts.python2 import PYTHON_2, as_python_3
from mlready.facts.rows import Cell, FileFacts, NotebookFacts, PythonFacts, Suppression, Undefined
from mlready.facts.syntax.comments import suppressions_of
from mlready.flow.ipython import NormalizedCell, normalize, problem_of

if TYPE_CHECKING:
    from mlready.vocabulary import Vocabulary

_MAYBE_MAGIC = re.compile(r"^\s*[%!?]|\?\s*;?\s*$|=\s*[!%]", re.M)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?P<text>.+?)[ \t]*#*$|^<h[1-6][^>]*>(?P<html>.*?)</h[1-6]>", re.M | re.I)
_UNDERLINED = re.compile(r"^(?P<text>[^\n]+)\n(?:=+|-{3,})[ \t]*$", re.M)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
_MAX_CELLS = 5_000
_MAX_TEXT = 300


class CodeCell(NamedTuple):
    """A code cell as it is laid out: its place in the flat source and its code."""

    start: int
    code: NormalizedCell


def read_notebook(path: str, data: bytes, vocabulary: Vocabulary) -> FileFacts:
    """The facts of an .ipynb file or a script of cells; what is no notebook gives a `problem`."""
    try:
        if path.lower().endswith(".ipynb"):
            return _read_ipynb(data, vocabulary)
        return _read_script(path, data, vocabulary)
    except (Unreadable, SourceProblem) as error:
        return FileFacts(problem=str(error))
    except (RecursionError, MemoryError):
        return FileFacts(problem="nested too deeply")


# ------------------------------------------------------------------------------------------------------------ .ipynb


def _read_ipynb(data: bytes, vocabulary: Vocabulary) -> FileFacts:
    raw = read_ipynb(data)
    cells = raw.cells[:_MAX_CELLS]
    if raw.language != "python":
        rows = tuple(_ipynb_row(number, cell, None, 0) for number, cell in enumerate(cells, start=1))
        return FileFacts(notebook=NotebookFacts("ipynb", rows, raw.language, raw.nbformat))
    if sum(len(cell.source) for cell in cells if cell.kind == "code") > MAX_BYTES:
        raise Unreadable(f"more than {MAX_BYTES // 1_000_000} MB of code")
    laid, code, tree = _lay_out([cell.source if cell.kind == "code" else None for cell in cells])
    counts = _statements(tree, [item.start if item else 0 for item in laid])
    decided = _decided(tree) if any(item.code.shell for item in laid if item) else frozenset()
    rows = tuple(
        _ipynb_row(number, cell, item, counts[number - 1], decided)
        for number, (cell, item) in enumerate(zip(cells, laid, strict=True), start=1)
    )
    notebook = NotebookFacts("ipynb", rows, raw.language, raw.nbformat, _undefined(laid))
    return _facts(facts_of(tree, code, vocabulary), notebook, code)


def _facts(python: PythonFacts, notebook: NotebookFacts, code: str) -> FileFacts:
    broken = [cell for cell in notebook.cells if cell.problem]
    problem = ""
    if broken:
        first = broken[0]
        problem = f"{len(broken)} of {len(notebook.cells)} cells not read: cell {first.number}: {first.problem}"
    suppressions = tuple(_in_cell(row, notebook) for row in suppressions_of(code))
    return FileFacts(problem=problem, python=python, notebook=notebook, suppressions=suppressions)


def _in_cell(row: Suppression, notebook: NotebookFacts) -> Suppression:
    """`ignore-cell` covers the cell that it stands in."""
    if row.cell == 0:
        return row
    place = notebook.locate(row.line)
    return Suppression(row.rules, row.reason, row.line, place[0].number if place else 0)


def _lay_out(sources: Sequence[str | None]) -> tuple[list[CodeCell | None], str, ast.Module]:
    """Code cells end to end as one source that parses; cells that are no Python become blank lines."""
    laid = _placed(sources, only_suspects=True)
    code = "\n".join(item.code.code for item in laid if item)
    try:
        return laid, code, parse(code)
    except SourceProblem:
        laid = _placed(sources, only_suspects=False)
    code = "\n".join(_readable(item.code) for item in laid if item)
    try:
        return laid, code, parse(code)
    except SourceProblem as error:  # each cell is fine alone, but not all of them together
        raise Unreadable(str(error)) from None


def _placed(sources: Sequence[str | None], *, only_suspects: bool) -> list[CodeCell | None]:
    """Each code cell with its flat line. With `only_suspects`, cells that look like plain Python are taken as such."""
    laid: list[CodeCell | None] = []
    line = 1
    for source in sources:
        if source is None:
            laid.append(None)
            continue
        plain = only_suspects and not _MAYBE_MAGIC.search(source)
        cell = NormalizedCell(source) if plain else normalize(source)
        laid.append(CodeCell(line, cell))
        line += cell.code.count("\n") + 1
    return laid


def _readable(cell: NormalizedCell) -> str:
    """A cell's code as far as it parses, in as many lines: of Python 2 what it says in Python 3, of no Python blank lines."""
    if not cell.problem:
        return cell.code
    code = as_python_3(cell.code) if cell.problem.endswith(PYTHON_2) else ""
    return code if code and not problem_of(code) else "\n" * cell.code.count("\n")


def _decided(tree: ast.Module) -> frozenset[int]:
    """Lines under an `if` on which nothing but a command stood."""
    branches = (row for node in ast.walk(tree) if isinstance(node, ast.If) for row in (*node.body, *node.orelse))
    return frozenset(row.lineno for row in branches if isinstance(row, ast.Pass))


def _ipynb_row(
    number: int, cell: RawCell, item: CodeCell | None, statements: int, decided: frozenset[int] = frozenset()
) -> Cell:
    shell = _shell(item)
    return Cell(
        number=number,
        id=cell.id,
        kind=cell.kind,
        start=item.start if item else 0,
        lines=cell.source.count("\n") + 1 if cell.source else 0,
        raw_lines=cell.raw_lines,
        execution_count=cell.execution_count,
        statements=statements,
        tags=cell.tags,
        outputs=len(cell.outputs),
        output_bytes=cell.output_bytes,
        error=error_of(cell.outputs),
        headings=_headings(cell.source, cell.level) if cell.kind == "markdown" else (),
        magics=_magics(item),
        shell=shell,
        problem=cell.problem or (item.code.problem if item else ""),
        personal=personal_kinds(cell.outputs),
        conditional=tuple(line for line, _ in shell if line in decided),
    )


def _magics(item: CodeCell | None) -> tuple[str, ...]:
    return tuple(magic.name for magic in item.code.magics[:100]) if item else ()


def _shell(item: CodeCell | None) -> tuple[tuple[int, str], ...]:
    if item is None:
        return ()
    lines = item.code.shell[:200]
    return tuple((item.start + call.line - 1, _clean(mask_text(call.command[:1_000]))) for call in lines)


def _headings(text: str, level: int = 0) -> tuple[str, ...]:
    """The headings of a markdown cell; code blocks are left out."""
    if level:
        return (_clean(text.strip()),)
    text = _FENCED.sub("", text[:50_000])
    found = [match["text"] or match["html"] or "" for match in _HEADING.finditer(text)]
    found += [match["text"] for match in _UNDERLINED.finditer(text) if not match["text"].startswith(("|", "#", "-"))]
    return tuple(_clean(re.sub(r"<[^>]*>", "", heading).strip()) for heading in found[:50])


def _clean(text: str) -> str:
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode()


def _statements(tree: ast.Module, starts: Sequence[int]) -> list[int]:
    """Statements of each cell by its flat start (0 for cells without code), bodies of definitions left out."""
    code_cells = [(start, index) for index, start in enumerate(starts) if start]
    firsts = [start for start, _ in code_cells]
    counts = [0] * len(starts)
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        statement = todo.pop()
        place = bisect_right(firsts, statement.lineno) - 1
        if place >= 0:
            counts[code_cells[place][1]] += 1
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            todo.extend(_inner(statement))
    return counts


def _inner(statement: ast.stmt) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for name in ("body", "orelse", "finalbody"):
        found.extend(getattr(statement, name, ()))
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        found.extend(part.body)
    return found


def _undefined(laid: Sequence[CodeCell | None]) -> tuple[Undefined, ...]:
    """Names that are read before any earlier cell defines them."""
    from mlready.flow.undefined import undefined_names

    items = [item for item in laid if item is not None]
    try:
        found = undefined_names([item.code for item in items])
    except (RecursionError, SyntaxError):  # a string of a script may run over several cells
        return ()
    return tuple(
        Undefined(_clean(name.name), items[name.cell].start + name.line - 1, name.defined_later) for name in found[:200]
    )


# ----------------------------------------------------------------------------------------------------------- scripts


def _read_script(path: str, data: bytes, vocabulary: Vocabulary) -> FileFacts:
    source = decode(data)
    form, cells = split_script(source)
    code, normalized, tree = _parse_script(source, cells)
    if form == "percent" and (path.endswith("__init__.py") or _is_module(tree, cells)):
        return FileFacts(python=facts_of(tree, code, vocabulary), suppressions=suppressions_of(code))
    counts = _statements(tree, [cell.start if cell.kind == "code" else 0 for cell in cells]) if form != "marimo" else []
    rows = tuple(
        _script_row(number, cell, normalized[number - 1], counts[number - 1] if counts else cell.lines)
        for number, cell in enumerate(cells, start=1)
    )
    pairs = zip(cells, normalized, strict=True)
    laid = [CodeCell(cell.start, code) if cell.kind == "code" and code else None for cell, code in pairs]
    undefined = _undefined(laid) if form == "percent" else ()
    notebook = NotebookFacts(form, rows, undefined=undefined)
    return _facts(facts_of(tree, code, vocabulary), notebook, code)


def _is_module(tree: ast.Module, cells: Sequence[ScriptCell]) -> bool:
    """Whether the marks only head the sections of a module: it has a main guard, or defines much and runs next to nothing."""
    if any(cell.kind != "code" for cell in cells):
        return False
    defined = sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) for node in tree.body)
    run = sum(map(_runs, tree.body))
    return any(map(_is_main_guard, tree.body)) or (defined > 0 and 3 * run <= defined)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


_SETS_UP = frozenset(
    ("filterwarnings", "simplefilter", "basicConfig", "add_argument", "append", "insert", "set_option")
)


def _runs(node: ast.stmt) -> bool:
    """A statement that does something on its own: a call, a loop; docstrings, definitions and settings do not."""
    value = node.value if isinstance(node, ast.Expr) else None
    func = value.func if isinstance(value, ast.Call) else None
    aside = isinstance(value, ast.Constant) or (isinstance(func, ast.Attribute) and func.attr in _SETS_UP)
    return isinstance(node, (ast.Expr, ast.For, ast.While, ast.With)) and not aside


def _parse_script(source: str, cells: Sequence[ScriptCell]) -> tuple[str, list[NormalizedCell | None], ast.Module]:
    """The script as one source that parses, line for line: magics become Python, broken cells blank."""
    try:
        tree = parse(source)
    except SourceProblem:
        pass
    else:
        return source, [_as_cell(cell) for cell in cells], tree
    lines = source.split("\n")
    normalized = [normalize(cell.text) if cell.kind == "code" else None for cell in cells]
    for cell, item in zip(cells, normalized, strict=True):
        if item is not None:
            lines[cell.start - 1 : cell.start - 1 + cell.lines] = _readable(item).split("\n")
    code = "\n".join(lines)
    return code, normalized, parse(code)


def _as_cell(cell: ScriptCell) -> NormalizedCell | None:
    if cell.kind != "code":
        return None
    magics = magic_lines(cell)
    if not magics:
        return NormalizedCell(cell.text)
    found = normalize(magics)
    return NormalizedCell(cell.text, found.magics, found.shell, language=found.language)


def _script_row(number: int, cell: ScriptCell, item: NormalizedCell | None, statements: int) -> Cell:
    kind: Literal["code", "markdown", "raw"] = cell.kind
    placed = CodeCell(cell.start, item) if item else None
    headings = _headings(markdown_of(cell)) if kind == "markdown" else ()
    return Cell(
        number=number,
        id="",
        kind=kind,
        start=cell.start if kind == "code" else 0,
        lines=cell.lines,
        raw_lines=tuple(range(cell.start, cell.start + cell.lines)),
        statements=statements if kind == "code" else 0,
        headings=headings or ((_clean(cell.title),) if cell.title else ()),
        magics=_magics(placed),
        shell=_shell(placed),
        problem=item.problem if item else "",
    )
