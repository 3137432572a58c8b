"""Checks that both sides of a model rest on the same: versions of packages, origin of data, embedding model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from mlready.facts.rows import Document, Manifest
from mlready.findings import Location, Site, Verdict, each, hazard, met, met_best, missing, not_applicable
from mlready.project.entries import started_files
from mlready.project.kinds import ANSWER_ACTIVITIES, BOTH
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import constant
from mlready.rules.checks.followed import trains
from mlready.rules.checks.sides import apart
from mlready.vocabulary.lookup import normalized

# -------------------------------------------------------------------------------------------------------------- SKW007

_SERVING_FOLDER = re.compile(
    r"(^|/)(serv\w*|api|app|inference|deploy\w*|predict\w*|backend|docker)(/|$)", re.IGNORECASE
)
_LOCKED_INSTALL = re.compile(
    r"uv (sync|export)|poetry (install|export)|pdm (sync|install|export)|pipenv (sync|install|requirements)|conda-lock|"
    r"pixi install|uv pip sync|--frozen|"
    r"(environment|conda[\w-]*)\.ya?ml|pylock"
)
_REQUIREMENTS = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")
_INLINE = re.compile(r"\b([A-Za-z][\w.-]*)(?:\[[^\]]*\])?==([0-9][\w.]*)")


def same_environment(project: Project) -> Verdict:
    """SKW007: what serves installs the versions that training locked."""
    if not (project.kind.name == BOTH or project.batch_jobs or _serving_images(project)):
        return not_applicable("nothing serves or scores")
    different = list(_differences(project))
    if different:
        return each(*different[:10])
    alone = [file for file, _ in project.containers] if len(project.containers) == 1 else []
    images = _serving_images(project) or alone
    sites = [site for file in images for site in _image_sites(project, file)]
    if sites:
        return met_best(sites, 3)
    same = _inline_as_locked(project) or _written_twice(project) or _named_environment(project)
    if same is not None:
        return met(same)
    if len(_governing(project)) == 1 and not project.containers:
        return met(_one_manifest(project))
    if not trains(project):
        return not_applicable("nothing is trained")
    if not project.serving_nodes and not images and project.batch_jobs:
        job = project.by_path[project.batch_jobs[0].entry.path]
        return missing(f"nothing ties the versions that {job.path} runs with to those of training", job.at(0))
    return missing("no image or requirements of a service is tied to the versions of training")


_SERVES = re.compile(
    r"uvicorn|gunicorn|flask run|streamlit|fastapi|bentoml|mlflow models|torchserve|tritonserver|tensorflow_model_server|"
    r"mlserver|waitress|hypercorn|gradio|\bserve\b|\bapi\b|app\.py|main:app|handler|inference|predict|lambda",
    re.IGNORECASE,
)


def _serving_images(project: Project) -> list[ProjectFile]:
    """Images that answer requests with a model, by what they start."""
    started = ((file, f"{container.command} {container.entrypoint}") for file, container in project.containers)
    return [file for file, words in started if _SERVES.search(words) and not _has_no_model(project, file)]


def _has_no_model(project: Project, image: ProjectFile) -> bool:
    """Whether an image starts a page that asks a service for its answers: it sends requests, and neither loads a model nor predicts."""
    commands = (c for c in project.commands if c.origin == "container" and c.where.path == image.path)
    started = {path for command in commands for path in started_files(project, command)}
    pages = {path for path, _ in project.graph.reach((path, 0) for path in started)} | started
    calls = [call for path in pages for call in project.by_path[path].calls]
    answers = any(activity in ANSWER_ACTIVITIES for call in calls for activity in call.activities)
    return not answers and any(call.system == "requests" for call in calls)


def _inline_as_locked(project: Project) -> Site | None:
    """An image that writes versions out, each as training locks it."""
    training, serving = _training_versions(project), _serving_versions(project)
    both = [
        name
        for name in training.keys() & serving.keys()
        if _matters(project, name) and _release(training[name][0]) == _release(serving[name][0])
    ]
    if not both:
        return None
    _, where, what = serving[sorted(both)[0]]
    words = f"{what} installs {sorted(both)[0]} {serving[sorted(both)[0]][0]} as training does"
    return Site(1.0, words, where, key="inline")


def _written_twice(project: Project) -> Site | None:
    """Files of both sides that fix what takes part in the model alike, if at compatible releases."""
    serving = {file.path: file for file, _ in project.manifests if _is_serving(file.path)}
    of_training = dict(_inline_beside_serving(project))
    of_serving: dict[str, tuple[str, ProjectFile]] = {}
    for file, manifest in project.manifests:
        if not _ASIDE.search(file.path):
            side = of_serving if file.path in serving else of_training
            side |= {
                row.name: (row.spec.replace(" ", ""), file) for row in manifest.requirements if _FIXES.match(row.spec)
            }
    both = sorted(name for name in of_training.keys() & of_serving.keys() if _matters(project, name))
    if not both or any(of_training[name][0] != of_serving[name][0] for name in both):
        return None
    (spec, one), (_, other) = of_training[both[0]], of_serving[both[0]]
    words = f"{other.path} fixes {both[0]}{spec} as {one.path} does"
    return Site(1.0, words, other.at(0), key="written-twice")


_FIXES = re.compile(r"={2,3}|~=")


def _inline_beside_serving(project: Project) -> Iterator[tuple[str, tuple[str, ProjectFile]]]:
    """What images install by a version that is written out, where they don't answer requests."""
    serving = {file.path for file in _serving_images(project)}
    for file, container in project.containers:
        for row in container.instructions if file.path not in serving else ():
            for name, version in _INLINE.findall(row.value) if row.op == "RUN" and "install" in row.value else ():
                yield normalized(name), (f"=={version}", file)


