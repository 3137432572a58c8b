"""Commands, files, CI steps, images and infrastructure have meanings as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.vocabulary import Meaning, load

OPERATIONS = load().operations


@pytest.mark.parametrize(
    ("command", "system", "activity"),
    [
        ("dvc repro", "dvc", "orchestrate"),
        ("uv run --frozen dvc repro -f", "dvc", "orchestrate"),
        ("python -m pytest -q tests", "pytest", "test"),
        ("python3.11 -m mlflow run .", "mlflow", "train"),
        ("FOO=1 sudo ruff format --check .", "ruff", "format"),
        ("ruff check 'unclosed", "ruff", "lint"),
        ("poetry run coverage run -m pytest", "pytest", "test"),
        ("docker build -t x .", "docker", "build-image"),
    ],
)
def test_a_command_means_its_longest_known_prefix(command: str, system: str, activity: str) -> None:
    meaning = OPERATIONS.command(command)
    assert meaning is not None
    assert meaning.system == system
    assert activity in meaning.activities


@pytest.mark.parametrize(
    "command", ["", "   ", "# dvc repro", "echo dvc repro", "python train.py", "A=1", "'", "uv run"]
)
def test_other_commands_mean_nothing(command: str) -> None:
    assert OPERATIONS.command(command) is None


@pytest.mark.parametrize(
    ("path", "system"),
    [
        ("dvc.yaml", "dvc"),
        ("projects/a/dvc.yaml", "dvc"),
        ("data/raw.csv.dvc", "dvc"),
        (".github/workflows/ci.yml", "github-actions"),
        ("Dockerfile", "docker"),
        ("deploy/Dockerfile.gpu", "docker"),
        ("infra/main.tf", "terraform"),
    ],
)
def test_a_file_is_known_at_any_depth(path: str, system: str) -> None:
    assert system in {meaning.system for meaning in OPERATIONS.file(path)}


@pytest.mark.parametrize("path", ["", "train.py", "dvc.yaml.md", "raw.dvc/data.csv", "mydvc.yaml"])
def test_other_files_mean_nothing(path: str) -> None:
    assert OPERATIONS.file(path) == ()


def test_versions_registries_and_tags_are_left_out() -> None:
    assert OPERATIONS.action("iterative/setup-dvc@v1") == Meaning("dvc", ("install",))
    assert OPERATIONS.action("someone/else@v1") is None
    assert OPERATIONS.image("docker.io/bitnami/mlflow:2.1@sha256:0") == Meaning("mlflow", ("track",))
    assert OPERATIONS.image("localhost:5000/vllm/vllm-openai") == Meaning("vllm", ("serve",))
    assert OPERATIONS.image("mine/app:1") is None
    assert OPERATIONS.resource("InferenceService") is not None
    assert OPERATIONS.hook("nbstripout") == Meaning("nbstripout", ("strip-notebook",))


@given(text=st.text(max_size=200))
def test_any_text_can_be_asked_for(text: str) -> None:
    OPERATIONS.command(text)
    OPERATIONS.file(text)
    OPERATIONS.action(text)
    OPERATIONS.image(text)
