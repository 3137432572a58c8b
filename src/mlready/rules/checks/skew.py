"""Checks of the factor "no training-serving skew": the same preprocessing, environment and embedding on both sides.

What the flow analysis finds about splits stands in `leaks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mlready.facts.rows import Call, Scope, Value
from mlready.findings import Site, Verdict, hazard, met, missing, not_applicable
from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, functions, literal_path

_ONLINE = ("partial_fit", "learn_one", "learn_many", "update")
_FIT = ("fit", "fit_transform", "fit_resample", "fit_predict", "train")


# ------------------------------------------------------------------------------------------------ the two sides


def training_side(project: Project) -> frozenset[Node]:
    """Scopes that run when a model is made, cells of notebooks that train included."""
    return project.training_nodes


def predicting_side(project: Project) -> frozenset[Node]:
    """Scopes that run when predictions are made: services, and programs that load a model and train nothing."""
    found = set(project.serving_nodes)
    trains = {use.node for use in project.uses(*TRAIN_ACTIVITIES, "fit")}
    loads = {use.node for use in project.uses("load-model", "predict")}
    for entry in project.entries:
        if entry.kind == "notebook" or entry.path.endswith(".ipynb"):
            continue
        reach = project.graph.reach(entry.nodes)
        if not loads.isdisjoint(reach) and trains.isdisjoint(reach):
            found |= reach
    return frozenset(found)


def _preprocessing(project: Project) -> list[Use]:
    return list(project.uses("preprocess"))


# ------------------------------------------------------------------------------------------------------ SKW001, SKW002


def preprocessing_shared(project: Project) -> Verdict:
    """SKW001: predictions go through the preprocessing of training."""
    training, predicting = training_side(project), predicting_side(project)
    stores = {use.node for use in project.uses("feature-store")}
    if stores & training and stores & predicting:
        use = next(use for use in project.uses("feature-store") if use.node in predicting)
        return met(Site(1.0, "training and predictions read the same feature store", use.where, key="feature-store"))
    shared = next((u for u in _preprocessing(project) if u.node in training & predicting and _is_function(u)), None)
    if shared is not None:
        words = f"{shared.scope.name} prepares data for training and for predictions"
        return met(Site(1.0, words, shared.where, key=shared.scope.name))
    kept = [site for site in _saved_objects(project) if site.credit >= 0.8]
    loads = [use for use in project.uses("load-model") if use.node in predicting]
    if kept and loads:
        credit = max(site.credit for site in kept)
        words = "with its preprocessing" if credit == 1 else "and the preprocessing beside it"
        return met(Site(credit, f"predictions load the model {words}", loads[0].where, key="artifact"))
    module = _shared_module(project, training, predicting)
    if module is not None:
        return met(Site(0.8, f"training and predictions import {module.path}", module.at(0), key=module.path))
    own = next((use for use in _preprocessing(project) if use.node in predicting - training), None)
    if own is not None:
        return missing(
            "predictions prepare their data by code that training does not run", own.where, key=own.call.name
        )
    if not predicting:
        return missing("nothing makes predictions with the preprocessing of training")
    return missing("predictions reach no preprocessing of training, and load no artifact that contains it")


def _is_function(use: Use) -> bool:
    return use.scope.kind == "function" and not use.scope.name.endswith(">")


def _shared_module(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> ProjectFile | None:
    """A module with preprocessing of which functions run on both sides."""
    trained, predicted = ({path for path, number in nodes if number} for nodes in (training, predicting))
    for use in _preprocessing(project):
        if use.file.path in trained & predicted and use.file.facts.notebook is None:
            return use.file
    return None


def preprocessing_in_artifact(project: Project) -> Verdict:
    """SKW002: what is saved contains its preprocessing, or preprocessing is saved beside it."""
    sites = _saved_objects(project)
    if not sites:
        return missing("no model is saved together with its preprocessing")
    return met(*sorted(sites, key=lambda site: -site.credit)[:3])


def _saved_objects(project: Project) -> list[Site]:
    return [site for use in project.uses("save-model") if (site := _saved_site(project, use)) is not None]


def _saved_site(project: Project, use: Use) -> Site | None:
    value = argument(use.call, "sk_model", "model", "python_model", "0")
    name = value.text if value is not None and value.kind in ("name", "item") else ""
    name = name or use.call.receiver
    if not name and value is None:
        return None
    makers = _makers(project, use.file, name)
    words = literal_path(use.call) or use.call.name
    if any(_holds_preprocessing(project, call) for call in makers) or "pyfunc" in use.call.name:
        return Site(1.0, f"{words} holds the model with its preprocessing", use.where, key=use.call.name)
    if any("transformer" in _traits(project, call) for call in makers):
        return Site(0.8, f"preprocessing is saved beside the model: {name}", use.where, key=use.call.name)
    composed = next((u for u in _composed(project) if u.node in training_side(project)), None)
    if composed is not None and (not makers or "pipe" in name.lower()):
        return Site(1.0, f"{words} holds the pipeline of {composed.where}", use.where, key=use.call.name)
    return Site(0.0, f"{words} holds the model without its preprocessing", use.where, key=use.call.name)


def _makers(project: Project, file: ProjectFile, name: str) -> list[Call]:
    """The calls of a file that make what a name holds, through functions of the project that return it."""
    python = file.python
    assert python is not None
    short = name.rpartition(".")[2]
    return [
        call
        for call in python.calls
        if short and any(target == name or target.rpartition(".")[2] == short for target in call.targets)
    ]


def _traits(project: Project, call: Call) -> frozenset[str]:
    """Traits of what a call makes: of the class, also of the object behind `.fit`."""
    name = call.name
    holder = name.rpartition(".")[0]
    return project.vocabulary.traits(name) | (
        project.vocabulary.traits(holder) if name.endswith(".fit") else frozenset()
    )


def _holds_preprocessing(project: Project, call: Call) -> bool:
    if "pipeline" in _traits(project, call):
        return True
    return any("ipeline" in text for text in _texts(call))


def _texts(call: Call) -> Iterator[str]:
    for arg in call.args:
        yield arg.value.text


def _composed(project: Project) -> Iterator[Use]:
    yield from project.calls(
        "sklearn.pipeline.Pipeline",
        "sklearn.pipeline.make_pipeline",
        "imblearn.pipeline.Pipeline",
        "imblearn.pipeline.make_pipeline",
        "pyspark.ml.Pipeline",
    )


# ------------------------------------------------------------------------------------------------------ SKW003, SKW004

_COMMON_NAMES = re.compile(
    r"^(__\w+__|main|run|fit|predict|transform|forward|load\w*|save\w*|get_\w*config\w*|setup\w*|train\w*|index|health|"
    r"parse_args|read_root|root|home|startup|evaluate|call|get|post|lifespan|setUp|test_.*)$"
)


def no_duplicated_preprocessing(project: Project) -> Verdict:
    """SKW003: no function that prepares data stands twice, once for training and once for predictions."""
    training, predicting = training_side(project), predicting_side(project)
    prepares = {use.node for use in _preprocessing(project)}
    serving = list(_functions_of(project, predicting - training))
    fitting = [row for row in _functions_of(project, training - predicting) if not _is_aside(project, row[0])]
    by_hash = {scope.body_hash: (file, scope) for file, _, scope in fitting if scope.body_hash}
    by_name = {_short(scope): (file, scope) for file, n, scope in fitting if (file.path, n) in prepares}
    broken, units = [], 0
    for file, number, scope in serving:
        units += (file.path, number) in prepares
        twin = by_hash.get(scope.body_hash) if scope.body_hash else None
        if twin is not None and twin[0].path != file.path:
            broken.append(_copy_site(file, scope, twin, same=True))
            continue
        near = by_name.get(_short(scope))
        if (
            near
            and near[0].path != file.path
            and (file.path, number) in prepares
            and not _COMMON_NAMES.match(_short(scope))
        ):
            broken.append(_copy_site(file, scope, near, same=False))
    broken += _different_fills(project, training - predicting, predicting - training)
    return hazard(broken, units=max(units, 1) if serving else len(broken))


def _is_aside(project: Project, file: ProjectFile) -> bool:
    """Whether a notebook stands beside training code: what it repeats is another rule's."""
    return file.facts.notebook is not None and project.has(*TRAIN_ACTIVITIES, "fit", "preprocess", notebooks=False)


