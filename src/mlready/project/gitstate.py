"""What git knows of a folder, read from the repository's files: no git process, no configuration that could run one."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlready.project.gitindex import SUBMODULE, BrokenIndex, Entry, read_index
from mlready.project.safeio import read_regular

_INDEX_LIMIT = 256_000_000
_SMALL = 4_000_000


@dataclass(frozen=True, slots=True)
class GitState:
    """`none`: no repository holds the folder; `subfolder`: one does, further up."""

    kind: Literal["repository", "subfolder", "none"]
    has_commit: bool = False
    shallow: bool = False
    root: Path | None = None
    """Top folder of the work tree."""
    prefix: str = ""
    """The audited folder below it, with a final "/"; "" where they are the same."""
    tracked: frozenset[str] = field(default=frozenset(), repr=False)
    """Paths in the index at or below the audited folder, relative to it; submodules left out."""
    submodules: frozenset[str] = field(default=frozenset(), repr=False)
    problem: str = ""
    """Why the index could not be read; then nothing is known to be tracked."""


NONE = GitState("none")


def read_git(folder: Path) -> GitState:
    """The state of the repository that `folder` belongs to. A folder of which nothing is tracked belongs to none."""
    for top in _candidates(folder):
        store = _git_folder(top / ".git")
        if store is not None:
            state = _state(folder, top, store)
            return state if state.kind == "repository" or state.tracked or state.problem else NONE
    return NONE


@dataclass(frozen=True, slots=True)
class Store:
    """Where the repository of a folder keeps its data, for reading objects; `prefix` as in GitState."""

    own: Path
    common: Path
    prefix: str
    sha256: bool


def find_store(folder: Path) -> Store | None:
    """The repository that `folder` (resolved) lies in."""
    for top in _candidates(folder):
        store = _git_folder(top / ".git")
        if store is not None:
            prefix = "" if folder == top else folder.relative_to(top).as_posix() + "/"
            return Store(store.own, store.common, prefix, _has_long_names(store))
    return None


def _candidates(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents


@dataclass(frozen=True, slots=True)
class _Store:
    """`own` holds HEAD and index; `common` the references (they differ in a linked work tree)."""

    own: Path
    common: Path


def _git_folder(marker: Path) -> _Store | None:
    """The repository behind a `.git` folder, or behind the file that a linked work tree has instead."""
    own = marker
    if not marker.is_dir():
        pointer = _text(marker.parent, ".git")
        if not pointer.startswith("gitdir:"):
            return None
        own = marker.parent / pointer.removeprefix("gitdir:").strip()
    if not _text(own, "HEAD"):
        return None
    common = _text(own, "commondir").strip()
    return _Store(own, own / common if common else own)


def _state(folder: Path, top: Path, store: _Store) -> GitState:
    prefix = "" if folder == top else folder.relative_to(top).as_posix() + "/"
    problem = ""
    entries: tuple[Entry, ...] = ()
    try:
        entries = _entries(store)
    except BrokenIndex as error:
        problem = f"git index not read: {error}"
    below = [(entry.path[len(prefix) :], entry.mode) for entry in entries if entry.path.startswith(prefix)]
    return GitState(
        kind="subfolder" if prefix else "repository",
        has_commit=_has_commit(store, bool(entries)),
        shallow=_exists(store.common / "shallow"),
        root=top,
        prefix=prefix,
        tracked=frozenset(path for path, mode in below if mode != SUBMODULE and not path.endswith("/")),
        submodules=frozenset(path for path, mode in below if mode == SUBMODULE),
        problem=problem,
    )


def _entries(store: _Store) -> tuple[Entry, ...]:
    if not _exists(store.own / "index"):
        return ()
    try:
        data = read_regular(store.own, "index", limit=_INDEX_LIMIT)
    except OSError as error:
        raise BrokenIndex(str(error)) from error
    return read_index(data, hash_size=32 if _has_long_names(store) else 20)


def _has_long_names(store: _Store) -> bool:
    return bool(re.search(r"objectformat\s*=\s*sha256", _text(store.common, "config"), re.IGNORECASE))


def _has_commit(store: _Store, indexed: bool) -> bool:
    head = _text(store.own, "HEAD").strip()
    if not head.startswith("ref:"):
        return bool(re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head))
    name = head.removeprefix("ref:").strip()
    if name == "refs/heads/.invalid":  # references are kept in a reftable, which is not read
        return indexed
    if _text(store.own, name).strip() or _text(store.common, name).strip():
        return True
    packed = _text(store.common, "packed-refs")
    return any(line.endswith(" " + name) for line in packed.splitlines())


def _exists(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _text(folder: Path, name: str) -> str:
    """A small file of the repository as text; "" when it is not there or is not a plain file."""
    try:
        return read_regular(folder, name, limit=_SMALL).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):
        return ""
