"""Checks of factor 1: code and data are versioned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import normpath

from mlready.facts.rows import PipelineStage, Value
from mlready.findings import Site, Verdict, each, hazard, met, met_best, missing, not_applicable, unknown
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.artifacts import Place
from mlready.rules.checks.common import (
    argument,
    holds_data,
    is_remote,
    literal_path,
    strings,
    written_paths,
)
from mlready.rules.checks.paths import path_at

# ------------------------------------------------------------------------------------------------------ VER001, VER002


def code_versioned(project: Project) -> Verdict:
    """VER001: a git repository with at least one commit."""
    if project.git.kind == "none":
        return unknown("no repository is beside the files: a released archive carries none")
    if not project.git.has_commit:
        return missing("the git repository has no commit yet")
    if not any(file.tracked for file in project.files):
        return missing("nothing of this folder is tracked by git")
    return met(Site(1.0, "the code is in a git repository"))


_ALWAYS_IGNORED = {
    ".venv": (".venv", "venv", "env", "ENV", ".virtualenv", "virtualenv", ".conda", "myenv", ".pixi"),
    ".env": (".env",),
}
"""What never belongs in git, with the names that it goes by."""


def artifacts_ignored(project: Project) -> Verdict:
    """VER002: what the code writes, environments and .env files are kept out of git."""
    dvc_outs = {out for _, stage in project.stages for out in stage.outs}
    sites: dict[str, Site] = {}
    for use, path in written_paths(project):
        if not {"write-data", "save-model"} & set(use.call.activities):
            continue  # What a tracker is given by a name goes to its store.
        folder = _top_folder(path)
        target = folder or path
        if target in sites or ".." in path or path.startswith(("/", "~", "{")) or path in dvc_outs:
            continue
        base = str(PurePosixPath(use.file.path).parent).removeprefix(".")
        covered = any(project.covers(p) for p in (path, f"{base}/{path}".lstrip("/")))
        said = "is ignored by git" if covered else "is written by the code and not ignored by git"
        sites[target] = Site(float(covered), f"{path} {said}", use.where, key=target)
    folders = {"", *(file.path.rpartition("/")[0] for file, _ in project.manifests)}
    for name, others in _ALWAYS_IGNORED.items():
        covered = any(project.covers(f"{folder}/{other}".lstrip("/")) for folder in folders for other in others)
        sites[name] = Site(float(covered), f"{name} is {'' if covered else 'not '}ignored by git", key=name)
    return each(*sites.values())


def _top_folder(path: str) -> str:
    parts = PurePosixPath(path).parts
    return parts[0] if len(parts) > 1 else ""


# -------------------------------------------------------------------------------------------------------------- VER003

_DATED = re.compile(r"(19|20)\d\d[-_/]?(0[1-9]|1[0-2])|\bv\d+\b|version=|_\{\}-\{[^}]*\}\.")


_COMMIT = re.compile(r"/[0-9a-f]{40}/")
"""An address that names the commit: of a raw file of GitHub or GitLab, of a data set on a hub."""


def data_versioned(project: Project) -> Verdict:
    """VER003: the data that is read can be named by a version."""
    sites = [*_dvc_data(project), *_lfs_data(project), *_called_versions(project), *_dated_paths(project)]
    sites += [*_committed_data(project), *_committed_catalog(project), *_kept_by_orchestrator(project)]
    if not sites:
        return missing("the data that is read has no version: nothing says which data a model was trained on")
    return met_best(sites, 5)


def _dvc_data(project: Project) -> Iterator[Site]:
    for file in project.files:
        tracked = [row for row in file.facts.tracked if row.hash or row.path]
        if tracked and file.path.endswith(".dvc"):
            yield Site(1.0, f"DVC keeps {tracked[0].path}", file.at(0), key=tracked[0].path)
    locked = {row.path for file in project.files for row in file.facts.tracked if row.stage}
    for file, stage in project.stages:
        if stage.tool == "dvc" and (stage.deps or stage.outs):
            data = [path for path in (*stage.deps, *stage.outs) if not path.endswith((".py", ".ipynb", ".sh"))]
            if data:
                kept = set(stage.outs) - set(stage.uncached) or locked
                credit = 1.0 if kept else 0.5
                yield Site(
                    credit, f"stage {stage.name} of dvc.yaml versions {data[0]}", file.at(stage.line), key=data[0]
                )


def _lfs_data(project: Project) -> Iterator[Site]:
    for file in project.files:
        if file.lfs and file.role == "data":
            yield Site(1.0, f"git LFS keeps {file.path}", file.at(0), key=file.path)
            return


_ANSWER = re.compile(
    r"submission|predictions?\b|(^|[/_])(results?|metrics|(feature_)?importances?)\.|(^|/)(results?|metrics|(feature_)?importances?|outputs?|reports?)/",
    re.IGNORECASE,
)
"""What a model answered, and what a run reported."""


def _committed_data(project: Project) -> Iterator[Site]:
    """Small tables in git have the version of their commit: half of what is asked at most, since git is no place for data."""
    if project.git.kind == "none":
        return
    tracked = {
        file.path: file
        for file in project.files
        if file.tracked and file.role == "data" and not file.shared and not _ANSWER.search(file.path)
    }
    works = [use for use in project.uses("read-data") if _works_on(use)]
    read = [(use, path) for use in works if not _RESULT_FILE.search(path := _path(project, use))]
    named = {(path, use.file.path.rpartition("/")[0]): use for use, path in read if path}
    unnamed = [use for use, path in read if not path]
    found = ((_tracked_file(path, folder, tracked), use) for (path, folder), use in named.items())
    kept = [(file, use) for file, use in found if file is not None]
    elsewhere = sorted(_named_elsewhere(unnamed, project, tracked) - {file.path for file, _ in kept})[: len(unnamed)]
    kept += [(tracked[path], _likely(unnamed, path)) for path in elsewhere]
    if kept:
        file, use = kept[0]
        total = len(named) + len(unnamed)
        said = f"{file.path} lies in git beside the code ({len(kept)} of {total} files that are read)"
        yield Site(0.5 * len(kept) / total, said, use.where, key=file.path)


def _path(project: Project, use: Use) -> str:
    """The path that is read, as written or as constants say."""
    return literal_path(use.call) or path_at(project, Place(use.file, use.call.scope), use.call)


def _committed_catalog(project: Project) -> Iterator[Site]:
    """Tables in git that the catalog of Kedro names: the nodes read them without a call."""
    tracked = {file.path: file for file in project.files if file.tracked and file.role == "data" and not file.shared}
    for file, row in project.resources:
        paths = [value for key, value in row.details if row.tool == "kedro" and key == "filepath"]
        found = next((kept for path in paths if (kept := _tracked_file(path, "", tracked))), None)
        if found is not None and _RAW.search(found.path) and not _ANSWER.search(found.path):
            said = f"{found.path}, which the catalog names, lies in git beside the code"
            yield Site(0.5, said, file.at(row.line), key=found.path)
            return


_RAW = re.compile(r"(^|/)(\d+_)?(raw|external|input)/")
_KFP_DATA = re.compile(r"^kfp\.(\w+\.)*Output\[.*Dataset\]$")


def _kept_by_orchestrator(project: Project) -> Iterator[Site]:
    """Data that an orchestrator gives a version: a data asset of Azure ML, a versioned set of Kedro, what a step of Kubeflow hands on."""
    for file, row in project.resources:
        details = dict(row.details)
        if (row.tool, row.kind) == ("azureml", "data") and details.get("version"):
            yield Site(
                1.0, f"Azure ML keeps {row.name} as version {details['version']}", file.at(row.line), key=row.name
            )
        if row.tool == "kedro" and details.get("versioned", "").lower() == "true" and not _MODEL_SET.search(str(row)):
            yield Site(0.5, f"Kedro keeps each version of {row.name}", file.at(row.line), key=row.name)
    for file in project.code_files:
        for scope in file.python.scopes if file.python else ():
            if any(_KFP_DATA.match(param.annotation) for param in scope.params):
                said = f"the pipeline keeps the data that {scope.name} hands on, for each of its runs"
                yield Site(0.5, said, file.at(scope.line), key=scope.name)


_MODEL_SET = re.compile(r"model(?!_input)|regressor|classifier|metric|report|plot", re.IGNORECASE)


def _named_elsewhere(uses: list[Use], project: Project, tracked: Mapping[str, ProjectFile]) -> set[str]:
    """Tables in git that a constant or a field of a file that reads, or a configuration, names, and that no code writes."""
    written = (use.call for use in project.uses("write-data"))
    made = {text.rpartition("/")[2] for call in written for arg in call.args for text in strings(arg.value)}
    places = [*_constants(uses), *_configured(project)]
    found = (_tracked_file(path, folder, tracked) for path, folder in places if path.rpartition("/")[2] not in made)
    return {file.path for file in found if file is not None}


def _constants(uses: list[Use]) -> Iterator[tuple[str, str]]:
    """`SOURCE = os.path.join(HERE, "data", "x.csv")` in files that read by a name, with their folders."""
    for path, python in {use.file.path: use.file.python for use in uses}.items():
        values = [row.value for row in python.assigns] if python else []
        values += [row.default for row in python.fields if row.default] if python else []
        for value in values:
            text = "/".join(strings(value))
            if text.lower().endswith(_TABLES):
                yield text, path.rpartition("/")[0]


def _configured(project: Project) -> Iterator[tuple[str, str]]:
    for file in project.files:
        for row in file.facts.settings:
            if isinstance(row.value, str) and row.value.lower().endswith(_TABLES):
                yield row.value, file.path.rpartition("/")[0]


_TABLES = (".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".feather", ".arff", ".data", ".jsonl", ".txt", ".npz", ".h5")


def _likely(uses: list[Use], path: str) -> Use:
    """Of several reads the one in a file that names the table."""
    name = path.rpartition("/")[2]
    naming = (use for use in uses if use.file.python and any(t.value.endswith(name) for t in use.file.python.texts))
    return next(naming, uses[0])


def _tracked_file(path: str, folder: str, tracked: Mapping[str, ProjectFile]) -> ProjectFile | None:
    """The file in git that a path means: from the folder of the code, from the root, or by its last two parts."""
    plain = path.replace("\\", "/")
    for base in (folder, ""):
        file = tracked.get(normpath(f"{base}/{plain}").lstrip("/"))
        if file is not None:
            return file
    parts = [part for part in plain.split("/") if part not in ("", ".", "..")]
    ending = "/" + "/".join(parts[-2:])
    return next((f for name, f in tracked.items() if len(parts) > 1 and f"/{name}".endswith(ending)), None)


def _works_on(use: Use) -> bool:
    """Whether the file that reads makes something of the data: trains on it, prepares it, writes it on."""
    python = use.file.python
    assert python is not None
    meant = {activity for call in python.calls for activity in call.activities}
    return bool(meant & {"train", "fit", "tune", "fine-tune", "split", "preprocess", "write-data", "join-tables"})


_RESULT_FILE = re.compile(r"submission|predictions?\.|(^|/)test\w*\.\w+$", re.IGNORECASE)


def _called_versions(project: Project) -> Iterator[Site]:
    for use in project.uses("version-data"):
        if holds_data(use):
            yield Site(1.0, f"{use.call.name} gives the data a version", use.where, key=use.call.name)
    for use in project.uses("read-data"):
        revision = argument(use.call, "revision", "version_as_of", "versionAsOf", "timestamp_as_of", "snapshot_id")
        if revision is not None and _left_open(use, revision):
            said = f"{use.call.name} can be given a version, and takes the newest without one"
            yield Site(0.5, said, use.where, key=use.call.name)
        elif revision is not None:
            yield Site(1.0, f"{use.call.name} reads a fixed version", use.where, key=use.call.name)


def _left_open(use: Use, value: Value) -> bool:
    """`revision=None`, or a parameter of the function that is None unless a caller names one."""
    if value.kind == "const":
        return value.scalar is None
    defaults = {param.name: param.default for param in use.scope.params}
    default = defaults.get(value.text) if value.kind == "name" else None
    return default is not None and default.kind == "const" and default.scalar is None


_WEIGHTS = re.compile(
    r"\.(pth?|ckpt|h5|keras|onnx|safetensors|pb|tflite|bin|caffemodel)(\.\w+)?$|weights", re.IGNORECASE
)
"""Addresses of models that others trained: no data."""


def _dated_paths(project: Project) -> Iterator[Site]:
    for use in project.uses("read-data", "download"):
        for path in _addresses(use):
            if _WEIGHTS.search(path):
                continue
            if is_remote(path) and _COMMIT.search(path):
                yield Site(1.0, f"reads {path.rpartition('/')[2]} of a fixed commit", use.where, key=path)
            elif is_remote(path) and _DATED.search(path):
                yield Site(0.5, f"reads the dated object {path}", use.where, key=path)


def _addresses(use: Use) -> Iterator[str]:
    """The path of a reading call, as written or as the name that it is given was assigned."""
    if path := literal_path(use.call):
        yield path
    value = argument(use.call, "0", "url", "path", "filepath_or_buffer")
    python = use.file.python
    if value is None or value.kind != "name" or python is None:
        return
    for row in python.assigns:
        if row.name == value.text and row.scope in (0, use.call.scope):
            yield from strings(row.value)


# -------------------------------------------------------------------------------------------------------------- VER004

_LARGE, _LARGE_NOTEBOOK = 1_000_000, 5_000_000


_PICTURE = re.compile(
    r"(^|/)(images?|img|figures?|figs|assets|static|media|screenshots?|docs?)/[^/]+\.(png|jpe?g|gif|svg|webp)$",
    re.IGNORECASE,
)
"""Pictures that a text or a page shows."""


def no_large_binaries(project: Project) -> Verdict:
    """VER004: no data, model or notebook of many megabytes in git history."""
    if project.git.kind == "none":
        return not_applicable("no repository is beside the files")
    managed = {row.path for file in project.files for row in file.facts.tracked}
    watched = [
        file
        for file in project.files
        if file.tracked and (file.role in ("data", "model") or is_ipynb(file)) and not _PICTURE.search(file.path)
    ]
    broken = [
        Site(0.0, f"{file.size / 1e6:.1f} MB in git, not in LFS or DVC", file.at(0), key="large file")
        for file in watched
        if not file.lfs and file.size > (_LARGE_NOTEBOOK if is_ipynb(file) else _LARGE) and file.path not in managed
    ]
    return hazard(broken, units=len(watched))


def is_ipynb(file: ProjectFile) -> bool:
    return file.path.endswith(".ipynb")


# -------------------------------------------------------------------------------------------------------------- VER006


def raw_data_immutable(project: Project) -> Verdict:
    """VER006: no file that is read as input is written over by what read it. Hand-overs between steps are not meant."""
    reads: dict[tuple[str, str], Use] = {}
    for use in project.uses("read-data"):
        path = literal_path(use.call)
        if path and not is_remote(path):
            reads.setdefault((use.file.path, path), use)
    broken: list[Site] = []
    writes = 0
    made_before = {
        path
        for use in project.uses("write-data")
        if (path := literal_path(use.call))
        and (first := reads.get((use.file.path, path))) is not None
        and use.call.line < first.call.line
    }
    for use in project.uses("write-data"):
        path = literal_path(use.call)
        if not path or is_remote(path):
            continue
        writes += 1
        source = reads.get((use.file.path, path))
        if source is None or _interim(path) or path in made_before or not _writes_over(source, use):
            continue
        if _comes_from_outside(project, source, path) or _in_place(source, use):
            said = f"writes over {path}, which {source.where} reads as input"
            broken.append(Site(0.0, said, use.where, key=path))
    return hazard(broken, units=writes)


_OUTSIDE = frozenset(("raw", "input", "inputs", "external", "original", "originals", "source", "landing", "bronze"))


def _in_place(source: Use, use: Use) -> bool:
    """Whether a script writes back the very thing that it read."""
    return source.file.facts.notebook is None and use.call.receiver in source.call.targets


def _comes_from_outside(project: Project, source: Use, path: str) -> bool:
    """Whether a file that is read was there before any run: it lies among the inputs, or git keeps it."""
    if _OUTSIDE & set(re.split(r"[/_.-]", path.lower())):
        return True
    places = (normpath(f"{source.file.path.rpartition('/')[0]}/{path}").lstrip("/"), normpath(path))
    return any(project.by_path[place].tracked for place in places if place in project.by_path)


def _writes_over(source: Use, use: Use) -> bool:
    """Whether a write follows the read of the same run; "read it if it is there, else make it" is a cache."""
    cached = {"if", "try"} & {*source.call.context, *use.call.context}
    return source.call.line < use.call.line and source.call.scope == use.call.scope and not cached


_OWN_FORMAT = (".pkl", ".pickle", ".p", ".npy", ".npz", ".feather", ".joblib", ".pt")
"""What Python writes for itself to read: never what came from outside."""


def _interim(path: str) -> bool:
    if path.lower().endswith(_OWN_FORMAT):
        return True
    words = set(re.split(r"[/_.-]", path.lower()))
    return bool(
        words
        & {
            "interim",
            "processed",
            "tmp",
            "temp",
            "cache",
            "cached",
            "intermediate",
            "output",
            "outputs",
            "clean",
            "cleaned",
        }
    )


# -------------------------------------------------------------------------------------------------------------- VER007

_COPY = re.compile(
    r"^(?P<stem>.+?)(?:[-_ ]?(?:copy|backup|bak)\d*|-Copy\d+| ?\(\d+\)|[-_](?:final|old|new|latest|orig)(?:[-_]?v?\d*)|[-_]v\d+)$",
    re.IGNORECASE,
)


_OLD = re.compile(r"^(?:old|copy_of|copy of|backup)[-_ ](?P<stem>.+)$", re.IGNORECASE)


_UNTITLED = re.compile(r"^Untitled\d*$")


def no_copy_versioning(project: Project) -> Verdict:
    """VER007: versions are git's business, not that of file names."""
    files = [
        f
        for f in project.files
        if f.path.endswith((".py", ".ipynb", ".R", ".sql")) and f.role not in ("vendored", "generated")
    ]
    stems = {f.path.rsplit(".", 1)[0].lower() for f in files}
    broken = []
    for file in files:
        original = _copy_of(file, stems)
        if original:
            said = "an untitled notebook" if original == "-" else f"looks like a copy of {original}"
            broken.append(Site(0.0, said, file.at(0), key="copy"))
    broken += [
        Site(0.0, "a backup file", f.at(0), key="backup")
        for f in project.files
        if f.path.endswith((".bak", ".orig", ".py~"))
    ]
    return hazard(broken, units=len(files) + sum(f.path.endswith((".bak", ".orig", ".py~")) for f in project.files))


