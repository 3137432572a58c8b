"""Checks of factor 8: experiments are kept apart from production models."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from mlready.facts.rows import Cell, NotebookFacts
from mlready.findings import Location, Site, Verdict, hazard, met, missing, not_applicable, unknown
from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import Project, ProjectFile, Use
from mlready.rules.checks.common import functions

_OWN_FOLDERS = re.compile(
    r"(^|/)(notebooks?|research|experiments?|exploration|explorations|exploratory|eda|analysis|analyses|playground|"
    r"sandbox|prototypes?|jupyter|nbs?|ipynb|colab|scratch)(/|$)",
    re.IGNORECASE,
)


def notebook_of(file: ProjectFile) -> NotebookFacts:
    """The notebook facts of a file that has them."""
    assert file.facts.notebook is not None
    return file.facts.notebook


def code_cells(file: ProjectFile) -> list[Cell]:
    """Code cells with something in them."""
    return [
        cell
        for cell in notebook_of(file).cells
        if cell.kind == "code" and cell.lines and (cell.statements or cell.problem or cell.magics or cell.shell)
    ]


def saved_notebooks(project: Project) -> tuple[ProjectFile, ...]:
    """Notebooks that keep execution counts and outputs: .ipynb files with code in them."""
    return tuple(f for f in project.notebooks if notebook_of(f).format == "ipynb" and code_cells(f))


def cell_place(file: ProjectFile, cell: Cell) -> Location:
    """The first line of a cell."""
    return Location(file.path, 1, cell.number, cell.id or None, cell.raw_lines[0] if cell.raw_lines else None)


# ------------------------------------------------------------------------------------------------------ EXP001 .. EXP003


def notebooks_apart(project: Project) -> Verdict:
    """EXP001: notebooks have a folder of their own, and do not lie among the modules of the package."""
    packages = _packages(project)
    sites = [_apart_site(file, packages, _beside(project, file)) for file in notebooks(project)]
    return hazard([site for site in sites if site.credit < 1], units=len(sites))


def notebooks(project: Project) -> tuple[ProjectFile, ...]:
    """The notebooks: scripts of cells too, but no modules of a package and no fragments whose marks head their sections."""
    packages = _packages(project)
    return tuple(
        file
        for file in project.notebooks
        if notebook_of(file).format != "percent" or not (_folder(file) in packages or _is_fragment(file))
    )


def _packages(project: Project) -> set[str]:
    return {_folder(file) for file in project.python_files if file.name == "__init__.py"}


def _folder(file: ProjectFile) -> str:
    return str(PurePosixPath(file.path).parent)


def _beside(project: Project, notebook: ProjectFile) -> set[str]:
    """Folders of modules and scripts; what only has the notebook's own name is an export of it."""
    own = notebook.path.rpartition(".")[0]
    return {_folder(f) for f in project.code_files if f.name != "setup.py" and f.path.rpartition(".")[0] != own}


def _apart_site(file: ProjectFile, packages: set[str], modules: set[str]) -> Site:
    folder = _folder(file)
    if folder in packages and not _OWN_FOLDERS.search(folder.rpartition("/")[2]):
        return Site(0.0, f"lies among the modules of the package {folder}", file.at(0), key="in package")
    if _OWN_FOLDERS.search(folder if folder != "." else ""):
        return Site(1.0, f"stands in {folder}/", file.at(0), key="apart")
    if folder in modules:
        return Site(0.0, "lies beside the scripts and modules", file.at(0), key="beside code")
    if folder == ".":
        return Site(0.0 if modules else 0.5, "lies at the root of the project", file.at(0), key="at root")
    return Site(1.0, f"stands in {folder}/, which holds no modules", file.at(0), key="apart")


def training_outside_notebooks(project: Project) -> Verdict:
    """EXP002: the share of training and saving that stands in modules and scripts."""
    inside = sorted(_trains(project, notebooks=True), key=lambda use: "fit" in use.call.activities)
    outside = list(_trains(project, notebooks=False))
    if not outside:
        if not inside:
            return unknown("no call that trains or saves a model was found")
        return missing("training stands in notebooks only", inside[0].where, key="notebooks only")
    trained = [use for use in outside if set(use.call.activities) & set(TRAIN_ACTIVITIES)]
    reached = [use for use in (trained or outside) if project.reaches(use.node, "any")]
    if not reached:
        return met(Site(0.5, "modules train, but no entry point reaches them", outside[0].where, key="not reached"))
    first = reached[0]
    in_notebooks = {use.file.path for use in inside if set(use.call.activities) & set(TRAIN_ACTIVITIES)}
    in_notebooks |= {use.file.path for use in project.uses("save-model", notebooks=True)}
    if in_notebooks and len(in_notebooks) > 3 * len({use.file.path for use in reached}):
        return met(
            Site(
                0.5,
                f"{first.call.name} in a module, but {len(in_notebooks)} notebooks train too",
                first.where,
                key="both",
            )
        )
    return met(Site(1.0, f"{first.call.name} stands in a module", first.where, key=first.call.name))


