"""From files to facts: the reader for each file, the cache before it, all cores behind it."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from msgspec import structs

from mlready.facts.cache import FactsCache, decode, encode, key_of
from mlready.facts.generated import is_generated
from mlready.facts.python import collector_off, read_python
from mlready.facts.rows import FileFacts
from mlready.vocabulary import Vocabulary, load

Progress = Callable[[int, int], None]
"""Called with the number of files done and of all files."""

FORMATS = (
    *("manifests", "tasks", "hooks", "automation", "containers"),
    *("pipelines", "infra", "documents", "tables", "settings"),
)
"""Modules beside this one that read a format: each has `claims(path) -> bool` and `read(path, data) -> FileFacts | None`."""

_DATA_FORMATS = ("tables", "pipelines")
"""What reads data files, of which only the beginning is given; as configuration they would look broken."""
_PYTHON = (".py", ".pyw", ".pyi")
_POOL_BYTES = 1_500_000
"""Bytes to parse from which starting processes pays."""
_CHUNK_BYTES = 400_000
_HELD_BYTES = 100_000_000
"""Bytes of files that wait in memory for a process to read them."""
_CRASHED = "mlready crashed while reading this file; please report it"


class Job(NamedTuple):
    """A file whose facts are not in the cache."""

    path: str
    role: str
    data: bytes


def read_file(path: str, role: str, data: bytes, vocabulary: Vocabulary) -> FileFacts:
    """The facts of one file, by every reader that claims it; a reader that fails leaves a `problem`."""
    try:
        return _read_file(path, role, data, vocabulary)
    except RecursionError:
        return FileFacts(problem="nested too deeply")
    except MemoryError:
        return FileFacts(problem="needs too much memory to be read")
    except Exception as error:
        return FileFacts(problem=f"mlready failed to read this file ({_where(error)}); please report it")


def _where(error: Exception) -> str:
    """The kind of error and the place in mlready; never its message, which may quote the file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + place


def _read_file(path: str, role: str, data: bytes, vocabulary: Vocabulary) -> FileFacts:
    facts = FileFacts()
    kind = code_kind(path, data)
    if kind == "notebook":
        from mlready.facts.notebook import read_notebook

        facts = read_notebook(path, data, vocabulary)
    elif kind == "python":
        facts = read_python(path, data, vocabulary)
    for module in _claiming(path):
        if role == "data" and module.__name__.rpartition(".")[2] not in _DATA_FORMATS:
            continue
        found = module.read(path, data)
        if found is not None:
            facts = merge(facts, found)
    return structs.replace(facts, generated=True) if is_generated(data) else facts


def code_kind(path: str, data: bytes) -> str:
    """Whether a file is "python", a "notebook" (.ipynb, or a script of cells), or "" for neither."""
    name = path.lower()
    if name.endswith(".ipynb"):
        return "notebook"
    is_python = name.endswith(_PYTHON)
    if not is_python and "." not in name.rpartition("/")[2]:
        is_python = data[:2] == b"#!" and b"python" in data[:100].partition(b"\n")[0]
    if not is_python:
        return ""
    from mlready.facts.cells import is_cell_script

    return "notebook" if is_cell_script(data) else "python"


@cache
def _formats() -> tuple[ModuleType, ...]:
    return tuple(import_module(f"mlready.facts.{name}") for name in FORMATS)


def _claiming(path: str) -> Iterator[ModuleType]:
    return (module for module in _formats() if module.claims(path))


def merge(first: FileFacts, second: FileFacts) -> FileFacts:
    """What two readers found in one file."""
    if first == _NOTHING:
        return second
    values: list[Any] = []
    for name in FileFacts.__struct_fields__:
        mine, theirs = getattr(first, name), getattr(second, name)
        if name == "problem":
            values.append("; ".join(dict.fromkeys(filter(None, (mine, theirs)))))
        elif isinstance(mine, tuple):
            values.append(mine + theirs)
        else:
            values.append(mine or theirs)
    return FileFacts(*values)


_NOTHING = FileFacts()


# ----------------------------------------------------------------------------------------------------------- many files


def extract(
    items: Sequence[tuple[str, str]],
    read: Callable[[str], bytes],
    *,
    vocabulary: Vocabulary,
    jobs: int | None = None,
    cache: FactsCache | None = None,
    progress: Progress | None = None,
) -> dict[str, FileFacts]:
    """The facts of all files, by path. `items` are (path, role); `read` gives a file's bytes or raises OSError.

    `jobs` is the number of processes, by default one per core. Few files are read in this process.
    """
    with collector_off():
        return _Run(vocabulary, jobs or _cores(), cache, progress, len(items)).facts_of(items, read)


