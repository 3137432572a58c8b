"""The calls to copier: copy, update and change of an option. Run them inside `template.source()`."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from mlready.errors import UsageError
from mlready.scaffold.questions import Answers
from mlready.scaffold.template import TEMPLATE_URL

ANSWERS_FILE = ".copier-answers.yml"


def copy(target: Path, *, answers: Answers, tag: str, ask: bool) -> None:
    """Render one version of the template into a folder that doesn't exist yet."""
    import copier

    with _reporting(quiet=not ask):
        copier.run_copy(TEMPLATE_URL, target, data=dict(answers), vcs_ref=tag, defaults=not ask, quiet=True)


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
    except ValueError as error:
        found = re.match(r"Validation error for question '(\w+)': (.*)", str(error), re.DOTALL)
        if not found:
            raise
        raise UsageError(f"{found[1]}: {found[2].strip()}") from None
    except CopierError as error:
        raise UsageError(f"the template could not be rendered: {error}") from None


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def is_interactive() -> bool:
    """Whether there is a person to ask."""
    return os.isatty(0) and os.isatty(1)