def _functions_of(project: Project, nodes: frozenset[Node]) -> Iterator[tuple[ProjectFile, int, Scope]]:
    for file in project.work_files:
        assert file.python is not None
        for number, _ in functions(file):
            if (file.path, number) in nodes and not file.python.scopes[number].trivial:
                yield file, number, file.python.scopes[number]


def _short(scope: Scope) -> str:
    return scope.name.rpartition(".")[2]


def _copy_site(file: ProjectFile, scope: Scope, twin: tuple[ProjectFile, Scope], *, same: bool) -> Site:
    where = twin[0].at(twin[1].line)
    if same:
        return Site(0.0, f"{scope.name} is a copy of {twin[1].name} in {where}", file.at(scope.line), key=scope.name)
    words = f"{scope.name} prepares data as the other {twin[1].name} in {where} does for training"
    return Site(0.5, words, file.at(scope.line), key=scope.name, certain=False)


def _different_fills(project: Project, training: frozenset[Node], predicting: frozenset[Node]) -> Iterator[Site]:
    """A column whose missing values predictions fill with a constant and training with a statistic."""
    fills = list(project.calls(".fillna"))
    learned = {
        column: use
        for use in fills
        if use.node in training and _statistic(argument(use.call, "0", "value")) and (column := _column(use))
    }
    for use in fills:
        value = argument(use.call, "0", "value")
        other = learned.get(_column(use))
        if other is None or use.node not in predicting or value is None or value.kind != "const":
            continue
        how = _statistic(argument(other.call, "0", "value"))
        words = f"predictions fill {value.scalar} where training fills the {how} ({other.where})"
        yield Site(0.0, words, use.where, key="fillna")


