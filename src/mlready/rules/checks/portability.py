"""Checks of factor 4: what makes one run differ from the next."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Call, Cell, Value
from mlready.findings import Site, Verdict, hazard
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import argument, constant, literal_path
from mlready.rules.checks.experiments import cell_place, notebook_of

# ------------------------------------------------------------------------------------------------------ REP009, REP010

_INSTALL = re.compile(
    r"(^|[\s;&|!%])(pip3?|conda|mamba|apt(-get)?|uv pip|poetry)\s+(-\S+\s+)*(install|add)\b", re.IGNORECASE
)


_PINS = re.compile(r"==|(^|\s)(-r|--requirement)\s|\s-e\s|\s\.(\[[^\]]*\])?(\s|$)|@\s*git\+.*@[0-9a-f]{7,}")


def no_install_at_runtime(project: Project) -> Verdict:
    """REP009: neither code nor notebooks install packages while they run."""
    broken, units = [], len(project.work_files)
    for file in project.notebooks:
        if _builds_wheels(file):
            continue
        first_code = next((c.number for c in notebook_of(file).cells if c.kind == "code" and (c.lines or c.shell)), 0)
        for cell in notebook_of(file).cells:
            for line, command in cell.shell:
                if not _installs(command) or line in cell.conditional or _only_on_colab(file, cell):
                    continue
                setup = cell.number == first_code and bool(_PINS.search(command))
                said = f"installs when it runs: {command.strip()[:60]}"
                where = file.at(line) if line else cell_place(file, cell)
                broken.append(Site(0.5 if setup else 0.0, said, where, key="install"))
                break
    for use in project.uses("shell"):
        if _INSTALLER.search(use.file.name):
            continue  # It is there to install.
        text = _shell_text(use.call)
        if _installs(text) and project.reaches(use.node, "any" if use.file.facts.notebook is None else ""):
            broken.append(Site(0.0, f"installs when it runs: {text[:60]}", use.where, key="install"))
    first_of_file = {site.where.path: site for site in reversed(broken) if site.where}
    return hazard(sorted(first_of_file.values(), key=lambda s: s.where.path if s.where else ""), units=units)


def _installs(command: str) -> bool:
    """Whether a command installs what it fetches: not from a folder of wheels, whose versions are fixed."""
    return bool(_INSTALL.search(" " + command)) and "--no-index" not in command


def _builds_wheels(file: ProjectFile) -> bool:
    """Whether a notebook gathers wheels for others: installing them only tries the set."""
    commands = [command for cell in notebook_of(file).cells for _, command in cell.shell]
    return any(re.search(r"\bpip3?\s+(download|wheel)\b", command) for command in commands)


_INSTALLER = re.compile(r"install|dependenc|bootstrap|setup|requirements", re.IGNORECASE)


def _only_on_colab(file: ProjectFile, cell: Cell) -> bool:
    """Whether the cell first tries to import what only Colab or Kaggle has."""
    return any(
        row.optional and row.module.split(".")[-1] in ("colab", "kaggle_secrets", "kaggle_datasets")
        for row in (file.python.imports if file.python else ())
        if cell.start <= row.line < cell.start + cell.lines
    )


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
        if (
            use.call.name in ("os.walk", ".walk", "os.scandir")
            or not use.call.targets
            or not _works_on_data(project, use)
        ):
            continue
        if not _order_matters(project, use):
            continue
        units += 1
        if use.call.parent in _ORDER_FREE or use.call.parent.endswith((".sort", "sorted")) or _ordered_later(use):
            continue
        broken.append(Site(0.0, f"{use.call.name} gives files in no fixed order", use.where, key=use.call.name))
    return hazard(broken, units=units)


def _works_on_data(project: Project, use: Use) -> bool:
    """Whether the listing stands on the way of training: reached from it, or in a notebook that fits something."""
    if use.file.facts.notebook is None:
        return project.reaches(use.node, "training")
    works = {*TRAIN_ACTIVITIES, "fit", "split"}
    return any(works & set(call.activities) for call in (use.file.python.calls if use.file.python else ()))


def _ordered_later(use: Use) -> bool:
    """Whether the listing is sorted or shuffled (REP004 asks for the seed) before it is used."""
    python = use.file.python
    assert python is not None
    names = set(use.call.targets)
    for call in python.calls:
        if call.scope != use.call.scope:
            continue
        if call.name.endswith(".sort") and call.receiver in names:
            return True
        ordering = call.name.endswith(("sorted", "shuffle", "permutation", "RandomState.choice"))
        if ordering and any(arg.value.text in names for arg in call.args):
            return True
    return False


_MAKES_DATA = re.compile(
    r"(^|[._])(load|read|make|build|create|parse|prepare|batch|stack|concat)\w*$|dataset", re.IGNORECASE
)


def _order_matters(project: Project, use: Use) -> bool:
    """Whether files are read one after the other into something ordered, or a position in the listing is taken."""
    python = use.file.python
    assert python is not None
    names = set(use.call.targets)
    here = [call for call in python.calls if call.scope == use.call.scope and call.line >= use.call.line]
    looped = [call for call in here if "loop" in call.context and _reads_a_name(call)]
    kept = [call for call in looped if not any(name.endswith("[]") for name in call.targets)]
    written = any("loop" in call.context and "write-data" in call.activities for call in here)
    if len(names) == 1 and any(_mentions(call, names, here) for call in kept) and not written:
        return True
    if _gathered(project, use, names) or any(_reads_each(use, call) for call in here):
        return True
    if not any(row.line == use.call.line and row.name in names for row in python.assigns):
        return False  # A loop over the listing: what it reads was asked above.
    places = [call for call in (python.calls if use.call.scope == 0 else here) if call.line >= use.call.line]
    return any(_takes_listing(call, names) for call in places)


_IN_ORDER = ("ListComp", "GeneratorExp")


def _gathered(project: Project, use: Use, names: set[str]) -> bool:
    """Whether a comprehension over the listing reads each file: `pd.concat(pd.read_csv(f) for f in files)`."""
    python = use.file.python
    assert python is not None
    given = [arg.value for call in python.calls if call.scope == use.call.scope for arg in call.args]
    values = [row.value for row in python.assigns if row.scope == use.call.scope] + given
    return any(
        each.text in _IN_ORDER and any(item.text in names for item in each.items[1:]) and _reads(project, each.items[0])
        for value in values
        for each in _expressions(value)
    )


def _expressions(value: Value, depth: int = 3) -> Iterator[Value]:
    if value.kind == "expr":
        yield value
    for item in value.items if depth else ():
        yield from _expressions(item, depth - 1)


def _reads(project: Project, value: Value, depth: int = 3) -> bool:
    """Whether a value is made by a call that reads data."""
    meaning = project.vocabulary.meaning(value.text) if value.kind == "call" else None
    if meaning is not None and "read-data" in meaning.activities:
        return True
    return depth > 0 and any(_reads(project, item, depth - 1) for item in value.items)


def _reads_each(use: Use, call: Call) -> bool:
    """Whether a call in the same function reads what only a comprehension can have named; a notebook has too many others."""
    python = use.file.python
    if python is None or not _reads_a_name(call) or call.targets or "loop" in call.context:
        return False
    if use.file.facts.notebook is not None:
        return call.line == use.call.line
    bound = {row.name for row in python.assigns} | {name for other in python.calls for name in other.targets}
    bound |= {param.name for scope in python.scopes for param in scope.params}
    return not _holds(call.args[0].value, bound)


_NO_DATA = re.compile(
    r"^(sys\.path\.|subprocess\.|shutil\.|zipfile\.|tarfile\.|logging\.|print$|os\.(system|remove|unlink|rename|mkdir|makedirs|chmod)$)"
    r"|\.(unlink|rename|mkdir|info|debug|warning)$"
)
"""What installs, moves, deletes or tells: which file comes first decides nothing."""


def _takes_listing(call: Call, names: set[str]) -> bool:
    """Whether a call reads a listing as a whole, or one place of it."""
    if _NO_DATA.search(call.name):
        return False
    makes = {"read-data", "preprocess", "train"} & set(call.activities) or _MAKES_DATA.search(call.name)
    for arg in call.args:
        if arg.value.text in names and (arg.value.kind == "item" or (makes and arg.value.kind == "name")):
            return True
    return False


def _reads_a_name(call: Call) -> bool:
    """A read of what a variable names: not of a path that is written out."""
    value = argument(call, "0", "path", "filepath_or_buffer", "filename")
    return "read-data" in call.activities and value is not None and value.kind != "const"


def _mentions(call: Call, names: set[str], near: list[Call]) -> bool:
    """Whether one of the names is among the arguments, or in a path that was joined from it just before."""
    joined = {
        target
        for other in near
        if other.name.endswith(("join", "Path", "format")) and any(_holds(arg.value, names) for arg in other.args)
        for target in other.targets
    }
    return any(_holds(arg.value, names | joined) for arg in call.args)


def _holds(value: Value, names: set[str], depth: int = 5) -> bool:
    if value.kind == "name" and value.text.partition(".")[0] in names:
        return True
    return depth > 0 and any(_holds(item, names, depth - 1) for item in (*value.items, *value.values))


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
        if any(_TEST_NAME.search(name) for name in (*use.call.targets, literal_path(use.call))):
            continue  # What is predicted for is not what is trained on.
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


_TEST_NAME = re.compile(r"(^|[_/.])(x_?|y_?)?(test|valid|val|holdout|submission)", re.IGNORECASE)


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
        named = [call.targets for call in file.python.calls if call.line == flow.line] if file.python else []
        if any(_TEST_NAME.search(name) for targets in named for name in targets):
            continue
        if flow.kind == "truncation" and project.reaches((file.path, flow.scope), "training"):
            yield Site(0.0, flow.message, file.at(flow.line), key=flow.message, certain=flow.certain)


_GPU_ONLY = frozenset(
    ("tensorrt", "torch_tensorrt", "pycuda", "cupy", "cudf", "cuml", "cugraph", "numba.cuda", "triton", "nvidia.dali")
)
"""What runs on a GPU of NVIDIA or not at all."""


def _needs_gpu(file: ProjectFile) -> bool:
    return any(
        not row.optional and {row.module, row.module.partition(".")[0], f"{row.module}.{row.name}"} & _GPU_ONLY
        for row in (file.python.imports if file.python else ())
    )


def gpu_stack_portable(project: Project) -> Verdict:
    """REP012: device and CUDA build are stated once, with a way back to the CPU."""
    fixed = [use for use in project.calls(".cuda") if project.reaches(use.node, "any")]
    broken = []
    units = 0
    guarded = {use.file.path for use in project.calls("torch.cuda.is_available", "torch.backends.mps.is_available")}
    guarded |= {file.path for file in project.work_files if _needs_gpu(file)}
    for use in fixed:
        units += 1
        if use.file.path not in guarded and "if" not in use.call.context:
            broken.append(
                Site(
                    0.0,
                    f"{use.call.receiver or 'what is made here'} goes to the GPU whether there is one or not",
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
