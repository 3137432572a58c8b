"""What changed in the work tree since a git revision.

A process of git is needed to unpack objects, and an audited repository is hostile: git runs in an empty repository of
our own that only borrows the object store and the references. It never sees the configuration, hooks, attributes,
filters or helpers of the audited one, so nothing of it can run. The work tree is read by ourselves.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from mlready.errors import UsageError
from mlready.findings import Location
from mlready.project.gitstate import Store, find_store
from mlready.project.inventory import limit_of, take_inventory
from mlready.project.safeio import read_regular

if TYPE_CHECKING:
    from mlready.facts.rows import NotebookFacts

_TIMEOUT = 120
_MAX_LINES = 6_000
"""Changed middles of files that are longer are touched as a whole: comparing them line by line takes too long."""
_MAX_REFS = 20_000
_REVISION = re.compile(r"[\w./@{}^~+-]{1,200}")
_LINKS = (b"120000", b"160000")


@dataclass(frozen=True, slots=True)
class Changes:
    """Changed files below the audited folder, with the lines that are new in them; None: all lines."""

    lines: Mapping[str, frozenset[int] | None] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self.lines))

    def touches(self, where: Location, notebook: NotebookFacts | None = None) -> bool:
        """Whether a place is on a line that changed: a place without a line is its file, one in a cell its cell."""
        if where.path not in self.lines:
            return False
        lines = self.lines[where.path]
        if lines is None or not where.line:
            return True
        if notebook is not None and where.cell is not None:
            first, last = _cell_span(notebook, where.cell)
            return any(first <= line <= last for line in lines)
        return where.line in lines


def _cell_span(notebook: NotebookFacts, number: int) -> tuple[int, int]:
    """Lines of the file that a cell may stand on: from the last one of the cell before to the first of the next."""
    first, last = 1, 1 << 31
    for cell in notebook.cells:
        if not cell.raw_lines:
            continue
        if cell.number < number:
            first = max(first, cell.raw_lines[-1] + 1)
        elif cell.number > number:
            last = min(last, cell.raw_lines[0] - 1)
    return first, last


def changes_since(root: Path, revision: str) -> Changes:
    """Compare the work tree with the commit where it left `revision`; UsageError when there is no such thing."""
    if not _REVISION.fullmatch(revision) or revision.startswith("-"):
        raise UsageError(f"not a git revision: {revision!r}")
    store = find_store(root.resolve())
    if store is None:
        raise UsageError(f"--since needs a git repository; {root} is in none")
    program = shutil.which("git")
    if program is None:
        raise UsageError("--since needs git to be installed")
    with tempfile.TemporaryDirectory(prefix="mlready-git-", ignore_cleanup_errors=True) as name:
        git = _Git(program, Path(name), store)
        base = git.base_of(revision)
        prefix = store.prefix
        return Changes(_compare(git, base, root, prefix))


def _compare(git: _Git, base: str, root: Path, prefix: str) -> dict[str, frozenset[int] | None]:
    before = git.blobs(base, prefix)
    changed: dict[str, tuple[str, bytes]] = {}
    lines: dict[str, frozenset[int] | None] = {}
    for file in take_inventory(root).files:
        if file.link:
            continue
        old = before.get(file.path)
        try:
            data = read_regular(root.resolve(), file.path, limit=limit_of(file.path))
        except OSError:
            continue
        if old is None:
            lines[file.path] = None
        elif git.name_of(data) != old:
            changed[file.path] = (old, data)
    texts = git.contents({old for old, _ in changed.values()})
    for path, (old, data) in changed.items():
        touched = _new_lines(texts.get(old, b""), data)
        if touched:
            lines[path] = touched
    return lines


def _new_lines(old: bytes, new: bytes) -> frozenset[int]:
    """Numbers of the lines of `new` that are new, or next to something that was removed. Line ends don't count."""
    before, after = old.replace(b"\r\n", b"\n").split(b"\n"), new.replace(b"\r\n", b"\n").split(b"\n")
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    left, right = before[head : len(before) - tail], after[head : len(after) - tail]
    if not left and not right:
        return frozenset()
    if not left or len(left) + len(right) > _MAX_LINES:
        return frozenset(range(head + 1, head + len(right) + 1)) or frozenset({head + 1})
    found: set[int] = set()
    for tag, _i, _j, start, end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            found.update(range(head + start + 1, head + end + 1) if end > start else (head + start + 1,))
    return frozenset(found)