def _statistic(value: Value | None) -> str:
    if value is None or value.kind != "call":
        return ""
    last = value.text.rpartition(".")[2]
    return last if last in ("mean", "median", "mode", "min", "max") else ""


def _column(use: Use) -> str:
    """The column that is filled, as far as the receiver names one."""
    found = re.search(r"\[(['\"])(.+?)\1\]", use.call.receiver)
    return found[2] if found else ""


def no_fitting_in_serving(project: Project) -> Verdict:
    """SKW004: nothing is fitted while requests are answered."""
    if not project.serving_nodes:
        return not_applicable("nothing answers requests")
    units = len({u.node for u in project.uses("preprocess", "fit", "train", reached="serving", notebooks=False)})
    broken, seen = [], set()
    for use in project.uses("fit", "train", "preprocess", "tune", reached="serving", notebooks=False):
        last = use.call.name.rpartition(".")[2]
        place = (use.file.path, use.call.line)
        if last not in _FIT or place in seen or _learns_online(project, use) or not _is_called(project, use):
            continue
        seen.add(place)
        what = use.call.receiver or use.call.name
        message = (
            f"{what}.{last} learns from what is asked" if use.call.receiver else f"{use.call.name} runs in serving"
        )
        broken.append(Site(0.0, message, use.where, key=f"{what}.{last}", certain=_is_certain(use)))
    return hazard(broken, units=max(units, len(broken)))


def _is_called(project: Project, use: Use) -> bool:
    """Whether the function that fits is called in serving: making an object does not run all of its methods."""
    python = use.file.python
    assert python is not None
    scope = use.scope
    method = scope.parent > 0 and python.scopes[scope.parent].kind == "class"
    name = scope.name.rpartition(".")[2]
    if not method or name.startswith("__"):
        return True
    nodes = project.serving_nodes
    return any(
        (file.path, call.scope) in nodes and call.name.rpartition(".")[2] == name
        for file in project.code_files
        for call in (file.python.calls if file.python else ())
    )


def _learns_online(project: Project, use: Use) -> bool:
    return "online" in project.vocabulary.traits(use.call.name) or use.call.name.rpartition(".")[2] in _ONLINE


def _is_certain(use: Use) -> bool:
    """Whether it surely fits a model or transformer per request: not behind a condition, not a training endpoint."""
    if {"if", "try"} & set(use.call.context) or use.call.name == ".fit":
        return False
    if use.scope.name in ("", "<main>") or "fit" in use.call.activities:
        return False
    return not re.search(r"train|fit|refit|update|build|init|startup|lifespan", use.scope.name, re.IGNORECASE)


def with_service(project: Project, file: ProjectFile, site: Site) -> Site:
    """A site of training, with the service that serves what the file saves."""
    saved = {literal_path(u.call).rpartition("/")[2] for u in project.uses("save-model") if u.file.path == file.path}
    for use in project.uses("load-model", reached="serving", notebooks=False):
        name = literal_path(use.call).rpartition("/")[2]
        if name and name in saved:
            return replace(site, message=f"{site.message}; {use.where} serves this model")
    return site
