"""The files of a project: which there are, what each is for, and which are not read and why.

Found by one walk that honors .gitignore as git would without any personal configuration, so the same files are found
on every machine. A file that is tracked is listed even where a pattern ignores it. Nothing is read but ignore files,
.gitattributes, the git index and files of the size of an LFS pointer.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlready.errors import UsageError
from mlready.project.gitstate import GitState, read_git
from mlready.project.ignore import Ignores, lfs_patterns
from mlready.project.roles import package_folders, role_of, vendored_folders
from mlready.project.safeio import Refused, read_regular

MAX_FILES = 200_000
TEXT_LIMIT = 20_000_000
NOTEBOOK_LIMIT = 100_000_000
_IGNORE_LIMIT = 1_000_000
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_POINTER_SIZES = range(60, 1025)
_UNREAD_ROLES = frozenset(("data", "model", "other"))
"""Roles whose files may be large: what reads them reads a bounded part."""

_SKIPPED = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        "__pycache__",
        ".tox",
        ".nox",
        ".eggs",
        "site-packages",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".ipynb_checkpoints",
        ".hypothesis",
        ".venv",
    ]
)


@dataclass(frozen=True, slots=True)
class File:
    """A regular file, or a link to one inside the project (which is never read: its target is)."""

    path: str
    size: int
    role: str
    tracked: bool
    link: bool = False
    lfs: bool = False


@dataclass(frozen=True, slots=True)
class NotRead:
    path: str
    reason: str


@dataclass(frozen=True)
class Inventory:
    """What a project consists of; paths are POSIX, relative to `root`, sorted."""

    root: Path
    files: tuple[File, ...]
    not_read: tuple[NotRead, ...]
    git: GitState
    _ignores: Ignores = field(repr=False, compare=False)

    def readable(self) -> tuple[File, ...]:
        """The files that can be read: no links, nothing that is listed as not read."""
        refused = {entry.path for entry in self.not_read}
        return tuple(file for file in self.files if not file.link and file.path not in refused)

    def covers(self, path: str) -> bool:
        """Whether .gitignore files keep what is written to `path` (a file or folder, there or not) out of git."""
        whole = posixpath.normpath(self.git.prefix + path)
        if whole.startswith(("/", "..")) or whole == ".":
            return False
        return self._ignores.covers(whole + ("/" if path.endswith("/") else ""))


def take_inventory(root: Path) -> Inventory:
    """List the files of the folder `root`; UsageError when it is not a folder that can be listed."""
    top = root.resolve()
    if not top.is_dir():
        raise UsageError(f"not a folder: {root}")
    git = read_git(top)
    walk = _Walk(top, git)
    walk.run()
    lfs = _lfs_rules(walk.attributes)
    files = _with_roles(walk.found)
    files = [_with_lfs(file, top, lfs) for file in files]
    refused = walk.not_read + [NotRead(file.path, why) for file in files if (why := walk.unreadable(file))]
    return Inventory(
        root=top,
        files=tuple(sorted(files, key=lambda file: file.path)),
        not_read=tuple(sorted(refused, key=lambda entry: entry.path)),
        git=git,
        _ignores=walk.ignores,
    )


def read_bytes(root: Path, file: File, *, limit: int | None = None) -> bytes:
    """The content of a file as it is now; OSError with the reason when it may not or cannot be read."""
    return read_regular(root, file.path, limit=limit if limit is not None else limit_of(file.path))


def limit_of(path: str) -> int:
    """How many bytes of a file are read at most."""
    return NOTEBOOK_LIMIT if path.endswith(".ipynb") else TEXT_LIMIT


def read_prefix(root: Path, file: File, size: int) -> bytes:
    """At most the first `size` bytes of a file of any size."""
    return read_regular(root, file.path, limit=size, cut=True)


class _Walk:
    """One pass over the tree; folders are taken in sorted order, so a bound cuts at the same place everywhere."""

    def __init__(self, root: Path, git: GitState) -> None:
        self.root = root
        self.git = git
        self.found: list[File] = []
        self.not_read: list[NotRead] = []
        self.modes: dict[str, int] = {}
        self.attributes: dict[str, str] = {}
        self.ignores = Ignores({})
        self._with_tracked = _folders_of(git.tracked)

    def run(self) -> None:
        self._read_rules_above()
        pending = [""]
        while pending:
            if len(self.found) >= MAX_FILES:
                self.not_read.append(NotRead(_shown(pending[-1]) or ".", f"more than {MAX_FILES:,} files"))
                return
            pending.extend(reversed(self._folder(pending.pop())))

    def _read_rules_above(self) -> None:
        """The ignore files between the top of the repository and the audited folder count too."""
        if not self.git.prefix or self.git.root is None:
            return
        steps = self.git.prefix.rstrip("/").split("/")
        for depth in range(len(steps)):
            self._read_rules(self.git.root, "/".join(steps[:depth]), prefix="")

    def _read_rules(self, top: Path, folder: str, *, prefix: str) -> None:
        inner = folder + "/" if folder else ""
        whole = (prefix + folder).rstrip("/")
        text = _text(top, inner + ".gitignore")
        if text:
            self.ignores.add(whole, text)
        attributes = _text(top, inner + ".gitattributes")
        if attributes:
            self.attributes[whole] = attributes

    def _folder(self, folder: str) -> list[str]:
        """Take in the files of one folder; the folders in it that are to be walked."""
        try:
            with os.scandir(self.root / folder if folder else self.root) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.not_read.append(NotRead(_shown(folder) or ".", _reason(error)))
            return []
        names = {entry.name for entry in entries}
        if names & {".gitignore", ".gitattributes"}:
            self._read_rules(self.root, folder, prefix=self.git.prefix)
        below: list[str] = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if self._entry(entry, path):
                below.append(path)
        return below

    def _entry(self, entry: os.DirEntry[str], path: str) -> bool:
        """Take one entry in; True for a folder that is to be walked."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.not_read.append(NotRead(_shown(path), _reason(error)))
            return False
        if stat.S_ISDIR(status.st_mode):
            return self._enter(path, entry.name)
        if self._left_out(path):
            return False
        if _shown(path) != path:
            self.not_read.append(NotRead(_shown(path), "a name with control characters or that is not UTF-8"))
        elif stat.S_ISREG(status.st_mode):
            self.modes[path] = status.st_mode
            self.found.append(File(path, status.st_size, "", path in self.git.tracked))
        elif stat.S_ISLNK(status.st_mode):
            self._link(path)
        else:
            self.not_read.append(NotRead(path, _kind_of_special(status.st_mode)))
        return False

    def _enter(self, path: str, name: str) -> bool:
        tracked = path in self._with_tracked
        if path in self.git.submodules:
            self.not_read.append(NotRead(_shown(path), "a git submodule"))
            return False
        skipped = self._skip_reason(path, name)
        if skipped:
            if tracked:
                self.not_read.append(NotRead(_shown(path), f"{skipped}, though tracked by git"))
            return False
        return tracked or not self._ignored(path + "/")

    def _skip_reason(self, path: str, name: str) -> str:
        if name in _SKIPPED:
            return "made by a tool"
        if os.path.lexists(self.root / path / "pyvenv.cfg"):
            return "a virtual environment"
        return "a repository of its own" if os.path.lexists(self.root / path / ".git") else ""

    def _left_out(self, path: str) -> bool:
        if path in self.git.tracked:
            return False
        return path.rpartition("/")[2] in _SKIPPED or self._ignored(path)

    def _ignored(self, path: str) -> bool:
        if path.rstrip("/").rpartition("/")[0] in self._with_tracked:
            # The walk came here for a tracked file only, perhaps: the folder itself may be ignored.
            return self.ignores.ignored(self.git.prefix + path)
        return self.ignores.matches(self.git.prefix + path)

    def unreadable(self, file: File) -> str:
        """Why the content of a file that was found cannot be read, else ""."""
        if file.link:
            return ""
        limit = limit_of(file.path)
        if file.size > limit and file.role not in _UNREAD_ROLES:
            return f"larger than {limit // 1_000_000} MB"
        closed = self.modes[file.path] & 0o444 != 0o444 and not os.access(self.root / file.path, os.R_OK)
        return "no permission to read it" if closed else ""

    def _link(self, path: str) -> None:
        """A link to a file of the project is listed; any other link is only named."""
        try:
            target = (self.root / path).resolve(strict=True)
        except (OSError, RuntimeError):
            self.not_read.append(NotRead(path, "a link that leads nowhere, or in a circle"))
            return
        if not target.is_relative_to(self.root):
            self.not_read.append(NotRead(path, "a link out of the project"))
        elif target.is_file():
            self.found.append(File(path, target.stat().st_size, "", path in self.git.tracked, link=True))
            self.not_read.append(NotRead(path, f"a link to {_shown(target.relative_to(self.root).as_posix())}"))
        else:
            self.not_read.append(NotRead(path, "a link to a folder of the project"))


