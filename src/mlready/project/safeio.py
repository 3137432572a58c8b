"""Opening files of an audited tree: never through a link, never a pipe or device, never more than a bound."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_BASE = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
# O_NONBLOCK: opening a FIFO must not wait for a writer.
_FILE = _BASE | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)
_FOLDER = _BASE | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)
_HAS_DIR_FD = os.open in os.supports_dir_fd and bool(_NOFOLLOW)


class Refused(OSError):
    """The file is not one that an audit reads; the text says why."""


def read_regular(root: Path, path: str, *, limit: int, cut: bool = False) -> bytes:
    """The bytes of `root/path` (POSIX, relative); OSError (Refused) for links and special files.

    More than `limit` bytes are refused, or with `cut` only the first of them returned.
    """
    descriptor = _open_below(root, path)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        if status.st_size > limit and not cut:
            raise Refused(_too_large(limit))
        data = _read_at_most(descriptor, limit if cut else limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:  # it grew since it was looked at
        raise Refused(_too_large(limit))
    return data


def _too_large(limit: int) -> str:
    return f"larger than {limit // 1_000_000} MB"


def _read_at_most(descriptor: int, limit: int) -> bytes:
    chunks: list[bytes] = []
    left = limit
    while left > 0 and (chunk := os.read(descriptor, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _open_below(root: Path, path: str) -> int:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise Refused("a path out of the project")
    try:
        return _open_by_folders(root, parts) if _HAS_DIR_FD else _open_checked(root, parts)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR) and not isinstance(error, Refused):
            raise Refused("reached through a link") from error
        raise


def _open_by_folders(root: Path, parts: list[str]) -> int:
    folder = os.open(root, _BASE | getattr(os, "O_DIRECTORY", 0))
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _open_checked(root: Path, parts: list[str]) -> int:
    """Without openat (Windows): every step is looked at before the file is opened."""
    step = root
    for part in parts:
        step = step / part
        if step.is_symlink() or (hasattr(step, "is_junction") and step.is_junction()):
            raise Refused("reached through a link")
    return os.open(step, _FILE)
