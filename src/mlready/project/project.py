"""A project as rules see it: files with their facts, and the questions that can be asked of them all at once.

Made once, never changed; everything derived is computed on first use and kept. Rules ask here and nowhere else.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from mlready.findings import Location
from mlready.project.commands import Command, collect_commands
from mlready.project.entries import Entry, find_entries, serving_starts
from mlready.project.graph import CallGraph, ModuleIndex, Node, build_graph
from mlready.project.kinds import TRAIN_ACTIVITIES, Kind, tell_kind
from mlready.vocabulary.lookup import normalized

if TYPE_CHECKING:
    from mlready.facts.rows import (
        Automation,
        Call,
        Container,
        Document,
        FileFacts,
        Hook,
        Manifest,
        PipelineStage,
        PythonFacts,
        Requirement,
        Resource,
        Scope,
        Setting,
        Task,
    )
    from mlready.project.jobs import BatchJob
    from mlready.vocabulary import Vocabulary

Reached = Literal["", "any", "training", "serving"]

PREPARES = re.compile(
    r"(^|[_.])(pre_?process\w*|normali[sz]e\w*|featuri[sz]e\w*|tokeni[sz]e\w*|vectori[sz]e\w*|mel_\w+|\w*spectrogram|"
    r"text_to_\w+|clean_(text|data)\w*|prepare_(data|features|input)\w*|(make|build|engineer|extract)_features?)$"
)
"""Names of functions that prepare data for a model."""

_SEEDS = re.compile(
    r"(^|\.)(set_(\w+_)?seeds?|seed_(all|everything|torch|\w*random\w*)|(fix|init)_(\w+_)?seeds?|control_randomness)$"
)

_WORKS = re.compile(r"(^|[_\d])(train|predict|infer|eval|serve|main)", re.IGNORECASE)
"""Names of files that do the work of a project, rather than a part of it."""

_README = re.compile(r"(^|/)readme[^/]*$", re.IGNORECASE)
_FOR_OTHERS = ("Development Status", "Framework", "Intended Audience", "Operating System", "Topic", "Typing")
"""Classifiers of a package that others are to install."""

CODE_ROLES = frozenset({"source", "script"})
WORK_ROLES = frozenset({"source", "script", "notebook"})
ASIDE_ROLES = frozenset({"test", "example", "docs", "vendored", "generated"})


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One file of the project, as far as it was read."""

    path: str
    role: str
    size: int
    facts: FileFacts
    tracked: bool = True
    lfs: bool = False
    shared: bool = False
    """True for a file of the surrounding repository that counts for this subproject too."""

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def python(self) -> PythonFacts | None:
        return self.facts.python

    @property
    def calls(self) -> tuple[Call, ...]:
        """What the code calls; nothing where there is none."""
        return self.facts.python.calls if self.facts.python else ()

    def at(self, line: int) -> Location:
        """The place of a (flat) line of this file."""
        if self.facts.notebook is not None:
            found = self.facts.notebook.locate(line)
            if found is not None:
                cell, in_cell, raw = found
                return Location(self.path, in_cell, cell.number, cell.id or None, raw or None)
        return Location(self.path, line)


@dataclass(frozen=True, slots=True)
class Use:
    """A call of the project, with the file that it stands in."""

    file: ProjectFile
    call: Call

    @property
    def where(self) -> Location:
        return self.file.at(self.call.line)

    @property
    def scope(self) -> Scope:
        assert self.file.python is not None
        return self.file.python.scopes[self.call.scope]

    @property
    def node(self) -> Node:
        return (self.file.path, self.call.scope)


@dataclass(frozen=True, slots=True)
class Git:
    """What is known of version control: "repository", "subfolder" or "none"."""

    kind: str = "none"
    has_commit: bool = False


