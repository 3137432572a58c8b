"""Checks of factor 1: models and prompts are versioned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlready.facts.rows import Call
from mlready.findings import Site, Verdict, each, hazard, met, missing
from mlready.project.project import Project, Use
from mlready.rules.checks.common import (
    argument,
    constant,
    is_remote,
    literal_path,
    spreads_keywords,
    strings,
    written_paths,
)

# -------------------------------------------------------------------------------------------------------------- VER005

_VERSION_MARK = re.compile(r"\{[^}]*\}|%s|%d|\bv\d+|\d{8}")


def models_versioned(project: Project) -> Verdict:
    """VER005: a trained model gets a version that can be named, and the one before it is kept."""
    sites = [_registered_site(project, use) for use in _registering(project)]
    sites += [
        Site(
            0.5,
            f"{use.call.name} keeps the model under the id of its run, registered by no name",
            use.where,
            key=use.call.name,
        )
        for use in project.uses("save-model", "log-artifact", notebooks=False)
        if use.call.system in ("mlflow", "wandb", "comet", "neptune", "clearml", "dvclive") and "model" in use.call.name
    ]
    outs = {out: (f, stage) for f, stage in project.stages for out in stage.outs if stage.tool == "dvc"}
    saves = list(project.uses("save-model"))
    for out, (file, stage) in outs.items():
        if _is_model_path(out):
            sites.append(Site(1.0, f"DVC keeps {out} as an output of {stage.name}", file.at(stage.line), key=out))
    for file in project.files:
        for row in file.facts.tracked:
            if file.path.endswith(".dvc") and _is_model_path(row.path):
                sites.append(Site(1.0, f"DVC keeps {row.path}", file.at(0), key=row.path))
        if file.lfs and file.role == "model":
            sites.append(Site(0.5, f"git LFS keeps {file.path}", file.at(0), key=file.path))
    if sites:
        return met(*sorted(sites, key=lambda site: -site.credit)[:5])
    for use in project.uses("load-model", "download", notebooks=False):
        if released := _released(use):
            return met(Site(0.5, f"weights are released as {released}, by hand", use.where, key=released))
    if not saves:
        return missing("no trained model is saved, let alone registered under a version")
    return met(*_saved(saves)[:5])


def _registering(project: Project) -> Iterator[Use]:
    yield from project.uses("register-model")
    for use in project.uses("log-artifact", "save-model"):
        if argument(use.call, "registered_model_name") is not None and use.call.system == "mlflow":
            yield use


def _registered_site(project: Project, use: Use) -> Site:
    if use.file.facts.notebook is None:
        return Site(1.0, f"{use.call.name} registers the model", use.where, key=use.call.name)
    training = {u.file.path for u in project.uses("train", "tune", "fine-tune", "fit", notebooks=True)} | {
        use.file.path
    }
    registering = {u.file.path for u in _registering(project) if u.file.facts.notebook is not None}
    said = f"{use.call.name} registers the model, in {len(registering)} of {len(training)} notebooks that train"
    return Site(0.5 * len(registering) / len(training | registering), said, use.where, key=use.call.name)


def _is_model_path(path: str) -> bool:
    name = path.lower()
    return "model" in name or name.endswith(
        (".pkl", ".joblib", ".pt", ".pth", ".onnx", ".h5", ".keras", ".safetensors", ".bin")
    )


def _saved(saves: list[Use]) -> list[Site]:
    sites = []
    for use in saves:
        path = literal_path(use.call)
        if path and not _VERSION_MARK.search(path):
            said = f"every run overwrites {path}: nobody can roll back"
            sites.append(Site(0.0, said, use.where, key=path))
        elif path:
            sites.append(Site(0.5, f"saved as {path}, by a name that the code makes up", use.where, key=path))
        else:
            sites.append(
                Site(0.0, f"{use.call.name} saves the model under a path, in no registry", use.where, key=use.call.name)
            )
    return sorted(sites, key=lambda site: -site.credit)


# -------------------------------------------------------------------------------------------------------------- VER008

_REVISIONS = ("revision", "code_revision", "model_revision", "version", "commit_hash")


_SHA = re.compile(r"^[0-9a-f]{7,40}$|^sha256:")


_DATED_MODEL = re.compile(r"\d{4}-?\d\d-?\d\d|-\d{4}$|@\d{8}|-\d{3}$|:\d+$")


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


def _hub_id(call: Call) -> str | None:
    """The name of what is fetched; None for local folders and for names that come from configuration."""
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


# -------------------------------------------------------------------------------------------------------------- VER009

_REGISTRY_URI = re.compile(r"^(models:/|runs:/|wandb-artifact:|.*@(champion|production|staging)|.*:v\d+$)")


_NEWEST = frozenset(("max", "sorted", "glob.glob", "glob.iglob", "os.listdir"))


def serving_pins_model(project: Project) -> Verdict:
    """VER009: what is served is a named version of a model, from configuration or baked into a tagged image."""
    loads = [use for use in project.uses("load-model", notebooks=False) if project.reaches(use.node, "serving")]
    loads = loads or list(project.uses("load-model", reached="any", notebooks=False))
    if not loads:
        return missing("nothing loads a named version of a model to predict with")
    kept = _Kept(
        overwritten=frozenset(path for use, path in written_paths(project) if "save-model" in use.call.activities),
        versioned=frozenset(_versioned_files(project)),
        baked=_baked_models(project),
        tagged=_tags_images(project),
    )
    trains = {path for path, _ in project.training_nodes} - {path for path, _ in project.serving_nodes}
    sites = [_load_site(use, kept, training=use.file.path in trains) for use in loads]
    return met(*sorted(sites, key=lambda site: -site.credit)[:5])


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where models of a project lie: paths that runs overwrite, paths that git or DVC version, and images."""

    overwritten: frozenset[str]
    versioned: frozenset[str]
    baked: bool
    tagged: bool


