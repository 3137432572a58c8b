"""`mlready new --into`: the missing parts of an existing project; no file that exists is touched but pyproject.toml."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlready.errors import UsageError
from mlready.scaffold import render
from mlready.scaffold.lock import write_lock
from mlready.scaffold.new import read_answers, rendered
from mlready.scaffold.pyproject import declared_name, merge
from mlready.scaffold.questions import Question, check_answers, read_questions, refuse_unasked
from mlready.scaffold.template import Template, shipped


@dataclass(frozen=True, slots=True)
class Adoption:
    """What would be written into a project: new files by path, and the merged pyproject.toml where it changes."""

    project: Path
    added: Mapping[str, bytes]
    kept: tuple[str, ...]
    old_pyproject: str
    new_pyproject: str

    @property
    def fits_lock(self) -> bool:
        """Whether uv.lock is that of the dependencies: brought along with them, or there and nothing was added to them."""
        known = (self.project / "uv.lock").is_file() and self.old_pyproject == self.new_pyproject
        return "uv.lock" in self.added or known

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.added and self.old_pyproject == self.new_pyproject

    def show(self) -> str:
        """The plan for a person: new files, files that stay as they are, and the diff of pyproject.toml."""
        lines = [f"new   {name}\n" for name in sorted(self.added)]
        lines += [f"kept  {name}\n" for name in self.kept]
        old, new = self.old_pyproject.splitlines(True), self.new_pyproject.splitlines(True)
        return "".join(lines + list(difflib.unified_diff(old, new, "pyproject.toml", "pyproject.toml, merged")))


def plan(project: Path, *, given: Mapping[str, Any], template: Template | None = None) -> Adoption:
    """What the template would add to a project; nothing is written."""
    used = template or shipped()
    root = project.resolve()
    questions = read_questions(used.folder)
    wanted = check_answers(given, questions)
    answers = {"project_name": _name(root), **_earlier_answers(root, questions), **wanted}
    elsewhere = Path(tempfile.gettempdir()) / (root.name or "project")
    with rendered(elsewhere, answers=answers, ask=False, template=used) as made:
        refuse_unasked(wanted, read_answers(made))
        if not (root / "pyproject.toml").exists():
            write_lock(made, locks=used.locks, answers=read_answers(made))
        files = {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    added = {name: data for name, data in files.items() if not _taken(root, name)}
    kept = tuple(sorted(set(files) - set(added) - {"pyproject.toml"}))
    theirs = _read_pyproject(root)
    ours = files["pyproject.toml"].decode("utf-8")
    return Adoption(
        project=root,
        added=added,
        kept=kept,
        old_pyproject=theirs,
        new_pyproject=merge(theirs, ours) if theirs else theirs,
    )


def apply(change: Adoption) -> None:
    """Write what a plan says; a file that appeared since is kept, and a failure takes back what was written."""
    written: list[Path] = []
    try:
        for name, data in sorted(change.added.items()):
            path = change.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                written.append(path)
                file.write(data)
        if change.new_pyproject != change.old_pyproject:
            render_to = change.project / "pyproject.toml.mlready"
            render_to.write_text(change.new_pyproject, encoding="utf-8", newline="")
            render_to.replace(change.project / "pyproject.toml")
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(f"{error.filename}: {error.strerror}; nothing was written") from None
        raise


def _taken(root: Path, name: str) -> bool:
    """Whether the path, or a file where one of its folders would be, exists already."""
    path = root / name
    inside = [parent for parent in path.parents if parent != root and root in parent.parents]
    return path.exists() or path.is_symlink() or any(p.is_symlink() or p.is_file() for p in inside)


def _earlier_answers(root: Path, questions: tuple[Question, ...]) -> dict[str, str | bool]:
    """The answers of an earlier adoption, so that repeating it changes nothing."""
    if not (root / render.ANSWERS_FILE).is_file():
        return {}
    names = {question.name for question in questions}
    return check_answers({key: value for key, value in read_answers(root).items() if key in names}, questions)


def _name(root: Path) -> str:
    """A project name from pyproject.toml or the folder's name: its letters and digits, joined by dashes."""
    name = declared_name(_read_pyproject(root)) or root.name
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lstrip("0123456789-") or "project"


def _read_pyproject(root: Path) -> str:
    path = root / "pyproject.toml"
    try:
        return path.read_bytes().decode("utf-8") if path.is_file() else ""
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8") from None
