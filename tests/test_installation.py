"""What people install: a wheel and an sdist that are whole, and no other distribution under the same import name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from mlready.errors import ExitCode

ROOT = Path(__file__).resolve().parent.parent
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist, built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("build")
    assert UV is not None, "uv belongs to the development group"
    done = run(UV, "build", "--quiet", "--out-dir", folder / "dist", ROOT, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "dist"


def data_files(kind: str) -> set[str]:
    """Files below rules/ or templates/ that have to travel."""
    listed = run("git", "ls-files", "-z", kind, cwd=ROOT).stdout.split("\0")
    return {path for path in listed if path and (ROOT / path).is_file()}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git tells what has to travel")
@pytest.mark.parametrize("kind", ["rules", "templates"])
def test_the_wheel_holds_the_data(built: Path, kind: str) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name.removeprefix("mlready/_data/") for name in zipfile.ZipFile(wheel).namelist()}
    assert data_files(kind)
    assert data_files(kind) - names == set()


def test_the_wheel_holds_no_more_than_it_should(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mlready"}
    assert wheel.stat().st_size < 5_000_000


def test_the_sdist_can_be_built_and_tested(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "src/mlready/__init__.py", "rules/factors.toml"} <= names


def test_an_installed_wheel_audits_elsewhere(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    home, example = tmp_path / "home", tmp_path / "churn"
    shutil.copytree(ROOT / "examples" / "churn", example)
    assert run(UV or "uv", "venv", "--quiet", "--python", sys.executable, home, cwd=tmp_path).returncode == 0
    python = home / "bin" / "python"
    done = run(UV or "uv", "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    clean = {"MLREADY_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": ""}
    done = run(home / "bin" / "mlready", "audit", example, "--format", "json", cwd=tmp_path, **clean)
    assert done.returncode == ExitCode.OK, done.stderr
    there = json.loads(done.stdout)
    here = json.loads(run(sys.executable, "-m", "mlready", "audit", example, "--format", "json", cwd=tmp_path).stdout)
    assert there["factors"] == here["factors"]
    assert len(there["tool"]["uses"]) == 4
    done = run(home / "bin" / "mlready", "new", tmp_path / "fresh", "--defaults", cwd=tmp_path, **clean)
    assert done.returncode == ExitCode.OK, done.stderr
    assert (tmp_path / "fresh" / "pyproject.toml").is_file()


@pytest.mark.parametrize("name", ["mlready-0.2.1.dist-info", "mlready-0.2.1.egg-info"])
@pytest.mark.parametrize("arguments", [["--version"], ["audit", "."], ["rules"]])
def test_a_foreign_distribution_is_named(tmp_path: Path, name: str, arguments: list[str]) -> None:
    (tmp_path / name).mkdir()
    done = run(sys.executable, "-m", "mlready", *arguments, cwd=ROOT, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (ExitCode.CANNOT, "")
    assert "mlready-0.2.1" in done.stderr
    assert "pip uninstall mlready" in done.stderr


def test_our_own_distribution_is_none(tmp_path: Path) -> None:
    (tmp_path / "mlready_cli-0.1.0.dist-info").mkdir()
    done = run(sys.executable, "-m", "mlready", "--version", cwd=ROOT, PYTHONPATH=str(tmp_path))
    assert done.returncode == ExitCode.OK


def test_the_folder_that_is_audited_cannot_pretend(tmp_path: Path) -> None:
    (tmp_path / "mlready-0.2.1.dist-info").mkdir()
    (tmp_path / "train.py").write_text("from sklearn.svm import SVC\nSVC().fit([[1]], [1])\n")
    done = run(sys.executable, "-m", "mlready", "audit", ".", "--quiet", cwd=tmp_path)
    assert done.returncode == ExitCode.OK, done.stderr