def _baked_models(project: Project) -> bool:
    return any(
        row.op in ("COPY", "ADD") and any(_copies_model(word) for word in row.value.split()[:-1])
        for _, container in project.containers
        for row in container.instructions
    )


def _copies_model(source: str) -> bool:
    return bool(re.search(r"model|\.pkl|\.joblib|\.onnx|artifact", source)) and not source.endswith(
        (".py", ".txt", ".toml")
    )


_VERSION_TAG = re.compile(r":[\w.-]*?(\$|v?\d+\.\d+|\d{8})")
_IMAGE_COMMAND = re.compile(r"\b(docker|podman|buildah|gcloud|az|bentoml)\b.*\b(build|push|tag|buildx|bake|deploy)\b")


def _tags_images(project: Project) -> bool:
    """Whether some build, release or deployment names images of the project by a version."""
    for _, automation in project.automations:
        for job in automation.jobs:
            for step in job.steps:
                inputs = " ".join(value for name, value in step.inputs if name in ("tags", "image", "images"))
                if "docker/metadata-action" in step.uses or _VERSION_TAG.search(inputs):
                    return True
    texts = (command.text for command in project.commands)
    return any(_IMAGE_COMMAND.search(text) and _VERSION_TAG.search(text) for text in texts)


def _versioned_files(project: Project) -> Iterator[str]:
    """Model files that a commit names: tracked by git, LFS or DVC."""
    for file in project.files:
        if file.role == "model" and file.tracked:
            yield file.path
        yield from (row.path for row in file.facts.tracked)
    yield from (out for _, stage in project.stages if stage.tool == "dvc" for out in stage.outs)


def _load_site(use: Use, kept: _Kept, *, training: bool) -> Site:
    call = use.call
    path = literal_path(call)
    values = [arg.value for arg in call.args]
    if any(value.kind == "call" and value.text in _NEWEST for value in values):
        return Site(0.0, "loads whatever file is newest", use.where, key=call.name)
    text = constant(call, "0", "model_uri")
    if isinstance(text, str) and _REGISTRY_URI.match(text):
        return Site(1.0, f"loads {text}", use.where, key=text)
    if call.system in ("mlflow", "wandb", "bentoml"):
        return Site(1.0, f"{call.name} loads from a registry", use.where, key=call.name)
    if kept.baked and kept.tagged:
        return Site(1.0, "the model is baked into an image that is tagged with a version", use.where, key=call.name)
    if path and path in kept.versioned and path not in kept.overwritten:
        return Site(0.5, f"loads {path}, whose version is that of the commit", use.where, key=path)
    if kept.baked:
        said = "the model is copied into an image that no file gives a version"
        return Site(0.25, said, use.where, key=call.name)
    if path and path in kept.overwritten:
        return Site(0.0, f"loads {path}, which every training run overwrites", use.where, key=path)
    if path:
        return Site(0.0, f"loads {path}, a path that names no version", use.where, key=path)
    if released := _released(use):
        return Site(1.0, f"loads the release {released}", use.where, key=released)
    if training:
        return Site(
            0.0,
            f"{call.name} goes on from a checkpoint; nothing loads a version to predict with",
            use.where,
            key=call.name,
        )
    said = f"{call.name} loads from a path that is given: a version can be, and none is named"
    return Site(0.5, said, use.where, key=call.name)


_RELEASE = re.compile(r"/releases?/(download/)?(v?\d[\w.]*)/|/v\d+(\.\d+)+/")


def _released(use: Use) -> str:
    """The release that a fixed address names: ".../releases/download/v3.0/weights.pth" -> "v3.0"; "" if none."""
    texts = [text for arg in use.call.args for text in strings(arg.value)]
    found = next((m for text in texts if is_remote(text) and (m := _RELEASE.search(text))), None)
    return found[0].strip("/").rpartition("/")[2] if found else ""


# -------------------------------------------------------------------------------------------------------------- VER010

_LONG_PROMPT = 200


def prompts_versioned(project: Project) -> Verdict:
    """VER010: prompts stand in files, named constants or a registry, where a change of them can be seen."""
    sites = [_prompt_site(use) for use in project.uses("call-llm", "prompt", reached="any", notebooks=False)]
    found = [site for site in sites if site is not None]
    if not found:
        return met(Site(1.0, "no long prompt is written at a call"))
    return each(*found)


def _prompt_site(use: Use) -> Site | None:
    longest = max((_longest(arg.value) for arg in use.call.args), default=0)
    if longest > _LONG_PROMPT:
        return Site(0.0, f"a prompt of {longest} characters is written at the call", use.where, key=use.call.name)
    return Site(1.0, "the prompt comes from a name or a file", use.where, key=use.call.name)


def _longest(value: object, depth: int = 6) -> int:
    from mlready.facts.rows import Value

    if not isinstance(value, Value) or depth == 0:
        return 0
    own = value.length or (len(value.scalar) if value.kind == "const" and isinstance(value.scalar, str) else 0)
    own = max(own, len(value.text) if value.kind == "fstring" else 0)
    return max([own, *(_longest(item, depth - 1) for item in (*value.items, *value.values))])
