"""Files to be written, as a value: shown before, refused where something would be overwritten, applied all or nothing."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlready.errors import UsageError
from mlready.files import write_atomically


@dataclass(frozen=True)
class Changes:
    """Path relative to `root` -> text. `merged` are paths whose old content is kept and added to."""

    root: Path
    files: Mapping[str, str]
    merged: frozenset[str] = frozenset()

    def clashes(self) -> list[str]:
        """Existing files that would be overwritten with something else."""
        return [
            path
            for path, text in sorted(self.files.items())
            if path not in self.merged and os.path.lexists(self.root / path) and _read(self.root / path) != text
        ]

    def diff(self, path: str) -> str:
        """What changes in an existing file."""
        old, new = (_read(self.root / path) or "").splitlines(keepends=True), self.files[path].splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"))

    def apply(self, *, force: bool = False) -> None:
        """Writes everything, or nothing: on any error the folder is as it was."""
        clashes = self.clashes()
        if clashes and not force:
            shown = ", ".join(clashes[:5]) + (f" and {len(clashes) - 5} more" if len(clashes) > 5 else "")
            raise UsageError(f"{self.root}: would overwrite {shown}", hint="choose another folder, or pass --force")
        try:
            self._apply()
        except OSError as error:
            raise UsageError(f"{self.root}: cannot write: {error.strerror or error}") from None

    def _apply(self) -> None:
        new_folders = _missing_folders(self.root, self.files)
        with tempfile.TemporaryDirectory(prefix="mlready-") as backup:
            done: list[str] = []
            try:
                for path, text in self.files.items():
                    target = self.root / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if target.exists():
                        saved = Path(backup) / path
                        saved.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy2(target, saved)
                    done.append(path)
                    write_atomically(target, text)
            except OSError:
                self._undo(done, Path(backup), new_folders)
                raise

    def _undo(self, done: list[str], backup: Path, new_folders: list[Path]) -> None:
        for path in reversed(done):
            saved = backup / path
            if saved.exists():
                shutil.copy2(saved, self.root / path)
            else:
                (self.root / path).unlink(missing_ok=True)
        for folder in sorted(new_folders, key=lambda found: len(found.parts), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _missing_folders(root: Path, files: Mapping[str, str]) -> list[Path]:
    """Folders that do not exist yet and will be made."""
    found: set[Path] = set()
    for path in files:
        folder = (root / path).parent
        while not folder.exists() and folder not in found:
            found.add(folder)
            folder = folder.parent
    return list(found)
