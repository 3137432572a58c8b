"""IPython cell source made plain Python, line for line, without IPython.

A line keeps its number, so places found in the plain code are places in the cell. What is no Python (magics, shell
calls, help requests) becomes `pass`, or the Python that it stands for, and is listed beside the code. Plain Python is
left alone: only a line that begins a logical line can be a magic, never one inside a string or a call.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, replace
from typing import NamedTuple

BODY_IS_CODE = frozenset(
    {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "snakeviz", "scalene", "debug"}
)
"""Cell magics whose body is ordinary Python that runs in the notebook's namespace."""

TIMERS = frozenset({"time", "timeit", "prun", "memit", "mprun", "lprun"})
"""Line magics whose argument is Python code."""

SHELL_CELLS = frozenset({"bash", "sh", "script", "cmd", "system", "sx", "!", "powershell"})
SHELL_LINES = frozenset({"pip", "conda", "mamba", "micromamba", "uv", "system", "sx"})

AUTOMAGIC = frozenset(
    {"autoreload", "cat", "cd", "clear", "conda", "cp", "env", "load_ext", "ls", "ll", "matplotlib", "mkdir", "mv"}
    | {"pip", "precision", "pwd", "pylab", "reload_ext", "reset", "rm", "rmdir", "run", "time", "timeit", "who", "whos"}
)
"""Magics that people write without the `%`; tried only where the line is no Python."""

PYLAB = (
    "import numpy; import matplotlib; from matplotlib import pylab, mlab, pyplot; "
    "import numpy as np; import matplotlib.pyplot as plt; from matplotlib.pylab import *; from numpy import *"
)
"""What `%pylab` does to the namespace."""

_CELL_MAGIC = re.compile(r"\s*%%(!|\w+)[ \t]*([^\n]*)")
_LINE_MAGIC = re.compile(r"%%?[ \t]*(\w+)[ \t]*(.*)", re.S)
_ASSIGNED = re.compile(r"([\w.\[\]'\", ]+?)\s*=\s*([!%])(.*)", re.S)
_HELP = re.compile(r"\?{1,2}\s*[\w.*%]+|%{0,2}[\w.*\[\]]+\s*\?{1,2}")
_WORD = re.compile(r"([A-Za-z_]\w*)(?:[ \t]+(.*))?$", re.S)
_OPTIONS = re.compile(r"(?:-[noprtTqclsvfDi](?:\s*\d+)?\s+|-[fT]\s+\S+\s+)*")
_TOKENS = re.compile(r"'''|\"\"\"|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|#.*|[\[({]|[\])}]")
_SUSPECT = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[!%]", re.M)


@dataclass(frozen=True)
class Magic:
    """One magic: `name` as written ("%matplotlib", "%%bash"), what follows it, its 1-based line, and the bound name."""

    name: str
    argument: str
    line: int
    target: str = ""


@dataclass(frozen=True)
class Shell:
    """One shell command: from `!cmd`, `%pip`, `x = !cmd` or a line of a `%%bash` cell."""

    command: str
    line: int
    target: str = ""


@dataclass(frozen=True)
class NormalizedCell:
    """Plain code with as many lines as the source; `problem` says why it still is no Python, else ""."""

    code: str
    magics: tuple[Magic, ...] = ()
    shell: tuple[Shell, ...] = ()
    problem: str = ""
    language: str = "python"
    """Of a cell that is no Python as a whole: "bash", "html", "writefile"; its code is then blank."""


