"""The path that a value says: followed through constants, parameters, defaults and settings that stand in code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlready.facts.rows import Call, Value
from mlready.project.project import Project
from mlready.rules.checks.artifacts import Place, arguments_for
from mlready.rules.checks.common import argument

_DEPTH = 8
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
    for value in values:
        text = _followed(project, place, value, _DEPTH) if value is not None else None
        if text and _FILE.search(text):
            plain = text.replace("\\", "/").replace(_HERE + "/", "").replace(_HERE, "")
            return re.sub(r"/{2,}", "/", re.sub(r"^(\.\.?/)+", "", plain))
    return ""


def _followed(project: Project, place: Place, value: Value, depth: int) -> str | None:
    """What a value says as a text; None where it is told elsewhere."""
    if depth == 0:
        return None
    if value.kind == "const":
        return value.scalar if isinstance(value.scalar, str) else None
    if value.kind == "fstring":
        return _filled(project, place, value, depth)
    if value.kind == "name":
        return _named(project, place, value.text, depth)
    if _beside_code(value):
        return _HERE
    if (value.kind == "call" and _JOINS.match(value.text)) or (value.kind == "expr" and value.text == "BinOp"):
        parts = [_followed(project, place, item, depth - 1) for item in _parts(value)]
        return None if not parts or None in parts else "/".join(part for part in parts if part)
    return None


def _parts(value: Value) -> tuple[Value, ...]:
    """What a path is joined of; `open(path, "rb")` names one."""
    return value.items[:1] if value.text == "open" else value.items


def _beside_code(value: Value) -> bool:
    """`Path(__file__).resolve().parent`, `os.path.dirname(__file__)`: the folder of the code, without a name after it."""
    if value.kind == "const" or (value.kind == "expr" and value.text == "BinOp") or value.text.endswith("join"):
        return False
    return any(item.text == "__file__" or _beside_code(item) for item in value.items)


def _filled(project: Project, place: Place, value: Value, depth: int) -> str | None:
    text, holes = value.text, _HOLE.findall(value.text)
    if len(holes) != len(value.items):
        return None
    for item in value.items:
        part = _followed(project, place, item, depth - 1)
        if part is None:
            return None
        text = _HOLE.sub(lambda _, part=part: part, text, count=1)  # type: ignore[misc]
    return text


def _named(project: Project, place: Place, name: str, depth: int) -> str | None:
    """What a name holds: of its own scope, by every caller of the function, of the module or class, of another module."""
    python = place.file.python
    assert python is not None
    own = [row.value for row in python.assigns if row.name == name and row.scope == place.scope]
    if own:
        return _agreed(project, [(place, value) for value in own], depth)
    passed = arguments_for(project, place, name)
    if passed is not None:
        return _agreed(project, passed or _default(place, name), depth)
    if any(name in call.targets and call.scope == place.scope for call in python.calls):
        return None
    held = {row.scope: row.value for row in python.assigns if row.name == name.removeprefix("self.")}
    if held:
        return _agreed(project, [(Place(place.file, scope), value) for scope, value in held.items()], depth)
    return _of_other_module(project, place, name, depth)


def _default(place: Place, name: str) -> list[tuple[Place, Value]]:
    """The default of a parameter that nobody passes; a command or a handler is passed what its caller says."""
    assert place.file.python is not None
    scope = place.file.python.scopes[place.scope]
    if scope.decorators:
        return []
    return [(Place(place.file, scope.parent), row.default) for row in scope.params if row.name == name and row.default]


def _agreed(project: Project, given: list[tuple[Place, Value]], depth: int) -> str | None:
    """The one text that all of these say."""
    texts = {_followed(project, place, value, depth - 1) for place, value in given}
    return texts.pop() if len(texts) == 1 else None


def _of_other_module(project: Project, place: Place, name: str, depth: int) -> str | None:
    short = name.rpartition(".")[2]
    for path, number in project.graph.resolve(place.file.path, name):
        if number == 0 and path != place.file.path:
            return _named(project, Place(project.by_path[path], 0), short, depth - 1)
    return None


def path_at(project: Project, place: Place, call: Call) -> str:
    """The fixed path that a call reads or writes."""
    names = ("0", "1", "path", "filepath", "f", "file", "filename", "fname")
    return fixed_path(project, place, (argument(call, name) for name in names))
