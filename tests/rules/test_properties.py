"""Properties of whole small projects: nothing comes from nothing, more is never less, and order and machine don't matter."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.goldens.loader import read_golden, write_project

from mlready.findings import FactorResult
from mlready.project.kinds import KINDS, NOT_ML
from mlready.project.load import Tree, project_of
from mlready.project.project import Project
from mlready.rules import load_rules
from mlready.rules.engine import Choice, judge
from mlready.rules.score import project_score, score_factors
from mlready.vocabulary import load

PRODUCTION = next(profile for profile in load_rules().profiles if profile.name == "production")
ASKED_KINDS = [kind for kind in KINDS if kind != NOT_ML]

CLEAN = {
    "shop/__init__.py": '"""A shop."""\n',
    "shop/cart.py": '"""A cart."""\n\n\ndef total(prices: list[float]) -> float:\n    """The sum of the prices."""\n    return sum(prices)\n',
    "shop/names.py": '"""Names."""\n\nGREETING = "hello"\n\n\ndef greet(name: str) -> str:\n    """A greeting."""\n    return GREETING + name\n',
    "notes.txt": "milk, bread\n",
    "LICENSE": "MIT\n",
}


def factors_of(project: Project) -> tuple[FactorResult, ...]:
    return score_factors(judge(project, load_rules().rules, Choice(profile=PRODUCTION)), load().factors)


def tree(files: dict[str, str], kind: str, *, git: bool = True) -> Project:
    return project_of(Tree(files={path: text.encode() for path, text in files.items()}, kind=kind, git=git))


@pytest.mark.parametrize("kind", ASKED_KINDS)
def test_an_empty_folder_earns_nothing(kind: str) -> None:
    for factor in factors_of(tree({}, kind, git=False)):
        assert not factor.score, [rule.id for rule in factor.rules if rule.kind == "practice" and rule.credit]


@pytest.mark.parametrize("kind", ASKED_KINDS)
def test_a_merely_clean_tree_earns_nothing(kind: str) -> None:
    for factor in factors_of(tree(CLEAN, kind, git=False)):
        assert not factor.score, [rule.id for rule in factor.rules if rule.kind == "practice" and rule.credit]


# ---------------------------------------------------------------------------------------------------- more is never less


@cache
def perfect() -> dict[str, str]:
    return read_golden("perfect").files


PRACTICES = (
    ".gitignore", ".dockerignore", ".pre-commit-config.yaml", ".github/workflows/ci.yml", ".github/workflows/release.yml",
    ".github/workflows/retrain.yml", "MODEL_CARD.md", "README.md", "data/README.md", "deploy/alerts.yaml", "uv.lock", "dvc.yaml",
    "dvc.lock", "data/customers.parquet.dvc", "tests/test_data.py", "tests/test_serve.py", "tests/test_model.py",
)  # fmt: skip
"""Files of the perfect project that only add practices: nothing in them could go wrong."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(left_out=st.sets(st.sampled_from(PRACTICES), min_size=1), data=st.data())
def test_adding_a_practice_never_lowers_the_score(left_out: set[str], data: st.DataObject) -> None:
    added = data.draw(st.sampled_from(sorted(left_out)))
    less = {path: text for path, text in perfect().items() if path not in left_out}
    before = factors_of(tree(less, "training-and-service"))
    after = factors_of(tree({**less, added: perfect()[added]}, "training-and-service"))
    assert (project_score(after) or 0) >= (project_score(before) or 0) - 1e-9, added


# ------------------------------------------------------------------------------------------- order and machine don't matter


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["perfect", "notebooks", "service", "library", "llm"]))
def test_the_order_of_files_does_not_matter(rng: random.Random, name: str) -> None:
    golden = read_golden(name)
    whole = project_of(Tree(files={p: t.encode() for p, t in golden.files.items() if not p.endswith(".ipynb")}))
    files = list(whole.files)
    rng.shuffle(files)
    shuffled = replace(whole, files=tuple(files))
    assert shuffled.kind == whole.kind
    assert _numbers(factors_of(shuffled)) == _numbers(factors_of(whole))


def _numbers(factors: tuple[FactorResult, ...]) -> list[tuple[str, float | None, str]]:
    return [(rule.id, rule.credit, rule.status) for factor in factors for rule in factor.rules]


def test_the_machine_does_not_matter(tmp_path: Path) -> None:
    """Another user, language, time zone, search path, number of cores, hash seed and working folder: the same report."""
    root = write_project(read_golden("service"), tmp_path / "project")
    (tmp_path / "bin").mkdir()
    for tool in ("git", "ruff", "hadolint", "zizmor"):
        (tmp_path / "bin" / tool).write_text("#!/bin/sh\nexit 99\n")
        (tmp_path / "bin" / tool).chmod(0o755)
    mine = {**os.environ, "PYTHONHASHSEED": "1", "MLREADY_CACHE_DIR": str(tmp_path / "one")}
    other = {
        "PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Apia", "PYTHONHASHSEED": "2",
        "MLREADY_CACHE_DIR": str(tmp_path / "two"), "XDG_CONFIG_HOME": str(tmp_path), "CI": "true", "RUFF_CONFIG": "/nowhere",
    }  # fmt: skip
    assert _report(root, mine, tmp_path, "--jobs", "1") == _report(root, other, root, "--jobs", "2")


def _report(root: Path, environment: dict[str, str], folder: Path, *more: str) -> object:
    command = [sys.executable, "-m", "mlready", "audit", str(root), "--format", "json", *more]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)
