"""Checks of factor 12: training ends in something that can be deployed. What the service does is in serving.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mlready.facts.rows import Call, Container, Resource, Stage
from mlready.findings import Site, Verdict, each, met, met_best, missing, not_applicable, unknown
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.artifacts import Tracer
from mlready.rules.checks.common import (
    NO_TRAINING,
    checkpoints_kept,
    literal_path,
    missing_in_code,
    nothing_trains,
    strings,
)
from mlready.rules.checks.models import STORE_KEEPS, kept_by_mlflow, kept_by_store, saves_model

# ------------------------------------------------------------------------------------------------------ DEP001, DEP002

_PACKAGED = re.compile(r"\.(onnx|keras|safetensors|skops|tflite|mar|pmml|mlmodel|engine)$", re.IGNORECASE)
_PACKAGING_SYSTEMS = frozenset(
    [
        "mlflow",
        "bentoml",
        "onnx",
        "skl2onnx",
        "skops",
        "safetensors",
        "seldon",
        "kserve",
        "coreml",
        "openvino",
        "tensorrt",
        "sagemaker",
    ]
)
_OWN_FORMAT = frozenset(("catboost", "lightgbm", "xgboost"))
_PACKAGING_CALLS = re.compile(
    r"log_model|save_pretrained|push_to_hub|export|saved_model\.save|jit\.(save|script|trace)|keras.*\.save$"
)


def artifact_produced(project: Project) -> Verdict:
    """DEP001: training ends in a packaged artifact; a bare pickle is half of one."""
    trace = Tracer(project)
    saved = [use for use in project.uses("save-model", "register-model") if saves_model(trace, use) is not False]
    sites = [*(_artifact_site(project, use) for use in saved), *_saved_by_frameworks(project)]
    sites += [replace(site, credit=1.0) for site in kept_by_mlflow(project)]
    for file, stage in project.stages:
        for out in stage.outs:
            if _PACKAGED.search(out) or re.search(r"model[^/]*(/|$)", out):
                sites.append(Site(0.75, f"stage {stage.name} makes {out}", file.at(stage.line), key=out))
    if not sites and nothing_trains(project):
        return not_applicable(NO_TRAINING)
    if not sites and kept_by_store(project):
        return unknown(STORE_KEEPS)
    if not sites:
        return missing_in_code(project, "training ends without an artifact that could be deployed")
    return met_best(sites, 4)


def _saved_by_frameworks(project: Project) -> Iterator[Site]:
    """Checkpoints that a framework writes while it trains: called in code, or made by configuration; MLflow recipes."""
    if kept := next(checkpoints_kept(project), None):
        yield Site(0.5, f"{kept[0]} keeps checkpoints", kept[1], key="checkpoint")
    for file, row in project.settings("pipeline.yaml", "recipe.yaml"):
        if row.key in ("template", "recipe") and re.match(r"(regression|classification)/v\d", str(row.value)):
            yield Site(1.0, "the recipe of MLflow logs the model", file.at(row.line), key="recipe")


def _artifact_site(project: Project, use: Use) -> Site:
    name, path = use.call.name, literal_path(use.call)
    packaged = use.call.system in _PACKAGING_SYSTEMS or _PACKAGING_CALLS.search(name) or _PACKAGED.search(path)
    if use.file.facts.notebook is not None:
        return Site(0.5 if packaged else 0.25, f"{name} saves the model, from a notebook", use.where, key=name)
    if use.call.system in _OWN_FORMAT:
        return Site(0.75, f"{name} writes the model in its framework's own format", use.where, key=name)
    if packaged:
        return Site(1.0, f"{name} packages the model", use.where, key=name)
    if _saves_pipeline(use):
        described = _writes_metadata(project, use)
        said = "with its metadata" if described else "without its metadata"
        return Site(1.0 if described else 0.75, f"{name} saves the whole pipeline, {said}", use.where, key=name)
    if _writes_metadata(project, use, beside=True):
        return Site(0.75, f"{name} writes a bare file, with its metadata beside it", use.where, key=name)
    said = "writes a bare file: nothing says how it is to be called, or with which versions"
    return Site(0.5, f"{name} {said}", use.where, key=name)


def _saves_pipeline(use: Use) -> bool:
    """Whether what is saved is a Pipeline, by the name or the maker of the variable."""
    python = use.file.python
    assert python is not None
    saved = {arg.value.text for arg in use.call.args if arg.value.kind == "name"}
    if any(re.search(r"pipe(line)?", name, re.IGNORECASE) for name in saved):
        return True
    makers = [call for call in python.calls if set(call.targets) & saved]
    return any(call.name.endswith(("Pipeline", "make_pipeline")) for call in makers)


_METADATA = re.compile(r"metadata|signature|manifest|model_?info|model_?card|schema|version", re.IGNORECASE)
_BESIDE = re.compile(
    r"(^|[_./])meta(_?data|_path|_file)?([_.]|$)|signature|manifest|model_?info|model_?card", re.IGNORECASE
)
_JSON = re.compile(r"(^|\.)(json|yaml)\.(safe_)?dumps?$")


def _writes_metadata(project: Project, use: Use, *, beside: bool = False) -> bool:
    """Whether the same file (`beside`: the same function) writes what is to be known of the model."""
    python, words = use.file.python, _BESIDE if beside else _METADATA
    assert python is not None
    after = (call for call in python.calls if call.scope == use.call.scope and call.line >= use.call.line)
    if any(_JSON.search(call.name) and _BESIDE.search(text) for call in after for text in _said(call)):
        return True
    writers = project.uses("write-data", "serialize", "open-file", "save-model", "log-artifact")
    return any(
        other.file.path == use.file.path
        and (not beside or other.call.scope == use.call.scope)
        and other.call is not use.call
        and any(words.search(text) and not text.endswith(("_dir", "_folder")) for text in _said(other.call))
        for other in writers
    )


def _said(call: Call) -> Iterator[str]:
    """The names and strings that a call is given."""
    for arg in call.args:
        yield from strings(arg.value)
        yield arg.value.text


_IMAGE_FILES = ("bentofile.yaml", "cog.yaml", "project.toml", "Procfile", "*truss/config.yaml")
_BUILDS = re.compile(r"mlflow models build-docker|bentoml containerize|pack build|cog build|ko build|s2i build")


def _opens_notebooks(container: Container) -> bool:
    return bool(re.search(r"\bjupyter(-lab|-notebook)?\b", f"{container.entrypoint} {container.command}"))


def container_defined(project: Project) -> Verdict:
    """DEP002: an image, or what builds one, is in the repository."""
    for file, container in sorted(project.containers, key=lambda pair: _opens_notebooks(pair[1])):
        if _opens_notebooks(container):
            return met(Site(0.25, f"the image of {file.path} only opens notebooks", file.at(0), key=file.path))
        return met(Site(1.0, f"{file.path} defines an image", file.at(0), key=file.path))
    for file in project.matching(*_IMAGE_FILES):
        if file.size:
            return met(Site(1.0, f"{file.path} defines an image", file.at(0), key=file.path))
    for command in project.commands:
        if command.origin in ("ci", "task", "pipeline") and _BUILDS.search(command.text):
            return met(Site(1.0, f"{command.text[:60]} builds an image", command.where, key="command"))
    hosted = _azure_environment(project)
    if hosted is not None:
        return met(hosted)
    for use in project.uses("build-image"):
        return met(Site(1.0, f"{use.call.name} builds an image", use.where, key=use.call.name))
    return missing("no image is defined")


def _azure_environment(project: Project) -> Site | None:
    for file, row in project.resources:
        if (row.tool, row.kind) == ("azureml", "environment"):
            return Site(1.0, f"Azure ML builds the image of {row.name}", file.at(row.line), key=row.name)
    return None


# -------------------------------------------------------------------------------------------------------------- DEP003

_IMAGE_DEMANDS = 7
"""Base, user, secrets, lock, ignore file, data, health: each that is missing takes a seventh."""


def container_sound(project: Project) -> Verdict:
    """DEP003: each image has a pinned base, no root user, no secrets, what the lock says, and no data inside."""
    if not project.containers:
        built = next(project.matching("bentofile.yaml", "cog.yaml"), None)
        if built is not None:
            return met(Site(1.0, f"{built.path} lets a tool build the image", built.at(0)))
        if _azure_environment(project) is not None:
            return unknown("Azure ML builds the image: who it runs as and what lies in it cannot be told")
        return missing("there is no image yet")
    return each(*(_image_site(project, file, container) for file, container in project.containers))


def _image_site(project: Project, file: ProjectFile, container: Container) -> Site:
    faults = [*_identity_faults(container), *_content_faults(project, file, container)]
    credit = max(0.0, 1.0 - len(faults) / _IMAGE_DEMANDS)
    return Site(credit, "; ".join(faults) or "pinned, without root, from the lock", file.at(0), key="image")


_SECRET_NAME = re.compile(r"(PASSWORD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY)\w*[= ]\s*\S+", re.IGNORECASE)
_NO_ROOT_BASE = re.compile(r"nonroot|sagemaker|lambda", re.IGNORECASE)


_BUILT_HERE = re.compile(r":(local|dev)$|^localhost/")
"""Its own image is judged; the user of that one is taken over."""
_MONTHLY_TAG = re.compile(r":\d\d\.\d\d(-|$)")
"""nvcr.io/nvidia/pytorch:22.11-py3: one image a month, which is not built again."""


def _identity_faults(container: Container) -> Iterator[str]:
    """What is wrong with base, user and secrets."""
    base = _external_base(container)
    own = base is not None and _BUILT_HERE.search(base.base)
    if base is not None and not own and base.pinned in ("none", "loose-tag") and not _MONTHLY_TAG.search(base.base):
        yield f"base {base.base} has no full tag or digest"
    as_root = container.user in ("root", "0", "0:0") or (container.user == "" and not own)
    if as_root and not _NO_ROOT_BASE.search(base.base if base else ""):
        yield "runs as root"
    if any(row.op in ("ENV", "ARG") and _SECRET_NAME.search(row.value) for row in container.instructions):
        yield "keeps a secret in ENV or ARG"


_COPIES_ALL = re.compile(r"^(--\S+\s+)*\.\s")
_SERVES = re.compile(r"uvicorn|gunicorn|serve|flask|fastapi|streamlit|api|app|hypercorn")


def _content_faults(project: Project, file: ProjectFile, container: Container) -> Iterator[str]:
    """What is wrong with what is installed and copied, and with how it is watched."""
    copies = [row for row in container.instructions if row.op in ("COPY", "ADD")]
    last = len(container.stages) - 1
    if not _from_lock(project, container):
        yield "installs versions that no lock fixes"
    if any(_COPIES_ALL.search(row.value) for row in copies) and not _has_dockerignore(project, file):
        yield "copies everything, with no .dockerignore"
    if any(row.stage == last and re.search(r"(^|\s|/)(data|datasets?)(/\S*)?\s", row.value) for row in copies):
        yield "bakes data in"
    base = _external_base(container)
    hosted = base is not None and _NO_ROOT_BASE.search(base.base)  # The platform watches it.
    served = not hosted and _SERVES.search(f"{container.command} {container.entrypoint}")
    if served and not container.healthcheck and not _probed(project):
        yield "no HEALTHCHECK, and no probe anywhere"


def _external_base(container: Container) -> Stage | None:
    """The base of the last stage, followed through earlier stages."""
    stage: Stage | None = container.stages[-1] if container.stages else None
    by_name = {s.name: s for s in container.stages if s.name}
    for _ in range(10):
        if stage is None or stage.pinned != "stage":
            break
        stage = by_name.get(stage.base)
    return stage


_LOCKED_INSTALL = re.compile(
    r"uv sync[^&]*(--frozen|--locked)|uv export|poetry install|pdm (sync|install)|pipenv (install --deploy|sync)|"
    r"pixi install --locked|conda-lock install|--require-hashes"
)
_INSTALLS = re.compile(
    r"\b(pip3?|uv pip|conda|mamba|poetry|uv|pdm|pipenv|pixi)\s+(-\S+\s+)*(install|sync|add|create|env)\b"
)


def _from_lock(project: Project, container: Container) -> bool:
    runs = [row.value for row in container.instructions if row.op == "RUN" and _INSTALLS.search(row.value)]
    if not runs or any(_LOCKED_INSTALL.search(run) for run in runs):
        return True
    if any("uv sync" in run for run in runs) and any("uv.lock" in row.value for row in container.instructions):
        return True  # Without --frozen it still installs what the lock says, where the lock fits the project.
    named = [word for run in runs for word in re.findall(r"-r\s*(\S+)", run)]
    return bool(named) and all(_is_pinned(project, name) for name in named)


def _is_pinned(project: Project, name: str) -> bool:
    last = name.rpartition("/")[2]
    for file, manifest in project.manifests:
        if file.name == last:
            rows = [r for r in manifest.requirements if r.source == "index"]
            return manifest.role == "locks" or (bool(rows) and all(r.spec.startswith("==") for r in rows))
    return bool(re.search(r"lock|frozen", last))


def _has_dockerignore(project: Project, file: ProjectFile) -> bool:
    names = (".dockerignore", f"{file.name}.dockerignore")
    return any(other.name in names for other in project.files if other.size)


def _probed(project: Project) -> bool:
    probes = any("probe" in key.lower() for _, resource in project.resources for key, _ in resource.details)
    return probes or any(service.healthcheck for file in project.files for service in file.facts.services)


# -------------------------------------------------------------------------------------------------------------- DEP007

_PLATFORM_FILES = (
    "fly.toml",
    "render.yaml",
    "app.yaml",
    "Procfile",
    "railway.json",
    "vercel*.json",
    "databricks.yml",
    "serverless.yml",
    "serverless.yaml",
)
_PROVISIONS = frozenset(("pulumi", "aws-cdk", "cdktf", "ray", "modal", "bentoml", "sagemaker"))
_PIPELINE_KINDS = frozenset(("Workflow", "WorkflowTemplate", "CronWorkflow", "PipelineRun", "Pipeline", "artifact"))


def infrastructure_as_code(project: Project) -> Verdict:
    """DEP007: where it runs is described in files."""
    described = next(((f, r) for f, r in project.resources if _is_infrastructure(f, r)), None)
    if described is not None:
        file, resource = described
        said = f"{resource.tool}: {resource.kind} {resource.name}".strip()
        return met(Site(1.0, said, file.at(resource.line), key=resource.tool))
    for use in project.uses("provision", "deploy", notebooks=False):
        if use.call.system in _PROVISIONS:
            return met(Site(1.0, f"{use.call.name} describes the infrastructure", use.where, key=use.call.name))
    aside = ("example", "docs", "test")
    for file in project.matching(*_PLATFORM_FILES):
        if file.size and file.role not in aside:
            return met(Site(0.75, f"{file.path} describes where it runs", file.at(0), key=file.path))
    for file, row in project.settings("*.yml", "*.yaml"):
        if row.key.startswith("head_node_type") and file.role not in aside:
            return met(Site(0.75, f"{file.path} describes a cluster of Ray", file.at(row.line), key=file.path))
    beanstalk = next((f for f in project.files if f.path.startswith((".ebextensions/", ".elasticbeanstalk/"))), None)
    if beanstalk is not None:
        said = f"{beanstalk.path} describes where it runs (Elastic Beanstalk)"
        return met(Site(0.75, said, beanstalk.at(0), key=beanstalk.path))
    composed = next((f for f in project.files if f.facts.services and f.role not in aside), None)
    if composed is not None:
        said = f"{composed.path} describes the services of one machine"
        return met(Site(0.5, said, composed.at(0), key=composed.path))
    return missing("where it runs is described nowhere")


def _is_infrastructure(file: ProjectFile, resource: Resource) -> bool:
    """Pipelines, dashboards and lock files describe no place to run."""
    if resource.tool in ("prometheus", "grafana", "dvc", "alertmanager", "mlproject") or file.name.endswith(
        ".lock.hcl"
    ):
        return False
    return resource.kind not in _PIPELINE_KINDS


# ------------------------------------------------------------------------------------------------------ DEP009, DEP010


_BUILDERS = ("setup.py", "setup.cfg", "poetry")


def installable_package(project: Project) -> Verdict:
    """DEP009: code of more than one module is a package with metadata, imported without tricks."""
    modules = [file for file in project.code_files if file.name not in ("setup.py", "conftest.py")]
    tricks = [u for u in project.calls("sys.path.append", "sys.path.insert") if u.file.facts.notebook is None]
    packaged = [
        (f, m) for f, m in project.manifests if m.distribution and m.role == "declares" and m.tool != "mlproject"
    ]
    if len(modules) <= 1 and not packaged:
        return not_applicable("one module needs no package")
    if not packaged:
        if not _import_each_other(project):
            return not_applicable("no module imports another: scripts that stand alone need no package")
        said = "modules are imported from where they lie: there is no package metadata"
        return missing(said, tricks[0].where if tricks else None)
    packaged.sort(key=lambda pair: (not pair[1].build_backend, pair[1].tool not in _BUILDERS, pair[0].path.count("/")))
    file, manifest = packaged[0]
    if not manifest.build_backend and manifest.tool not in _BUILDERS:
        said = f"{file.path} names the project, and no build system installs it"
        return met(Site(0.5, said, file.at(0), key="no build system"))
    if tricks:
        said = f"is packaged, yet {tricks[0].call.name} bends the path"
        return met(Site(0.5, said, tricks[0].where, key="sys.path"))
    return met(Site(1.0, f"{file.path} makes it a package", file.at(0), key=file.path))


def _import_each_other(project: Project) -> bool:
    """Whether any code, notebooks included, imports a module of the project's own."""
    return any(
        row.level or (root in project.local_roots and project.module_index.find(root, importer=file.path))
        for file in project.python_files
        for row in (file.python.imports if file.python else ())
        for root in [row.module.partition(".")[0]]
    )