def _trains(project: Project, *, notebooks: bool) -> Iterator[Use]:
    """Calls that train: not what a class of an unknown library fits, nor a gradient that no optimizer follows."""
    steps = {use.file.path for use in project.calls(".step", ".apply_gradients", ".minimize")}
    for use in project.uses(*TRAIN_ACTIVITIES, "fit", notebooks=notebooks):
        name = use.call.name
        if name.endswith(".backward") and use.file.path not in steps:
            continue
        holder = name.rpartition(".")[0]
        own = holder.partition(".")[0] in project.local_roots
        if "." in holder and not own and not project.vocabulary.system_of(holder):
            continue
        yield use


def notebooks_use_the_package(project: Project) -> Verdict:
    """EXP003: a notebook that trains imports the project's modules instead of redefining them."""
    working = [
        (file, modules) for file in project.notebooks if _works(file) and (modules := _own_modules(project, file))
    ]
    if not working:
        return not_applicable("no notebook trains beside modules that it could import")
    broken = []
    strangers = [file for file, _ in working if not _imports_own(project, file)]
    for file, modules in working:
        if file not in strangers:
            continue
        defined = {name.rpartition(".")[2] for module in modules for _, name in functions(module)}
        twins = sorted(name for _, name in functions(file) if name in defined and name not in _COMMON)
        if twins:
            said = f"defines {twins[0]} again, which a module has"
            broken.append(Site(0.0, said, file.at(0), key="no own import"))
        elif len(strangers) <= _MANY_NOTEBOOKS and _trains_in_package(project, modules):
            broken.append(Site(0.5, "trains without the project's modules", file.at(0), key="no own import"))
    return hazard(broken, units=len(working))


_COMMON = frozenset(("main", "objective", "run", "plot"))
"""Names that say too little to call two functions the same."""
_MANY_NOTEBOOKS = 10
"""With more than these that import nothing, it is a course or a collection: the notebooks are the product."""


def _trains_in_package(project: Project, modules: list[ProjectFile]) -> bool:
    """Whether the only package at hand trains: then a notebook that trains does its work again."""
    folders = {PurePosixPath(file.path).parent for file in modules if file.name == "__init__.py"}
    tops = {folder for folder in folders if folder.parent not in folders}
    wanted = {*TRAIN_ACTIVITIES, "fit"}
    return len(tops) == 1 and any(wanted & set(call.activities) for file in modules for call in file.calls)


def _own_modules(project: Project, notebook: ProjectFile) -> list[ProjectFile]:
    """Modules of the project that the notebook belongs to: below the folder above its notebooks' folder."""
    if notebook.shared:
        return []
    top = notebook.path.partition("/")[0] if "/" in notebook.path else ""
    anywhere = not top or bool(_OWN_FOLDERS.search(top))
    return [
        f
        for f in project.code_files
        if not f.shared and f.name not in ("setup.py", "conftest.py") and (anywhere or f.path.startswith(top + "/"))
    ]


def _works(file: ProjectFile) -> bool:
    wanted = {*TRAIN_ACTIVITIES, "fit"}
    return any(wanted & set(call.activities) for call in file.calls)


def _imports_own(project: Project, file: ProjectFile) -> bool:
    for row in file.python.imports if file.python else ():
        if row.level or row.module.split(".")[0] in project.local_roots:
            return True
    return False


# ------------------------------------------------------------------------------------------------------ EXP004 .. EXP008


def notebook_runs_in_order(project: Project) -> Verdict:
    """EXP004: saved execution counts ascend, or are cleared, or CI runs the notebook."""
    if _run_in_ci(project):
        return hazard([], units=len(saved_notebooks(project)))
    broken, units = [], 0
    for file in saved_notebooks(project):
        counts = [(cell, cell.execution_count) for cell in notebook_of(file).cells if cell.kind == "code"]
        executed = [(cell, count) for cell, count in counts if count is not None]
        if not executed:
            continue
        units += 1
        site = _order_site(file, executed)
        if site is not None:
            broken.append(site)
    return hazard(broken, units=units)