class _Git:
    """git, in a repository of ours that borrows objects and references."""

    def __init__(self, program: str, folder: Path, store: Store) -> None:
        self._program = program
        self._folder = folder
        self._store = store
        objects = (store.common / "objects").resolve()
        if "\n" in str(objects) or str(objects).startswith('"'):
            raise UsageError("--since: the repository's path cannot be given to git")
        (folder / "objects" / "info").mkdir(parents=True)
        (folder / "objects" / "info" / "alternates").write_text(f"{objects}\n")
        (folder / "refs").mkdir()
        (folder / "config").write_text(_config(store))
        self.sha256 = store.sha256
        _copy_references(store, folder)

    def base_of(self, revision: str) -> str:
        """The commit from which the work tree went its own way; the revision itself where history is cut off."""
        commit = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if commit is None:
            raise UsageError(
                f"git does not know the revision {revision!r}",
                hint="in CI, fetch the whole history (fetch-depth: 0, GIT_DEPTH: 0)",
            )
        base = self._run("merge-base", "HEAD", commit.decode().strip())
        return (base or commit).decode().split()[0]

    def blobs(self, commit: str, prefix: str) -> dict[str, str]:
        """Path below the audited folder -> object name, of regular files."""
        listed = self._run("ls-tree", "-r", "-z", "--full-tree", commit)
        if listed is None:
            raise UsageError(f"git cannot read the tree of {commit[:12]}: is the repository complete?")
        found = {}
        for row in listed.split(b"\0"):
            head, _, name = row.partition(b"\t")
            path = name.decode("utf-8", "surrogateescape")
            if path.startswith(prefix) and not head.startswith(_LINKS):
                found[path[len(prefix) :]] = head.split(b" ")[-1].decode()
        return found

    def name_of(self, data: bytes) -> str:
        """The name that git gives to a file with this content."""
        hasher = hashlib.sha256() if self.sha256 else hashlib.sha1(usedforsecurity=False)
        hasher.update(b"blob %d\0" % len(data))
        hasher.update(data)
        return hasher.hexdigest()

    def contents(self, names: Iterable[str]) -> dict[str, bytes]:
        """The bytes of objects; what cannot be had is left out."""
        wanted = sorted(names)
        if not wanted:
            return {}
        output = self._run("cat-file", "--batch", given="\n".join(wanted).encode() + b"\n") or b""
        found, at = {}, 0
        while at < len(output):
            end = output.index(b"\n", at)
            words = output[at:end].split(b" ")
            at = end + 1
            if len(words) == 3:
                size = int(words[2])
                found[words[0].decode()] = output[at : at + size]
                at += size + 1
        return found

    def _run(self, *words: str, given: bytes = b"") -> bytes | None:
        command = [self._program, "--no-pager", *words]
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, cwd=self._folder, env=_environment(self._folder),
                timeout=_TIMEOUT, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(f"--since: git {words[0]} failed: {error}") from error
        return done.stdout if done.returncode == 0 else None


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if (value := os.environ.get(name))}
    return kept | {
        "GIT_DIR": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(folder),
        "LC_ALL": "C",
    }


def _config(store: Store) -> str:
    extensions = "[extensions]\n\tobjectformat = sha256\n" if store.sha256 else ""
    return f"[core]\n\trepositoryformatversion = {1 if store.sha256 else 0}\n\tbare = true\n{extensions}"


def _copy_references(store: Store, folder: Path) -> None:
    """References as plain files; links among them are not followed."""
    _copy(store.own, "HEAD", folder)
    for name in ("packed-refs", "shallow"):
        _copy(store.common, name, folder)
    left = _MAX_REFS
    for top, folders, names in os.walk(store.common / "refs", followlinks=False):
        folders.sort()
        for name in sorted(names):
            left -= 1
            if left < 0:
                return
            _copy(store.common, (Path(top) / name).relative_to(store.common).as_posix(), folder)


def _copy(source: Path, name: str, folder: Path) -> None:
    try:
        data = read_regular(source, name, limit=64_000_000)
    except OSError:
        return
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