_CARD = re.compile(r"model[-_ ]?card|model_description|model[-_]?facts", re.IGNORECASE)
_CARD_GROUPS = {
    "use": r"intended use|use case|intended",
    "data": r"training data|dataset|\bdata\b",
    "metrics": r"metric|evaluation|performance|accuracy|f1|auc",
    "limits": r"limit|bias|risk|ethical|caveat|out[- ]of[- ]scope",
}
_CARD_MAKERS = (
    "huggingface_hub.ModelCard",
    "huggingface_hub.ModelCard.from_template",
    "skops.card.Card",
    "model_card_toolkit.ModelCardToolkit",
)


def model_described(project: Project) -> Verdict:
    """DEP010: a model card says what the model is for, what it was trained on, how good it is and where it ends."""
    sites = [
        Site(1.0, f"{use.call.name} writes a model card", use.where, key=use.call.name)
        for use in project.calls(*_CARD_MAKERS)
    ]
    for file, document in project.documents:
        card = bool(_CARD.search(file.path))
        readme = file.name.lower().startswith("readme") and file.role not in ("vendored", "test")
        readme = readme and f"{file.path.rpartition('/')[0]}/Chart.yaml" not in project.by_path
        said = " ".join((*document.terms, *(text for _, text in document.headings))).lower()
        groups = sorted(name for name, pattern in _CARD_GROUPS.items() if re.search(pattern, said))
        if card or (readme and len(groups) >= 3 and {"use", "limits"} <= set(groups)):
            credit = min(1.0, 0.25 * len(groups)) if card else 0.5
            what = ", ".join(groups) or "little"
            sites.append(Site(credit, f"{file.path} tells of {what}", file.at(0), key=file.path))
    if not sites:
        return missing("no model card says what the model is for and where it ends")
    return met_best(sites, 2)
