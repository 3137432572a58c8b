"""What a saved object is made of: followed through names, attributes, arguments and functions of the project.

The answer is one of a few words; where the code doesn't tell, it is "" and a rule says unknown rather than fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from mlready.facts.rows import Call, Value
from mlready.project.graph import Node
from mlready.project.kinds import MODEL_TRAITS
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.common import argument

Made = Literal["whole", "transformer", "model", "weights", "data", ""]
"""A model with its preprocessing, preprocessing alone, a model alone, bare weights of a network, something else, unclear."""

_RANK: tuple[Made, ...] = ("whole", "model", "weights", "transformer", "data", "")
_DEPTH = 16
_LIMIT = 12
"""Calls that are looked at for one name."""

_SAME = re.compile(r"\.(fit|set_params|set_output|compile|to|eval|cpu|cuda|best_estimator_|best_model|model)$")
_WEIGHTS = re.compile(r"(^|\.)(state_dict|get_weights|save_weights|parameters)$")
_NETWORK = re.compile(
    r"^(torch\.nn(?!\.(functional|utils))|(tensorflow\.)?keras(?!\.(utils|preprocessing))|lightning|pytorch_lightning|flax|"
    r"transformers|timm)\."
)
_METHODS = frozenset(("fit", "fit_transform", "transform", "predict", "predict_proba", "score"))
_HANDED_ON = frozenset(("sklearn.base.clone", "copy.deepcopy", "copy.copy", "sklearn.clone"))
_DATA = re.compile(
    r"^(pandas|polars|numpy|torch\.(nn\.functional|tensor|stack|cat|from_numpy|zeros|ones|as_tensor)|scipy\.sparse|"
    r"dict|list|set|sorted|"
    r"sklearn\.model_selection\.(train_test_split|KFold|StratifiedKFold))\b|"
    r"\.(transform|fit_transform|predict|predict_proba|to_numpy|copy|numpy|train_test_split)$"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name is read: a scope of a file."""

    file: ProjectFile
    scope: int


@dataclass(frozen=True, slots=True)
class Tracer:
    """A project, and what was already told of its names: (path, scope, name)."""

    project: Project
    memory: dict[tuple[str, int, str], Made] = field(default_factory=dict)


def made_of(trace: Tracer, place: Place, value: Value | None, depth: int = _DEPTH) -> Made:
    """What a value is, as far as the code tells."""
    if value is None or depth == 0:
        return ""
    if value.kind == "call":
        return _of_call_text(trace, place, value, depth)
    if value.kind in ("name", "item"):
        return _of_name(trace, place, value.text, depth)
    if value.kind in ("list", "dict"):
        found = {made_of(trace, place, item, depth - 1) for item in (*value.items, *value.values)[:_LIMIT]}
        if "transformer" in found and found & {"model", "weights"}:
            return "whole"
        held = _best(found - {"data"})
        return held or "data"
    return "data" if value.kind in ("const", "fstring") else ""


def _best(found: set[Made]) -> Made:
    return next((word for word in _RANK if word in found), "")


def _of_call_text(trace: Tracer, place: Place, value: Value, depth: int) -> Made:
    """A call that stands as an argument: its own row is found by its name, else its name has to do."""
    assert place.file.python is not None
    rows = [call for call in place.file.python.calls if call.scope == place.scope and call.name == value.text]
    if rows:
        return of_call(trace, Place(place.file, place.scope), rows[0], depth - 1)
    return _by_class(trace, value.text)


def _of_name(trace: Tracer, place: Place, name: str, depth: int) -> Made:
    """What a name holds; told once, and unclear while it is being told (a name that is made from itself)."""
    if not name or depth == 0:
        return ""
    key = (place.file.path, place.scope, name)
    if key not in trace.memory:
        trace.memory[key] = ""
        trace.memory[key] = _told(trace, place, name, depth)
    return trace.memory[key]


def _told(trace: Tracer, place: Place, name: str, depth: int) -> Made:
    calls = [call for call in _makers(place, name) if "load-model" not in call.activities]
    found = {_bound(trace, Place(place.file, call.scope), call, name, depth - 1) for call in calls[:_LIMIT]}
    found |= {made_of(trace, place, value, depth - 1) for value in _assigned(place, name)[:_LIMIT]}
    found |= {_by_class(trace, kind) for kind in _known_as(place, name)}
    if found:
        return _best(found)
    held = _SAME.search(name)
    if held:
        return _of_name(trace, place, name[: held.start()], depth - 1)
    passed = arguments_for(trace.project, place, name)
    if passed is not None:
        return _best({made_of(trace, where, value, depth - 1) for where, value in passed[:_LIMIT]})
    return _of_other_module(trace, place, name, depth)