def parse(code: str) -> ast.Module:
    """The tree of some code, without warnings on stderr. Raises SyntaxError for everything that is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(code)
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            raise SyntaxError(f"cannot be parsed: {error or type(error).__name__}") from None


def problem_of(code: str) -> str:
    """Why code does not parse, in a few words with the line; "" where it does."""
    try:
        parse(code)
    except SyntaxError as error:
        message = error.msg or "invalid syntax"
        if re.search(r"Missing parentheses in call to '(print|exec)'|multiple exception types must be paren", message):
            message = "Python 2 syntax"
        return f"line {error.lineno}: {message}" if error.lineno else message
    return ""


def normalize(source: str) -> NormalizedCell:
    """A cell as plain Python with the same number of lines."""
    source = _without_indent(source.replace("\r\n", "\n").replace("\r", "\n"))
    match = _CELL_MAGIC.match(source)
    if match:
        return _cell_magic(source, match)
    problem = problem_of(source)
    if not problem:
        return NormalizedCell(source)
    if not _SUSPECT.search(source) and not _starts_with_automagic(source):
        return NormalizedCell(source, problem=problem)
    return _normalize_lines(source)


def _without_indent(source: str) -> str:
    """The cell without the indentation of its first line, as IPython runs it."""
    if source[:1] not in (" ", "\t", "\n"):
        return source
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    return "\n".join(line.removeprefix(indent) for line in lines) if indent else source


def _cell_magic(source: str, match: re.Match[str]) -> NormalizedCell:
    name, argument = match.group(1), match.group(2).strip()
    head, body = source[: match.end()], source[match.end() :]
    line = head.count("\n") + 1
    magic = Magic(f"%%{name}", argument, line)
    if name in BODY_IS_CODE:
        inner = normalize("\n" * head.count("\n") + body)
        if name == "capture" and argument and not argument.startswith("-"):
            magic = replace(magic, target=argument.split()[0])
        return replace(inner, magics=(magic, *inner.magics))
    magic = replace(magic, target=_result_of(name, argument))
    blank = "\n" * source.count("\n")
    language = argument.split()[0] if name == "script" and argument else name
    shell: tuple[Shell, ...] = ()
    if name in SHELL_CELLS:
        lines = enumerate(body.split("\n"), start=line)
        shell = tuple(Shell(text.strip(), number) for number, text in lines if text.strip() and text.lstrip()[0] != "#")
    return NormalizedCell(blank, (magic,), shell, language=language)


def _result_of(name: str, argument: str) -> str:
    """The name that a query's result is bound to: `%%bigquery trips`, `%%sql trips <<`; "" for none."""
    words = argument.split()
    if not words or not words[0].isidentifier():
        return ""
    return words[0] if name == "bigquery" or (name == "sql" and words[1:2] == ["<<"]) else ""


def _normalize_lines(source: str) -> NormalizedCell:
    out: list[str] = []
    magics: list[Magic] = []
    shell: list[Shell] = []
    for logical in _logical_lines(source):
        plain = _plain(logical)
        if plain is None:
            out.extend(logical.lines)
            continue
        out.append(logical.indent + plain.code)
        out.extend([""] * (len(logical.lines) - 1))
        magics.extend(plain.magics)
        shell.extend(plain.shell)
    code = "\n".join(out)
    return NormalizedCell(code, tuple(magics), tuple(shell), problem_of(code))


class _Logical(NamedTuple):
    """One logical line: its physical lines, the number of the first, its text with continuations joined."""

    lines: list[str]
    number: int
    text: str
    indent: str


class _Plain(NamedTuple):
    code: str
    magics: tuple[Magic, ...] = ()
    shell: tuple[Shell, ...] = ()


def _plain(logical: _Logical) -> _Plain | None:
    """The Python that stands for a line that is none; None where the line is to be left as it is."""
    text = logical.text
    if not text or text[0] == "#":
        return None
    if text[0] == "!":
        return _shell(text.lstrip("!").strip(), logical.number)
    if text[0] == "%" and not _HELP.fullmatch(text):
        match = _LINE_MAGIC.match(text)
        return _magic(match.group(1), match.group(2).strip(), logical.number) if match else None
    if "?" in (text[0], text[-1]):
        return _help(text, logical.number)
    assigned = _ASSIGNED.fullmatch(text)
    if assigned:
        return _assigned(assigned, logical.number)
    word = _automagic(text)
    return _magic(word[0], word[1], logical.number) if word else None


def _shell(command: str, line: int, target: str = "") -> _Plain:
    return _Plain(f"{target} = None" if target else "pass", shell=(Shell(command, line, target),))


