"""Files of the template one by one: what copier renders, without copier; and what is there for a notebook's project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlready.scaffold import parts

from .option_sets import NAME, every_combination, name_of

MADE_BY_COPIER = ".copier-answers.yml"


@pytest.mark.parametrize("answers", every_combination(), ids=name_of)
def test_one_by_one_they_are_what_copier_renders(answers: dict[str, str], combinations: dict[str, Path]) -> None:
    made = combinations[name_of(answers)]
    paths = {path.relative_to(made).as_posix(): path for path in made.rglob("*") if path.is_file()}
    given = {**answers, "project_name": NAME, "minimal": "minimal" in answers}
    wanted = paths.keys() - {MADE_BY_COPIER, "uv.lock"}
    assert parts.compose(wanted, given=given) == {name: paths[name].read_text(encoding="utf-8") for name in wanted}


def test_only_what_is_named_and_there_is_given() -> None:
    given = {"project_name": "churn", "minimal": True}
    assert parts.compose([".gitignore", "Dockerfile", "no/such.file"], given=given).keys() == {".gitignore"}


def test_copier_is_not_loaded() -> None:
    code = (
        "import sys; from mlready.scaffold.parts import compose\n"
        "compose(['.gitignore'], given={'project_name': 'churn'})\n"
        "print(*(name for name in sys.modules if name in ('copier', 'pydantic', 'mlready.scaffold.render')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