def _bound(trace: Tracer, place: Place, call: Call, name: str, depth: int) -> Made:
    """What a call gives to one of the names that its result is unpacked into: `scaler, model = train(rows)`."""
    if len(call.targets) > 1:
        for path, number in trace.project.graph.resolve(place.file.path, call.name):
            file = trace.project.by_path[path]
            given = file.python.scopes[number].gives if file.python and number else ()
            if len(given) == len(call.targets):
                return _of_name(trace, Place(file, number), given[call.targets.index(name)], depth)
    return of_call(trace, place, call, depth)


def _makers(place: Place, name: str) -> Iterator[Call]:
    """The calls whose result a name holds: of its own scope first, then of the module and of other methods."""
    assert place.file.python is not None
    calls = [call for call in place.file.python.calls if name in call.targets]
    own = [call for call in calls if call.scope == place.scope]
    yield from own or (call for call in calls if call.scope == 0 or "." in name)


def _assigned(place: Place, name: str) -> list[Value]:
    """What is given to a name without a call of its own: `model = search.best_estimator_`."""
    assert place.file.python is not None
    rows = [row for row in place.file.python.assigns if row.name == name and row.scope in (place.scope, 0)]
    own = [row for row in rows if row.scope == place.scope] or rows
    return [row.value for row in own if row.value.text != name and row.value.kind != "const"]


def _known_as(place: Place, name: str) -> Iterator[str]:
    """Classes that the readers told of a name: `scaler.fit(X)` stands as a method of its class."""
    assert place.file.python is not None
    for call in place.file.python.calls:
        holder, _, method = call.name.rpartition(".")
        if call.scope == place.scope and call.receiver == name and holder and method in _METHODS:
            yield holder


def made_by_callers(trace: Tracer, place: Place, name: str) -> set[Made]:
    """Each kind of thing that callers hand to a parameter: one helper may save the model and its preprocessing."""
    passed = arguments_for(trace.project, place, name) or []
    return {made_of(trace, where, value) for where, value in passed[:_LIMIT]}


def arguments_for(project: Project, place: Place, name: str) -> list[tuple[Place, Value]] | None:
    """What callers pass for a parameter; None when the name is no parameter."""
    assert place.file.python is not None
    scope = place.file.python.scopes[place.scope]
    names = [param.name for param in scope.params]
    if name not in names:
        return None
    position = names.index(name) - (names[0] in ("self", "cls"))
    short, found = scope.name.rpartition(".")[2], []
    for file, call in project.calls_by_last_name.get(short, ()):
        if not _calls(project, file, call, (place.file.path, place.scope)):
            continue
        value = argument(call, name, str(position))
        if value is not None:
            found.append((Place(file, call.scope), value))
    return found


def _calls(project: Project, file: ProjectFile, call: Call, node: Node) -> bool:
    return node in project.graph.resolve(file.path, call.name) or (
        call.name.startswith(".") and node in project.graph.edges.get((file.path, call.scope), ())
    )


def _of_other_module(trace: Tracer, place: Place, name: str, depth: int) -> Made:
    """`features.pipe`: a name of a module of the project."""
    short = name.rpartition(".")[2]
    for path, number in trace.project.graph.resolve(place.file.path, name):
        file = trace.project.by_path[path]
        if number == 0 and path != place.file.path and short:
            return _of_name(trace, Place(file, 0), short, depth - 1)
    return ""


def of_call(trace: Tracer, place: Place, call: Call, depth: int = _DEPTH) -> Made:
    """What a call makes, or what the object behind `.fit` is."""
    if depth == 0:
        return ""
    if _WEIGHTS.search(call.name):
        return "weights"
    nodes = trace.project.graph.resolve(place.file.path, call.name)
    known = _by_class(trace, call.name)
    if known == "model":
        return _with_arguments(trace, place, call, depth) or "model"
    if known:
        return known
    own = _of_function(trace, nodes, depth)
    if own:
        return own
    if call.name in _HANDED_ON:
        return made_of(trace, place, argument(call, "0", "estimator"), depth - 1)
    if "tune" in call.activities:
        return _with_arguments(trace, place, call, depth) or _receiver(trace, place, call, depth)
    if call.name.rpartition(".")[2] in ("fit", "set_params", "set_output", "compile", "to", "eval", "cpu"):
        return _receiver(trace, place, call, depth)
    return "data" if _DATA.search(call.name) or "read-data" in call.activities else ""


