"""Checks of factor 4: dependencies are declared, locked and pinned."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from mlready.facts.rows import Import, Manifest, Requirement
from mlready.findings import Location, Site, Verdict, hazard, met, missing, not_applicable, unknown
from mlready.project.kinds import LIBRARY
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.common import built_above, constant

# -------------------------------------------------------------------------------------------------------------- REP001

_PLATFORM = frozenset(
    ("pyspark", "dbutils", "databricks", "google.colab", "kaggle_secrets", "kaggle_datasets", "awsglue", "bpy", "pyflink",
     "azureml", "smdistributed", "triton_python_backend_utils", "c_python_backend_utils", "IPython", "ipykernel", "pip", "setuptools", "pkg_resources", "distutils", "wheel", "delta", "sagemaker_training")
)  # fmt: skip


"""Import roots that a platform, a kernel or the installer brings."""


_PYTHON_2 = frozenset(
    ("urllib2", "cPickle", "StringIO", "cStringIO", "ConfigParser", "Queue", "urlparse", "httplib", "Tkinter", "commands", "HTMLParser",
     "itertools_izip", "sets", "md5", "sha", "__builtin__", "thread", "dummy_thread", "copy_reg", "exceptions", "anydbm", "cookielib")
)  # fmt: skip


_BROUGHT_BY: dict[str, tuple[str, ...]] = {
    "numpy": (
        "pandas",
        "scikit-learn",
        "scipy",
        "torchvision",
        "transformers",
        "tensorflow",
        "matplotlib",
        "xgboost",
        "lightgbm",
        "opencv-python",
        "jax",
        "polars",
    ),
    "scipy": ("scikit-learn", "statsmodels", "xgboost", "lightgbm", "librosa"),
    "pandas": (
        "seaborn",
        "statsmodels",
        "mlflow",
        "evidently",
        "feast",
        "plotly-express",
        "datasets",
        "catboost",
        "prophet",
        "pandera",
    ),
    "matplotlib": ("seaborn", "mlflow", "catboost", "plotnine"),
    "joblib": ("scikit-learn", "imbalanced-learn"),
    "omegaconf": ("hydra-core",),
    "pydantic": ("fastapi", "langchain", "openai", "pydantic-settings", "bentoml"),
    "starlette": ("fastapi",),
    "typing-extensions": ("fastapi", "pydantic", "torch", "sqlalchemy", "tensorflow"),
    "packaging": ("transformers", "mlflow", "black"),
    "requests": ("transformers", "mlflow", "datasets", "wandb", "huggingface-hub"),
    "pytz": ("pandas", "apache-airflow"),
    "python-dateutil": ("pandas", "matplotlib"),
    "pillow": ("matplotlib", "torchvision", "scikit-image"),
    "networkx": ("torch", "scikit-image"),
    "h5py": ("tensorflow", "keras"),
    "scikit-learn": ("imbalanced-learn", "mlflow", "sentence-transformers"),
    "sqlalchemy": ("mlflow", "optuna", "apache-airflow", "langchain"),
    "cloudpickle": ("mlflow",),
    "httpx": ("openai", "anthropic"),
    "tokenizers": ("transformers",),
    "safetensors": ("transformers", "timm"),
    "click": ("flask", "mlflow", "typer"),
    "pyyaml": ("transformers", "mlflow", "dvc", "omegaconf", "hydra-core", "uvicorn"),
    "huggingface-hub": ("transformers", "datasets", "sentence-transformers"),
    "torch": ("torchvision", "pytorch-lightning", "lightning", "torchaudio", "sentence-transformers", "ultralytics"),
    "keras": ("tensorflow",),
    "tensorboard": ("tensorflow",),
    "werkzeug": ("flask",),
    "jinja2": ("flask",),
    "botocore": ("boto3",),
    "tqdm": ("transformers", "datasets", "nltk", "openai"),
    "threadpoolctl": ("scikit-learn",),
    "bcrypt": ("passlib",),
    "python-multipart": ("fastapi",),
}


"""Distribution -> well-known distributions that bring it: then the import works, without being declared."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A third-party import, where it first stands, and the distributions that would give it."""

    root: str
    where: Location
    distributions: tuple[str, ...]


