"""Why it cannot be told what becomes of a model: said before anything is said to be missing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Location
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.sides import is_layer

_HAND_ON = ("zenml", "mage", "kubeflow", "dagster", "metaflow", "argo", "sagemaker", "vertex-ai", "azure-ml")
"""Systems that carry what a step makes to the next one, outside of the code."""


def trains(project: Project) -> bool:
    """Whether a model may be trained here: one is fitted, or saved."""
    return project.has("save-model") or next(training_calls(project), None) is not None


def training_calls(project: Project) -> Iterator[Use]:
    """What fits a model: a transformer that is fitted on its own is none."""
    calls = project.uses(*TRAIN_ACTIVITIES, "fit")
    return (use for use in calls if "preprocess" not in use.call.activities)


def not_followed(project: Project) -> str:
    """Why what is saved, and what predicts, may stand where the analysis does not see it; "" where it was followed."""
    carried = next((name for name in _HAND_ON if name in project.systems), None)
    if carried is not None:
        return f"{carried} carries what a step makes to the next, and where it goes cannot be told"
    unread = next((file for file in project.files if file.role in ("source", "script") and _is_unread(file)), None)
    return f"{unread.path} cannot be read ({unread.facts.problem})" if unread is not None else ""


_WORKS = re.compile(r"train|fit|model|predict|infer|serv|main|run|save", re.IGNORECASE)


def _is_unread(file: ProjectFile) -> bool:
    """Whether a file that by its name does the work of a project could not be parsed."""
    return (
        file.path.endswith(".py")
        and bool(_WORKS.search(file.name))
        and file.python is None
        and bool(file.facts.problem)
    )


_PROGRAM = re.compile(
    r"(^|[_-])(predict(ion|or|er|s)?|infer(ence|rer|encer)?|forecast(er)?|scor(e|ing)|embed)([_.-]|$)", re.IGNORECASE
)
_FUNCTION = re.compile(r"^(predict|infer|forecast|embed)(_|$)|_(predict(ions?)?|inference|forecast)$", re.IGNORECASE)
_CLASS = re.compile(r"(Predictor|Inferr?er|Inference|Forecaster|Embedder)$")


def named_for_predicting(project: Project) -> Iterator[tuple[str, Location]]:
    """Programs, functions and classes named after predicting that no training runs: they may take new rows."""
    training, trains_at = project.training_nodes, {use.file.path for use in project.uses(*TRAIN_ACTIVITIES)}
    for file in project.code_files:
        if file.path in trains_at or file.python is None:
            continue
        if _PROGRAM.search(file.name) and (file.path, 0) not in training and file.python.code_lines > _FEW:
            yield file.path, file.at(0)
        for number, scope in enumerate(file.python.scopes):
            name = scope.name.rpartition(".")[2]
            if not number or scope.trivial or (file.path, number) in training or is_layer(file, number):
                continue
            if (_CLASS if scope.kind == "class" else _FUNCTION).search(name):
                yield scope.name, file.at(scope.line)


_FEW = 5