@dataclass(frozen=True)
class Project:
    """All files and facts of one project (or subproject). `base` is its folder inside the repository, "" for the root."""

    files: tuple[ProjectFile, ...]
    vocabulary: Vocabulary
    git: Git = Git()
    base: str = ""
    covers: Callable[[str], bool] = field(default=lambda _path: False)
    """Whether git ignores a path (existing or not), relative to the repository."""
    external: Mapping[str, Any] = field(default_factory=dict)
    """Findings of external tools, by tool name; a tool that did not run maps to the reason as text."""
    stated_kind: str = ""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()
    """Names of files of the repository that belong to other subprojects."""

    # ------------------------------------------------------------------------------------------------------ files

    @cached_property
    def by_path(self) -> dict[str, ProjectFile]:
        return {file.path: file for file in self.files}

    @cached_property
    def python_files(self) -> tuple[ProjectFile, ...]:
        """Everything with Python facts, notebooks included, in any role."""
        return tuple(file for file in self.files if file.facts.python is not None)

    @cached_property
    def notebooks(self) -> tuple[ProjectFile, ...]:
        """Notebooks in the role of notebooks (those of docs, examples and tests are aside)."""
        return tuple(file for file in self.files if file.facts.notebook is not None and file.role not in ASIDE_ROLES)

    @cached_property
    def code_files(self) -> tuple[ProjectFile, ...]:
        """Modules and scripts: roles source and script."""
        return tuple(f for f in self.python_files if f.role in CODE_ROLES and f.facts.notebook is None)

    @cached_property
    def work_files(self) -> tuple[ProjectFile, ...]:
        """Modules, scripts and notebooks: where the work of the project is done."""
        return tuple(f for f in self.python_files if f.role in WORK_ROLES)

    @cached_property
    def unread_code(self) -> str:
        """Why code that may train or predict, in a project of which a tenth is not read, says nothing; "" otherwise."""
        code = [f for f in self.files if f.role in WORK_ROLES and f.path.endswith((".py", ".ipynb"))]
        unread = [file for file in code if file.python is None and file.facts.problem]
        works = next((file for file in unread if _WORKS.search(file.name)), None)
        if works is None or len(unread) * 10 < len(code):
            return ""
        return f"{len(unread)} of {len(code)} files of code cannot be read ({works.path}: {works.facts.problem})"

    @cached_property
    def calls_by_last_name(self) -> Mapping[str, list[tuple[ProjectFile, Call]]]:
        """Every call of work files under the last part of its name, by file and line."""
        found: dict[str, list[tuple[ProjectFile, Call]]] = {}
        for file in self.work_files:
            for call in file.calls:
                found.setdefault(call.name.rpartition(".")[2], []).append((file, call))
        return found

    @cached_property
    def file_names(self) -> frozenset[str]:
        """The last parts of all paths."""
        return frozenset(file.name for file in self.files)

    @cached_property
    def code_folders(self) -> frozenset[str]:
        """Names of all folders with code somewhere inside them."""
        return frozenset(part for file in self.code_files for part in file.path.split("/")[:-1])

    @cached_property
    def test_files(self) -> tuple[ProjectFile, ...]:
        return tuple(file for file in self.python_files if file.role == "test")

    def matching(self, *patterns: str) -> Iterator[ProjectFile]:
        """Files whose path, or name for a pattern without a slash, matches."""
        of_names, of_paths = _patterns(patterns)
        for file in self.files:
            if (of_names and of_names.match(file.name)) or (of_paths and of_paths.match(file.path)):
                yield file

    # ------------------------------------------------------------------------------------------------- rows of files

    @cached_property
    def manifests(self) -> tuple[tuple[ProjectFile, Manifest], ...]:
        return tuple((f, m) for f in self.files if f.role not in ASIDE_ROLES for m in f.facts.manifests)

    @cached_property
    def requirements(self) -> tuple[tuple[ProjectFile, Requirement], ...]:
        """Every declared dependency, in any group."""
        return tuple((f, r) for f, m in self.manifests if m.role == "declares" for r in m.requirements)

    @cached_property
    def declared(self) -> frozenset[str]:
        """Normalised names of all declared or locked distributions."""
        locked = {p.name for _, m in self.manifests for p in m.packages}
        return frozenset({r.name for _, r in self.requirements} | locked)

    @cached_property
    def automations(self) -> tuple[tuple[ProjectFile, Automation], ...]:
        return tuple((f, f.facts.automation) for f in self.files if f.facts.automation is not None)

    @cached_property
    def containers(self) -> tuple[tuple[ProjectFile, Container], ...]:
        aside = {"test", "docs", "vendored", "generated", "example"}
        return tuple((f, f.facts.container) for f in self.files if f.facts.container and f.role not in aside)

    @cached_property
    def hooks(self) -> tuple[tuple[ProjectFile, Hook], ...]:
        return tuple((f, hook) for f in self.files for hook in f.facts.hooks)

    @cached_property
    def tasks(self) -> tuple[tuple[ProjectFile, Task], ...]:
        return tuple((f, task) for f in self.files for task in f.facts.tasks)

    @cached_property
    def stages(self) -> tuple[tuple[ProjectFile, PipelineStage], ...]:
        return tuple((f, stage) for f in self.files if f.role not in ASIDE_ROLES for stage in f.facts.stages)

    @cached_property
    def resources(self) -> tuple[tuple[ProjectFile, Resource], ...]:
        return tuple((f, r) for f in self.files if f.role not in ASIDE_ROLES for r in f.facts.resources)

    @cached_property
    def documents(self) -> tuple[tuple[ProjectFile, Document], ...]:
        return tuple((f, f.facts.document) for f in self.files if f.facts.document is not None)

    def settings(self, *names: str, key: str = "") -> Iterator[tuple[ProjectFile, Setting]]:
        """Leaves of configuration files, by file pattern and by key prefix ("tool.ruff")."""
        for file in self.matching(*names):
            for row in file.facts.settings:
                if not key or row.key == key or row.key.startswith((key + ".", key + "[")):
                    yield file, row

    def has_setting(self, *names: str, key: str = "") -> bool:
        return next(self.settings(*names, key=key), None) is not None

    # -------------------------------------------------------------------------------------------- commands and entries

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """Every shell command that CI, images, pipelines, tasks, hooks or documents run, tasks expanded."""
        return collect_commands(self)

    @cached_property
    def module_index(self) -> ModuleIndex:
        return ModuleIndex.of(file.path for file in self.python_files if file.path.endswith(".py"))

    @cached_property
    def local_roots(self) -> frozenset[str]:
        """First parts that an import of the project's own modules can have."""
        return frozenset(name.split(".")[0] for name in self.module_index.by_suffix)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return find_entries(self)

    @cached_property
    def graph(self) -> CallGraph:
        modules = {f.path: f.facts.python for f in self.python_files if f.facts.python is not None}
        return build_graph(modules, configured=self.configured_classes)

    @cached_property
    def configured_classes(self) -> frozenset[str]:
        """Dotted names that configuration files give to what is made from them (`_target_`, `class_path`)."""
        return frozenset(
            row.value
            for file in self.files
            for row in file.facts.settings
            if row.key.endswith(("_target_", "class_path")) and isinstance(row.value, str) and "." in row.value
        )

    @cached_property
    def reached_nodes(self) -> frozenset[Node]:
        """Scopes that run from some entry point."""
        return self.graph.reach(node for entry in self.entries for node in entry.nodes)

    @cached_property
    def entry_reaches(self) -> tuple[frozenset[Node], ...]:
        """What each entry point reaches, as one process; entries that start the same way count once."""
        return tuple(self.graph.reach(nodes) for nodes in sorted({entry.nodes for entry in self.entries}))

    @cached_property
    def training_entries(self) -> tuple[Entry, ...]:
        """Entry points from which training is reached."""
        certain = {use.node for use in self._uses(*TRAIN_ACTIVITIES)}
        whole = {use.node for use in self._uses("train", "fine-tune")}
        in_code = any(self.by_path[path].facts.notebook is None for path, _ in whole)
        wanted = certain if in_code else certain | self.nodes("fit")
        leading = self.graph.leading_to(wanted)
        return tuple(entry for entry in self.entries if not leading.isdisjoint(entry.nodes))

    @cached_property
    def training_nodes(self) -> frozenset[Node]:
        return self.graph.reach(node for entry in self.training_entries for node in entry.nodes)

    @cached_property
    def serving_nodes(self) -> frozenset[Node]:
        """Scopes that run while requests are answered or the service starts."""
        return self.graph.reach(serving_starts(self))

    @cached_property
    def batch_jobs(self) -> tuple[BatchJob, ...]:
        """What predicts rows in bulk without a service: loads a model, predicts, writes, and trains nothing."""
        from mlready.project.jobs import find_jobs

        return find_jobs(self)

    def reaches(self, node: Node, reached: Reached) -> bool:
        """Whether a scope is reached; "" asks nothing."""
        match reached:
            case "training":
                return node in self.training_nodes
            case "serving":
                return node in self.serving_nodes
            case "any":
                return node in self.reached_nodes
        return True

    # ------------------------------------------------------------------------------------------------------- calls

    @cached_property
    def _by_activity(self) -> dict[str, list[Use]]:
        table: dict[str, list[Use]] = defaultdict(list)
        for file in self.work_files:
            assert file.facts.python is not None
            for call in file.facts.python.calls:
                for activity in call.activities:
                    table[activity].append(Use(file, call))
        return table

    def _uses(self, *activities: str) -> Iterator[Use]:
        """Each call once, however many of the activities it means."""
        if len(activities) == 1:
            yield from self._by_activity.get(activities[0], ())
            return
        seen: set[tuple[str, int]] = set()
        for activity in activities:
            for use in self._by_activity.get(activity, ()):
                key = (use.file.path, id(use.call))  # files of one content share the rows that the cache gave for it
                if key not in seen:
                    seen.add(key)
                    yield use

    def uses(
        self, *activities: str, reached: Reached = "", notebooks: bool | None = None, system: str = ""
    ) -> Iterator[Use]:
        """Calls that mean one of the activities, in code and notebooks; `notebooks` narrows to one of the two."""
        for use in self._uses(*activities):
            if notebooks is not None and (use.file.facts.notebook is not None) is not notebooks:
                continue
            if system and use.call.system != system:
                continue
            if self.reaches(use.node, reached):
                yield use

    def nodes(self, *activities: str) -> frozenset[Node]:
        """The scopes with a call that means one of the activities."""
        if activities not in self._nodes:
            self._nodes[activities] = frozenset(use.node for use in self._uses(*activities))
        return self._nodes[activities]

    @cached_property
    def _nodes(self) -> dict[tuple[str, ...], frozenset[Node]]:
        return {}

    def has(self, *activities: str, reached: Reached = "", notebooks: bool | None = None, system: str = "") -> bool:
        return next(self.uses(*activities, reached=reached, notebooks=notebooks, system=system), None) is not None

    def first_use(self, *activities: str, reached: Reached = "", notebooks: bool | None = None) -> str:
        """The first place of an activity as text, or ""."""
        found = min(
            (use.where for use in self.uses(*activities, reached=reached, notebooks=notebooks)),
            key=lambda place: (place.path, place.cell or 0, place.line),
            default=None,
        )
        return str(found) if found else ""

    def calls(self, *names: str, files: tuple[ProjectFile, ...] | None = None, reached: Reached = "") -> Iterator[Use]:
        """Calls by resolved name; a name that begins with "." also matches methods of known objects."""
        exact = frozenset(names)
        endings = tuple(name for name in names if name.startswith("."))
        for file in self.work_files if files is None else files:
            for call in file.facts.python.calls if file.facts.python else ():
                if call.name in exact or (endings and call.name.endswith(endings)):
                    use = Use(file, call)
                    if self.reaches(use.node, reached):
                        yield use

    @cached_property
    def seeds(self) -> tuple[tuple[Use, str], ...]:
        """Calls that seed a stream of random numbers with a value, and the stream."""
        found = []
        for use in self.uses("seed"):
            stream = self.vocabulary.seeds(use.call.name)
            value = use.call.args[0].value if use.call.args else None
            if stream and value is not None and not (value.kind == "const" and value.scalar is None):
                found.append((use, stream))
        return (*found, *self._foreign_seeds)

    @property
    def _foreign_seeds(self) -> Iterator[tuple[Use, str]]:
        """Calls of helpers of other libraries whose name says that they seed everything."""
        for file in self.work_files:
            for call in file.facts.python.calls if file.facts.python else ():
                root, _, last = call.name.partition(".")
                if call.args and root and root not in self.local_roots and _SEEDS.search(last) and not call.activities:
                    yield Use(file, call), "*"

    @cached_property
    def activities(self) -> dict[str, int]:
        """How often each activity is met in code and notebooks."""
        return {name: len(uses) for name, uses in sorted(self._by_activity.items()) if uses}

    @cached_property
    def imported(self) -> Counter[str]:
        """Import roots of code and notebooks, with the number of files."""
        return Counter(
            root
            for file in self.work_files
            for root in {
                row.module.split(".")[0] for row in (file.python.imports if file.python else ()) if not row.level
            }
        )

    def imports_trait(self, trait: str) -> bool:
        """Whether code or notebooks import something that the vocabulary says this of, as a whole."""
        return any(trait in self.vocabulary.traits(root) for root in self.imported)

    @cached_property
    def systems(self) -> frozenset[str]:
        """Systems that code or notebooks import."""
        found = set()
        for file in self.work_files:
            for row in file.python.imports if file.python else ():
                if not row.level and row.module:
                    found.add(self.vocabulary.system_of(row.module))
        return frozenset(found - {""})

    # -------------------------------------------------------------------------------------------------------- kind

    @cached_property
    def kind(self) -> Kind:
        if self.stated_kind:
            return Kind(self.stated_kind, ("stated in configuration",))
        return tell_kind(self)

    @cached_property
    def distribution(self) -> str:
        """Name of the distribution that the root manifest describes, or ""."""
        named = [(f.path.count("/"), m.distribution) for f, m in self.manifests if m.distribution]
        return min(named)[1] if named else ""

    @cached_property
    def has_package(self) -> bool:
        """Whether modules stand together in a package (a folder with __init__.py) outside tests."""
        return any(file.name == "__init__.py" for file in self.code_files)

    @cached_property
    def is_published_package(self) -> bool:
        """Whether the package is made for others: its metadata or its README say so, or CI publishes it."""
        described = self._is_classified or self.has_setting("setup.cfg", key="metadata.classifiers")
        publishes = any(c.origin == "ci" and c.publishes_package for c in self.commands)
        return described or publishes or self._setup_is_classified or self.is_installed_by_name

    @cached_property
    def is_installed_by_name(self) -> bool:
        """Whether the README has it installed from an index: `pip install NAME`."""
        name = normalized(self.distribution)
        readme = (c for c in self.commands if c.origin == "document" and _README.search(c.where.path))
        return bool(name) and any(name in map(normalized, c.installed) for c in readme)

    @property
    def _is_classified(self) -> bool:
        """Whether classifiers say whom it is for; templates of projects write a licence and versions of Python."""
        keys = ("project.classifiers", "tool.poetry.classifiers")
        rows = (row for key in keys for _, row in self.settings("pyproject.toml", key=key))
        return any(str(row.value).startswith(_FOR_OTHERS) for row in rows)

    @property
    def _setup_is_classified(self) -> bool:
        calls = (call for file in self.matching("setup.py") for call in file.calls)
        return any(
            call.name.endswith("setup") and any(a.name in ("classifiers", "project_urls") for a in call.args)
            for call in calls
        )

    @cached_property
    def uses_machine_learning(self) -> bool:
        wanted = {"framework", "llm", "tracking", "features", "drift", "scaling"}
        if any(
            self.vocabulary.systems[name].kind in wanted for name in self.systems if name in self.vocabulary.systems
        ):
            return True
        return self.has("train", "fit", "predict", "call-llm", "embed", "fine-tune", "tune")

    @cached_property
    def reads_own_data(self) -> bool:
        """Whether it reads data that no library bundles."""
        return any("read-bundled-data" not in use.call.activities for use in self.uses("read-data"))

    @cached_property
    def preprocesses(self) -> bool:
        """Whether data is prepared for a model, by a known library or by a function whose name says so."""
        if self.has("preprocess"):
            return True
        return any(
            scope.kind == "function" and not scope.trivial and PREPARES.search(scope.name)
            for file in self.work_files
            for scope in (file.python.scopes if file.python else ())
        )

    @cached_property
    def python_lines(self) -> int:
        return sum(
            f.python.code_lines for f in self.python_files if f.python and f.role not in ("vendored", "generated")
        )

    def parent_folders(self, path: str) -> tuple[str, ...]:
        """Folders above a path, nearest first, "" for the root last."""
        return tuple("" if str(p) == "." else str(p) for p in PurePosixPath(path).parents)


@lru_cache(maxsize=1_000)
def _patterns(patterns: tuple[str, ...]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """The patterns without a slash as one expression, and those with one."""
    whole = [pattern for pattern in patterns if "/" in pattern]
    return _any_of([pattern for pattern in patterns if pattern not in whole]), _any_of(whole)


def _any_of(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(translate, patterns))) if patterns else None