def _named_environment(project: Project) -> Site | None:
    """One version of a registered environment of Azure ML, in which every job runs."""
    rows = [
        (file, row)
        for file, row in project.settings("*.yml", "*.yaml")
        if row.key.endswith("environment") and re.match(r"azureml:[^:]+:\d+$", str(row.value))
    ]
    if len({file.path for file, _ in rows}) < 2 or len({row.value for _, row in rows}) > 1:
        return None
    file, row = rows[0]
    return Site(1.0, f"every job runs in {row.value}", file.at(row.line), key="environment")


def _governing(project: Project) -> list[tuple[ProjectFile, Manifest]]:
    """The files that fix versions, one a folder."""
    fixed = {
        file.path.rpartition("/")[0]: (file, manifest)
        for file, manifest in project.manifests
        if not _ASIDE.search(file.path)
        and (manifest.packages or any(row.spec.startswith("==") for row in manifest.requirements))
    }
    return list(fixed.values())


def _one_manifest(project: Project) -> Site:
    file, _ = _governing(project)[0]
    return Site(1.0, f"training and the service install from one {file.name}", file.at(0), key=file.path)


def _image_sites(project: Project, file: ProjectFile) -> Iterator[Site]:
    """How an image comes by its packages."""
    container = file.facts.container
    assert container is not None
    for row in container.instructions:
        if row.op != "RUN":
            continue
        if _LOCKED_INSTALL.search(row.value) or "--require-hashes" in row.value:
            yield Site(1.0, f"{file.path} installs from the lock of the project", file.at(row.line), key="lock")
            return
        for name in _REQUIREMENTS.findall(row.value):
            pinned = _pinned(project, file, name)
            if pinned is not None:
                share = f"{pinned:.0%} of its packages" if pinned else "no versions"
                words = "which pins versions" if pinned >= _MOST else f"which pins {share}"
                credit = 1.0 if pinned >= _MOST else 0.4
                yield Site(credit, f"{file.path} installs {name}, {words}", file.at(row.line), key="requirements")
                return
    base = _base_of_project(project, file)
    if base is not None:
        yield from _image_sites(project, base)


def _base_of_project(project: Project, image: ProjectFile) -> ProjectFile | None:
    """The file of the project that another's base image is built from, by its name."""
    container = image.facts.container
    base = container.stages[-1].base if container is not None and container.stages else ""
    name = re.sub(r"[^a-z]", "", base.rpartition("/")[2].partition(":")[0].lower())
    others = (file for file, _ in project.containers if file.path != image.path) if len(name) >= _TELLING else ()
    return next((file for file in others if name in re.sub(r"[^a-z]", "", file.path.lower())), None)