def dependencies_declared(project: Project) -> Verdict:
    """REP001: every third-party import of code and notebooks is declared."""
    needed = list(needed_imports(project))
    if not needed:
        return not_applicable("nothing but the standard library is imported")
    if any(m.dynamic and m.role == "declares" and not m.requirements for _, m in project.manifests):
        return unknown("dependencies are computed when the package is built")
    direct = {requirement.name for _, requirement in project.requirements} | _installed_by_hand(project)
    direct |= _brought_by_images(project)
    locked = {package.name for _, m in project.manifests for package in m.packages}
    own = {canonicalize_name(m.distribution) for _, m in project.manifests if m.distribution}
    cloned = _cloned(project)
    broken = [site for item in needed if (site := _undeclared(item, direct | own, locked, cloned, project)) is not None]
    return hazard(broken, units=len(needed))


def needed_imports(project: Project) -> Iterator[Needed]:
    """Third-party imports of code and notebooks, each root once."""
    seen: set[str] = set()
    for file in project.work_files:
        for row in file.python.imports if file.python else ():
            root = row.module.split(".")[0]
            if root in seen or not _third_party(row, root, project, file):
                continue
            names = project.vocabulary.distributions_of(f"{row.module}.{row.name}" if row.name else row.module)
            names = names or project.vocabulary.distributions_of(row.module)
            seen.add(root)
            yield Needed(
                root, file.at(row.line), tuple(canonicalize_name(n) for n in names) or (canonicalize_name(root),)
            )


def _third_party(row: Import, root: str, project: Project, file: ProjectFile) -> bool:
    if row.level or not root or row.optional or row.typing_only or root.startswith("_"):
        return False
    if root in sys.stdlib_module_names or root in _PLATFORM or row.module in _PLATFORM:
        return False
    if root in _PYTHON_2 or root in (
        "lib2to3",
        "imp",
        "asynchat",
        "asyncore",
        "smtpd",
        "cgi",
        "distutils",
        "__main__",
        "builtins",
        "tomllib",
    ):
        return False
    return not _is_own(root, project, file) and not _from_the_parent(row, root, project, file)


def _is_own(root: str, project: Project, file: ProjectFile) -> bool:
    """Whether the project has the module; the name of a known library only where an import can begin there."""
    known = bool(project.vocabulary.distributions_of(root))
    found = project.module_index.find(root, importer=file.path) if root in project.local_roots else None
    if found is not None:
        folder = found.removesuffix("/__init__.py").rpartition("/")[0]
        return not known or f"{folder}/__init__.py" not in project.by_path
    # A folder with code may be imported as a namespace package, or be generated at build time.
    if known:
        return any(other.path.startswith((f"{root}/", f"src/{root}/")) for other in project.code_files)
    return root in project.code_folders


def _repository_names(project: Project) -> frozenset[str]:
    """What the repository is called, by the addresses that pyproject.toml gives: its folder bears that name."""
    rows = [row for _, row in project.settings("pyproject.toml", key="project.urls")]
    addresses = [row.value for row in rows if isinstance(row.value, str)]
    return frozenset(found[1] for text in addresses if (found := _REPOSITORY.match(text)))


_REPOSITORY = re.compile(r"https?://(?:www\.)?git(?:hub|lab)\.[a-z]+/[^/]+/(\w+)(?:\.git)?/?$")


def _from_the_parent(row: Import, root: str, project: Project, file: ProjectFile) -> bool:
    """Whether an unknown root is the folder of the repository itself: what follows it is a module of the project."""
    rest = row.module.partition(".")[2]
    if project.vocabulary.distributions_of(row.module) or project.vocabulary.distributions_of(root):
        return False
    if root in _repository_names(project):
        return True
    return (
        bool(rest)
        and rest.split(".")[0] in project.local_roots
        and bool(project.module_index.find(rest, importer=file.path))
    )