def _by_class(trace: Tracer, name: str) -> Made:
    """By what the vocabulary knows of a class, or of the class of a method that gives the object back."""
    held = _SAME.search(name)
    traits = trace.project.vocabulary.traits(name[: held.start()] if held else name)
    if "pipeline" in traits or name.endswith("PMMLPipeline"):
        return "whole"
    if traits & MODEL_TRAITS:
        return "model"
    if "transformer" in traits:
        return "transformer"
    return "weights" if _NETWORK.match(name) else ""


def _with_arguments(trace: Tracer, place: Place, call: Call, depth: int) -> Made:
    """What a search or a wrapper is made around: `GridSearchCV(pipeline, …)`, `TransformedTargetRegressor(regressor=…)`."""
    value = argument(call, "0", "estimator", "regressor", "base_estimator", "model", "pipeline")
    found = made_of(trace, place, value, depth - 1)
    if found not in ("whole", "model"):
        nested = (row for row in _nested(place, call) if row.name != call.name)
        found = _best({of_call(trace, place, row, depth - 1) for row in nested})
    return found if found in ("whole", "model") else ""


def _receiver(trace: Tracer, place: Place, call: Call, depth: int) -> Made:
    """The object that a method belongs to: a name, or the call that it is chained to."""
    if call.receiver:
        return _of_name(trace, place, call.receiver, depth - 1)
    return _best({of_call(trace, place, row, depth - 1) for row in _nested(place, call)})


def _nested(place: Place, call: Call) -> list[Call]:
    assert place.file.python is not None
    last = max(call.line, call.end_line)
    return [
        row
        for row in place.file.python.calls
        if row.scope == call.scope and row.parent == call.name and call.line <= row.line <= last and row is not call
    ][:_LIMIT]


def _of_function(trace: Tracer, nodes: list[Node], depth: int) -> Made:
    """What a function or class of the project makes."""
    for path, number in nodes:
        file = trace.project.by_path[path]
        if file.python is None or not number:
            continue
        if file.python.scopes[number].kind == "class":
            return _of_class(trace, file, number)
        return returned_by(trace, file, number, depth)
    return ""


def returned_by(trace: Tracer, file: ProjectFile, number: int, depth: int = _DEPTH, *, told: bool = False) -> Made:
    """What a function returns: by its annotation, else by what its `return` makes, else by what it puts together."""
    assert file.python is not None
    promised = _best({_by_class(trace, name) for name in re.findall(r"[\w.]+", file.python.scopes[number].returns)})
    if promised in ("whole", "model", "transformer"):
        return promised
    if re.search(r"DataFrame|Series|ndarray|\b(None|str|float|int|bool)\b", file.python.scopes[number].returns):
        return "data"
    rows = [call for call in file.python.calls if call.scope == number]
    returned = [call for call in rows if "return" in call.context and not call.parent]
    if returned:
        return _best({of_call(trace, Place(file, number), call, depth - 1) for call in returned[:_LIMIT]})
    if told:  # Only what is said counts, not what is put together on the way.
        return ""
    made = {_by_class(trace, call.name) for call in rows if call.targets and not call.parent}
    return "whole" if "whole" in made else _best(made & {"model", "transformer"})


def _of_class(trace: Tracer, file: ProjectFile, number: int) -> Made:
    """An own class: a wrapper that carries its preprocessing, a network, or unclear."""
    assert file.python is not None
    scope = file.python.scopes[number]
    if any(base.endswith(("PythonModel", "pyfunc.Model")) for base in scope.bases):
        return "whole"
    methods = {i for i, inner in enumerate(file.python.scopes) if inner.parent == number}
    if any(
        "pipeline" in trace.project.vocabulary.traits(call.name) for call in file.python.calls if call.scope in methods
    ):
        return "whole"
    return "weights" if any(_NETWORK.match(base) for base in scope.bases) else ""
