"""The two sides of a model, and what of a project prepares its data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.project.graph import Node
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use


def training_side(project: Project) -> frozenset[Node]:
    """Scopes that run when a model is made, cells of notebooks that train included."""
    return project.training_nodes


def predicting_side(project: Project, *, judges: bool = False) -> frozenset[Node]:
    """Scopes that run when predictions are made: services, and what loads a model, predicts, and trains nothing.

    Programs that only judge a model make no predictions that anybody gets; `judges` takes them in.
    """
    found = set(project.serving_nodes)
    trains = {use.node for use in project.uses(*TRAIN_ACTIVITIES, "fit")}
    loads = {use.node for use in project.uses("load-model")}
    predicts = {use.node for use in project.uses("predict")}
    for entry in project.entries:
        if _FEATURES.search(entry.path) or (not judges and _JUDGES.search(entry.path)):
            continue
        reach = project.graph.reach(entry.nodes)
        if entry.kind == "notebook" and all(path == entry.path for path, _ in reach):
            continue  # What a notebook has to itself is no program that takes new rows.
        predicted = not predicts.isdisjoint(reach) or bool(PREDICTS.search(entry.path))
        if predicted and not loads.isdisjoint(reach) and trains.isdisjoint(reach):
            found |= reach
    for node in _functions_of_commands(project, loads):
        reach = project.graph.reach([node])
        if trains.isdisjoint(reach):
            found |= reach
    return frozenset(found)


def _functions_of_commands(project: Project, loads: set[Node]) -> Iterator[Node]:
    """Functions named after predicting that lead to a loaded model: one command of a program that also trains."""
    for path, number in project.graph.leading_to(loads) & project.reached_nodes if loads else ():
        python = project.by_path[path].python
        if number and python is not None and PREDICTS.search(f"{path} {python.scopes[number].name}"):
            yield (path, number)


_JUDGES = re.compile(
    r"(^|[/_])(eval\w*|tests?|val|validat\w*|bench\w*|metrics?|train\w*|export\w*)(_\w+)?\.(py|ipynb)$"
)
_FEATURES = re.compile(r"feature|preprocess|prepare|extract|embed|pseudo", re.IGNORECASE)
"""Programs that make what a model is trained on, though with another model."""
PREDICTS = re.compile(r"predict|infer(?!ed)|scor(e|ing)_|_score\b|serv(e|ing)|\bapi\b|forecast|generate", re.IGNORECASE)


def preprocessing(project: Project) -> list[Use]:
    return list(project.uses("preprocess"))


PREPARES = re.compile(
    r"(^|[_.])(pre_?process\w*|prepare\w*|transform\w*|normali[sz]\w*|featuri[sz]\w*|\w*features?|clean(?!_?up)\w*|encode\w*|"
    r"tokeni[sz]\w*|vectori[sz]\w*|impute\w*|mel(_\w+)?|spectrogram\w*|text_to_\w+|to_sequence\w*|"
    r"engineer\w*)$",
    re.IGNORECASE,
)


def is_layer(file: ProjectFile, number: int) -> bool:
    """Whether a function is a method of a network: what happens there belongs to the model."""
    assert file.python is not None
    scopes = file.python.scopes
    bases = scopes[scopes[number].parent].bases
    return any(base.endswith(("Module", "Model", "Layer", "Estimator")) for base in bases)


_LESSON = re.compile(r"\d|^(lab|week|chapter|module|cohort|lesson|exercise|homework|project)s?\b", re.IGNORECASE)


def apart(one: str, other: str) -> bool:
    """Whether two files stand in lessons or projects of a collection, which owe each other nothing."""
    mine, theirs = one.split("/")[:-1], other.split("/")[:-1]
    shared = next(
        (i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs))
    )
    return any(_LESSON.search(p) for p in mine[shared:]) and any(_LESSON.search(p) for p in theirs[shared:])