_TELLING = 8
"""Letters of a name that no public image shares by chance with a path."""


_MOST = 0.8


def _pinned(project: Project, image: ProjectFile, name: str) -> float | None:
    """The share that the requirement file that an image installs pins; None when it isn't in the project."""
    parts = name.strip("\"'").strip("/").split("/")
    found = [(f, m) for f, m in project.manifests if f.name == parts[-1] and (m.requirements or m.packages)]
    if not found:
        return None
    folder = image.path.rpartition("/")[0]
    _, manifest = max(found, key=lambda pair: _closeness(pair[0].path, parts, folder))
    rows = manifest.requirements
    return 1.0 if manifest.packages else sum(r.spec.startswith("==") for r in rows) / max(1, len(rows))


def _closeness(path: str, parts: list[str], folder: str) -> tuple[int, int]:
    """How well a file fits a path inside an image: common last parts, then how near it is to the image's folder."""
    own = path.split("/")
    same = sum(1 for a, b in zip(reversed(own), reversed(parts), strict=False) if a == b)
    near = takewhile(lambda pair: pair[0] == pair[1], zip(own, folder.split("/"), strict=False))
    return same, sum(1 for _ in near)


_ASIDE = re.compile(r"test|dev|docs?([/._-]|$)|lint|drift|monitor", re.IGNORECASE)

Versions = dict[str, tuple[str, Location, str]]


def _differences(project: Project) -> Iterator[Site]:
    """Packages that both sides fix, at different versions."""
    training, serving = _training_versions(project), _serving_versions(project)
    for name in sorted(training.keys() & serving.keys()):
        if not _matters(project, name) or apart(training[name][1].path, serving[name][1].path):
            continue
        (trained, origin, _), (served, where, what) = training[name], serving[name]
        if _release(trained) != _release(served):
            message = f"training locks {name} {trained} ({origin.path}) and {what} installs {served}"
            yield Site(0.0, message, where, key=name)


def _matters(project: Project, name: str) -> bool:
    """Whether a package takes part in what a model computes."""
    system = project.vocabulary.systems.get(project.vocabulary.system_of_distribution(name))
    return system is not None and (system.kind in ("framework", "llm", "features") or system.id in _COMPUTES)


_COMPUTES = frozenset(
    ("numpy", "pandas", "polars", "scipy", "pyarrow", "geopandas", "xarray", "opencv", "pillow", "scikit-image", "librosa", "nltk")
)  # fmt: skip
"""Of what handles data, that which changes the numbers; drivers and caches do not."""


def _release(version: str) -> tuple[str, ...]:
    return tuple(part for part in version.split("+", maxsplit=1)[0].split("."))[:3]


def _is_serving(path: str) -> bool:
    return bool(_SERVING_FOLDER.search(path)) or bool(
        re.search(r"serv|infer|api|scor(e|ing)\b", path.rpartition("/")[2], re.I)
    )


def _training_versions(project: Project) -> Versions:
    """What training fixes: of several files those that name a library of models."""
    found: Versions = {}
    ordered = sorted(project.manifests, key=lambda pair: (pair[0].path.count("/"), pair[1].role))
    aside = [(file, m) for file, m in ordered if not _is_serving(file.path) and not _ASIDE.search(file.path)]
    for file, manifest in [pair for pair in aside if _names_framework(project, pair[1])] or aside:
        for package in manifest.packages:
            found.setdefault(package.name, (package.version, file.at(0), file.path))
        for row in manifest.requirements:
            exact = re.fullmatch(r"={2,3}\s*([0-9][\w.+]*)", row.spec)
            if exact:
                found.setdefault(row.name, (exact[1], file.at(row.line), file.path))
    return found


def _names_framework(project: Project, manifest: Manifest) -> bool:
    names = {package.name for package in manifest.packages} | {row.name for row in manifest.requirements}
    systems = (project.vocabulary.systems.get(project.vocabulary.system_of_distribution(name)) for name in names)
    return any(system is not None and system.kind == "framework" for system in systems)