class _Run:
    """One extraction: looks up, reads what is missing, stores it."""

    def __init__(
        self, vocabulary: Vocabulary, jobs: int, cache: FactsCache | None, progress: Progress | None, total: int
    ) -> None:
        self.vocabulary = vocabulary
        self.jobs = jobs
        self.cache = cache
        self.progress = progress
        self.total = total
        self.facts: dict[str, FileFacts] = {}

    def facts_of(self, items: Sequence[tuple[str, str]], read: Callable[[str], bytes]) -> dict[str, FileFacts]:
        missing: list[tuple[bytes, Job]] = []
        for group in _groups(self._loaded(items, read), lambda job: len(job.data), limit=_CHUNK_BYTES * 16):
            missing += self._look_up(group)
            if sum(len(job.data) for _, job in missing) > _HELD_BYTES:
                self._read_missing(missing)
                missing = []
        self._read_missing(missing)
        return {path: self.facts[path] for path, _ in items}

    def _loaded(self, items: Sequence[tuple[str, str]], read: Callable[[str], bytes]) -> Iterator[Job]:
        for path, role in items:
            try:
                yield Job(path, role, read(path))
            except OSError as error:
                self._done(path, FileFacts(problem=str(error.strerror or error) or type(error).__name__))

    def _done(self, path: str, facts: FileFacts) -> None:
        self.facts[path] = facts
        if self.progress is not None:
            self.progress(len(self.facts), self.total)

    def _look_up(self, jobs: list[Job]) -> list[tuple[bytes, Job]]:
        """The jobs that the cache has no facts for, with their keys."""
        if self.cache is None:
            return [(b"", job) for job in jobs]
        digest = self.vocabulary.digest
        keyed = [(key_of(job.data, reader=_reader_key(job), vocabulary=digest), job) for job in jobs]
        found = self.cache.get_many([key for key, _ in keyed])
        for key, job in keyed:
            if key in found:
                self._done(job.path, found[key])
        return [(key, job) for key, job in keyed if key not in found]

    def _read_missing(self, missing: list[tuple[bytes, Job]]) -> None:
        keys = {job.path: key for key, job in missing}
        fresh: dict[bytes, bytes] = {}
        for path, encoded in self._encoded([job for _, job in missing]):
            facts = decode(encoded)
            self._done(path, facts if facts is not None else FileFacts(problem=_CRASHED))
            if facts is not None and not facts.problem.endswith("please report it"):
                fresh[keys[path]] = encoded
        if self.cache is not None and fresh:
            self.cache.put_many(fresh)

    def _encoded(self, jobs: list[Job]) -> Iterator[tuple[str, bytes]]:
        workers = min(self.jobs, sum(len(job.data) for job in jobs) * 2 // _POOL_BYTES, len(jobs))
        if workers < 2 or self.vocabulary is not load():
            for job in jobs:
                yield job.path, encode(read_file(*job, self.vocabulary))
            return
        from mlready.facts.pool import run_pool

        chunks = list(_groups(jobs, lambda job: len(job.data), limit=_CHUNK_BYTES))
        yield from run_pool(read_chunk, chunks, workers=workers, context=_context(), lost=_lost)


def _reader_key(job: Job) -> str:
    """Readers of code look at the suffix only; readers of formats look at the whole path."""
    suffix = job.path[job.path.rfind(".") :].lower()
    if suffix in (*_PYTHON, ".ipynb") and not any(_claiming(job.path)):
        return suffix
    return f"{job.role}:{job.path}"


def read_chunk(jobs: list[Job]) -> list[tuple[str, bytes]]:
    """What a worker process does: encoded facts by path."""
    vocabulary = load()
    with collector_off():
        return [(job.path, encode(read_file(*job, vocabulary))) for job in jobs]


def _lost(job: Job) -> tuple[str, bytes]:
    return job.path, encode(FileFacts(problem=_CRASHED))


T = TypeVar("T")


def _groups(items: Iterable[T], size: Callable[[T], int], *, limit: int) -> Iterator[list[T]]:
    """Items in their order, in groups of about `limit`."""
    group: list[T] = []
    total = 0
    for item in items:
        group.append(item)
        total += size(item)
        if total >= limit:
            yield group
            group, total = [], 0
    if group:
        yield group


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _context() -> multiprocessing.context.BaseContext:
    """Forked workers start at once, but forking is only safe while there is one thread."""
    alone = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if alone else "spawn")