def _folders_of(paths: frozenset[str]) -> frozenset[str]:
    """All folders above the given paths."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(folders)


def _with_roles(found: list[File]) -> list[File]:
    paths = [file.path for file in found]
    packages, vendored = package_folders(paths), vendored_folders(paths)
    return [replace(file, role=role_of(file.path, packages=packages, vendored=vendored)) for file in found]


def _lfs_rules(attributes: dict[str, str]) -> Ignores | None:
    rules = {folder: patterns for folder, text in attributes.items() if (patterns := lfs_patterns(text))}
    return Ignores(rules) if rules else None


def _with_lfs(file: File, root: Path, rules: Ignores | None) -> File:
    if rules is not None and rules.matches(file.path):
        return replace(file, lfs=True)
    small = file.size in _POINTER_SIZES and not file.link and file.role in _UNREAD_ROLES
    return replace(file, lfs=True) if small and _is_pointer(root, file) else file


def _is_pointer(root: Path, file: File) -> bool:
    try:
        return read_bytes(root, file).startswith(_POINTER)
    except OSError:
        return False


def _text(root: Path, path: str) -> str:
    try:
        return read_regular(root, path, limit=_IGNORE_LIMIT).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


_UNPRINTABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")


def _shown(path: str) -> str:
    """A path that can be printed: control characters and bytes that are not UTF-8 are written as escapes."""
    if path.isascii() and path.isprintable():
        return path
    return _UNPRINTABLE.sub(lambda match: _escape(match.group()), path)


def _escape(char: str) -> str:
    byte = ord(char) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else char.encode("unicode_escape").decode()


def _reason(error: OSError) -> str:
    return str(error) if isinstance(error, Refused) else (error.strerror or "cannot be read").lower()


def _kind_of_special(mode: int) -> str:
    for test, name in ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket")):
        if test(mode):
            return name
    return "a device"
