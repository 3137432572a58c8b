"""Folders of TOML files, read through a compiled form: parsing hundreds of them at every start would be slow.

What `build` makes of the files is kept as JSON in the user's cache directory, under a key made of the files' bytes and of
the code that builds it. The cache is a convenience and never trusted: an entry that is damaged, of the wrong type or
not what its checksum says is built again, and a cache that cannot be written is done without.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import msgspec

from mlready import __version__

T = TypeVar("T")

Sources = Mapping[str, bytes]
"""Path relative to the folder (POSIX) -> the bytes of the file."""

_MAX_ENTRY = 64 * 1024 * 1024
_KEPT = 8
_CHECKSUM = 32


class Compiled(NamedTuple, Generic[T]):
    """What was built, and the digest of the files that it was built from."""

    value: T
    digest: str


def cache_dir() -> Path:
    """The folder for everything that can be made again: MLREADY_CACHE_DIR, else the user's cache directory."""
    chosen = os.environ.get("MLREADY_CACHE_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("mlready", appauthor=False)


def compiled(
    folder: Path, build: Callable[[Sources], T], type_: type[T], *, include: Iterable[str] = ("**/*.toml",)
) -> Compiled[T]:
    """`build` applied to the files of `folder` that match the globs in `include`, or what it made of them before.

    `type_` is a msgspec struct that can be encoded as JSON. Errors of `build` pass through and are not cached.
    """
    sources = read_sources(folder, include)
    digest = digest_of(sources)
    entry = _entry_path(type_, digest, build)
    value = _read(entry, type_)
    if value is None:
        value = build(sources)
        _write(entry, msgspec.json.encode(value))
    return Compiled(value, digest)


def read_sources(folder: Path, include: Iterable[str]) -> dict[str, bytes]:
    """The bytes of the matching files, in the order of their paths."""
    paths = sorted({path for pattern in include for path in folder.glob(pattern)})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def digest_of(sources: Sources) -> str:
    """A hash of names and contents: 32 hexadecimal digits."""
    hasher = blake2b(digest_size=16)
    for name, data in sources.items():
        hasher.update(f"{len(name)}:{name}:{len(data)}:".encode())
        hasher.update(data)
    return hasher.hexdigest()


def _entry_path(type_: type, digest: str, build: Callable[[Sources], object]) -> Path:
    hasher = blake2b(f"{__version__} {digest}".encode(), digest_size=16)
    for module in (type_.__module__, build.__module__):
        hasher.update(_source_of(module))
    return cache_dir() / "compiled" / f"{type_.__name__}-{hasher.hexdigest()}.json"


def _source_of(module: str) -> bytes:
    """The code of a module: an entry that an older version of it built must not be used."""
    path = getattr(sys.modules.get(module), "__file__", None)
    try:
        return Path(path).read_bytes() if path else b""
    except OSError:
        return b""


def _read(entry: Path, type_: type[T]) -> T | None:
    try:
        info = entry.lstat()
        if not stat.S_ISREG(info.st_mode) or info.st_size > _MAX_ENTRY:
            return None
        data = entry.read_bytes()
        checksum, payload = data[:_CHECKSUM], data[_CHECKSUM:]
        return msgspec.json.decode(payload, type=type_) if checksum == _checksum(payload) else None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _write(entry: Path, payload: bytes) -> None:
    with suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=entry.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_checksum(payload) + payload)
            Path(temporary).replace(entry)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        _prune(entry)


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_CHECKSUM // 2).hexdigest().encode()


def _prune(entry: Path) -> None:
    """Keep the newest entries of this kind; others belong to versions and edits of the past."""
    kind = entry.name.rpartition("-")[0]
    entries = sorted(entry.parent.glob(f"{kind}-*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in entries[_KEPT:]:
        old.unlink(missing_ok=True)
