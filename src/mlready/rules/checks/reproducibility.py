"""Checks of factor 4: training can be repeated."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from mlready.facts.rows import Call, Import, Manifest
from mlready.findings import Location, Site, Verdict, hazard, met, missing, not_applicable, unknown
from mlready.project.commands import Command
from mlready.project.entries import started_files
from mlready.project.kinds import LIBRARY, TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, constant, spreads_keywords
from mlready.rules.checks.experiments import cell_place, notebook_of

# -------------------------------------------------------------------------------------------------------------- REP001

_PLATFORM = frozenset(
    ("pyspark", "dbutils", "databricks", "google.colab", "kaggle_secrets", "kaggle_datasets", "awsglue", "bpy", "pyflink",
     "azureml", "smdistributed", "IPython", "ipykernel", "pip", "setuptools", "pkg_resources", "distutils", "wheel", "delta", "sagemaker_training")
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
        "torch",
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
    "packaging": ("transformers", "mlflow", "black"),
    "requests": ("transformers", "mlflow", "datasets", "wandb", "huggingface-hub"),
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
    locked = {package.name for _, m in project.manifests for package in m.packages}
    own = {canonicalize_name(m.distribution) for _, m in project.manifests if m.distribution}
    broken = [site for item in needed if (site := _undeclared(item, direct | own, locked, project)) is not None]
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
    return not (
        root in project.local_roots and project.module_index.find(root, importer=file.path)
    ) and not _local_package(project, root)


def _local_package(project: Project, root: str) -> bool:
    """A folder of the project that is imported as a namespace package, or generated at build time."""
    return any(part == root for file in project.code_files for part in file.path.split("/")[:-1])


def _undeclared(item: Needed, direct: set[str], locked: set[str], project: Project) -> Site | None:
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
    if not sites:
        if not any(m.role == "declares" for _, m in project.manifests):
            return missing("no dependencies are declared, let alone locked")
        return missing("versions are free: two installs a week apart differ")
    return met(*sorted(sites, key=lambda site: -site.credit)[:3])


def _governing(project: Project) -> list[tuple[ProjectFile, Manifest]]:
    """The manifests of the folders above what trains; all of them where training has none of its own."""
    above = {folder for entry in project.training_entries for folder in project.parent_folders(entry.path)}
    near = [(f, m) for f, m in project.manifests if f.path.rpartition("/")[0] in above]
    return near if any(m.requirements or m.packages for _, m in near) else list(project.manifests)


def _lock_site(file: ProjectFile, manifest: Manifest) -> Site:
    hashed = any(package.hashed for package in manifest.packages)
    full = hashed or any(word in manifest.tool for word in _FULL_LOCKS - {"pip-tools"})
    said = f"{len(manifest.packages)} packages locked" + ("" if full else ", without hashes")
    return Site(1.0 if full else 0.75, said, file.at(0), key=file.path)


def _pinned_site(file: ProjectFile, manifest: Manifest) -> Site | None:
    """Every requirement `==`: half a lock, since what they need themselves is free."""
    rows = [r for r in manifest.requirements if r.source in ("index", "conda")]
    if not rows or manifest.tool in ("setup.py", "setup.cfg"):
        return None
    pinned = [r for r in rows if re.match(r"^={1,3}\s*[\w.]", r.spec) and "*" not in r.spec]
    if all(r.hashed for r in rows) and pinned:
        return Site(1.0, "every requirement is pinned with a hash", file.at(0), key=file.path)
    if len(pinned) == len(rows):
        return Site(0.6, "every requirement is pinned, what they need themselves is free", file.at(0), key=file.path)
    if len(pinned) >= 0.8 * len(rows) and len(rows) >= 5:
        free = next(r for r in rows if r not in pinned)
        return Site(
            0.4,
            f"{len(pinned)} of {len(rows)} requirements are pinned, {free.name} is not",
            file.at(free.line),
            key=file.path,
        )
    return None


# -------------------------------------------------------------------------------------------------------------- REP003

_PYTHON_IMAGE = re.compile(r"(^|/)python:(\d+\.\d+)")


def python_pinned(project: Project) -> Verdict:
    """REP003: the version of Python is stated."""
    for file, manifest in project.manifests:
        if manifest.requires_python:
            return met(Site(1.0, f"Python {manifest.requires_python}", file.at(0), key="requires-python"))
    for file, container in project.containers:
        for stage in container.stages:
            if _PYTHON_IMAGE.search(stage.base):
                return met(Site(1.0, f"image {stage.base}", file.at(stage.line), key=stage.base))
    for file, automation in project.automations:
        for job in automation.jobs:
            for step in job.steps:
                version = dict(step.inputs).get("python-version", "")
                if re.match(r"^3\.\d+", version):
                    return met(Site(0.5, f"only CI says Python {version}", file.at(step.line), key="ci"))
    return missing("nothing says which Python it runs on")


# -------------------------------------------------------------------------------------------------------------- REP004


def randomness_seeded(project: Project) -> Verdict:
    """REP004: each source of randomness is seeded, by its own argument or by a global seed in the same process."""
    broken, units = [], 0
    for use in project.uses("random"):
        drawn = project.vocabulary.randomness(use.call.name)
        if drawn is None or not _is_source(project, use):
            continue
        units += 1
        if not random_without_seed(project, use):
            continue
        what = f"{use.call.name} draws random numbers"
        how = f"without {drawn.arguments[0]}" if drawn.arguments else "and nothing seeds its stream"
        broken.append(Site(0.0, f"{what} {how}", use.where, key=use.call.name))
    return hazard(broken, units=units)


_TRIAL_INPUT = re.compile(
    r"(export|trace|profile|summary|add_graph|flops|benchmark|forward|warm_?up|display|imshow|print)$", re.IGNORECASE
)
_WORKS = frozenset((*TRAIN_ACTIVITIES, "fit", "split", "evaluate"))


def _shapes_results(use: Use) -> bool:
    """False for a trial input of a model, for rows that are only shown, and for notebooks that train nothing."""
    call = use.call
    if _TRIAL_INPUT.search(call.parent) or ("main-guard" in call.context and call.system in ("torch", "pytorch")):
        return False
    if call.name.endswith(".sample") and not call.targets and not call.parent:
        return False
    if use.file.facts.notebook is None:
        return True
    python = use.file.python
    assert python is not None
    return any(_WORKS & set(other.activities) for other in python.calls)


def random_without_seed(project: Project, use: Use) -> bool:
    """Whether a call draws random numbers that no argument and no global seed fixes."""
    drawn = project.vocabulary.randomness(use.call.name)
    if drawn is None or not _draws(use.call, drawn):
        return False
    if _seeded_itself(use.call, drawn.arguments) or spreads_keywords(use.call):
        return False
    return not (drawn.stream and _seeded_before(project, use, drawn.stream, _seed_uses(project)))


def _draws(call: Call, drawn: object) -> bool:
    """Whether a call draws at all, by the conditions that the vocabulary states (shuffle=False draws nothing)."""
    from mlready.vocabulary.lookup import Randomness

    assert isinstance(drawn, Randomness)
    if drawn.only_if is not None:
        value = argument(call, drawn.only_if.argument)
        return value is not None and (value.kind != "const" or str(value.scalar) in drawn.only_if.values)
    if drawn.not_if is not None:
        value = argument(call, drawn.not_if.argument)
        return not (value is not None and value.kind == "const" and str(value.scalar) in drawn.not_if.values)
    return True


def _seeded_itself(call: Call, arguments: tuple[str, ...]) -> bool:
    value = argument(call, *arguments) if arguments else None
    return value is not None and not (value.kind == "const" and value.scalar is None)


def _seed_uses(project: Project) -> list[tuple[Use, str]]:
    found = []
    for use in project.uses("seed"):
        stream = project.vocabulary.seeds(use.call.name)
        passed = use.call.args and not (
            use.call.args[0].value.kind == "const" and use.call.args[0].value.scalar is None
        )
        if stream and passed:
            found.append((use, stream))
    return found


def _seeded_before(project: Project, use: Use, stream: str, seeds: list[tuple[Use, str]]) -> bool:
    """Whether a seed of that stream runs in a process that the use runs in."""
    fitting = [seed for seed, name in seeds if name in (stream, "*")]
    if not fitting:
        return False
    if any(seed.file.path == use.file.path or "seed_everything" in seed.call.name for seed in fitting):
        return True
    nodes = {seed.node for seed in fitting}
    runs = [reach for reach in project.entry_reaches if use.node in reach]
    if not runs:
        return True
    return any(not nodes.isdisjoint(reach) for reach in runs)


def seeds_set(project: Project) -> Verdict:
    """REP013: of the calls that draw random numbers on the way of training, the share that is seeded."""
    drawn = [use for use in project.uses("random") if _is_source(project, use)]
    if not drawn:
        return not_applicable("nothing random was found")
    free = [use for use in drawn if random_without_seed(project, use)]
    share = 1.0 - len(free) / len(drawn)
    seeds = _seed_uses(project)
    where = seeds[0][0].where if seeds else next((use.where for use in drawn if use not in free), None)
    return met(
        Site(share, f"{len(drawn) - len(free)} of {len(drawn)} sources of randomness are seeded", where, key="seeded")
    )


def _is_source(project: Project, use: Use) -> bool:
    if use.file.facts.notebook is None and not project.reaches(use.node, "any"):
        return False
    drawn = project.vocabulary.randomness(use.call.name)
    return drawn is not None and _draws(use.call, drawn) and _shapes_results(use)


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


# ------------------------------------------------------------------------------------------------------ REP009, REP010

_INSTALL = re.compile(
    r"(^|[\s;&|!%])(pip3?|conda|mamba|apt(-get)?|uv pip|poetry)\s+(-\S+\s+)*(install|add)\b", re.IGNORECASE
)
_PINS = re.compile(r"==|(^|\s)(-r|--requirement)\s|\s-e\s|\s\.(\[[^\]]*\])?(\s|$)|@\s*git\+.*@[0-9a-f]{7,}")


def no_install_at_runtime(project: Project) -> Verdict:
    """REP009: neither code nor notebooks install packages while they run."""
    broken, units = [], len(project.work_files)
    for file in project.notebooks:
        first_code = next((c.number for c in notebook_of(file).cells if c.kind == "code" and (c.lines or c.shell)), 0)
        for cell in notebook_of(file).cells:
            for line, command in cell.shell:
                if not _INSTALL.search(" " + command):
                    continue
                setup = cell.number == first_code and bool(_PINS.search(command))
                said = f"installs when it runs: {command.strip()[:60]}"
                where = file.at(line) if line else cell_place(file, cell)
                broken.append(Site(0.5 if setup else 0.0, said, where, key="install"))
                break
    for use in project.uses("shell"):
        text = _shell_text(use.call)
        if _INSTALL.search(" " + text) and project.reaches(use.node, "any" if use.file.facts.notebook is None else ""):
            broken.append(Site(0.0, f"installs when it runs: {text[:60]}", use.where, key="install"))
    first_of_file = {site.where.path: site for site in reversed(broken) if site.where}
    return hazard(sorted(first_of_file.values(), key=lambda s: s.where.path if s.where else ""), units=units)


def _shell_text(call: Call) -> str:
    value = argument(call, "0", "args", "cmd", "command")
    if value is None:
        return ""
    if value.kind == "list":
        return " ".join(str(item.scalar) for item in value.items if isinstance(item.scalar, str))
    return str(value.scalar) if isinstance(value.scalar, str) else value.text


_ORDER_FREE = frozenset(
    (
        "sorted",
        "len",
        "set",
        "frozenset",
        "any",
        "all",
        "sum",
        "max",
        "min",
        "natsorted",
        "natsort.natsorted",
        "next",
        "bool",
        "shutil.rmtree",
        "os.remove",
    )
)


def file_order_fixed(project: Project) -> Verdict:
    """REP010: listings of files are sorted before they feed data."""
    broken, units = [], 0
    for use in project.uses("list-files"):
        if not project.reaches(use.node, "training") and use.file.facts.notebook is None:
            continue
        if use.call.name in ("os.walk", ".walk", "os.scandir"):
            continue
        units += 1
        if use.call.parent in _ORDER_FREE or use.call.parent.endswith((".sort", "sorted")) or _sorted_later(use):
            continue
        if not use.call.targets or not _feeds_data(project, use):
            units -= 1
            continue
        broken.append(
            Site(
                0.0,
                f"{use.call.name} gives files in no fixed order",
                use.where,
                key=use.call.name,
            )
        )
    return hazard(broken, units=units)


def _sorted_later(use: Use) -> bool:
    python = use.file.python
    assert python is not None
    names = set(use.call.targets)
    for call in python.calls:
        if call.scope != use.call.scope:
            continue
        if call.name.endswith(".sort") and call.receiver in names:
            return True
        if call.name in ("sorted", "natsort.natsorted") and any(arg.value.text in names for arg in call.args):
            return True
    return False


def _feeds_data(project: Project, use: Use) -> bool:
    """Whether data is read in the same function, in a loop or a comprehension over the files."""
    python = use.file.python
    assert python is not None
    wanted = {"read-data", "preprocess", "train", "load-model"}
    return any(
        call.scope == use.call.scope and wanted & set(call.activities) and call.line >= use.call.line
        for call in python.calls
    )


# ------------------------------------------------------------------------------------------------------ REP011, REP012

_TRUNCATING_ARGUMENTS = ("nrows", "limit_train_batches", "max_steps_per_epoch", "max_train_samples")


def training_data_not_truncated(project: Project) -> Verdict:
    """REP011: no literal cuts the data between reading and fitting."""
    reads = [u for u in project.uses("read-data") if project.reaches(u.node, "training")]
    broken: list[Site] = []
    for use in project.uses("read-data", "train", "fit"):
        if not project.reaches(use.node, "training"):
            continue
        if argument(use.call, "skiprows", "chunksize", "iterator") is not None or not _fits_too(use):
            continue  # One part of many, or a look at the file.
        for name in _TRUNCATING_ARGUMENTS:
            value = constant(use.call, name)
            if (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and value not in (0, 1.0)
                and "debug" not in use.call.context
            ):
                broken.append(Site(0.0, f"{use.call.name} reads only {name}={value}", use.where, key=name))
    broken += _fast_runs(project)
    broken += [site for file in project.work_files for site in _flow_sites(project, file)]
    return hazard(broken, units=max(len(reads), len(broken)))


def _fits_too(use: Use) -> bool:
    """Whether something is fitted after the call, in the same file."""
    python = use.file.python
    assert python is not None
    works = {*TRAIN_ACTIVITIES, "fit"}
    own = [c for c in python.calls if works & set(c.activities)]
    return use.file.facts.notebook is None or any(c.line >= use.call.line for c in own)


def _fast_runs(project: Project) -> Iterator[Site]:
    for use in project.calls(
        "lightning.Trainer",
        "pytorch_lightning.Trainer",
        "lightning.pytorch.Trainer",
        "lightning.pytorch.trainer.Trainer",
    ):
        if constant(use.call, "fast_dev_run") is True:
            yield Site(0.0, "Trainer(fast_dev_run=True) trains on one batch", use.where, key="fast_dev_run")
        limit = constant(use.call, "limit_train_batches")
        if isinstance(limit, int | float) and limit not in (1.0,) and not isinstance(limit, bool):
            yield Site(0.0, f"Trainer(limit_train_batches={limit})", use.where, key="limit_train_batches")


def _flow_sites(project: Project, file: ProjectFile) -> Iterator[Site]:
    for flow in file.python.flows if file.python else ():
        if flow.kind == "truncation" and project.reaches((file.path, flow.scope), "training"):
            yield Site(0.0, flow.message, file.at(flow.line), key=flow.message, certain=flow.certain)


def gpu_stack_portable(project: Project) -> Verdict:
    """REP012: device and CUDA build are stated once, with a way back to the CPU."""
    fixed = [use for use in project.calls(".cuda") if project.reaches(use.node, "any")]
    broken = []
    units = 0
    guarded = {use.file.path for use in project.calls("torch.cuda.is_available", "torch.backends.mps.is_available")}
    for use in fixed:
        units += 1
        if use.file.path not in guarded and "if" not in use.call.context:
            broken.append(
                Site(
                    0.0,
                    f"{use.call.receiver or 'the model'} goes to the GPU whether there is one or not",
                    use.where,
                    key="cuda",
                )
            )
    for use in project.calls("torch.device", ".to"):
        value = constant(use.call, "0", "device")
        if isinstance(value, str) and value.startswith("cuda") and project.reaches(use.node, "any"):
            units += 1
            if use.file.path not in guarded and "if" not in use.call.context:
                broken.append(Site(0.0, f'device "{value}" is fixed in code', use.where, key="cuda"))
    for file, container in project.containers:
        for stage in container.stages:
            if re.search(r"nvidia/cuda|cuda", stage.base) and stage.pinned != "stage":
                units += 1
                if not re.search(r"[:-]\w*\d+\.\d+", stage.base):
                    broken.append(
                        Site(0.0, f"CUDA image {stage.base} has no full tag", file.at(stage.line), key=stage.base)
                    )
    return hazard(broken, units=units)


def is_library(project: Project) -> bool:
    """A library rightly leaves versions to those who use it."""
    return project.kind.name == LIBRARY