def _copy_of(file: ProjectFile, stems: set[str]) -> str:
    path = PurePosixPath(file.path)
    if _UNTITLED.match(path.stem):
        return "-"
    matched = _COPY.match(path.stem) or _OLD.match(path.stem)
    if not matched:
        return ""
    versioned_module = re.search(r"[-_]v\d+$", path.stem) and f"{path.parent}/__init__" in stems
    if versioned_module:
        return ""  # Two versions of what a package offers are both shipped.
    original = path.with_name(matched["stem"].strip("-_ "))
    return f"{original}{path.suffix}" if str(original).lower() in stems else ""


# -------------------------------------------------------------------------------------------------------------- VER011


def dvc_state_committed(project: Project) -> Verdict:
    """VER011: what DVC needs to bring the data back is in git: its lock, and a remote that others reach."""
    stages = [(f, s) for f, s in project.stages if s.tool == "dvc"]
    outputs = [f for f in project.files if f.path.endswith(".dvc") and f.facts.tracked]
    if not stages and not outputs:
        return not_applicable("DVC is not in use")
    broken = [*_lock_sites(project, stages), *_remote_sites(project)]
    return hazard(broken, units=2)


def _lock_sites(project: Project, stages: list[tuple[ProjectFile, PipelineStage]]) -> list[Site]:
    if not stages:
        return []
    file = stages[0][0]
    folder = file.path.rpartition("/")[0]
    lock = f"{folder}/dvc.lock" if folder else "dvc.lock"
    present = project.by_path.get(lock)
    if present is None:
        if not project.covers(lock):
            return []  # a pipeline that was never run has no lock yet
        said = "dvc.yaml defines stages, but dvc.lock is ignored by git: nobody else can get their outputs"
        return [Site(0.0, said, file.at(0), key="dvc.lock")]
    locked = {row.stage for row in present.facts.tracked} | {row.name for row in present.facts.stages}
    stale = [s.name for _, s in stages if s.name not in locked]
    if stale and not any("@" in name for name in locked):
        return [Site(0.5, f"dvc.lock knows nothing of stage {stale[0]}", present.at(0), key="dvc.lock")]
    return []


_PRIVATE_REMOTE = re.compile(r"^(/tmp|/var/tmp|/home/|/Users/|~|[A-Za-z]:\\)")


def _remote_sites(project: Project) -> list[Site]:
    configs = [f for f in project.files if f.path.endswith(".dvc/config")]
    remotes = [(f, remote) for f in configs for remote in f.facts.remotes]
    private = [(f, r) for f, r in remotes if _PRIVATE_REMOTE.match(r.url)]
    if private and len(private) == len(remotes):
        file, remote = private[0]
        return [Site(0.0, f"the only remote is {remote.url}: no other machine reaches it", file.at(0), key="remote")]
    return []
