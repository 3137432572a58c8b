"""From files to facts: the reader for each file, the cache before it, all cores behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from msgspec import structs

from mlready.facts.cache import FactsCache, decode, encode, key_of
from mlready.facts.generated import is_generated
from mlready.facts.pool import Pool
from mlready.facts.python import collector_off, read_python
from mlready.facts.rows import FileFacts
from mlready.facts.unrendered import first_mark
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
_CHUNK_BYTES = 400_000
"""Bytes of files that a process reads before it gives back what it found."""
_WORTH_A_POOL = 4
"""Chunks from which handing them to processes pays."""
_LOOKED_UP_BYTES = 6_400_000
"""Bytes of files that are asked for in the cache at once."""
_STORED_BYTES = 1_000_000
"""Bytes of facts that are stored in the cache at once."""
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
    generated, unrendered = is_generated(data), 0 if kind or role == "data" else first_mark(data, facts)
    return structs.replace(facts, generated=generated, unrendered=unrendered) if generated or unrendered else facts


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
    pool: ReaderPool | None = None,
    cache: FactsCache | None = None,
    progress: Progress | None = None,
) -> dict[str, FileFacts]:
    """The facts of all files, by path. `items` are (path, role); `read` gives a file's bytes or raises OSError.

    What the cache does not know is read by the processes of `pool`; few files, or all without one, in this process.
    """
    with collector_off():
        return _Run(vocabulary, pool, cache, progress, len(items)).facts_of(items, read)


def start_readers(size: int, *, jobs: int | None = None) -> AbstractContextManager[ReaderPool | None]:
    """Processes for `extract`, by default one per core; None where there are too few bytes to read for it to pay.

    To be called before threads are started: see Pool.
    """
    workers = min(jobs or _cores(), size // (_CHUNK_BYTES * _WORTH_A_POOL // 2))
    if workers < 2:
        return nullcontext()
    load()  # once, before the processes are forked
    return Pool(read_chunk, workers=workers, lost=_lost)


class _Run:
    """One extraction: looks up, reads what is missing, stores it."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        pool: ReaderPool | None,
        cache: FactsCache | None,
        progress: Progress | None,
        total: int,
    ) -> None:
        self.vocabulary = vocabulary
        self.pool = pool if vocabulary is load() else None
        self.cache = cache
        self.progress = progress
        self.total = total
        self.facts: dict[str, FileFacts] = {}
        self.keys: dict[str, bytes] = {}
        """Path of a file that the cache does not know -> the key to store its facts under."""

    def facts_of(self, items: Sequence[tuple[str, str]], read: Callable[[str], bytes]) -> dict[str, FileFacts]:
        encoded = self._encoded(self._missing(self._loaded(items, read)))
        for group in _groups(encoded, lambda entry: len(entry[1]), limit=_STORED_BYTES):
            self._keep(group)
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

    def _missing(self, jobs: Iterator[Job]) -> Iterator[Job]:
        """The jobs that the cache has no facts for."""
        if self.cache is None:
            yield from jobs
            return
        for group in _groups(jobs, lambda job: len(job.data), limit=_LOOKED_UP_BYTES):
            keys = [key_of(job.data, reader=_reader_key(job), vocabulary=self.vocabulary.digest) for job in group]
            found = self.cache.get_many(keys)
            for key, job in zip(keys, group, strict=True):
                if key in found:
                    self._done(job.path, found[key])
                else:
                    self.keys[job.path] = key
                    yield job

    def _encoded(self, jobs: Iterator[Job]) -> Iterator[tuple[str, bytes]]:
        groups = _groups(jobs, lambda job: len(job.data), limit=_CHUNK_BYTES)
        first = list(islice(groups, _WORTH_A_POOL))
        if self.pool is not None and len(first) == _WORTH_A_POOL:
            yield from self.pool.map(chain(first, groups))
            return
        for group in chain(first, groups):
            yield from ((job.path, encode(read_file(*job, self.vocabulary))) for job in group)

    def _keep(self, entries: list[tuple[str, bytes]]) -> None:
        """Take the facts of files that were read now, and store them."""
        fresh: dict[bytes, bytes] = {}
        for path, encoded in entries:
            facts = decode(encoded) or FileFacts(problem=_CRASHED)
            self._done(path, facts)
            if path in self.keys and not facts.problem.endswith("please report it"):
                fresh[self.keys[path]] = encoded
        if self.cache is not None and fresh:
            self.cache.put_many(fresh)


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


ReaderPool = Pool[Job, tuple[str, bytes]]


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