def _undeclared(
    item: Needed, direct: set[str], locked: set[str], cloned: frozenset[str], project: Project
) -> Site | None:
    if any(name in direct or _family(name, direct) for name in item.distributions):
        return None
    shown = item.distributions[0]
    if any(name in locked for name in item.distributions):
        has_declaration = any(m.role == "declares" and m.requirements for _, m in project.manifests)
        if not has_declaration:
            return None
        return Site(
            0.5, f"imports {item.root}, and {shown} is there only through another package", item.where, key=item.root
        )
    bringer = next((b for name in item.distributions for b in _BROUGHT_BY.get(name, ()) if b in direct), "")
    if bringer:
        return Site(0.5, f"imports {item.root}, and {shown} is there only through {bringer}", item.where, key=item.root)
    if item.root.lower() in cloned:
        return Site(0.5, f"imports {item.root}, which only a clone of its repository brings", item.where, key=item.root)
    return Site(0.0, f"imports {item.root}, and nothing declares {shown}", item.where, key=item.root)


def _family(name: str, direct: set[str]) -> bool:
    """Variants under another name: tensorflow-cpu, torch builds, opencv-python-headless, psycopg2-binary."""
    stem = name.removesuffix("-python")
    if direct & {f"{name}-py", f"{name}py", f"py{name}", f"py-{name}", f"python-{name}"}:
        return True
    ends = (
        "-cpu",
        "-gpu",
        "-binary",
        "-headless",
        "-nightly",
        "-slim",
        "-macos",
        "-skinny",
        "-intel",
        "-client",
        "-core",
    )
    return any(other.startswith(f"{stem}-") and other.endswith(ends) for other in direct)


_CLONE = re.compile(r"\bgit clone\b.*?/(?P<name>[\w.-]+?)(\.git)?(\s|$)")


def _cloned(project: Project) -> frozenset[str]:
    """Names of repositories that commands, those of documents and notebooks included, clone."""
    texts = [command.text for command in project.commands]
    texts += [
        text for f in project.notebooks if f.facts.notebook for cell in f.facts.notebook.cells for _, text in cell.shell
    ]
    return frozenset(found["name"].lower() for text in texts for found in _CLONE.finditer(text))


_IMAGES = {
    "apache/airflow": "apache-airflow",
    "pytorch/pytorch": "torch",
    "nvidia/pytorch": "torch",
    "tensorflow/tensorflow": "tensorflow",
    "prefecthq/prefect": "prefect",
    "mlflow/mlflow": "mlflow",
    "bitnami/spark": "pyspark",
    "apache/spark-py": "pyspark",
}
"""Images that are made for a library, and bring it."""


def _brought_by_images(project: Project) -> set[str]:
    """Libraries that the images of the project are made for."""
    used = {stage.base for _, container in project.containers for stage in container.stages}
    used |= {service.image for file in project.files for service in file.facts.services}
    return {library for name, library in _IMAGES.items() if any(name in image for image in used)}


_PIP = re.compile(r"(?:^|[\s/])(?:pip3?|uv pip|conda|mamba|micromamba)\s+install\s+(?P<rest>.+)")


def _installed_by_hand(project: Project) -> set[str]:
    """What images and CI install by name counts as declared there."""
    names: set[str] = set()
    for command in project.commands:
        matched = _PIP.search(command.text) if command.origin in ("container",) else None
        for word in matched["rest"].split() if matched else ():
            if not word.startswith("-") and re.match(r"^[A-Za-z]", word):
                names.add(canonicalize_name(re.split(r"[=<>!~\[;@]", word)[0]))
    return names


# -------------------------------------------------------------------------------------------------------------- REP002

_FULL_LOCKS = {"uv", "poetry", "pdm", "pipenv", "pipfile", "pixi", "conda-lock", "pylock", "rye", "pip-tools", "hatch"}