def _serving_versions(project: Project) -> Versions:
    found: Versions = {}
    for file, container in project.containers:
        for row in container.instructions:
            for name, version in _INLINE.findall(row.value) if row.op == "RUN" and "install" in row.value else ():
                found.setdefault(normalized(name), (version, file.at(row.line), "the image"))
    for file, manifest in project.manifests:
        if not _is_serving(file.path) or _ASIDE.search(file.path):
            continue
        for package in manifest.packages:
            found.setdefault(package.name, (package.version, file.at(0), file.path))
        for requirement in manifest.requirements:
            exact = re.fullmatch(r"={2,3}\s*([0-9][\w.+]*)", requirement.spec)
            if exact:
                found.setdefault(requirement.name, (exact[1], file.at(requirement.line), file.path))
    return found


# -------------------------------------------------------------------------------------------------------------- SKW008

_DATA_PAPER = re.compile(
    r"data[-_ ]?(card|sheet|set[-_ ]?card)|(^|/)data/readme|datasheet|data[-_ ]?(catalog|dictionary)", re.I
)
_ASKED = ("source", "owner", "refresh", "license")


def data_origin_described(project: Project) -> Verdict:
    """SKW008: where the data comes from, whose it is, how often it is renewed and under which license."""
    sites = [site for file, document in project.documents if (site := _data_site(file, document)) is not None]
    if not sites:
        return missing("no data card or README says where the data comes from")
    return met_best(sites, 2)


def _data_site(file: ProjectFile, document: Document) -> Site | None:
    """What a data card says, or what a README says where it speaks of data."""
    card = bool(_DATA_PAPER.search(file.path)) and file.role not in ("vendored", "test", "generated")
    readme = file.name.lower().startswith("readme") and file.role not in ("vendored", "test", "generated")
    if not card and not (readme and document.data_terms):
        return None
    said = set(document.terms) if card else set(document.data_terms)
    linked = card and bool(document.links)
    told = [term for term in _ASKED if term in said or (term == "source" and (linked or term in document.data_terms))]
    if not told or (not card and "source" not in told):
        return None
    lacking = [term for term in _ASKED if term not in told]
    words = f"{file.path} tells {', '.join(told)} of the data" + (f", not {', '.join(lacking)}" if lacking else "")
    return Site(len(told) / len(_ASKED), words, file.at(0), key=file.path)


# -------------------------------------------------------------------------------------------------------------- SKW010

_MODEL_ARGUMENTS = ("model", "model_name", "model_name_or_path", "model_id", "deployment", "0")


def embedding_model_shared(project: Project) -> Verdict:
    """SKW010: texts of the index and of queries are embedded by one model, named in one place."""
    uses = _embedders(project)
    if not uses:
        return not_applicable("no embedding model is named in code")
    names = {name for _, name in uses}
    broken = []
    first = uses[0]
    for use, name in uses[1:]:
        if use.file.path == first[0].file.path and name == first[1]:
            continue
        if name != first[1] and (use.node in project.serving_nodes) != (first[0].node in project.serving_nodes):
            message = f"embeds with {name} what {first[0].where} embeds with {first[1]}"
            broken.append(Site(0.0, message, use.where, key=name))
        elif name == first[1] and len(names) == 1:
            message = f"names the embedding model {name} again ({first[0].where} does too)"
            broken.append(Site(0.5, message, use.where, key=name, certain=False))
    return hazard(broken, units=max(len(uses) - 1, 1))


def _embedders(project: Project) -> list[tuple[Use, str]]:
    """Calls that name an embedding model by a constant, in the order of files."""
    found = []
    for file in project.code_files:
        for call in file.calls:
            if "embedding" not in project.vocabulary.traits(call.name) and "embed" not in call.activities:
                continue
            name = constant(call, *_MODEL_ARGUMENTS)
            if isinstance(name, str) and 3 < len(name) < 100 and " " not in name:
                use = Use(file, call)
                if project.reaches(use.node, "any"):
                    found.append((use, name))
    return found
