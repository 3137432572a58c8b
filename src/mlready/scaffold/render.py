"""The calls to copier: copy, and inside `template.source()` also update and change of an option."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from mlready.errors import UsageError
from mlready.scaffold.git import require
from mlready.scaffold.questions import NAME_HINT, Answers
from mlready.scaffold.template import TEMPLATE_URL, Template

ANSWERS_FILE = ".copier-answers.yml"


def copy(target: Path, *, answers: Answers, template: Template, ask: bool) -> None:
    """Render the template into a folder that doesn't exist yet.

    copier reads the plain folder, which takes half the time of a clone; the answers file then gets the address and version
    that copier would have written for a clone.
    """
    import copier

    require()
    with _reporting(quiet=not ask):
        copier.run_copy(str(template.folder), target, data=dict(answers), defaults=not ask, quiet=True)
    path = target / ANSWERS_FILE
    origin = f"_commit: {template.tag}\n_src_path: {TEMPLATE_URL}\n"
    text, found = re.subn(r"^_src_path:.*\n", origin, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found == 1
    path.write_text(text, encoding="utf-8", newline="\n")


def update(project: Path, *, tag: str) -> None:
    """Merge another version of the template into a project, with the same answers."""
    _run_update(project, vcs_ref=tag, answers={})


def change(project: Path, *, answers: Answers) -> None:
    """Merge the same version of the template with other answers into a project."""
    from copier import VcsRef

    _run_update(project, vcs_ref=VcsRef.CURRENT, answers=answers)


def _run_update(project: Path, *, vcs_ref: object, answers: Answers) -> None:
    import copier

    run: Callable[..., object] = copier.run_update
    with _reporting(quiet=True):
        run(
            project,
            data=dict(answers),
            vcs_ref=vcs_ref,
            answers_file=ANSWERS_FILE,
            defaults=True,
            overwrite=True,
            skip_answered=True,
            conflict="inline",
            quiet=True,
        )


@contextmanager
def _reporting(*, quiet: bool) -> Iterator[None]:
    """Turn copier's errors into ours; with quiet, keep what it prints to itself."""
    from copier.errors import CopierError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with redirect_stderr(io.StringIO()) if quiet else _nothing():
                yield
    except KeyboardInterrupt:  # copier's is one of its own errors too
        raise KeyboardInterrupt from None
    except ValueError as error:
        found = re.match(r"Validation error for question '(\w+)': (.*)", str(error), re.DOTALL)
        if not found:
            raise
        hint = NAME_HINT if found[1] == "project_name" else ""
        raise UsageError(f"{found[1]}: {found[2].strip()}", hint=hint) from None
    except CopierError as error:
        raise UsageError(f"the template could not be rendered: {error}") from None


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def is_interactive() -> bool:
    """Whether there is a person to ask."""
    return os.isatty(0) and os.isatty(1)
