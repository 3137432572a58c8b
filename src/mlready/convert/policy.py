"""What becomes of every magic and shell call: dropped, translated to Python, kept as an explicit call, or refused.

`docs/reference/magics.md` is written from the tables here.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterable

from mlready.convert.model import Cell, Note, NoteKind, PlainCell
from mlready.flow.ipython import Magic, NormalizedCell, Shell, normalize, problem_of

DROPPED = {
    "matplotlib": "figures are saved to the output folder",
    "config": "only settings of the notebook's display",
    "load_ext": "an extension of the notebook",
    "reload_ext": "an extension of the notebook",
    "autoreload": "only for editing in a notebook",
    "watermark": "versions are pinned in pyproject.toml",
    "pip": "a dependency, declared in pyproject.toml",
    "conda": "a dependency, declared in pyproject.toml",
    "mamba": "a dependency, declared in pyproject.toml",
    "uv": "a dependency, declared in pyproject.toml",
    "who": "only looks at the namespace",
    "whos": "only looks at the namespace",
    "who_ls": "only looks at the namespace",
    "timeit": "only measures",
    "prun": "only measures",
    "memit": "only measures",
    "mprun": "only measures",
    "lprun": "only measures",
    "pwd": "only looks at the folder",
    "ls": "only looks at the folder",
    "ll": "only looks at the folder",
    "precision": "only settings of the notebook's display",
    "history": "only looks at the session",
    "pinfo": "help",
    "pdb": "a debugger",
    "debug": "a debugger",
    "tb": "a debugger",
    "xmode": "a debugger",
    "colors": "only settings of the notebook's display",
    "automagic": "only settings of the notebook",
    "logstart": "only settings of the notebook",
    "?": "help",
}
"""Line magics without a trace in the package, and why."""

TRANSLATED = {
    "time": "the statement itself",
    "pylab": "its imports",
    "cd": "os.chdir",
    "env": "os.environ",
    "set_env": "os.environ",
    "mkdir": "os.makedirs",
    "run": "runpy.run_path; names of the script that are used later are taken from it",
    "system": "subprocess.run",
    "sx": "subprocess.run",
}
"""Line magics that become Python."""

CELL_DROPPED = {
    "html": "only shown",
    "HTML": "only shown",
    "javascript": "only shown",
    "js": "only shown",
    "markdown": "only shown",
    "latex": "only shown",
    "svg": "only shown",
}
CELL_TRANSLATED = {
    "time": "its body",
    "timeit": "its body, run once",
    "capture": "its body; what it prints is printed",
    "prun": "its body",
    "memit": "its body",
    "writefile": "pathlib.Path.write_text",
    "file": "pathlib.Path.write_text",
    "bash": "subprocess.run",
    "sh": "subprocess.run",
    "script": "subprocess.run",
    "system": "subprocess.run",
    "sx": "subprocess.run",
    "!": "subprocess.run",
    "cmd": "subprocess.run",
}
_LOOKS = "only looks"
SHELL_DROPPED = {
    "pip": "a dependency, declared in pyproject.toml",
    "pip3": "a dependency, declared in pyproject.toml",
    "conda": "a dependency, declared in pyproject.toml",
    "mamba": "a dependency, declared in pyproject.toml",
    "uv": "a dependency, declared in pyproject.toml",
    "ls": _LOOKS,
    "pwd": _LOOKS,
    "nvidia-smi": _LOOKS,
    "head": _LOOKS,
    "tail": _LOOKS,
    "wc": _LOOKS,
    "tree": _LOOKS,
    "du": _LOOKS,
    "df": _LOOKS,
    "which": _LOOKS,
    "whoami": _LOOKS,
    "date": _LOOKS,
    "free": _LOOKS,
    "lscpu": _LOOKS,
    "jupyter": "only for the notebook",
}
"""Shell commands (by their first word) that leave no trace; every other one is kept as subprocess.run."""

_QUOTED = r"(?P<{0}>[\"'])(?P<{1}>.*?)(?P={0})"
_LINE_CALL = re.compile(
    r"^(?P<indent>[ \t]*)get_ipython\(\)\.run_line_magic\(u?"
    + _QUOTED.format("a", "name")
    + r"(?:,\s*u?"
    + _QUOTED.format("b", "rest")
    + r")?\s*\)[ \t]*$",
    re.M,
)
_OLD_CALL = re.compile(
    r"^(?P<indent>[ \t]*)get_ipython\(\)\.magic\(u?" + _QUOTED.format("a", "rest") + r"\)[ \t]*$", re.M
)
_SYSTEM_CALL = re.compile(
    r"^(?P<indent>[ \t]*)get_ipython\(\)\.system\(u?" + _QUOTED.format("a", "rest") + r"\)[ \t]*$", re.M
)
_PRINTS_DOC = re.compile(r"\s*print\s*\(\s*__doc__\s*\)\s*;?\s*")
_GOES_ON = re.compile(r";|&&|\|\s*(tee|xargs)\b|>(?!&|\s*/dev/null)")
"""Operators of the shell that do more with what is looked at."""
_INSTALL = re.compile(r"(?:^|\s)(?:-m\s+)?(?:pip3?|conda|mamba|uv)\b.*\binstall\b")


def plain_cell(cell: Cell) -> PlainCell:
    """One code cell with every magic and shell call decided on."""
    found = normalize(as_magics(cell.source))
    if found.language != "python":
        return _foreign_cell(cell, found)
    lines = found.code.split("\n")
    notes: list[Note] = []
    for magic in found.magics:
        _magic(magic, lines, notes, cell.number)
    for command in found.shell:
        if not any(magic.line == command.line and magic.name[1:] in DROPPED for magic in found.magics):
            _shell(command, lines, notes, cell.number)
    for number, line in enumerate(lines, start=1):
        if _PRINTS_DOC.fullmatch(line):
            _put(lines, number, "pass")
            notes.append(Note(cell.number, number, "dropped", "print(__doc__): the docstring of the kernel itself"))
    code = "\n".join(lines)
    problem = problem_of(code) or _compile_problem(code)
    if problem:
        notes.append(Note(cell.number, 0, "refused", f"not Python that can be converted: {problem}; kept as text"))
    commands = frozenset({magic.line for magic in found.magics} | {command.line for command in found.shell})
    return PlainCell(cell.number, cell.source, code, problem, tuple(notes), commands)


def as_magics(source: str) -> str:
    """`get_ipython().run_line_magic("x", "y")` as the `%x y` that it was made from."""
    if "get_ipython()" not in source:
        return source
    source = _LINE_CALL.sub(lambda m: f"{m['indent']}%{m['name']} {m['rest'] or ''}".rstrip(), source)
    source = _OLD_CALL.sub(lambda m: f"{m['indent']}%{m['rest']}", source)
    return _SYSTEM_CALL.sub(lambda m: f"{m['indent']}!{m['rest']}", source)


def _compile_problem(code: str) -> str:
    """What parses and still cannot run: `return` outside of a function and the like."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(code, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return str(getattr(error, "msg", "") or error)
    return ""


