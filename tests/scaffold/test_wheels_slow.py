"""Three installed wheels, each of a later version: what one made, those after it update, with no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlready.scaffold import render
from mlready.scaffold.new import create
from mlready.scaffold.template import shipped

from . import runs
from .runs import clean_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path, offline: bool = False) -> str:
    done = runs.run(*command, cwd=cwd, offline=offline)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def install(source: Path, folder: Path) -> Path:
    """Build a wheel of a source tree and install it, with its dependencies, into an environment of its own."""
    uv = Path(sys.executable).parent / "uv"
    run(uv, "build", "--quiet", "--wheel", "--out-dir", folder / "dist", source, cwd=source)
    run(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(uv, "pip", "install", "--quiet", "--python", folder / "venv", "--compile-bytecode", wheel, cwd=folder)
    return folder / "venv" / "bin" / "mlready"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This version's files, where they may be changed."""
    folder = tmp_path_factory.mktemp("sources") / "mlready"
    folder.mkdir()
    for name in ("src", "rules", "templates", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def release(sources: Path, version: str) -> Path:
    """Record the template that the sources hold, and give them the next version; returns the folder of the template."""
    script = ROOT / "scripts" / "record_template.py"
    environment = clean_environment() | {"PYTHONPATH": str(sources / "src")}
    subprocess.run([sys.executable, script], cwd=ROOT, check=True, env=environment)
    assert (sources / "templates" / "history.bundle").exists()
    init = sources / "src" / "mlready" / "__init__.py"
    text = init.read_text(encoding="utf-8")
    init.write_text(text.replace(text.split('__version__ = "')[1].split('"')[0], version), encoding="utf-8")
    return sources / "templates" / "project" / "skeleton"


@pytest.fixture(scope="module")
def tools(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The command of this version, and those of two later ones whose templates differ."""
    first = install(sources, tmp_path_factory.mktemp("first"))
    skeleton = release(sources, "99.1.0")
    (skeleton / "SECURITY.md").write_text("# How to report a weakness\n", encoding="utf-8")
    ignore = skeleton / ".gitignore.jinja"
    ignore.write_text(ignore.read_text(encoding="utf-8").replace("dist/\n", "dist/\nwheels/\n"), encoding="utf-8")
    second = install(sources, tmp_path_factory.mktemp("second"))
    skeleton = release(sources, "99.2.0")
    (skeleton / "SECURITY.md").write_text("# How to report a vulnerability\n", encoding="utf-8")
    ignore.write_text(ignore.read_text(encoding="utf-8").replace("wheels/\n", "wheels/\nsdists/\n"), encoding="utf-8")
    return first, second, install(sources, tmp_path_factory.mktemp("third"))


IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]


def commit(project: Path) -> None:
    run("git", *IDENTITY, "add", "--all", cwd=project)
    run("git", *IDENTITY, "commit", "--quiet", "--message", "Edit", cwd=project)


def made_and_edited(tool: Path, folder: Path, options: list[str]) -> Path:
    """A project of a version, and an edit of its owner's."""
    folder.mkdir()
    run(tool, "new", "churn", "--defaults", *options, cwd=folder, offline=True)
    readme = folder / "churn" / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nMine.\n", encoding="utf-8")
    commit(folder / "churn")
    return folder / "churn"


OPTIONS = [[], ["--data", "serving=batch", "--data", "ci=gitlab"], ["--minimal"], ["--data", "task=regression"]]


@pytest.mark.parametrize("options", OPTIONS)
def test_an_update_from_one_wheel_to_the_next(options: list[str], tools: tuple[Path, ...], tmp_path: Path) -> None:
    first, second, _ = tools
    project = made_and_edited(first, tmp_path / "work", options)
    shown = run(second, "update", "--preview", cwd=project, offline=True)
    assert "+wheels/" in shown
    assert run("git", "status", "--porcelain", cwd=project) == ""
    run(second, "update", cwd=project, offline=True)
    assert (project / "README.md").read_text(encoding="utf-8").endswith("\nMine.\n")
    assert (project / "SECURITY.md").exists()
    assert "wheels/" in (project / ".gitignore").read_text(encoding="utf-8")
    assert "_commit: v99.1.0" in (project / ".copier-answers.yml").read_text(encoding="utf-8")
    assert not list(project.rglob("__pycache__"))
    commit(project)
    refused = subprocess.run([first, "update"], cwd=project, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "newer than this mlready" in refused.stderr


@pytest.mark.parametrize("options", OPTIONS)
def test_an_update_over_a_version_is_that_of_each_in_turn(
    options: list[str], tools: tuple[Path, ...], tmp_path: Path
) -> None:
    first, second, third = tools
    step_by_step = made_and_edited(first, tmp_path / "steps", options)
    for tool in (second, third):
        run(tool, "update", cwd=step_by_step, offline=True)
        commit(step_by_step)
    at_once = made_and_edited(first, tmp_path / "once", options)
    run(third, "update", cwd=at_once, offline=True)
    commit(at_once)
    trees = {run("git", "rev-parse", "HEAD^{tree}", cwd=project) for project in (step_by_step, at_once)}
    assert len(trees) == 1
    assert "vulnerability" in (at_once / "SECURITY.md").read_text(encoding="utf-8")
    assert (at_once / "README.md").read_text(encoding="utf-8").endswith("\nMine.\n")
    run(third, "add", "ci=azure", cwd=at_once, offline=True)
    assert (at_once / "azure-pipelines.yml").exists()
    assert not (at_once / ".github").exists()


def test_a_wheel_holds_the_template_and_its_locks(tools: tuple[Path, ...], tmp_path: Path) -> None:
    first, *_ = tools
    run(first, "new", "churn", "--defaults", cwd=tmp_path, offline=True)
    here = create(tmp_path / "here" / "churn", given={}).folder
    assert run("git", "rev-parse", "HEAD^{tree}", cwd=here) == run(
        "git", "rev-parse", "HEAD^{tree}", cwd=tmp_path / "churn"
    )


def test_the_project_runs_the_audit_from_outside_of_its_lock(tools: tuple[Path, ...], tmp_path: Path) -> None:
    """As its CI does with `uvx --from mlready-cli==VERSION`, here from the wheel that was built."""
    first, *_ = tools
    run(first, "new", "churn", "--defaults", cwd=tmp_path)
    (wheel,) = (first.parents[2] / "dist").glob("*.whl")
    uvx = Path(sys.executable).parent / "uvx"
    out = run("make", "audit", f"MLREADY={uvx} --from {wheel} mlready", cwd=tmp_path / "churn")
    assert " of 100 " in out
    assert "mlready" not in (tmp_path / "churn" / "uv.lock").read_text(encoding="utf-8")


def test_new_costs_little_more_than_copier(tmp_path: Path) -> None:
    """Generation against plain `copier copy` of the same template: the repository, commit and lock are not counted."""
    import copier

    template = shipped()

    def seconds(call: Callable[[Path], object], name: str) -> float:
        taken = []
        for number in range(5):
            start = time.process_time()
            call(tmp_path / f"{name}{number}")
            taken.append(time.process_time() - start)
        return min(taken)

    answers = {"project_name": "churn"}
    plain = seconds(
        lambda to: copier.run_copy(str(template.folder), to, data=dict(answers), defaults=True, quiet=True), "plain"
    )
    ours = seconds(lambda to: render.copy(to, answers=answers, template=template, ask=False), "ours")
    assert ours <= 1.2 * plain