def _magic(name: str, argument: str, line: int, target: str = "") -> _Plain:
    magic = Magic(f"%{name}", argument, line, target)
    shell = (Shell(f"{name} {argument}", line, target),) if name in SHELL_LINES else ()
    if name in TIMERS and argument:
        code = _timed(name, argument, target)
    elif name == "pylab":
        code = PYLAB
    else:
        code = f"{target} = None" if target else "pass"
    return _Plain(code, (magic,), shell)


def _timed(name: str, argument: str, target: str) -> str:
    """The code that a timer runs: `%time` in the namespace; the others keep no names, so only an expression counts."""
    code = argument if name == "time" else _OPTIONS.sub("", argument, count=1)
    try:
        body = parse(code).body
    except SyntaxError:
        return "pass"
    if target:
        return f"{target} = {code}" if name == "time" else f"{target} = None"
    if name == "time" or not body:
        return code or "pass"
    return code if len(body) == 1 and isinstance(body[0], ast.Expr) else "pass"


def _help(text: str, line: int) -> _Plain | None:
    if not _HELP.fullmatch(text.rstrip(";")):
        return None
    return _Plain("pass", (Magic("?", text.strip("? ;"), line),))


def _assigned(match: re.Match[str], line: int) -> _Plain | None:
    target, escape, rest = match.group(1).strip(), match.group(2), match.group(3).strip()
    if problem_of(f"{target} = None"):
        return None
    if escape == "!":
        return _shell(rest.lstrip("!").strip(), line, target)
    magic = _WORD.match(rest)
    return _magic(magic.group(1), (magic.group(2) or "").strip(), line, target) if magic else None


def _automagic(text: str) -> tuple[str, str] | None:
    word = _WORD.match(text)
    if not word or word.group(1) not in AUTOMAGIC or not problem_of(text):
        return None
    rest = (word.group(2) or "").strip()
    return None if rest[:1] in {"=", "(", "[", "+", "*", ":", ","} else (word.group(1), rest)


def _starts_with_automagic(source: str) -> bool:
    return any(words and words[0] in AUTOMAGIC for words in map(str.split, source.split("\n")))


def _logical_lines(source: str) -> list[_Logical]:
    """Physical lines joined where a bracket, a triple-quoted string or a backslash carries over."""
    found: list[_Logical] = []
    pending: list[str] = []
    depth, quote = 0, ""
    for number, line in enumerate(source.split("\n"), start=1):
        stripped = line.strip()
        escaped = not pending and (stripped[:1] in {"%", "!", "?"} or bool(_ASSIGNED.fullmatch(stripped)))
        pending.append(line)
        if not (escaped or (pending[0].strip()[:1] in {"%", "!"} and not depth and not quote)):
            depth, quote = _scan(line, depth, quote)
        if line.endswith("\\") or ((depth > 0 or quote) and not escaped):
            continue
        found.append(_logical(pending, number - len(pending) + 1))
        pending, depth, quote = [], 0, ""
    if pending:
        found.append(_logical(pending, source.count("\n") + 2 - len(pending)))
    return found


def _logical(lines: list[str], number: int) -> _Logical:
    first = lines[0]
    joined = " ".join(line.rstrip("\\").strip() if line.endswith("\\") else line.strip() for line in lines)
    return _Logical(lines, number, joined.strip(), first[: len(first) - len(first.lstrip())])


def _scan(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Bracket depth and open triple quote after one more physical line."""
    position = 0
    while position < len(line):
        if quote:
            end = _closing(line, position, quote)
            if end < 0:
                return depth, quote
            position, quote = end, ""
            continue
        match = _TOKENS.search(line, position)
        if not match:
            break
        token, position = match.group(), match.end()
        if token in ("'''", '"""'):
            quote = token
        elif token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
    return depth, quote


def _closing(line: str, position: int, quote: str) -> int:
    """Where an open triple-quoted string ends in this line, or -1."""
    while (found := line.find(quote, position)) >= 0:
        backslashes = len(line[:found]) - len(line[:found].rstrip("\\"))
        if backslashes % 2 == 0:
            return found + len(quote)
        position = found + 1
    return -1
