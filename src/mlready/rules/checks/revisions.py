"""Checks of factor 1: what comes from a hub comes at a fixed revision."""

from __future__ import annotations

import re

from mlready.facts.rows import Call
from mlready.findings import Site, Verdict, hazard
from mlready.project.project import Project, Use
from mlready.rules.checks.common import argument, constant, spreads_keywords

# -------------------------------------------------------------------------------------------------------------- VER008

_REVISIONS = ("revision", "code_revision", "model_revision", "version", "commit_hash")


_SHA = re.compile(r"^[0-9a-f]{7,40}$|^sha256:")


_MOVING = re.compile(r"(latest|main|master|HEAD)$")


def model_revision_pinned(project: Project) -> Verdict:
    """VER008: what is fetched from a hub is fetched at a fixed revision."""
    broken: list[Site] = []
    units = 0
    for use in project.uses("load-model", "read-data", "embed", "predict", "train"):
        if "hub" not in project.vocabulary.traits(use.call.name):
            continue
        name = _hub_id(use.call)
        if name is None or project.reaches(use.node, "") is False:
            continue
        units += 1
        site = _revision_site(use, name)
        if site is not None:
            broken.append(site)
    return hazard(broken, units=units)


_OWNERLESS = re.compile(r"^(transformers|diffusers|peft)\.")
"""Libraries whose hub has no underscore in a name without an owner: such a name is a folder of the own training."""


def _hub_id(call: Call) -> str | None:
    """The name of what is fetched; None for local folders and for names that come from configuration."""
    value = _named(call)
    if constant(call, "pretrained") is False or (call.name.startswith("timm.") and not argument(call, "pretrained")):
        return None  # Random weights.
    if value is not None and _OWNERLESS.search(call.name) and "_" in value and "/" not in value and " " not in value:
        return None
    return value


def _named(call: Call) -> str | None:
    if call.name.rpartition(".")[2] == "pipeline":
        return _pipeline_id(call)
    value = constant(
        call, "0", "pretrained_model_name_or_path", "repo_id", "model", "path", "model_name_or_path", "repo"
    )
    if not isinstance(value, str):
        value = constant(call, "model", "repo_id", "1")
    if (
        not isinstance(value, str)
        or not value
        or value.startswith((".", "/", "~"))
        or value.endswith((".csv", ".json", ".parquet", ".pt", ".bin", ".safetensors"))
        or re.search(r"tfhub\.dev/.*/\d+$", value)
    ):
        return None
    if value.split("/")[0] in (
        "models",
        "model",
        "output",
        "outputs",
        "checkpoints",
        "data",
        "results",
        "artifacts",
        "saved_model",
        "ckpt",
        "runs",
        "csv",
        "json",
        "text",
        "parquet",
        "imagefolder",
        "audiofolder",
    ):
        return None
    return value


def _pipeline_id(call: Call) -> str | None:
    """The model of `pipeline(task, model=…)`; the task where no model is named: then the library chooses one."""
    model = argument(call, "model", "1")
    if model is None:
        task = constant(call, "0", "task")
        return f"the default model of {task}" if isinstance(task, str) else None
    return model.scalar if model.kind == "const" and isinstance(model.scalar, str) else None


def _revision_site(use: Use, name: str) -> Site | None:
    if spreads_keywords(use.call):
        return None
    value = argument(use.call, *_REVISIONS)
    trusted = constant(use.call, "trust_remote_code") is True
    if value is not None and value.kind != "const":
        return None
    revision = str(value.scalar) if value is not None and value.scalar else ""
    if "torch.hub" in use.call.name and ":" in name:
        revision = name.split(":", 1)[1]
    if _SHA.match(revision):
        return None
    if revision and not _MOVING.search(revision):
        return Site(0.5, f"{name} at tag {revision}, which can move", use.where, key=name)
    danger = ", and runs the code that comes with it" if trusted else ""
    return Site(0.0, f"{name} is fetched without a fixed revision{danger}", use.where, key=name)