def _order_site(file: ProjectFile, executed: list[tuple[Cell, int]]) -> Site | None:
    if all(count == 0 for _, count in executed):
        return None  # A tool that exports notebooks writes 0 for "cleared".
    for (_, before), (cell, count) in itertools.pairwise(executed):
        if count <= before:
            said = f"ran as [{count}] after a cell that ran as [{before}]: not in the order of the page"
            return Site(0.0, said, cell_place(file, cell), key="out of order")
    expected = executed[0][1]
    for cell, count in executed:
        if count != expected:
            return Site(
                0.5, f"runs are missing between [{expected - 1}] and [{count}]", cell_place(file, cell), key="gap"
            )
        expected += 1
    if executed[0][1] != 1:
        return Site(0.5, f"the first cell ran as [{executed[0][1]}]", cell_place(file, executed[0][0]), key="gap")
    return None


def _run_in_ci(project: Project) -> bool:
    runs = re.compile(r"nbmake|nbval|papermill|nbconvert .*--execute|testbook|treon|jupyter execute")
    return any(command.origin == "ci" and runs.search(command.text) for command in project.commands)


_BIG_OUTPUT = 100_000
_STRIPPERS = ("nbstripout", "nb-clean", "jupyter-nb-clear-output", "nbqa")


def notebook_outputs_stripped(project: Project) -> Verdict:
    """EXP005: no output over 100 kB, and none at all where a hook promises to strip them."""
    promised = next((hook.id for _, hook in project.hooks if any(word in hook.id for word in _STRIPPERS[:3])), "")
    broken, notebooks = [], saved_notebooks(project)
    for file in notebooks:
        cells = [cell for cell in notebook_of(file).cells if cell.output_bytes]
        big = [cell for cell in cells if cell.output_bytes > _BIG_OUTPUT]
        if big:
            said = f"keeps an output of {big[0].output_bytes // 1000} kB ({len(big)} over 100 kB)"
            broken.append(Site(0.0, said, cell_place(file, big[0]), key="large output"))
        elif promised and cells:
            said = f"keeps outputs, although {promised} is configured to strip them"
            broken.append(Site(0.0, said, cell_place(file, cells[0]), key="outputs"))
    return hazard(broken, units=len(notebooks))


def notebook_without_errors(project: Project) -> Verdict:
    """EXP006: no saved output is an exception."""
    broken, notebooks = [], saved_notebooks(project)
    for file in notebooks:
        failed = [cell for cell in notebook_of(file).cells if cell.error and "raises-exception" not in cell.tags]
        if failed:
            said = f"was saved with {failed[0].error}" + (
                f" and {len(failed) - 1} more errors" if len(failed) > 1 else ""
            )
            broken.append(Site(0.0, said, cell_place(file, failed[0]), key=failed[0].error))
    return hazard(broken, units=len(notebooks))


_MANY_CELLS = 50


def notebook_readable(project: Project) -> Verdict:
    """EXP007: a title, headings, fewer than 50 code cells, a name."""
    broken = []
    read = notebooks(project)
    for file in read:
        faults = list(_faults(file))
        if faults:
            credit = max(0.0, 1.0 - 0.34 * len(faults))
            broken.append(Site(credit, "; ".join(faults), file.at(0), key="hard to read"))
    return hazard(broken, units=len(read))


def _faults(file: ProjectFile) -> Iterator[str]:
    cells = notebook_of(file).cells
    written = [cell for cell in cells if cell.kind == "markdown"]
    headings = [heading for cell in written for heading in cell.headings]
    code = code_cells(file)
    if len(code) >= 3 and not headings:
        yield "no heading says what it is about" if written else "no word says what it is about"
    if len(code) > _MANY_CELLS:
        yield f"{len(code)} code cells"
    if PurePosixPath(file.path).stem.lower().startswith("untitled"):
        yield "has no name"


_PYTHON_2_BUILTINS = frozenset(
    ("xrange", "unicode", "raw_input", "basestring", "long", "reduce", "unichr", "file", "execfile", "reload", "cmp")
)


_AUTOMAGIC = frozenset(("pwd", "ls", "ll", "who", "whos"))
"""Commands that IPython takes without their percent sign, and that parse as names."""


def _is_given(name: str) -> bool:
    """Names of Python 2 and IPython."""
    return name in _PYTHON_2_BUILTINS or name in _AUTOMAGIC


def _is_blank(name: str) -> bool:
    """`____`: what a learner has to fill in."""
    return len(name) > 2 and not name.strip("_")


def _is_exercise(file: ProjectFile) -> bool:
    """Whether a notebook has blanks: what stands in their place defines what else is used."""
    params = (param.name for scope in file.python.scopes for param in scope.params) if file.python else ()
    return any(map(_is_blank, params)) or any(_is_blank(row.name) for row in notebook_of(file).undefined)