def _put(lines: list[str], line: int, code: str) -> None:
    """Puts code in place of the `pass` that stands for a magic, keeping the indentation."""
    old = lines[line - 1]
    lines[line - 1] = old[: len(old) - len(old.lstrip())] + code


def _magic(magic: Magic, lines: list[str], notes: list[Note], cell: int) -> None:
    name = magic.name.lstrip("%")
    written = f"{magic.name} {magic.argument}".strip()
    if magic.name.startswith("%%"):
        kind: NoteKind = "translated" if name in CELL_TRANSLATED else "warning"
        notes.append(Note(cell, magic.line, kind, f"{magic.name}: {CELL_TRANSLATED.get(name, 'its body')}"))
    elif name in DROPPED:
        if not magic.target:
            _put(lines, magic.line, "pass")
        notes.append(Note(cell, magic.line, "dropped", f"{written}: {DROPPED[name]}"))
    elif name in TRANSLATED:
        code = _TRANSLATE[name](magic.argument) if name in _TRANSLATE else ""
        if code:
            _put(lines, magic.line, code)
        notes.append(Note(cell, magic.line, "translated", f"{written}: {TRANSLATED[name]}"))
    else:
        notes.append(Note(cell, magic.line, "refused", f"{written}: nothing in Python is equal to it; left out"))


def _cd(argument: str) -> str:
    path = argument.strip("'\" ")
    return f"os.chdir(os.path.expanduser({path!r}))" if path and not path.startswith("-") else "pass"


def _env(argument: str) -> str:
    name, _, value = argument.replace("=", " ", 1).partition(" ")
    return f"os.environ[{name!r}] = {value.strip()!r}" if name and value.strip() else "pass"


def _run(argument: str) -> str:
    words = [word for word in argument.split() if not word.startswith("-")]
    if not words or not words[0].endswith(".py"):
        return "pass"
    return f'runpy.run_path({words[0]!r}, run_name="__main__")'


