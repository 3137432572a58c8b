"""Generated projects, installed from their locks and run: every option, every set of dependencies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mlready.scaffold.new import create

from .option_sets import name_of
from .runs import Stopwatch, clean_environment, free_port, make, record

pytestmark = pytest.mark.slow

FULL = [
    {"task": "classification", "tracking": "mlflow", "serving": "fastapi", "ci": "github"},
    {"task": "regression", "tracking": "mlflow", "serving": "batch", "ci": "gitlab"},
    {"task": "classification", "tracking": "wandb", "serving": "fastapi", "ci": "azure"},
    {"task": "regression", "tracking": "wandb", "serving": "batch", "ci": "github"},
    {"task": "regression", "tracking": "none", "serving": "fastapi", "ci": "gitlab"},
    {"task": "classification", "tracking": "none", "serving": "batch", "ci": "azure"},
]
# What tools keep to be quicker the next time, and the last report of coverage.
CACHES = (".coverage", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", "__pycache__/")
MINIMAL = [{"task": task, "ci": "github", "minimal": "true"} for task in ("classification", "regression")]


def metrics(project: Path) -> dict[str, dict[str, float]]:
    content: dict[str, dict[str, float]] = json.loads(
        (project / "reports" / "metrics.json").read_text(encoding="utf-8")
    )
    return content


def primary(project: Path) -> str:
    return "r2" if "r2" in metrics(project)["test"] else "roc_auc"


def status(project: Path, *options: str) -> list[str]:
    command = ["git", "status", "--porcelain", *options]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    return sorted(line[3:] for line in done.stdout.splitlines())


def seconds_of_imports(project: Path) -> float:
    """Time of the processors that the import of the project's largest libraries takes at this moment."""
    libraries = "dvc.repo, evidently, fastapi, mlflow, pandera.pandas, sklearn.ensemble"
    watch = Stopwatch()
    subprocess.run([project / ".venv/bin/python", "-c", f"import {libraries}"], check=True, env=clean_environment())
    return watch.cpu_seconds


@pytest.mark.parametrize("answers", FULL, ids=name_of)
def test_a_full_project_works_from_data_to_drift(answers: dict[str, str], tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given=answers).folder
    make(project, "setup", offline=False)
    assert status(project) == []
    make(project, "lint")
    loop = Stopwatch()
    serves = answers["serving"] == "fastapi"
    targets = ["train", "test", "serve", "drift"] + (["stop"] if serves else [])
    out = make(project, *targets, **({"PORT": str(free_port())} if serves else {}))
    record(name_of(answers), project, ran=["setup", "lint", *targets], watch=loop)
    assert metrics(project)["test"][primary(project)] > metrics(project)["baseline"][primary(project)] + 0.2
    assert (project / "models" / "champion" / "model.skops").stat().st_size > 1000
    assert "live metrics" in out
    assert "columns drifted over" in out
    assert status(project) == ["dvc.lock", "reports/"]
    make(project, "train")
    assert status(project) == ["dvc.lock", "reports/"]


@pytest.mark.parametrize("answers", MINIMAL, ids=name_of)
def test_a_minimal_project_works(answers: dict[str, str], tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given=answers).folder
    make(project, "setup", offline=False)
    loop = Stopwatch()
    make(project, "lint", "train", "test")
    record(name_of(answers), project, ran=["setup", "lint", "train", "test"], watch=loop)
    assert metrics(project)["test"][primary(project)] > metrics(project)["baseline"][primary(project)] + 0.2
    assert status(project) == ["reports/"]


def test_the_default_loop_stays_under_two_minutes_and_its_hooks_pass(tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given={}).folder
    make(project, "setup", offline=False)
    loop = Stopwatch()
    make(project, "train", "test", "serve", "drift", "stop", PORT=str(free_port()))
    # Of the processors, not of the clock: on a machine with other work to do, the clock says nothing about the project.
    # Even they take longer then, and the import of the libraries says by how much: the loop costs about twelve of them.
    assert loop.cpu_seconds < max(120, 15 * seconds_of_imports(project))
    hooks = [".venv/bin/pre-commit", "run", "--all-files"]
    done = subprocess.run(hooks, cwd=project, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    make(project, "audit", MLREADY=f"{Path(__file__).resolve().parents[2]}/.venv/bin/mlready")


def test_a_broken_pipeline_is_seen(tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given={"minimal": "true"}).folder
    make(project, "setup", offline=False)
    model = project / "src" / "churn" / "features.py"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace('list(SKEWED)), ("rest"', 'list(SKEWED)[:1]), ("rest"'), encoding="utf-8")
    with pytest.raises(AssertionError, match="test_features"):
        make(project, "test")


@pytest.mark.parametrize("feature", ["serve", "monitor"])
def test_a_feature_is_dropped_by_deleting_what_the_readme_names(feature: str, tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given={}).folder
    make(project, "setup", offline=False)
    dropped = {
        "serve": ["src/churn/serve", "tests/serve", "deploy", "Dockerfile", "compose.yaml"],
        "monitor": ["src/churn/monitor", "tests/monitor", "tests/serve/test_replay.py"],
    }[feature]
    readme = (project / "README.md").read_text(encoding="utf-8")
    for name in dropped:
        assert f"`{name}`" in readme
    subprocess.run(["git", "rm", "-rq", *dropped], cwd=project, check=True)
    before = status(project, "--ignored")
    make(project, "lint", "test")
    left = set(status(project, "--ignored")) - set(before)
    assert [name for name in left if not name.endswith(CACHES)] == []