def _is_fragment(file: ProjectFile) -> bool:
    """A script in cells that a builder puts into a notebook: called a template, or importing nothing of what it uses."""
    if notebook_of(file).format != "percent" or file.python is None:
        return False
    if re.search(r"(^|[_-])(template|fragment|snippet)s?([_.-]|$)", file.name, re.IGNORECASE):
        return True
    absent = [row for row in notebook_of(file).undefined if not row.defined_later]
    return not file.python.imports and len(absent) > 1


def notebook_self_contained(project: Project) -> Verdict:
    """EXP008: every name is defined before it is used, in the order of the cells."""
    broken, units = [], 0
    for file in notebooks(project):
        cells = code_cells(file)
        if not cells or _is_exercise(file):
            continue
        units += 1
        names = [row for row in notebook_of(file).undefined if not _is_given(row.name)]
        if names:
            first = names[0]
            when = "only defined in a later cell" if first.defined_later else "defined in no cell"
            more = f" ({len(names) - 1} more)" if len(names) > 1 else ""
            broken.append(Site(0.0, f"uses {first.name}, which is {when}{more}", file.at(first.line), key=first.name))
    return hazard(broken, units=units)


# ------------------------------------------------------------------------------------------------------------- EXP009

_EXECUTES = re.compile(
    r"\b(papermill|nbconvert\b.*--execute|runipy|jupyter execute|jupyter nbconvert .*--to (script|notebook))"
)
_TESTS = re.compile(r"nbmake|nbval|testbook|treon|pytest")


def notebooks_not_deployed(project: Project) -> Verdict:
    """EXP009: no image, workflow or DAG runs a notebook in production."""
    broken, seen = [], set()
    for command in project.commands:
        if command.origin not in ("ci", "container", "pipeline", "infra") or _TESTS.search(command.text):
            continue
        if not _EXECUTES.search(command.text) or command.where in seen:
            continue
        if command.origin == "ci" and not {"schedule", "release", "workflow-call", "manual"} & set(command.triggers):
            continue
        seen.add(command.where)
        parametrised = "papermill" in command.text and re.search(r"(^| )(-p|--parameters|-f|-y)\b", command.text)
        said = f"runs a notebook: {command.text[:80]}"
        broken.append(Site(0.5 if parametrised else 0.0, said, command.where, key="runs a notebook"))
    for use in project.uses("run-notebook", notebooks=False, reached="any"):
        broken.append(Site(0.5, f"{use.call.name} runs a notebook", use.where, key=use.call.name))
    return hazard(broken, units=max(1, len(broken)))


_PROFILES = re.compile(r"\b(dvc plots|ydata_profiling|pandas_profiling|great_expectations docs|whylogs)\b")


_OWN_PROFILE = re.compile(
    r"^(?!_*(load|read|get|fetch)_).*("
    r"(profile|summari[sz]e|describe)_(the_)?(data|dataset|table|frame|df)$|generate_(data_)?statistics$"
    r"|(data|dataset)_(profile|statistics|stats)$)"
)
"""Functions that make statistics; those that load or read them make none."""

_LOOKS_AT_DATA = re.compile(
    r"(^|[/_])(eda|exploration|profil(e|er|ers|ing)|(data_?)?(stats|statistics))(_\w+)?(/|\.py$)", re.I
)
"""Modules whose names say that they look at data, by own code."""


def data_profiled(project: Project) -> Verdict:
    """EXP010: statistics of each version of the data are made by the pipeline, not by hand."""
    for use in project.uses("profile-data", "detect-drift", reached="any", notebooks=False):
        return met(Site(1.0, f"{use.call.name} profiles the data", use.where, key=use.call.name))
    for file, resource in project.resources:
        if re.search(r"DataQualityJob|MonitoringSchedule|Baseline", f"{resource.kind} {resource.name}"):
            said = f"{resource.kind} {resource.name} makes statistics of the data"
            return met(Site(1.0, said, file.at(resource.line), key=resource.name))
    for command in project.commands:
        if command.origin in ("ci", "pipeline", "task") and _PROFILES.search(command.text):
            return met(Site(1.0, f"profiles the data: {command.text[:60]}", command.where, key="command"))
    for file in project.code_files:
        for number, name in functions(file):
            if _OWN_PROFILE.search(name) and project.reaches((file.path, number), "any"):
                scope = file.python.scopes[number] if file.python else None
                said = f"{name} makes statistics of the data, by own code"
                return met(Site(0.75, said, file.at(scope.line if scope else 0), key=name))
    for use in project.uses("profile-data"):
        return met(Site(0.5, f"{use.call.name} profiles the data, by hand", use.where, key=use.call.name))
    looks = next((file for file in project.code_files if _LOOKS_AT_DATA.search(file.path)), None)
    if looks is not None:
        return unknown(f"whether {looks.path} makes statistics of each version of the data cannot be told")
    return missing("no statistics are made of each version of the data")