def dependencies_locked(project: Project) -> Verdict:
    """REP002: a lock holds every version, or every requirement is pinned."""
    governing = _governing(project)
    sites = [_lock_site(f, m) for f, m in governing if m.role == "locks" and m.packages]
    sites += [site for f, m in governing if m.role == "declares" and (site := _pinned_site(f, m)) is not None]
    if not sites and project.kind.name == LIBRARY and project.requirements:
        return not_applicable("a library leaves versions to those who install it")
    if not sites:
        if not any(m.role == "declares" for _, m in project.manifests):
            return missing("no dependencies are declared, let alone locked")
        return missing("versions are free: two installs a week apart differ")
    best = max(site.credit for site in sites)
    return met(*[site for site in sites if site.credit == best][:3])


_BESIDE = re.compile(r"(^|[-_./])(tests?|testing|dev|develop|docs?|lint|ci|style)([-_./]|$)", re.IGNORECASE)
_BESIDE_GROUP = re.compile(r"(build|dev|test|tests|docs?|lint)(-.*)?$")
_LOCK_NAME = re.compile(r"\block\b|[-_.]lock(ed)?\b|frozen", re.IGNORECASE)


def _governing(project: Project) -> list[tuple[ProjectFile, Manifest]]:
    """The manifests of the folders above what trains and of its image; all of them where training has none of its own.

    Requirements of tests, docs and tools govern nothing while there are others.
    """
    above = {folder for entry in project.training_entries for folder in project.parent_folders(entry.path)}
    images = {file.path.rpartition("/")[0] for file, _ in project.containers}
    above |= {folder for folder in images if built_above(folder) in above}
    near = [(f, m) for f, m in project.manifests if f.path.rpartition("/")[0] in above]
    found = near if any(m.requirements or m.packages for _, m in near) else list(project.manifests)
    main = [(f, m) for f, m in found if m.role == "locks" or not _BESIDE.search(f.name.rpartition(".")[0])]
    return main if any(m.requirements or m.packages for _, m in main) else found


def _lock_site(file: ProjectFile, manifest: Manifest) -> Site:
    hashed = any(package.hashed for package in manifest.packages)
    full = hashed or any(word in manifest.tool for word in _FULL_LOCKS - {"pip-tools"})
    said = f"{len(manifest.packages)} packages locked" + ("" if full else ", without hashes")
    return Site(1.0 if full else 0.75, said, file.at(0), key=file.path)


def _pinned_site(file: ProjectFile, manifest: Manifest) -> Site | None:
    """Every requirement `==`: half a lock, since what they need themselves is free; more where it is called a lock."""
    rows = [r for r in manifest.requirements if _asks_for_version(r) and not _BESIDE_GROUP.match(r.group)]
    if not rows or manifest.tool in ("setup.py", "setup.cfg"):
        return None
    pinned = [r for r in rows if re.match(r"^={1,3}\s*[\w.]", r.spec) and "*" not in r.spec]
    place = file.at(0)
    if all(r.hashed for r in rows) and pinned:
        return Site(1.0, "every requirement is pinned with a hash", place, key=file.path)
    if len(pinned) == len(rows):
        if _LOCK_NAME.search(file.name):
            return Site(0.75, f"{len(rows)} packages locked, without hashes", place, key=file.path)
        return Site(0.6, "every requirement is pinned, what they need themselves is free", place, key=file.path)
    if len(pinned) >= 0.8 * len(rows) and len(rows) >= 5:
        free = next(r for r in rows if r not in pinned)
        said = f"{len(pinned)} of {len(rows)} requirements are pinned, {free.name} is not"
        return Site(0.4, said, file.at(free.line), key=file.path)
    return None


def _asks_for_version(row: Requirement) -> bool:
    """Whether a requirement has to say a version: of an index, or from a folder of one machine, which pins nothing."""
    return row.source in ("index", "conda") or (row.source == "path" and row.spec.startswith(("/", "~", "file:")))


