"""`mlready new`: a project that is whole or not there at all."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlready.errors import UsageError
from mlready.scaffold import git, render
from mlready.scaffold.lock import write_lock
from mlready.scaffold.questions import Answers, check_answers, read_questions, refuse_unasked
from mlready.scaffold.template import Template, shipped


@dataclass(frozen=True, slots=True)
class NewProject:
    """What was made: where, with which answers, and what comes next."""

    folder: Path
    answers: Answers
    locked: bool
    committed: bool

    @property
    def next_commands(self) -> tuple[str, str]:
        """The two commands that bring the project to life."""
        work = "make train test" if self.answers.get("minimal") else "make train test serve drift"
        return f"cd {shlex.quote(str(self.folder))} && make setup", work


def create(
    target: Path, *, given: Mapping[str, Any], ask: bool = False, force: bool = False, template: Template | None = None
) -> NewProject:
    """Generate a project at a path; raises UsageError and leaves the path as it was if anything goes wrong."""
    used = template or shipped()
    answers = check_answers(given, read_questions(used.folder))
    _refuse_filled(target, force=force)
    with rendered(target, answers=answers, ask=ask, template=used) as made:
        complete = read_answers(made)
        refuse_unasked(answers, complete)
        locked = write_lock(made, locks=used.locks, answers=complete)
        committed = not _belongs_to_repository(target) and _first_commit(made)
        _move(made, target)
    return NewProject(folder=target, answers=complete, locked=locked, committed=committed)


@contextmanager
def rendered(target: Path, *, answers: Answers, ask: bool, template: Template) -> Iterator[Path]:
    """The project in a temporary folder beside the target (so that moving it there is one step), under the same name."""
    parent = target.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".mlready-", dir=parent))
    except OSError as error:
        raise UsageError(f"{parent} cannot be written to: {error.strerror}") from None
    try:
        made = scratch / target.absolute().name
        render.copy(made, answers=answers, template=template, ask=ask)
        yield made
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_answers(project: Path) -> dict[str, Any]:
    """The recorded answers of a project."""
    content = yaml.safe_load((project / render.ANSWERS_FILE).read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if not key.startswith("_")}


def _refuse_filled(target: Path, *, force: bool) -> None:
    if not target.is_dir():
        if target.exists() or target.is_symlink():
            raise UsageError(f"{target} exists and is not a folder")
        return
    if any(target.iterdir()) and not force:
        raise UsageError(
            f"{target} is not empty",
            hint="`mlready new --into` adds the missing parts to a project; --force overwrites the files of the template",
        )


def _belongs_to_repository(target: Path) -> bool:
    """Whether the target lies in a repository already; such a project is committed by its owner."""
    existing = next(folder for folder in (target.absolute(), *target.absolute().parents) if folder.is_dir())
    return git.inside_work_tree(existing)


def _first_commit(folder: Path) -> bool:
    """Make a repository with everything in one commit, by whoever is known to git, or by mlready."""
    git.git("init", "--quiet", "--initial-branch=main", cwd=folder)
    git.git("add", "--all", cwd=folder)
    known = git.run(["config", "user.email"], cwd=folder).stdout.strip()
    identity = {} if known else {"user.name": "mlready", "user.email": "mlready@localhost"}
    git.git("commit", "--quiet", "--message", "Start from the mlready template", cwd=folder, config=identity)
    return True


def _move(made: Path, target: Path) -> None:
    """Put the project in its place: one rename, or file by file where --force allows it."""
    if not target.exists():
        made.rename(target)
    elif not any(target.iterdir()):
        target.rmdir()
        made.rename(target)
    else:
        _overwrite(made, target)


def _overwrite(made: Path, target: Path) -> None:
    keep_git = (target / ".git").exists()
    for path in sorted(made.rglob("*")):
        relative = path.relative_to(made)
        if path.is_dir() or (keep_git and relative.parts[0] == ".git"):
            continue
        place = target / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
