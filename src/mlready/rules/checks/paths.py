"""The path that a value says: followed through constants, parameters, defaults and settings that stand in code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlready.facts.rows import Call, Value
from mlready.project.project import Project
from mlready.rules.checks.artifacts import Place, arguments_for
from mlready.rules.checks.common import argument

_DEPTH = 8
_MOST = 400
"""Characters of a path: longer ones are no paths, and texts that double each other grow fast."""
_JOINS = re.compile(
    r"^(str|open|pathlib\.(Pure)?(Posix)?Path|os\.(fspath|path\.(join|abspath|realpath|normpath|expanduser)))$"
)
_FILE = re.compile(r"[\w}*-]\.\w+$|/")
_HERE = "\0"
"""The folder of the code."""
_HOLE = re.compile(r"\{[^{}]*\}")


def fixed_path(project: Project, place: Place, values: Iterable[Value | None]) -> str:
    """The first path among the values that no caller, configuration or environment can change; "" where there is none.

    What is found beside the code (`Path(__file__).parent / "model.pkl"`) is named from the folder of the code.
    """
    return next((path for path in _paths(project, place, values) if "{" not in path), "")


def path_pattern(project: Project, place: Place, values: Iterable[Value | None]) -> str:
    """The first path among the values, with what is told elsewhere as a hole: "models/{run_id}.pt"; "" if none is said."""
    return next((path for path in _paths(project, place, values) if re.search(r"\w", _HOLE.sub("", path))), "")


@dataclass(frozen=True, slots=True)
class _Names:
    """A project, and what was already told of its names: (path, scope, name). A name that is made from itself is a hole."""

    project: Project
    told: dict[tuple[str, int, str], str] = field(default_factory=dict)


def _paths(project: Project, place: Place, values: Iterable[Value | None]) -> Iterator[str]:
    names = _Names(project)
    for value in values:
        text = _followed(names, place, value, _DEPTH) if value is not None else ""
        if _FILE.search(text):
            plain = text.replace("\\", "/").replace(_HERE + "/", "").replace(_HERE, "")
            yield re.sub(r"/{2,}", "/", re.sub(r"^(\.\.?/)+", "", plain))


def _followed(names: _Names, place: Place, value: Value, depth: int) -> str:
    """What a value says as a text, with a hole for what is told elsewhere."""
    if value.kind == "const":
        return str(value.scalar)
    if depth == 0:
        return _hole(value.text)
    if value.kind == "fstring":
        return _filled(names, place, value, depth)
    if value.kind == "name":
        key = (place.file.path, place.scope, value.text)
        if key not in names.told:
            names.told[key] = _hole(value.text)
            said = _named(names, place, value.text, depth)
            names.told[key] = said if len(said) <= _MOST else _hole(value.text)
        return names.told[key]
    if _beside_code(value):
        return _HERE
    if (value.kind == "call" and _JOINS.match(value.text)) or (value.kind == "expr" and value.text == "BinOp"):
        parts = [_followed(names, place, item, depth - 1) for item in _parts(value)]
        return "/".join(parts) or _hole(value.text)
    return _hole(value.text)


def _hole(name: str) -> str:
    """A name in braces; what is no name or call, the kind of a node, has none."""
    return "{" + ("" if name[:1].isupper() and "." not in name else name.rpartition(".")[2]) + "}"


def _parts(value: Value) -> tuple[Value, ...]:
    """What a path is joined of; `open(path, "rb")` names one."""
    return value.items[:1] if value.text == "open" else value.items


def _beside_code(value: Value) -> bool:
    """`Path(__file__).resolve().parent`, `os.path.dirname(__file__)`: the folder of the code, without a name after it."""
    if value.kind == "const" or (value.kind == "expr" and value.text == "BinOp") or value.text.endswith("join"):
        return False
    return any(item.text == "__file__" or _beside_code(item) for item in value.items)


def _filled(names: _Names, place: Place, value: Value, depth: int) -> str:
    """An f-string with what its holes hold, where each of them is a value of its own."""
    if len(_HOLE.findall(value.text)) != len(value.items):
        return value.text
    parts = iter([_followed(names, place, item, depth - 1) for item in value.items])
    return _HOLE.sub(lambda _: next(parts), value.text)


def _named(names: _Names, place: Place, name: str, depth: int) -> str:
    """What a name holds: of its own scope, by every caller of the function, of the module or class, of another module."""
    python = place.file.python
    assert python is not None
    own = [row.value for row in python.assigns if row.name == name and row.scope == place.scope] or _made(place, name)
    if own:
        return _agreed(names, name, [(place, value) for value in own], depth)
    passed = arguments_for(names.project, place, name)
    if passed is not None:
        return _agreed(names, name, passed or _default(place, name), depth)
    held = {row.scope: row.value for row in python.assigns if row.name == name.removeprefix("self.")}
    if held:
        return _agreed(names, name, [(Place(place.file, scope), value) for scope, value in held.items()], depth)
    return _of_other_module(names, place, name, depth)


def _made(place: Place, name: str) -> list[Value]:
    """The calls of the same scope that a name holds the result of: assignments inside functions are kept as calls."""
    assert place.file.python is not None
    return [
        Value("call", call.name, items=tuple(arg.value for arg in call.args))
        for call in place.file.python.calls
        if name in call.targets and call.scope == place.scope
    ]


def _default(place: Place, name: str) -> list[tuple[Place, Value]]:
    """The default of a parameter that nobody passes; a command or a handler is passed what its caller says."""
    assert place.file.python is not None
    scope = place.file.python.scopes[place.scope]
    if scope.decorators:
        return []
    return [(Place(place.file, scope.parent), row.default) for row in scope.params if row.name == name and row.default]


def _agreed(names: _Names, name: str, given: list[tuple[Place, Value]], depth: int) -> str:
    """The one text that all of these say."""
    texts = {_followed(names, place, value, depth - 1) for place, value in given}
    return texts.pop() if len(texts) == 1 else _hole(name)


def _of_other_module(names: _Names, place: Place, name: str, depth: int) -> str:
    short = name.rpartition(".")[2]
    for path, number in names.project.graph.resolve(place.file.path, name):
        if number == 0 and path != place.file.path:
            return _named(names, Place(names.project.by_path[path], 0), short, depth - 1) if depth > 1 else _hole(name)
    return _hole(name)


_ARGUMENTS = ("0", "1", "path", "filepath", "f", "file", "filename", "fname")


def path_at(project: Project, place: Place, call: Call) -> str:
    """The fixed path that a call reads or writes; "" where it is told elsewhere."""
    return fixed_path(project, place, (argument(call, name) for name in _ARGUMENTS))


def pattern_at(project: Project, place: Place, call: Call) -> str:
    """The path that a call reads or writes, with holes."""
    return path_pattern(project, place, (argument(call, name) for name in _ARGUMENTS))
