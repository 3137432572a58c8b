"""Which paths git tracks, read from `.git/index` itself.

Not asked of a `git` process: whether and which git is on PATH must not change a score, and a process would read the
configuration of a hostile repository. Versions 2 to 4 are read; a split index is refused, never guessed at.
Format: https://git-scm.com/docs/index-format
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct(">4sII")
_FIXED = 40
"""Bytes of a cached stat before the object name."""
_MODE_AT = 24
_EXTENDED = 0x4000

SUBMODULE = 0o160000


class BrokenIndex(ValueError):
    """The bytes are not an index that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    mode: int


def read_index(data: bytes, *, hash_size: int = 20) -> tuple[Entry, ...]:
    """The entries of an index file, in its order; paths are decoded like file names (surrogateescape)."""
    try:
        return _read(data, hash_size)
    except (struct.error, IndexError, ValueError) as error:
        raise BrokenIndex(str(error) or "truncated") from error


def _read(data: bytes, hash_size: int) -> tuple[Entry, ...]:
    signature, version, count = _HEADER.unpack_from(data)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise BrokenIndex("not a git index of version 2, 3 or 4")
    entries: list[Entry] = []
    at, previous = _HEADER.size, b""
    for _ in range(count):
        mode = int.from_bytes(data[at + _MODE_AT : at + _MODE_AT + 4], "big")
        name_at = _name_start(data, at, hash_size)
        if version == 4:
            name, following = _compressed_name(data, name_at, previous)
        else:
            end = data.index(b"\0", name_at)
            name, following = data[name_at:end], end + 8 - (end - at) % 8
        if not name:
            raise BrokenIndex("an entry without a name, as in a split index")
        entries.append(Entry(name.decode("utf-8", "surrogateescape"), mode & 0o170000))
        at, previous = following, name
    if _has_extension(data, at, hash_size, b"link"):
        raise BrokenIndex("a split index")
    return tuple(entries)


def _name_start(data: bytes, at: int, hash_size: int) -> int:
    flags_at = at + _FIXED + hash_size
    (flags,) = struct.unpack_from(">H", data, flags_at)
    return flags_at + (4 if flags & _EXTENDED else 2)


def _compressed_name(data: bytes, at: int, previous: bytes) -> tuple[bytes, int]:
    """A name of version 4: how many bytes to take off the end of the previous one, then the new end."""
    byte = data[at]
    cut = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        cut = ((cut + 1) << 7) | (byte & 0x7F)
    end = data.index(b"\0", at + 1)
    if cut > len(previous):
        raise BrokenIndex("a name is cut by more than its length")
    return previous[: len(previous) - cut] + data[at + 1 : end], end + 1


def _has_extension(data: bytes, at: int, hash_size: int, wanted: bytes) -> bool:
    while at + 8 <= len(data) - hash_size:
        if data[at : at + 4] == wanted:
            return True
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return False
