"""Checks of factor 4: training runs as a pipeline, unattended, in a described environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Location, Site, Verdict, met, missing, not_applicable
from mlready.project.commands import Command
from mlready.project.entries import started_files
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project
from mlready.rules.checks.common import argument

# ------------------------------------------------------------------------------------------------------ REP005, REP006

_RUNNERS = (
    "dvc",
    "mlproject",
    "snakemake",
    "kedro",
    "kubeflow",
    "argo",
    "azureml",
    "ploomber",
    "metaflow",
    "flyte",
    "luigi",
)


def training_pipeline_defined(project: Project) -> Verdict:
    """REP005: a pipeline runs training."""
    sites = [*_declared_pipelines(project), *_coded_pipelines(project), *_tasks_that_train(project)]
    if not sites:
        return missing("no pipeline runs training: its steps and their order are in somebody's head")
    return met(*sorted(sites, key=lambda site: -site.credit)[:4])


def _declared_pipelines(project: Project) -> Iterator[Site]:
    for file, stage in project.stages:
        command = Command(stage.command, "pipeline", file.at(stage.line))
        entries = {entry.path for entry in project.training_entries}
        trains = any(path in entries for path in started_files(project, command)) or re.search(
            r"\btrain|\bfit\b", f"{stage.name} {stage.command}"
        )
        if trains:
            yield Site(1.0, f"stage {stage.name} ({stage.tool}) trains", file.at(stage.line), key=stage.name)


def _coded_pipelines(project: Project) -> Iterator[Site]:
    training = {use.node for use in project.uses(*TRAIN_ACTIVITIES, "fit", "save-model")}
    for use in project.uses("orchestrate", "pipeline-step", notebooks=False):
        python = use.file.python
        assert python is not None
        nodes = project.graph.reach((use.file.path, i) for i in range(len(python.scopes)))
        names = " ".join(scope.name for scope in python.scopes) + " ".join(text.value for text in python.texts)
        if not training.isdisjoint(nodes) or re.search(r"train|fit", names, re.IGNORECASE):
            yield Site(1.0, f"{use.call.name} runs training as a pipeline", use.where, key=use.call.name)
            return


def _tasks_that_train(project: Project) -> Iterator[Site]:
    entries = {entry.path for entry in project.training_entries}
    for command in project.commands:
        if command.origin in ("task", "ci", "container") and any(p in entries for p in started_files(project, command)):
            yield Site(0.5, f"{command.text[:60]} trains, as a task and not as a pipeline", command.where, key="task")
            return
    for command in project.commands:
        if command.origin == "document" and any(p in entries for p in started_files(project, command)):
            said = f"only a document says how to train: {command.text[:60]}"
            yield Site(0.3, said, command.where, key="document")
            break
    for entry in project.training_entries:
        if entry.kind == "console-script":
            yield Site(0.5, f"{entry.reason} trains", Location(entry.path), key="console")
            return


def training_runs_unattended(project: Project) -> Verdict:
    """REP006: training starts from a command, without a notebook and without a person."""
    entries = [entry for entry in project.training_entries if entry.kind != "notebook"]
    if not entries:
        return missing("training can only be started from a notebook, or not at all")
    asked = list(project.uses("prompt-user", notebooks=False))
    asked += [use for use in project.calls("input") if use.file.facts.notebook is None]
    for entry in entries:
        reach = project.graph.reach(entry.nodes)
        waiting = next((use for use in asked if use.node in reach and "debug" not in use.call.context), None)
        if waiting is None:
            return met(Site(1.0, f"{entry.path} trains: {entry.reason}", Location(entry.path), key=entry.path))
    return missing("training waits for a person to type", asked[0].where, key="input")


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
    """REP008: the environment, system libraries included, can be built from the repository."""
    if project.containers:
        file, _ = project.containers[0]
        return met(Site(1.0, f"{file.path} builds the environment", file.at(0), key="container"))
    for file in project.matching(*_ENVIRONMENTS):
        if file.size and file.role not in ("vendored", "example", "docs", "test"):
            return met(Site(1.0, f"{file.path} describes the environment", file.at(0), key="environment"))
    for file, manifest in project.manifests:
        if manifest.tool.startswith("conda"):
            return met(Site(1.0, f"{file.path} describes the environment", file.at(0), key="environment"))
    for file in project.files:
        if any(
            "docker" in setting.key.lower() and "image" in setting.key.lower() for setting in file.facts.settings[:50]
        ):
            return met(Site(0.5, f"{file.path} names an image", file.at(0), key="image"))
    return missing("no image, dev container or conda / nix / pixi environment describes where it runs")