def _mkdir(argument: str) -> str:
    return f"os.makedirs({argument.rsplit(maxsplit=1)[-1]!r}, exist_ok=True)" if argument.split() else "pass"


_TRANSLATE: dict[str, Callable[[str], str]] = {"cd": _cd, "env": _env, "set_env": _env, "run": _run, "mkdir": _mkdir}


def _shell(command: Shell, lines: list[str], notes: list[Note], cell: int) -> None:
    words = command.command.split()
    first = words[0] if words else ""
    if not command.target and _does_nothing(command.command):
        reason = SHELL_DROPPED.get(first, SHELL_DROPPED["pip"])
        notes.append(Note(cell, command.line, "dropped", f"!{command.command}: {reason}"))
        return
    if first == "cd" and not command.target:
        notes.append(
            Note(cell, command.line, "dropped", f"!{command.command}: changes the folder of its own shell only")
        )
        return
    call = f"subprocess.run({shell_text(command.command)}, shell=True, check=False"
    if command.target:
        code = f"{command.target} = {call}, capture_output=True, text=True).stdout.splitlines()"
    else:
        code = f"{call})"
    _put(lines, command.line, code)
    notes.append(Note(cell, command.line, "kept", f"!{command.command}: kept as subprocess.run"))


def _does_nothing(command: str) -> bool:
    """Whether a command only looks, or installs what pyproject.toml declares; `ls > files.txt` makes a file."""
    reason = SHELL_DROPPED.get((command.split() or [""])[0], "")
    return bool(_INSTALL.search(command)) or bool(reason and not (reason == _LOOKS and _GOES_ON.search(command)))


def shell_text(command: str) -> str:
    """A shell command as a Python literal; `{name}` and `$name` of the notebook become holes of an f-string."""
    found = re.findall(r"(?<![\\$])\{([A-Za-z_][\w.\[\]'\"]*)\}", command)
    holes = [hole for hole in found if not problem_of(hole)]
    if not holes:
        return repr(command)
    text = command.replace("{", "{{").replace("}", "}}")
    for hole in holes:
        text = text.replace("{{" + hole + "}}", "{" + hole + "}")
    quote = '"' if '"' not in text else "'''"
    literal = f"f{quote}{text}{quote}"
    return literal if not problem_of(literal) else repr(command)


def _foreign_cell(cell: Cell, found: NormalizedCell) -> PlainCell:
    """A cell that is no Python as a whole."""
    magic = found.magics[0]
    name = magic.name.lstrip("%")
    body = cell.source.split("\n", magic.line)[-1] if "\n" in cell.source else ""
    code = ""
    note = Note(cell.number, 0, "refused", f"{magic.name}: a cell in another language; left out")
    if name in CELL_DROPPED:
        note = Note(cell.number, 0, "dropped", f"{magic.name}: {CELL_DROPPED[name]}")
    elif name in ("writefile", "file") and magic.argument:
        code = _writefile(magic.argument, body)
        note = Note(cell.number, 0, "translated", f"{magic.name}: {CELL_TRANSLATED[name]}")
    elif name in CELL_TRANSLATED and found.shell:
        code = _shell_cell(name, magic.argument, found.shell, body)
        kind: NoteKind = "kept" if code else "dropped"
        note = Note(
            cell.number, 0, kind, f"{magic.name}: {'kept as subprocess.run' if code else 'only looks or installs'}"
        )
    return PlainCell(cell.number, cell.source, code, notes=(note,), commands=frozenset({1}))


def _writefile(argument: str, body: str) -> str:
    words = shlex.split(argument) if not re.search(r"[\"']$|^[\"']", argument) else [argument.strip("\"'")]
    append = "-a" in words
    path = [word for word in words if word != "-a"][-1]
    text = body if body.endswith("\n") else body + "\n"
    if append:
        return f'with open({path!r}, "a", encoding="utf-8") as file:\n    file.write({text!r})'
    return f'pathlib.Path({path!r}).write_text({text!r}, encoding="utf-8")'


def _shell_cell(name: str, argument: str, shell: Iterable[Shell], body: str) -> str:
    if all(_does_nothing(line.command) for line in shell):
        return ""
    interpreter = argument.split() if name == "script" and argument else ["sh" if name == "sh" else "bash"]
    return f"subprocess.run({interpreter!r}, input={body!r}, text=True, check=False)"