# -------------------------------------------------------------------------------------------------------------- REP003

_PYTHON_IMAGE = re.compile(r"(^|/)python:(\d+\.\d+)")


def python_pinned(project: Project) -> Verdict:
    """REP003: the version of Python is stated."""
    sites = [*_stated_pythons(project), *_started_pythons(project)]
    if not sites:
        return missing("nothing pins the Python that it runs on")
    best = max(site.credit for site in sites)
    return met(next(site for site in sites if site.credit == best))


def _stated_pythons(project: Project) -> Iterator[Site]:
    """Versions that manifests and images state; a lower bound alone says which Pythons can, not which one did."""
    for file, manifest in project.manifests:
        stated = manifest.requires_python
        if not stated:
            continue
        bounded = project.kind.name == LIBRARY or bool(
            re.search(r"[<=~^]\s*=?\s*\d|^\s*\d", re.sub(r">=", ">", stated))
        )
        said = f"Python {stated}" + ("" if bounded else ", with no upper end")
        yield Site(1.0 if bounded else 0.5, said, file.at(0), key="requires-python")
    for file, container in project.containers:
        for stage in container.stages:
            if _PYTHON_IMAGE.search(stage.base):
                yield Site(1.0, f"image {stage.base}", file.at(stage.line), key=stage.base)
        installed = (_APT_PYTHON.search(row.value) for row in container.instructions if row.op == "RUN")
        if found := next(filter(None, installed), None):
            yield Site(1.0, f"the image installs {found[1]}", file.at(0), key=found[1])
    for file in project.work_files:
        for call in file.calls:
            image, version = constant(call, "base_image"), constant(call, "py_version")
            if isinstance(image, str) and _PYTHON_IMAGE.search(image):
                yield Site(1.0, f"steps run in the image {image}", file.at(call.line), key=image)
            if isinstance(version, str) and _SHORT_PYTHON.match(version):
                yield Site(1.0, f"{call.name} runs in an image of {version}", file.at(call.line), key=version)


_NOT_OF_PROJECT = frozenset(("vendored", "test", "example"))
_CONDA_PYTHON = re.compile(
    r"\b(?:(?:conda|mamba) (?:create|install)\b.*\bpython=|virtualenv\b.*-p ?\S*python|uv venv\b.*--python[ =]|uv python (?:install|pin) |pyenv \w+ )"
    r"(\d\.\d+)|\bpython(3\.\d+) -m venv\b"
)
_APT_PYTHON = re.compile(r"\bapt(?:-get)?\b[^|&;]*\binstall\b[^|&;]*\b(python3\.\d+)\b")
_SHORT_PYTHON = re.compile(r"^py3\d+$")
_RUNTIME = re.compile(r"^python3\.\d+$")


def _started_pythons(project: Project) -> Iterator[Site]:
    """Versions that only CI, a document or a platform's template names."""
    for file, automation in project.automations:
        for job in automation.jobs:
            for step in job.steps:
                version = dict(step.inputs).get("python-version", "")
                if re.match(r"^3\.\d+", version):
                    yield Site(0.5, f"only CI says Python {version}", file.at(step.line), key="ci")
    for command in project.commands:
        found = _CONDA_PYTHON.search(command.text)
        if found:
            version = found[1] or found[2]
            yield Site(0.5, f"only {command.where.path} says Python {version}", command.where, key="conda")
    for file, document in project.documents:
        if document.python and file.name.lower().startswith("readme") and file.role not in _NOT_OF_PROJECT:
            line, version = document.python[0]
            yield Site(0.5, f"only {file.path} says Python {version}", file.at(line), key="readme")
    for file in project.files:
        for row in file.facts.settings:
            if isinstance(row.value, str) and _RUNTIME.match(row.value) and row.key.lower().endswith("runtime"):
                yield Site(0.5, f"only the platform's template says {row.value}", file.at(row.line), key="runtime")
