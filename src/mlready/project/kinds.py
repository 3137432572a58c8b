"""What kind of project it is: told from the activities that its entry points reach, with the reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlready.project.entries import is_hosted

if TYPE_CHECKING:
    from mlready.project.entries import Entry
    from mlready.project.project import Project

TRAINING = "training"
SERVICE = "service"
BOTH = "training-and-service"
LLM = "llm-application"
NOTEBOOKS = "notebook-collection"
LIBRARY = "library"
NOT_ML = "not-ml"

KINDS = (TRAINING, SERVICE, BOTH, LLM, NOTEBOOKS, LIBRARY, NOT_ML)

GROUPS: dict[str, tuple[str, ...]] = {
    "all": (TRAINING, SERVICE, BOTH, LLM, NOTEBOOKS, LIBRARY),
    "projects": (TRAINING, SERVICE, BOTH, LLM, NOTEBOOKS),
    "trains": (TRAINING, BOTH, NOTEBOOKS),
    "deploys": (TRAINING, SERVICE, BOTH, LLM, NOTEBOOKS),
}
"""Words that a rule may use for several kinds: `kinds = ["@trains"]`."""

TRAIN_ACTIVITIES = ("train", "tune", "fine-tune")
ANSWER_ACTIVITIES = ("predict", "load-model", "call-llm", "retrieve")


_SHOWS = re.compile(r"(^|/)(benchmarks?|asv_bench|perf|profiling|notebooks?)/")
"""Where scripts measure a library or show it at work: they train something, and are not what it is for."""
_RUNS = re.compile(r"train|fit|predict|serve|infer|job", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    reasons: tuple[str, ...]


def tell_kind(project: Project) -> Kind:
    """The kind of a project and what says so; `library` and `not-ml` are asked for less."""
    if not project.uses_machine_learning and not project.reads_own_data:
        return Kind(NOT_ML, ("nothing that reads data, trains, serves or calls a model was found",))
    trained_in_code = project.first_use(*TRAIN_ACTIVITIES, reached="any", notebooks=False) or _fits_a_model(project)
    trained_in_notebook = project.first_use(*TRAIN_ACTIVITIES, reached="any", notebooks=True)
    served = _service(project)
    asked_llm = project.first_use("call-llm", "embed", "retrieve", reached="any")
    library = _library(project)
    if library:
        trained_in_code = trained_in_code if _started(project, project.training_entries) else ""
        served = served if _started(project, project.entries, path=served.partition(":")[0].rpartition(" ")[2]) else ""
    if library and not served and not trained_in_code:
        return Kind(LIBRARY, library)
    trains = trained_in_code or (trained_in_notebook if not library else None)
    if trains:
        return _training_kind(project, trained_in_code, trained_in_notebook, served)
    if asked_llm:
        return Kind(LLM, (f"calls a language model in {asked_llm}, and trains nothing",))
    if served:
        return Kind(SERVICE, (served, "no training is reached from any entry point"))
    if library:
        return Kind(LIBRARY, library)
    return _without_training(project)


def _started(project: Project, entries: tuple[Entry, ...], *, path: str = "") -> bool:
    """Whether a package made for others runs something itself: a command, job or script beside it, not a demo in a module.

    Scripts beside a package that its README has installed from an index are demonstrations too.
    """
    packages = tuple(file.path.rpartition("/")[0] + "/" for file in project.code_files if file.name == "__init__.py")
    for entry in entries:
        own = entry.kind == "command" and entry.origin != "task"
        own = own or (entry.kind == "console-script" and bool(_RUNS.search(entry.reason)))
        beside = entry.kind == "script" and not entry.path.startswith(packages) and not _SHOWS.search(entry.path)
        if (own or (beside and not project.is_installed_by_name)) and (not path or entry.path == path):
            return True
    return False


MODEL_TRAITS = frozenset({"classifier", "regressor", "clusterer", "outlier-detector", "estimator"})
"""Traits of what is fitted to answer, not to prepare data."""


def _fits_a_model(project: Project) -> str:
    """Where something is fitted that a function of the project made (`build_model().fit(…)`), if it makes models at all."""
    makes = any(
        project.vocabulary.traits(call.name) & MODEL_TRAITS and project.reaches((file.path, call.scope), "any")
        for file in project.code_files
        for call in file.calls
    )
    return project.first_use("fit", reached="any", notebooks=False) if makes else ""


def _training_kind(project: Project, code: str, notebook: str, served: str) -> Kind:
    trained = f"trains in {code or notebook}"
    if served:
        return Kind(BOTH, (trained, served))
    if not code and not project.has_package:
        return Kind(NOTEBOOKS, (trained, "all training stands in notebooks, and there is no package"))
    return Kind(TRAINING, (trained, "no service answers requests"))


def _service(project: Project) -> str:
    """Why it is a service: an endpoint, a serving framework or a platform's script, with a model or predictions behind it."""
    endpoint = project.first_use("endpoint", "serve", reached="any", notebooks=False)
    endpoint = endpoint or next((file.path for file in project.code_files if is_hosted(file)), "")
    if not endpoint:
        return ""
    answer = project.first_use(*ANSWER_ACTIVITIES, reached="serving", notebooks=False)
    return f"answers requests in {endpoint}, with a model from {answer}" if answer else ""


def _library(project: Project) -> tuple[str, ...]:
    """Why it is a library: it is packaged for others, and no entry point of its own trains or serves."""
    name = project.distribution
    if not name or not project.has_package:
        return ()
    if not project.is_published_package or _stands_beside_applications(project):
        return ()
    return (f"is packaged as {name}", "no entry point of its own trains or serves a model")


def _stands_beside_applications(project: Project) -> bool:
    """Whether the package has a folder of its own beside another that declares dependencies and serves or trains."""
    packaged = {f.path.rpartition("/")[0] for f, m in project.manifests if m.distribution}
    if "" in packaged:
        return False
    declared = {f.path.rpartition("/")[0] for f, m in project.manifests if m.role == "declares"} - packaged - {""}
    inside = tuple(folder + "/" for folder in packaged)
    beside = tuple(folder + "/" for folder in declared if not (folder + "/").startswith(inside))
    working = project.uses("endpoint", "serve", *TRAIN_ACTIVITIES, reached="any", notebooks=False)
    return any(_under(use.file.path, beside) for use in working)


def _under(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a file lies in one of the folders, or in a folder beside their requirements ("api/requirements/")."""
    return any(
        path.startswith((folder, folder.rstrip("/").rpartition("/")[0] + "/"))
        for folder in folders
        if "/" in folder.rstrip("/")
    )


def _without_training(project: Project) -> Kind:
    if not project.uses_machine_learning:
        return Kind(NOT_ML, ("nothing that reads data for, trains, serves or calls a model was found",))
    if project.notebooks and not project.has_package:
        return Kind(NOTEBOOKS, (f"{len(project.notebooks)} notebooks work on data, and there is no package",))
    some = project.first_use("fit", "predict", "preprocess", "load-model", reached="")
    return Kind(TRAINING, (f"works with models or data in {some or 'its code'}, without a clear training step",))
