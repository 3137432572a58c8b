"""Checks of factor 4: training runs as a pipeline, unattended, in a described environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Location, Site, Verdict, met, met_best, missing, not_applicable, unknown
from mlready.project.commands import Command
from mlready.project.entries import Entry, started_files
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import ASIDE_ROLES, Project, ProjectFile
from mlready.rules.checks.common import argument, built_above, step_texts

# ------------------------------------------------------------------------------------------------------ REP005, REP006


def training_pipeline_defined(project: Project) -> Verdict:
    """REP005: a pipeline runs training."""
    sites = [*_pipelines(project), *_tasks_that_train(project)]
    if not sites and not _trains(project):
        return not_applicable("nothing is trained here")
    if not sites:
        return missing("no pipeline runs the steps that make the model")
    return met_best(sites, 4)


def _pipelines(project: Project) -> Iterator[Site]:
    yield from _declared_pipelines(project)
    yield from _coded_pipelines(project)


_TRAINS = (*TRAIN_ACTIVITIES, "fit")


def _trains(project: Project, *, notebooks: bool | None = None) -> bool:
    """Whether anything is trained, reached or not."""
    if project.has(*_TRAINS, notebooks=notebooks):
        return True
    return notebooks is not True and any(re.search(r"(^|_)train", file.name) for file in project.code_files)


_RECIPE = re.compile(r"^(regression|classification)/v\d")
"""What a recipe of MLflow says in pipeline.yaml or recipe.yaml: its steps split, train, evaluate and register."""


_CLOUD_PIPELINES = frozenset(
    ("aws_sagemaker_pipeline", "aws_sfn_state_machine", "AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine")
)
"""Pipelines that infrastructure as code brings up."""


def _declared_pipelines(project: Project) -> Iterator[Site]:
    for file, row in project.settings("pipeline.yaml", "recipe.yaml"):
        if row.key in ("template", "recipe") and isinstance(row.value, str) and _RECIPE.match(row.value):
            yield Site(1.0, f"{file.path} is a recipe of MLflow", file.at(row.line), key="recipe")
    for file, resource in project.resources:
        said = " ".join((resource.name, *(value for _, value in resource.details)))
        if resource.kind in _CLOUD_PIPELINES and _NAMES_TRAINING.search(said):
            yield Site(1.0, f"{resource.kind} {resource.name} trains", file.at(resource.line), key=resource.name)
    for file, stage in project.stages:
        command = Command(stage.command, "pipeline", file.at(stage.line))
        entries = {entry.path for entry in project.training_entries}
        trains = any(path in entries for path in started_files(project, command)) or re.search(
            r"\btrain|\bfit\b", f"{stage.name} {stage.command}"
        )
        if trains:
            yield Site(1.0, f"stage {stage.name} ({stage.tool}) trains", file.at(stage.line), key=stage.name)


_NAMES_TRAINING = re.compile(r"(^|[^a-z])(re)?train", re.IGNORECASE)


def _coded_pipelines(project: Project) -> Iterator[Site]:
    training = {use.node for use in project.uses(*TRAIN_ACTIVITIES, "fit", "save-model")}
    for use in project.uses("orchestrate", "pipeline-step", notebooks=False):
        if use.call.system in ("invoke", "nox", "celery", "rq", "dramatiq", "schedule", "apscheduler"):
            continue  # Tasks, not steps with an order.
        python = use.file.python
        assert python is not None
        nodes = project.graph.reach((use.file.path, i) for i in range(len(python.scopes)))
        names = " ".join(scope.name for scope in python.scopes) + " ".join(text.value for text in python.texts)
        named = re.search(r"train|fit", names, re.IGNORECASE) or any(map(_NAMES_TRAINING.search, step_texts(use.file)))
        if not training.isdisjoint(nodes) or named:
            yield Site(1.0, f"{use.call.name} runs training as a pipeline", use.where, key=use.call.name)
            return


def _tasks_that_train(project: Project) -> Iterator[Site]:
    own = (command for command in project.commands if command.origin in ("task", "ci", "container"))
    starting = [command for command in own if _starts_training(project, command)]
    if starting:
        command = next((one for one in starting if _NAMES_TRAINING.search(f"{one.text} {one.where.path}")), starting[0])
        yield Site(0.5, f"{command.text[:60]} trains, as a task and not as a pipeline", command.where, key="task")
        return
    for entry in project.training_entries:
        if entry.kind == "console-script":
            yield Site(0.5, f"{entry.reason} trains", Location(entry.path), key="console")
            return
    script = next((f for f in project.files if _TRAIN_SCRIPT.search(f.name) and f.role not in ASIDE_ROLES), None)
    if script is not None:
        yield Site(0.5, f"{script.path} trains, by its name: a script and not a pipeline", script.at(0), key="shell")
        return
    told = (c for c in project.commands if c.origin == "document" and not {"-h", "--help"} & set(c.words))
    shown = [command for command in told if _starts_training(project, command)]
    if shown:
        command = next((one for one in shown if _NAMES_TRAINING.search(one.text)), shown[0])
        said = f"only a document says how to train: {command.text[:60]}"
        yield Site(0.3, said, command.where, key="document")


def _starts_training(project: Project, command: Command) -> bool:
    """Whether a command starts what is seen to train, or asks a script of the project to (`python -m run fit`)."""
    if command.words and command.words[0].rpartition("/")[2] in _SERVERS:
        return False  # it may train when it is asked to, and nobody has asked
    told = command.origin == "document"
    started = [path for path in _started(project, command) if not (told and _LOOKS.search(path))]
    entries = {entry.path for entry in project.training_entries}
    return any(path in entries for path in started) or (
        bool(started) and bool({"fit", "train"} & set(command.words[1:]))
    )


_SERVERS = frozenset(("uvicorn", "gunicorn", "hypercorn", "granian", "fastapi", "flask", "streamlit", "waitress-serve"))

_PYTHON_VARIABLE = re.compile(r"\$[({]\w*PY\w*[)}]", re.IGNORECASE)


def _started(project: Project, command: Command) -> Iterator[str]:
    """The files that a command starts; `$(PYTHON)` of a Makefile is python."""
    text = _PYTHON_VARIABLE.sub("python", command.text)
    yield from started_files(project, Command(text, command.origin, command.where))


_LOOKS = re.compile(
    r"\.ipynb$|(^|[/_])(eda|explore|exploration|analysis|prepare_data|preprocess)(_\w+)?\.py$", re.IGNORECASE
)
"""What a document opens to look at data, or starts to prepare it: what is fitted there is no model."""


_TRAIN_SCRIPT = re.compile(r"(^|[_-])train(?!\w*guide)\w*([_-]\w+)?\.sh$", re.IGNORECASE)


_KEEPS = (
    "save-model", "register-model", "log-artifact", "log-model", "track-metrics", "track", "write-data", "serialize",
    "checkpoint",
)  # fmt: skip


def training_runs_unattended(project: Project) -> Verdict:
    """REP006: training starts from a command, without a notebook and without a person, and leaves something."""
    entries = [entry for entry in project.training_entries if entry.kind != "notebook"]
    if not entries:
        return _started_otherwise(project)
    asked = list(project.uses("prompt-user", notebooks=False))
    asked += [use for use in project.calls("input") if use.file.facts.notebook is None]
    kept = {use.node for use in project.uses(*_KEEPS, notebooks=False)}
    keeping = {path for path, _ in kept} | {use.file.path for use in project.calls("io.TextIOWrapper.write")}
    idle: Entry | None = None
    for entry in entries:
        reach = project.graph.reach(entry.nodes)
        if any(use.node in reach and not {"debug", "if"} & set(use.call.context) for use in asked):
            continue
        if (
            entry.origin
            or entry.kind in ("console-script", "dag")
            or not kept.isdisjoint(reach)
            or (keeping & {path for path, _ in reach})
        ):
            return met(Site(1.0, f"{entry.path} trains: {entry.reason}", Location(entry.path), key=entry.path))
        idle = idle or entry
    pipeline = next((site for site in _pipelines(project) if site.credit == 1), None)
    if pipeline is not None:
        return met(pipeline)
    if idle is not None:
        said = f"{idle.path} trains ({idle.reason}), and keeps neither model nor metrics"
        return met(Site(0.5, said, Location(idle.path), key=idle.path))
    return missing("training waits for a person to type", asked[0].where, key="input")


def _started_otherwise(project: Project) -> Verdict:
    """Without an entry that is seen to train: a pipeline, code whose start is not followed, notebooks, or nothing."""
    pipeline = max(_pipelines(project), key=lambda site: site.credit, default=None)
    if pipeline is not None:
        return met(pipeline)
    if _trains(project, notebooks=False):
        return unknown("code trains, and what starts it cannot be followed")
    if _trains(project, notebooks=True):
        return missing("training can only be started from a notebook")
    return not_applicable("nothing is trained here")


# ------------------------------------------------------------------------------------------------------ REP007, REP008


def deterministic_ops(project: Project) -> Verdict:
    """REP007: the switches for deterministic operations are set."""
    heavy = {"torch", "pytorch", "tensorflow", "keras", "jax", "lightning", "pytorch-lightning"} & project.systems
    if not heavy:
        return not_applicable("no framework with non-deterministic operations is used")
    for use in project.uses("set-determinism"):
        return met(Site(1.0, use.call.name, use.where, key=use.call.name))
    for file in project.work_files:
        for row in file.python.assigns if file.python else ():
            if row.name.endswith("cudnn.deterministic"):
                return met(Site(1.0, row.name, file.at(row.line), key=row.name))
    for use in project.calls(*("lightning.Trainer", "pytorch_lightning.Trainer", "lightning.pytorch.Trainer")):
        if argument(use.call, "deterministic") is not None:
            return met(Site(1.0, "Trainer(deterministic=…)", use.where, key="Trainer"))
    return missing("operations on the GPU are not made deterministic")


_ENVIRONMENTS = (
    "devcontainer.json",
    "environment.yml",
    "environment.yaml",
    "flake.nix",
    "shell.nix",
    "default.nix",
    "pixi.toml",
    "pixi.lock",
    "conda-lock.yml",
    "Vagrantfile",
    "apptainer.def",
    "*.def",
    "Singularity*",
)


def environment_captured(project: Project) -> Verdict:
    """REP008: the environment that trains, system libraries included, can be built from the repository."""
    found = [(file, "builds") for file, _ in project.containers]
    found += [
        (file, "describes")
        for file in project.matching(*_ENVIRONMENTS)
        if file.size and file.role not in ("vendored", "example", "docs", "test")
    ]
    found += [(file, "describes") for file, manifest in project.manifests if manifest.tool.startswith("conda")]
    found += [(f, "describes") for f, row in project.resources if (row.tool, row.kind) == ("azureml", "environment")]
    sites = [_environment_site(project, file, verb) for file, verb in found]
    sites = sites or [*_named_images(project), *_service_images(project)]
    if not sites:
        return missing("no image, dev container or conda / nix / pixi environment describes where it runs")
    best = max(site.credit for site in sites)
    return met(next(site for site in sites if site.credit == best))


_OTHER_IMAGE = re.compile(
    r"(^|/)(mlflow|nginx|grafana|prometheus|frontend|web|ui|postgres\w*|redis|minio|db|docs|dashboard)(/|[-_.])[^/]*$"
)


def _environment_site(project: Project, file: ProjectFile, verb: str) -> Site:
    """Whole where it stands above what trains: the image of a service or an exercise captures another environment."""
    folder = built_above(file.path.rpartition("/")[0])
    above = {parent for entry in project.training_entries for parent in project.parent_folders(entry.path)}
    other = _OTHER_IMAGE.search(file.path)
    if not above or (folder in above and not other):
        return Site(1.0, f"{file.path} {verb} the environment", file.at(0), key="environment")
    return Site(0.5, f"{file.path} {verb} an environment, not the one that trains", file.at(0), key="environment")


def _service_images(project: Project) -> Iterator[Site]:
    """What BentoML builds the image of a service from: an environment beside the one that trains."""
    for file, row in project.settings("bentofile.yaml", "bentofile.yml"):
        if row.key.startswith(("python.", "docker.", "conda.")):
            yield Site(0.5, f"{file.path} describes the image of the service", file.at(row.line), key="bentofile")
            return


def _named_images(project: Project) -> Iterator[Site]:
    """Images that configuration or a cloud's estimator names, and somebody else builds."""
    for file in project.files:
        for row in file.facts.settings[:50]:
            key = row.key.lower()
            if ("docker" in key and "image" in key) or key.endswith("base_image"):
                yield Site(0.5, f"{file.path} names an image", file.at(row.line), key="image")
                return
    for use in project.calls("sagemaker.image_uris.retrieve"):
        yield Site(0.5, f"{use.call.name} names an image", use.where, key="image")
        return
