"""From a path, or from texts in memory, to a project: inventory, facts, refined roles, external findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlready.config import Config
from mlready.errors import UsageError
from mlready.facts.rows import FileFacts
from mlready.findings import NotRead
from mlready.project.project import Git, Project, ProjectFile
from mlready.project.roles import package_folders, refine, role_of, vendored_folders
from mlready.vocabulary import Vocabulary, load

if TYPE_CHECKING:
    from mlready.audit import AuditOptions
    from mlready.facts.extract import ReaderPool
    from mlready.project.inventory import File, Inventory

READ_ROLES = frozenset(
    {"source", "script", "test", "notebook", "config", "ci", "container", "infra", "docs", "example", "other", "data"}
)
"""Roles whose content is read; vendored and generated code, models and media are only listed."""

_SAMPLE = 262_144
"""Bytes of a data file that are looked at."""


def load_project(path: Path, *, config: Config, options: AuditOptions) -> tuple[Project, list[NotRead], dict[str, str]]:
    """Read a folder or one file: the project, what was not read and why, the versions of the external tools used."""
    from mlready.project.inventory import take_inventory

    inventory = _inventory_of_file(path) if path.is_file() else take_inventory(path)
    vocabulary = load()
    chosen = _chosen(inventory, config)
    with _start_readers(chosen, options) as pool:  # before the external tools, which start threads
        pending = _start_external(inventory, chosen, options)
        facts = _extract(inventory, chosen, options, vocabulary, pool)
    not_read = [NotRead(entry.path, entry.reason) for entry in inventory.not_read]
    files = []
    for file in chosen:
        row = facts.get(file.path, FileFacts())
        if row.problem:
            not_read.append(NotRead(file.path, row.problem))
        role = _stated_role(file.path, config) or refine(file.path, file.role, row)
        files.append(ProjectFile(file.path, role, file.size, row, tracked=file.tracked, lfs=file.lfs))
    findings, tools = pending()
    project = Project(
        files=tuple(files),
        vocabulary=vocabulary,
        git=Git(inventory.git.kind, inventory.git.has_commit),
        covers=inventory.covers,
        external=findings,
        stated_kind=config.kind,
        elsewhere=config.elsewhere,
    )
    return project, sorted(not_read, key=lambda entry: entry.path), tools


def _inventory_of_file(path: Path) -> Inventory:
    """An inventory of one file alone; its path starts at the folder of the project that it belongs to."""
    from mlready.config import project_folder
    from mlready.project.gitstate import NONE
    from mlready.project.ignore import Ignores
    from mlready.project.inventory import File, Inventory

    if path.suffix not in (".py", ".ipynb"):
        raise UsageError(f"{path}: a single file is judged when it is a .py or .ipynb file")
    root = project_folder(path)
    inner = (path.parent.resolve() / path.name).relative_to(root).as_posix()
    role = role_of(inner, packages=frozenset(), vendored=frozenset())
    if role not in ("source", "script", "notebook", "test"):  # whoever names a file wants it judged
        role = "notebook" if inner.endswith(".ipynb") else "script"
    file = File(inner, path.stat().st_size, role, tracked=True, link=path.is_symlink())
    not_read = (NotRead(inner, "a link"),) if file.link else ()
    return Inventory(root=root, files=(file,), not_read=not_read, git=NONE, _ignores=Ignores({}))  # type: ignore[arg-type]


def _chosen(inventory: Inventory, config: Config) -> list[File]:
    files = list(inventory.readable())
    if not config.exclude:
        return files
    from mlready.project.ignore import Ignores

    excluded = Ignores({"": "\n".join(config.exclude)})
    return [file for file in files if not excluded.ignored(file.path)]


def _stated_role(path: str, config: Config) -> str:
    return next((role for pattern, role in config.roles.items() if fnmatchcase(path, pattern)), "")


def _start_readers(files: Iterable[File], options: AuditOptions) -> AbstractContextManager[ReaderPool | None]:
    from mlready.facts.extract import start_readers

    size = sum(min(file.size, _SAMPLE) if file.role == "data" else file.size for file in files)
    return start_readers(size, jobs=options.jobs)


def _extract(
    inventory: Inventory,
    files: Iterable[File],
    options: AuditOptions,
    vocabulary: Vocabulary,
    pool: ReaderPool | None = None,
) -> Mapping[str, FileFacts]:
    from mlready.facts.cache import FactsCache
    from mlready.facts.extract import extract
    from mlready.project.inventory import read_bytes, read_prefix

    by_path = {file.path: file for file in files if file.role in READ_ROLES}

    def read(path: str) -> bytes:
        file = by_path[path]
        return read_prefix(inventory.root, file, _SAMPLE) if file.role == "data" else read_bytes(inventory.root, file)

    items = [(file.path, file.role) for file in by_path.values()]
    cache = FactsCache() if options.use_cache else None
    return extract(items, read, pool=pool, cache=cache, vocabulary=vocabulary, progress=options.progress)


def _start_external(
    inventory: Inventory, files: list[File], options: AuditOptions
) -> Callable[[], tuple[dict[str, Any], dict[str, str]]]:
    """Start the external tools beside our own reading; the function that is returned waits for them."""
    if not options.external:
        return lambda: ({}, {})
    from mlready import external

    pending = external.start(inventory, files, use_cache=options.use_cache)
    return pending.result


# ------------------------------------------------------------------------------------------------------------ in memory


@dataclass(frozen=True, slots=True)
class Tree:
    """A project in memory, for examples and tests."""

    files: Mapping[str, bytes]
    git: bool = True
    untracked: frozenset[str] = frozenset()
    sizes: Mapping[str, int] | None = None
    kind: str = ""
    elsewhere: Mapping[str, str] | None = None


def project_of(tree: Tree, *, vocabulary: Vocabulary | None = None) -> Project:
    """The project that a tree on disk with these files would give (external tools are not run)."""
    from mlready.facts.extract import read_file
    from mlready.project.ignore import Ignores

    words = vocabulary or load()
    packages, vendored = package_folders(tree.files), vendored_folders(tree.files)
    files = []
    for path in sorted(tree.files):
        role = role_of(path, packages=packages, vendored=vendored)
        data = tree.files[path]
        facts = read_file(path, role, data, words) if role in READ_ROLES else FileFacts()
        size = (tree.sizes or {}).get(path, len(data))
        tracked = tree.git and path not in tree.untracked
        files.append(ProjectFile(path, refine(path, role, facts), size, facts, tracked=tracked))
    ignores = Ignores(
        {path.rpartition("/")[0]: data.decode() for path, data in tree.files.items() if path.endswith(".gitignore")}
    )
    return Project(
        files=tuple(files),
        vocabulary=words,
        git=Git("repository", True) if tree.git else Git(),
        covers=ignores.covers,
        stated_kind=tree.kind,
        elsewhere=tree.elsewhere or {},
    )
