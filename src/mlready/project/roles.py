"""What a file is for: told from its path (`role_of`), then corrected by what it says (`refine`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlready.facts.rows import FileFacts, PythonFacts

_VENDORED = frozenset((
    "third_party", "third-party", "thirdparty", "3rdparty", "3rd_party", "vendor", "vendors", "vendored",
    "_vendor", "_vendored", "node_modules", "bower_components", "site-packages", "extern", "externals",
    "_externals", "downloaded", "downloads", "downloaded_notebooks",
))  # fmt: skip
_TESTS = frozenset(["tests", "unit_tests", "integration_tests", "__tests__", "unittests"])
_DOCS = frozenset(["doc", "docs", "documentation"])
_EXAMPLES = frozenset(
    ["example", "examples", "demo", "demos", "tutorial", "tutorials", "sample", "samples", "cookbook", "cookbooks"]
)
_SCRIPTS = frozenset(["bin", "scripts", "script", "tools", "jobs"])
_DATA = frozenset(["data", "dataset", "datasets", "raw", "interim", "processed"])
_MODELS = frozenset(
    ["model", "models", "checkpoints", "checkpoint", "weights", "artifacts", "saved_models", "saved_model", "mlruns"]
)
_INFRA = frozenset((
    "k8s", "kubernetes", "helm", "chart", "charts", "terraform", "infra", "infrastructure", "deploy",
    "deployment", "deployments", "manifests", "argocd", "kustomize", "pulumi", "cloudformation", "ansible",
))  # fmt: skip

CODE = frozenset([".py", ".pyi", ".pyw", ".pyx", ".ipynb"])
"""Suffixes of what is parsed as Python; .pyx is source that is not parsed."""
_OTHER_CODE = frozenset((
    ".c", ".cc", ".cpp", ".cu", ".cuh", ".cxx", ".f90", ".go", ".h", ".hpp", ".java", ".jl", ".js", ".jsx",
    ".kt", ".lua", ".m", ".mjs", ".php", ".r", ".rb", ".rs", ".scala", ".sql", ".swift", ".ts", ".tsx", ".vue",
))  # fmt: skip
_SHELL = frozenset([".sh", ".bash", ".zsh", ".ps1", ".bat", ".cmd"])
_DATA_SUFFIXES = frozenset((
    ".csv", ".tsv", ".parquet", ".feather", ".arrow", ".orc", ".avro", ".jsonl", ".ndjson", ".xlsx", ".xls",
    ".npz", ".npy", ".tfrecord", ".tfrecords", ".mat", ".wav", ".flac", ".mp3", ".dcm", ".nii", ".sqlite",
    ".sqlite3", ".db", ".dta", ".sav", ".sas7bdat", ".rds", ".arff", ".libsvm", ".svmlight", ".h5ad", ".zarr",
    ".lmdb", ".mdb", ".las", ".laz", ".tif", ".tiff", ".geojson", ".shp", ".gpkg",
))  # fmt: skip
_MODEL_SUFFIXES = frozenset((
    ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".onnx", ".h5", ".hdf5", ".keras", ".safetensors",
    ".tflite", ".pmml", ".bst", ".ubj", ".cbm", ".gguf", ".ggml", ".mlmodel", ".mar", ".caffemodel",
    ".pdparams", ".skops", ".cloudpickle", ".dill",
))  # fmt: skip
_EITHER_SUFFIXES = frozenset((
    ".json", ".txt", ".xml", ".bin", ".pb", ".gz", ".zip", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".jpg",
    ".jpeg", ".png", ".gif", ".bmp", ".webp", ".data", ".dat", ".html", ".pdf", ".mp4", ".avi", ".mov", ".yaml",
    ".yml", ".model", ".msgpack",
))  # fmt: skip
"""Data or a model only inside a folder that says so."""
_TEXT_SUFFIXES = frozenset([".md", ".rst", ".adoc", ".markdown", ".mdx", ".tex", ".bib"])
_CONFIG_SUFFIXES = frozenset((
    ".toml", ".yaml", ".yml", ".json", ".jsonc", ".json5", ".ini", ".cfg", ".conf", ".env", ".properties",
    ".lock", ".dvc", ".mk", ".gin", ".libsonnet", ".jsonnet",
))  # fmt: skip
_ARCHIVES_OF_MODELS = frozenset(
    [".bin", ".pb", ".json", ".txt", ".model", ".gz", ".zip", ".tar", ".tgz", ".data", ".msgpack"]
)

_CI = re.compile(
    r"(^|/)(\.github/(workflows/[^/]+\.ya?ml|actions/.+|dependabot\.ya?ml)|\.gitlab-ci\.ya?ml|\.gitlab/.+\.ya?ml|"
    r"azure-pipelines[^/]*\.ya?ml|\.azure-pipelines/.+|\.circleci/.+|\.travis\.ya?ml|Jenkinsfile[^/]*|[^/]+\.jenkinsfile|"
    r"bitbucket-pipelines\.ya?ml|\.?appveyor\.ya?ml|\.drone\.ya?ml|buildspec[^/]*\.ya?ml|cloudbuild[^/]*\.ya?ml|"
    r"\.buildkite/.+|\.woodpecker(\.ya?ml|/.+)|\.cirrus\.ya?ml|\.semaphore/.+|renovate\.json5?)$"
)
_CONTAINER = re.compile(
    r"(^|/)((Docker|Container)file([._-][^/]*)?|[^/]+\.(docker|container)file|(docker-)?compose([._-][^/]*)?\.ya?ml|"
    r"\.dockerignore|\.devcontainer(/.+|\.json)|cog\.ya?ml|bentofile\.ya?ml|Procfile|project\.toml)$",
    re.IGNORECASE,
)
_INFRA_FILE = re.compile(
    r"(^|/)([^/]+\.(tf|tfvars|hcl|bicep)|Pulumi[^/]*\.ya?ml|Chart\.ya?ml|skaffold\.ya?ml|kustomization\.ya?ml|"
    r"serverless\.ya?ml|cdk\.json|helmfile\.ya?ml|[^/]+\.nomad|app\.ya?ml|fly\.toml|render\.ya?ml)$"
)
_GENERATED = re.compile(
    r"(^|/)([^/]+_pb2(_grpc)?\.pyi?|_version\.py|versioneer\.py|[^/]+\.min\.(js|css)|[^/]+\.egg-info/.+|"
    r"_build/.+|htmlcov/.+|(alembic/)?versions/[0-9a-f]{12}_[^/]+\.py|migrations/\d{4}_[^/]+\.py|mlruns/.+)$"
)
_CONFIG_FILE = re.compile(
    r"(^|/)(requirements[^/]*\.(txt|in)|requirements/[^/]+\.(txt|in)|constraints[^/]*\.txt|Pipfile|setup\.py|noxfile\.py|"
    r"conftest\.ini|(GNU)?[Mm]akefile|[Jj]ustfile|MLproject|MANIFEST\.in|\.env(\.[^/]+)?|\.[a-z]+rc|\.python-version|"
    r"runtime\.txt|environment[^/]*\.ya?ml|conda[^/]*\.ya?ml|dodo\.py|tasks\.py|fabfile\.py|apt\.txt|"
    r"\.(git|dvc|docker|helm|npm)(ignore|attributes|modules)|\.dvc/config|\.editorconfig|CODEOWNERS)$"
)
_DOC_FILE = re.compile(
    r"(^|/)(readme|license|licence|copying|notice|authors|contributing|changelog|changes|history|citation|security|"
    r"code_of_conduct|maintainers|governance)[^/]*$",
    re.IGNORECASE,
)
_TEST_FILE = re.compile(r"^(test_.*|.*_test|.*_tests|tests?|conftest)\.py$")


def role_of(path: str, *, packages: frozenset[str] = frozenset(), vendored: frozenset[str] = frozenset()) -> str:
    """The role that a path (POSIX, relative) speaks for.

    `packages` are the folders with an `__init__.py`; `vendored` folders known to hold copied libraries.
    """
    folder, _, name = path.rpartition("/")
    traits = _traits(folder)
    if traits.vendored or (vendored and _inside(folder, vendored)):
        return "vendored"
    if _GENERATED.search(path):
        return "generated"
    suffix = PurePosixPath(name).suffix.lower()
    return (
        _special(path, suffix, traits) or _by_content(name, suffix, traits) or _code(folder, suffix, traits, packages)
    )


class _Traits:
    """What the folders above a file say."""

    __slots__ = ("data", "docs", "examples", "infra", "models", "scripts", "single_test", "tests", "vendored")

    def __init__(self, folder: str) -> None:
        parts = frozenset(folder.lower().split("/")) if folder else frozenset()
        self.vendored = bool(parts & _VENDORED)
        self.tests = bool(parts & _TESTS)
        self.single_test = "test" in parts
        self.docs = bool(parts & _DOCS)
        self.examples = bool(parts & _EXAMPLES)
        self.scripts = bool(parts & _SCRIPTS)
        self.data = bool(parts & _DATA)
        self.models = bool(parts & _MODELS)
        self.infra = bool(parts & _INFRA)


@lru_cache(maxsize=8192)
def _traits(folder: str) -> _Traits:
    return _Traits(folder)


def _inside(folder: str, folders: frozenset[str]) -> bool:
    while folder:
        if folder in folders:
            return True
        folder = folder.rpartition("/")[0]
    return False


def _special(path: str, suffix: str, traits: _Traits) -> str:
    """Roles that a file name alone gives."""
    if _CI.search(path):
        return "ci"
    if traits.tests and suffix not in _TEXT_SUFFIXES:
        return "test"
    if suffix in CODE or suffix in _TEXT_SUFFIXES:
        return "config" if suffix == ".py" and _CONFIG_FILE.search(path) and not traits.examples else ""
    if _CONTAINER.search(path):
        return "example" if traits.examples or traits.docs else "container"
    if traits.examples or traits.docs or (traits.single_test and _INFRA_FILE.search(path)):
        return ""  # what an example or a fixture deploys is not how the project is deployed
    if _INFRA_FILE.search(path) or (traits.infra and suffix in (".yaml", ".yml", ".json", ".tpl", ".j2")):
        return "infra"
    if _CONFIG_FILE.search(path):
        return "config"
    return "docs" if _DOC_FILE.search(path) and suffix in ("", ".txt", ".cff") else ""


def _by_content(name: str, suffix: str, traits: _Traits) -> str:
    """Roles of what is not code: data, models, documents, configuration."""
    if suffix in CODE:
        return ""
    if suffix in _DATA_SUFFIXES:
        return "data"
    if suffix in _MODEL_SUFFIXES:
        pickled_data = traits.data and not traits.models and suffix in (".pkl", ".pickle", ".h5", ".hdf5", ".pt")
        return "data" if pickled_data else "model"
    if suffix in _EITHER_SUFFIXES and traits.data and not name.startswith("."):
        return "data"
    if suffix in _ARCHIVES_OF_MODELS and traits.models and suffix not in (".txt", ".json"):
        return "model"
    if suffix in _TEXT_SUFFIXES or traits.docs:
        return "docs"
    if traits.examples:
        return "example"
    if traits.single_test and suffix in (".tf", ".tfvars", ".hcl"):
        return "test"
    if suffix in _CONFIG_SUFFIXES or name.startswith(".env"):
        return "config"
    return "docs" if suffix in (".txt", ".html", ".pdf") else ""


def _code(folder: str, suffix: str, traits: _Traits, packages: frozenset[str]) -> str:
    if traits.docs and suffix in CODE | _OTHER_CODE | _SHELL:
        return "docs"
    if traits.examples and suffix in CODE | _OTHER_CODE | _SHELL:
        return "example"
    if suffix == ".ipynb":
        return "notebook"
    if suffix in CODE:
        in_package = folder in packages
        if traits.single_test and not traits.data:
            return "test"
        return "source" if in_package or not (traits.scripts or not folder) else "script"
    if suffix in _SHELL:
        return "script"
    return "source" if suffix in _OTHER_CODE else "other"


def refine(path: str, role: str, facts: FileFacts) -> str:
    """The role once the content is known: scripts told from modules, tests from files that are only named so."""
    if facts.generated and role in ("source", "script", "test", "config"):
        return role if facts.manifests else "generated"  # A lock is written by a program, and is what governs.
    if role == "docs" and facts.manifests and not _traits(path.rpartition("/")[0]).docs:
        return "config"  # docker-requirements.txt: what declares dependencies, whatever its name.
    if role == "config" or facts.python is None:
        return role
    if role in ("source", "script"):
        if _TEST_FILE.match(path.rpartition("/")[2]) and tests_something(facts.python):
            return "test"
        if facts.notebook is not None:
            return "notebook"
        return _source_or_script(role, facts.python)
    return role


def _source_or_script(role: str, python: PythonFacts) -> str:
    if python.main_guard:
        return "script"
    defines = len(python.scopes) > 1
    runs = bool(python.scopes) and python.scopes[0].statements > 0
    if role == "script" and defines and not _does_something(python):
        return "source"
    return "script" if runs and not defines and _does_something(python) else role


def _does_something(python: PythonFacts) -> bool:
    """Calls with an activity, or prints, outside any function: what a module does when it is only imported."""
    prints = any(scope == 0 for _, scope in python.prints)
    return prints or any(call.scope == 0 and call.activities for call in python.calls)


def tests_something(python: PythonFacts) -> bool:
    """Whether a file holds tests: a `def test(model, loader)` that evaluates a model is none."""
    named = [scope for scope in python.scopes if scope.kind == "function" and _is_test_name(scope.name)]
    cases = any(base.rpartition(".")[2].endswith("TestCase") for scope in python.scopes for base in scope.bases)
    asserts = any(scope.asserts for scope in python.scopes)
    return bool(named) and (asserts or cases or not python.main_guard)


def _is_test_name(qualified: str) -> bool:
    return qualified.rpartition(".")[2].startswith("test_")


def package_folders(paths: Iterable[str]) -> frozenset[str]:
    """The folders that have an `__init__.py`."""
    return frozenset(path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py"))


_LICENSE = re.compile(r"(licen[cs]e|copying)", re.IGNORECASE)
_PACKAGED = frozenset(("pyproject.toml", "setup.py", "setup.cfg"))


def vendored_folders(paths: Iterable[str]) -> frozenset[str]:
    """Copied code: what brings a license of its own below another, as a package inside a package or as a tool with its README."""
    by_folder: dict[str, set[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, set()).add(name)
    packages = {folder for folder, names in by_folder.items() if "__init__.py" in names}
    licensed = {folder for folder, names in by_folder.items() if any(_LICENSE.match(name) for name in names)}
    return frozenset(
        folder
        for folder in licensed - {""}
        if (folder in packages and folder.rpartition("/")[0] in packages)
        or "hubconf.py" in by_folder[folder]  # torch.hub reads it at the root of a repository.
        or ("" in licensed and _is_copied_tool(by_folder[folder]))
    )


def _is_copied_tool(names: set[str]) -> bool:
    """Whether a folder is a repository of its own that was put here: a README and code, and no package of a workspace."""
    has_readme = any(name.lower().startswith("readme") for name in names)
    return has_readme and any(name.endswith(".py") for name in names) and _PACKAGED.isdisjoint(names)
