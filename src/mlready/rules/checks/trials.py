"""Checks of factor 8: what stands between a trial and production."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.findings import Site, Verdict, met_best, missing, unknown
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, Use
from mlready.rules.checks.common import constant, strings

# ------------------------------------------------------------------------------------------------------------- EXP011

_STAGES = re.compile(
    r"\b(staging|stage|prod|production|canary|shadow|preprod|pre-prod|uat|blue-green)\b", re.IGNORECASE
)
_NO_DELIVERY = re.compile(r"doc|wiki|page|site|lint|test|label|stale", re.IGNORECASE)
"""Jobs that publish texts or check something."""
_SAME_STAGE = {"prod": "production", "stage": "staging", "pre-prod": "staging", "preprod": "staging", "uat": "staging"}
_RESEARCH = re.compile(r"(^|/)(notebooks?|research|experiments?|exploration|prototypes?|sandbox)(/|$)", re.IGNORECASE)
_RUN_FOLDERS = re.compile(
    r"(^|[-_ ])(exp(eriment)?[-_]?(name|id)|run[-_]?(name|id|dir)|version[-_]?name)\b", re.IGNORECASE
)


def trial_and_production_apart(project: Project) -> Verdict:
    """EXP011: a gate or stage stands between a trial and what is in production; separate folders or releases are half."""
    sites = [*_promotions(project), *_environments(project), *_releases(project), *_separate_runs(project)]
    sites += _registered_artifacts(project)
    if not sites and not project.has(*TRAIN_ACTIVITIES, "fit"):
        return unknown("no call that trains was found, so no trial either")
    if not sites:
        return missing("trials and what is in production are one and the same thing")
    return met_best(sites, 4)


def _promotions(project: Project) -> Iterator[Site]:
    for use in project.uses("promote-model"):
        if use.call.name.endswith("_tag") and not tags_stage(use):
            continue
        by_hand = use.file.facts.notebook is not None
        said = f"{use.call.name} {_does(use)}" + (", by hand in a notebook" if by_hand else "")
        yield Site(0.5 if by_hand else 1.0, said, use.where, key=use.call.name)
    for command in project.commands:
        if command.origin in ("ci", "pipeline", "task") and re.search(
            r"\bpromote|gto (assign|register)|set-alias|transition", command.text
        ):
            yield Site(1.0, f"runs {command.text[:60]}", command.where, key="promote")
    for file in project.code_files:
        for number, scope in enumerate(file.python.scopes if file.python else ()):
            if (
                scope.kind == "function"
                and re.search(r"promot|champion|stage_transition|to_production", scope.name)
                and project.reaches((file.path, number), "any")
            ):
                yield Site(1.0, f"{scope.name} decides what goes to production", file.at(scope.line), key=scope.name)


def _does(use: Use) -> str:
    """What a promoting call does to a model: sets a tag or an alias, moves it to a stage."""
    last = use.call.name.rpartition(".")[2]
    if last.endswith("_tag"):
        return "marks a version of the model"
    if "stage" not in last:
        return "says which version of the model is used"
    stage = constant(use.call, "stage", "2")
    return f"moves a model to {stage}" if isinstance(stage, str) else "moves a model to another stage"


def tags_stage(use: Use) -> bool:
    """A tag of a version says anything: only one of its stage or approval promotes."""
    said = " ".join(text for arg in use.call.args for text in strings(arg.value))
    return bool(_STAGES.search(said) or re.search(r"champion|challenger|approv|promot", said, re.IGNORECASE))


def _environments(project: Project) -> Iterator[Site]:
    for file, automation in project.automations:
        for job in automation.jobs:
            if job.environment and _STAGES.search(job.environment) and not _NO_DELIVERY.search(job.name):
                yield Site(1.0, f"job {job.name} deploys to {job.environment}", file.at(job.line), key=job.name)
    described = [file for file in project.files if file.role in ("infra", "config")]
    for file in described:
        asked = next(
            (row for row in file.facts.settings if row.value in ("Approval", "ManualApproval", "manual-approval")), None
        )
        if asked is not None:
            yield Site(1.0, "a person approves what goes to production", file.at(asked.line), key="approval")
    names = {_SAME_STAGE.get(word.lower(), word.lower()) for file in described for word in _STAGES.findall(file.path)}
    if len(names) >= 2:
        yield Site(1.0, f"{' and '.join(sorted(names)[:3])} are described apart", key="environments")


def _releases(project: Project) -> Iterator[Site]:
    for file, automation in project.automations:
        if {"tag", "release"} & set(automation.triggers):
            yield Site(0.5, f"{file.path} runs on releases", file.at(0), key=file.path)


def _registered_artifacts(project: Project) -> Iterator[Site]:
    """Models that a pipeline of DVC declares for its registry, where Git tags are versions and stages."""
    for file, row in project.resources:
        if (row.tool, row.kind) == ("dvc", "artifact") and ("type", "model") in row.details:
            words = f"{file.path} declares the model {row.name} for a registry"
            yield Site(0.5, words, file.at(row.line), key=row.name)


def _separate_runs(project: Project) -> Iterator[Site]:
    trained = {path for path, _ in project.training_nodes}
    for use in project.uses("register-model", "track", notebooks=False):
        if use.call.name.endswith(("Logger", "SummaryWriter")) and trained and use.file.path not in trained:
            continue  # What is logged of an evaluation is no trial.
        if use.call.system == "python":
            continue  # A method of an unknown object: it may register anything.
        if use.call.system == "tensorboard" or use.call.name.endswith("SummaryWriter"):
            named = any(arg.value.kind == "fstring" or "comment" in arg.name for arg in use.call.args)
            if not named:
                continue
        registers = "register-model" in use.call.activities
        does = "registers each trial as a version of a model" if registers else "keeps each trial under its own name"
        yield Site(0.5, f"{use.call.name} {does}", use.where, key=use.call.name)
        break
    for use in project.uses("parse-args", "configure", reached="training", notebooks=False):
        if any(_RUN_FOLDERS.search(text) for arg in use.call.args for text in strings(arg.value)):
            yield Site(0.5, "each trial has a name and a folder", use.where, key="run name")
            break
    for use in project.calls("threading.Thread", ".submit", ".run_in_executor", ".add_task", reached="serving"):
        calls = use.file.python.calls if use.file.python else ()
        beside = [arg.value for call in calls if call.scope == use.call.scope for arg in call.args]
        said = " ".join(text for value in beside for text in (value.text, *strings(value)))
        if re.search(r"shadow|canary|challenger", f"{said} {' '.join(use.scope.refs)}", re.IGNORECASE):
            yield Site(1.0, "a model runs in shadow beside the one that answers", use.where, key="shadow")
            break
    yield from _stamped_runs(project)
    research = [file for file in project.notebooks if _RESEARCH.search(file.path)]
    if (
        0 < len(research) <= _COURSE
        and project.has_package
        and project.has(*TRAIN_ACTIVITIES, "fit", reached="any", notebooks=False)
    ):
        yield Site(0.5, f"{research[0].path} stands apart from the package", research[0].at(0), key="research")


_COURSE = 30
"""With more notebooks than these they are the product, and no research beside one."""
_RUN_NAME = re.compile(r"run|exp|version|stamp|save|ckpt|checkpoint|log_?dir|out", re.IGNORECASE)
_NO_RUN = re.compile(r"logg(er|ing)|report|plot|chart|notif|alert|monitor|audit|backup", re.IGNORECASE)
"""Files and functions in which a date names a log or a report."""


def _stamped_runs(project: Project) -> Iterator[Site]:
    """Runs that keep their results under a date: by hydra, or by `run_id = datetime.now().strftime(...)`."""
    trained = {path for path, _ in project.training_nodes}
    for use in project.uses("configure", "parse-args", notebooks=False):
        if use.call.name == "hydra.main" and use.file.path in trained:
            yield Site(0.5, "hydra keeps each run in a folder of its own", use.where, key="hydra")
            return
    for use in project.calls(".strftime", "time.strftime", reached="training"):
        if any(_RUN_NAME.search(name) for name in use.call.targets) and not _NO_RUN.search(
            f"{use.file.name} {use.scope.name}"
        ):
            yield Site(0.5, f"each run is named by its time ({use.call.targets[0]})", use.where, key="run name")
            return
