"""Reading Python source into facts: one parse, one walk, nothing executed."""

from __future__ import annotations

import ast
import codecs
import gc
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import structs

from mlready.facts.leakage import flows_of
from mlready.facts.rows import FileFacts, PythonFacts, Scope
from mlready.facts.syntax.bodies import MAX_LINES, MIN_STATEMENTS, body_hash
from mlready.facts.syntax.comments import suppressions_of
from mlready.facts.syntax.lore import Lore
from mlready.facts.syntax.scopes import ModuleState, ScopeState
from mlready.facts.syntax.statements import walk

if TYPE_CHECKING:
    from mlready.vocabulary import Vocabulary

MAX_BYTES = 2_000_000
"""Python files larger than this are data, not code."""

_PYTHON_2 = re.compile(
    r"Missing parentheses in call to|multiple exception types must be parenthesized|leading zeros in decimal"
)
_PYTHON_2_LINE = re.compile(
    r"^\s*(?:print\s+(?:['\"\w%]|>>)|exec\s+['\"]|raise\s+\w+\s*,\s|except\s+[\w.]+\s*,\s*\w+\s*:)|\bur['\"]|<>|\b0[0-7]+L?\b",
    re.M,
)


class SourceProblem(ValueError):
    """Code that cannot be read; the message is for the user."""


def read_python(path: str, data: bytes, vocabulary: Vocabulary) -> FileFacts:
    """The facts of a Python file; a file that cannot be parsed gives a `problem` and nothing else."""
    try:
        source = decode(data)
        tree = _with_timed_cells(parse(source))
        python = facts_of(tree, source, vocabulary)
    except SourceProblem as error:
        return FileFacts(problem=str(error))
    except (RecursionError, MemoryError):
        return FileFacts(problem="nested too deeply")
    return FileFacts(python=python, suppressions=suppressions_of(source))


def decode(data: bytes) -> str:
    """Source text by its byte order mark or coding comment (PEP 263). Raises SourceProblem."""
    if len(data) > MAX_BYTES:
        raise SourceProblem(f"larger than {MAX_BYTES // 1_000_000} MB")
    if b"\0" in data:
        raise SourceProblem("holds null bytes")
    try:
        encoding = "utf-8" if data.isascii() and b"coding" not in data[:400] else _encoding(data)
        text = data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError) as error:
        raise SourceProblem(f"encoding: {_words(error)}") from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _encoding(data: bytes) -> str:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    if not codecs.lookup(encoding)._is_text_encoding:
        raise LookupError(f"{encoding} is no text encoding")
    return encoding


def parse(source: str) -> ast.Module:
    """The tree of a module. Raises SourceProblem, which names Python 2 where it is that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except SyntaxError as error:
            raise SourceProblem(_syntax_problem(error, source)) from None
        except (RecursionError, MemoryError):
            raise SourceProblem("nested too deeply") from None
        except (ValueError, OverflowError) as error:
            raise SourceProblem(f"syntax error: {_words(error)}") from None


_RUNS_ITS_CODE = frozenset(("time", "timeit", "capture", "prun"))


def _with_timed_cells(tree: ast.Module) -> ast.Module:
    """The module with the cells that an exported notebook keeps as texts: `get_ipython().run_cell_magic("time", "", "…")`."""
    tree.body = [inner for statement in tree.body for inner in _timed(statement)]
    return tree


def _timed(statement: ast.stmt) -> list[ast.stmt]:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return [statement]
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    size = {"run_cell_magic": 3, "run_line_magic": 2}.get(call.func.attr)
    if size is None or len(texts) != size or texts[0] not in _RUNS_ITS_CODE:
        return [statement]
    try:
        found = parse(texts[-1])
    except SourceProblem:
        return [statement]
    for node in ast.walk(found):
        if isinstance(node, ast.expr | ast.stmt):
            node.lineno, node.end_lineno = statement.lineno, statement.end_lineno
    return found.body


def _syntax_problem(error: SyntaxError, source: str) -> str:
    message = error.msg or "invalid syntax"
    where = f"line {error.lineno}" if error.lineno else "in the file"
    if "too many nested" in message or "too deeply" in message or "too complex" in message:
        return "nested too deeply"
    line = (
        (error.text or "")
        if not error.lineno
        else "\n".join(source.split("\n")[max(0, error.lineno - 2) : error.lineno])
    )
    if _PYTHON_2.search(message) or _PYTHON_2_LINE.search(line):
        return f"Python 2 syntax at {where}"
    return f"syntax error at {where}: {_words(message)}"


def _words(error: Exception | str) -> str:
    return str(error).partition("\n")[0][:150].encode("utf-8", "replace").decode()


def facts_of(tree: ast.Module, source: str, vocabulary: Vocabulary) -> PythonFacts:
    """The facts of a parsed module."""
    state = ModuleState(_lore(vocabulary))
    walk(state, tree)
    lines = source.split("\n")
    state.root.end_line = len(lines) - (not lines[-1])
    state.root.documented = ast.get_docstring(tree, clean=False) is not None
    found = PythonFacts(
        scopes=tuple(_scope_row(scope, lines) for scope in state.scopes),
        imports=tuple(state.imports),
        calls=tuple(state.calls),
        fields=tuple(state.fields),
        assigns=tuple(state.assigns),
        texts=tuple(state.texts),
        subscripts=tuple(state.subscripts),
        handlers=tuple(state.handlers),
        main_guard=state.main_guard,
        lines=state.root.end_line,
        code_lines=sum(1 for line in lines if (text := line.lstrip()) and text[0] != "#"),
        prints=tuple(state.prints),
        exports=state.exports,
        guards=tuple(state.guards),
    )
    flows = flows_of(tree, state.call_names, found.calls, found.scopes, vocabulary)
    return structs.replace(found, flows=flows) if flows else found


def _scope_row(scope: ScopeState, lines: list[str]) -> Scope:
    size = scope.end_line - scope.line
    if scope.kind != "function" or not scope.notable or scope.statements < MIN_STATEMENTS or size > MAX_LINES:
        return scope.row("")
    start = scope.body_line - 1
    return scope.row(body_hash(lines[start : scope.end_line], scope.names, scope.documented))


_shared: dict[int, Lore] = {}


def _lore(vocabulary: Vocabulary) -> Lore:
    """One memory per vocabulary: names repeat from file to file."""
    found = _shared.get(id(vocabulary))
    if found is None or found.vocabulary is not vocabulary:
        _shared.clear()
        found = _shared[id(vocabulary)] = Lore(vocabulary)
    return found


@contextmanager
def collector_off() -> Iterator[None]:
    """Parsing makes hundreds of thousands of objects that all stay alive: the collector would only look at them again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
