"""Named commands: Make, just, tox, nox, invoke, hatch, poe, pdm, pixi, npm, Task, and shell scripts by their path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import PurePosixPath

from mlready.facts.reading import guarded
from mlready.facts.rows import FileFacts, Task

TaskReader = Callable[[str], Iterator[Task]]

_MAX_TASKS = 1_000
_PACKAGE = "mlready.facts.task_formats"
_BY_NAME = {
    "makefile": "make:read_make",
    "gnumakefile": "make:read_make",
    "justfile": "make:read_just",
    ".justfile": "make:read_just",
    "tox.ini": "tables:read_tox",
    "tox.toml": "tables:read_tox_toml",
    "setup.cfg": "tables:read_tox",
    "pyproject.toml": "tables:read_pyproject",
    "hatch.toml": "tables:read_hatch",
    "pixi.toml": "tables:read_pixi",
    "pdm.toml": "tables:read_pdm",
    "poe_tasks.toml": "tables:read_poe",
    "pipfile": "tables:read_pipfile",
    "package.json": "tables:read_package",
    "noxfile.py": "sessions:read_nox",
    "tasks.py": "sessions:read_invoke",
}
_BY_SUFFIX = {
    ".mk": "make:read_make",
    ".just": "make:read_just",
    ".sh": "scripts:read_shell",
    ".bash": "scripts:read_shell",
}
_TASKFILES = frozenset(f"{stem}.{suffix}" for stem in ("taskfile", "taskfile.dist") for suffix in ("yml", "yaml"))


def claims(path: str) -> bool:
    """Does the file by its name define tasks (or may it: pyproject.toml, setup.cfg)?"""
    return bool(_reader_of(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """The tasks of one file, at most 1,000."""
    from mlready.facts.reading import decode

    module, _, function = _reader_of(path).partition(":")
    reader: TaskReader = getattr(import_module(f"{_PACKAGE}.{module}"), function)
    tasks = [task for _, task in zip(range(_MAX_TASKS), reader(decode(data)), strict=False)]
    return FileFacts(tasks=tuple(tasks))


def _reader_of(path: str) -> str:
    pure = PurePosixPath(path)
    name = pure.name.lower()
    if name in _TASKFILES:
        return "tables:read_taskfile"
    return _BY_NAME.get(name) or _BY_SUFFIX.get(pure.suffix.lower(), "")
