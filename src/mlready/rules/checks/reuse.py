"""Where the preprocessing of training is used for other rows: by two steps of a pipeline, or for held-out rows in the run that trains."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Call, Value
from mlready.findings import Site
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.artifacts import Place, Tracer, made_of
from mlready.rules.checks.common import argument, literal_path, strings
from mlready.rules.checks.sides import PREDICTS, PREPARES, preprocessing

NOT_DATA = re.compile(
    r"(^|[_.])(run|main|test|setup)_|checkpoint|weights|config|logger|seed|device|(^|[_.])(load|save)_model|metric|loss|plot|score$|train$"
)


def applied_to_held_out(project: Project, training: frozenset[Node]) -> Site | None:
    """Half: what training fits, or one function, prepares held-out rows too, and the run ends there."""
    found = _fitted_and_applied(project) or next(_called_for_both(project, training), None)
    if found is None:
        return None
    use, name = found
    words = f"{name} prepares other rows as those of training, only in the run that trains"
    return Site(0.5, words, use.where, key=name)


def _fitted_and_applied(project: Project) -> tuple[Use, str] | None:
    """A transformer that is fitted and then applied to other rows, or a pipeline that is fitted and predicts."""
    fitted = {
        (use.file.path, use.call.receiver)
        for use in project.uses("preprocess", "fit", "train", "tune")
        if use.call.receiver and use.call.name.rpartition(".")[2] in ("fit", "fit_transform")
    }
    trace = Tracer(project)
    for use in project.calls(".transform", ".predict", ".predict_proba", ".score"):
        holder, _, method = use.call.name.rpartition(".")
        if (use.file.path, use.call.receiver) not in fitted:
            continue
        traits = project.vocabulary.traits(holder)
        own = made_of(trace, Place(use.file, use.call.scope), Value("name", use.call.receiver))
        whole, part = "pipeline" in traits or own == "whole", "transformer" in traits or own == "transformer"
        if whole or (part and method == "transform" and "stateless" not in traits):
            return use, use.call.receiver
    return None


def _called_for_both(project: Project, training: frozenset[Node]) -> Iterator[tuple[Use, str]]:
    """What of the project prepares data, called for the rows of training and for held-out ones where a model is made."""
    users = _steps_by_function(project)
    for file in project.work_files:
        for call in file.calls:
            if (file.path, call.scope) in training and call.args:
                for node in project.graph.resolve(file.path, call.name):
                    users.setdefault(node, []).append(Use(file, call))
    for node, uses in _prepare_twice(project, users):
        held_out = [use for use in uses if _HELD_OUT.search(_rows_named(use.call))]
        if held_out and len(held_out) < len(uses):
            yield held_out[0], _name(project, node)


_HELD_OUT = re.compile(
    r"(^|[\W_\d])(test|val|valid|validation|eval|hold_?out|dev|submission)s?([\W_\d]|$)", re.IGNORECASE
)


def _rows_named(call: Call) -> str:
    """The names of the rows that a call takes and makes."""
    return " ".join((*(text for arg in call.args for text in (*strings(arg.value), arg.value.text)), *call.targets))


def one_step_for_both(project: Project) -> Site | None:
    """A function that a pipeline runs in two of its steps, where another step predicts: for the rows of training and for others."""
    steps = _steps_by_function(project)
    predicts = {use.node for use in project.uses("predict")}
    trains = {use.node for use in project.uses(*TRAIN_ACTIVITIES, "fit")}
    named = (project.graph.reach([node]) for node in steps if PREDICTS.search(_name(project, node)))
    if not any(not predicts.isdisjoint(reach) and trains.isdisjoint(reach) for reach in named):
        return None
    node, uses = next(_prepare_twice(project, steps), (None, []))
    if node is None:
        return None
    name = _name(project, node)
    words = f"{name} prepares the rows of training and those that a step predicts"
    return Site(1.0, words, uses[-1].where, key=name)


def _steps_by_function(project: Project) -> dict[Node, list[Use]]:
    """The steps of pipelines that run each function of the project that is handed to them."""
    steps: dict[Node, list[Use]] = {}
    for use in project.uses("pipeline-step", notebooks=False):
        value = argument(use.call, "func", "0")
        for node in project.graph.resolve(use.file.path, value.text) if value is not None and value.text else ():
            steps.setdefault(node, []).append(use)
    return steps


def _prepare_twice(project: Project, users: dict[Node, list[Use]]) -> Iterator[tuple[Node, list[Use]]]:
    """Functions and classes of datasets that prepare data, each used in two places."""
    prepares = {use.node for use in preprocessing(project)}
    for node, uses in users.items():
        python, name = project.by_path[node[0]].python, _name(project, node)
        if len(uses) < 2 or python is None or not node[1] or NOT_DATA.search(name.lower()):
            continue
        if python.scopes[node[1]].kind == "class":
            inside = {(node[0], n) for n, scope in enumerate(python.scopes) if scope.parent == node[1]}
            named = any(base.endswith("Dataset") for base in python.scopes[node[1]].bases)
        else:
            inside, named = {node}, bool(PREPARES.search(name))
        if named or (python.scopes[node[1]].kind == "function" and not prepares.isdisjoint(inside)):
            yield node, uses


def _name(project: Project, node: Node) -> str:
    python = project.by_path[node[0]].python
    return python.scopes[node[1]].name if python else ""


_OTHER_ROWS = re.compile(r"(^|[/_\\-])test([_-]\w+)?\.(csv|parquet|feather|jsonl?|tsv|xlsx?)", re.IGNORECASE)


def predicts_other_rows(project: Project) -> Iterator[ProjectFile]:
    """Files that train, read a table of rows to predict beside that of training, and predict."""
    trains = {use.file.path for use in project.uses(*TRAIN_ACTIVITIES, "fit")}
    predicts = {use.file.path for use in project.uses("predict")}
    for use in project.uses("read-data"):
        if use.file.path in trains & predicts and _OTHER_ROWS.search(literal_path(use.call)):
            yield use.file
