"""The hooks under the real pre-commit, both installed from this checkout into an environment of their own."""

from __future__ import annotations

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .samples import TRAIN, notebook

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
Commit = Callable[[str], "subprocess.CompletedProcess[str]"]


def git(folder: Path, *words: str) -> str:
    command = ["git", *IDENTITY, *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout, as it stands, as a repository that pre-commit can clone."""
    folder = tmp_path_factory.mktemp("source")
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "checkout")
    git(folder, "tag", "v0")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def repository(source: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with both hooks installed."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(home / "pre-commit"))
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    hooks = [
        {"id": "mlready-audit", "args": ["--fail-under", "baseline", "--baseline", "base.json"]},
        {"id": "mlready-notebooks"},
    ]
    config = {"repos": [{"repo": source.as_uri(), "rev": "v0", "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    subprocess.run([str(PRE_COMMIT), "install"], cwd=folder, check=True, capture_output=True)
    return folder


def commit(folder: Path, message: str) -> subprocess.CompletedProcess[str]:
    git(folder, "add", "-A")
    env = {**os.environ, "PATH": f"{PRE_COMMIT.parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["git", *IDENTITY, "commit", "-q", "-m", message],
        cwd=folder,
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


def processor_seconds() -> float:
    """Of all commands that ended so far; other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def baseline(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "mlready", "audit", "-q", "--write-baseline", "base.json"], cwd=folder, check=True
    )


def test_both_hooks(repository: Path) -> None:
    (repository / "train.py").write_text(TRAIN)
    git(repository, "add", "-A")
    baseline(repository)
    first = commit(repository, "one")
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"^mlready audit\.+Passed$", first.stderr, re.M)
    assert re.search(r"^mlready notebooks\.+\(no files to check\)Skipped$", first.stderr, re.M)

    (repository / "a.ipynb").write_text(notebook("import pandas as pd", "pd.read_csv('/home/ann/a.csv')"))
    second = commit(repository, "two")
    assert second.returncode == 1
    assert "gate: DES007" in second.stderr, "the notebook hook names the finding"
    assert "gate: new: " in second.stderr, "the audit hook names what is new"

    (repository / "a.ipynb").unlink()
    (repository / "b.py").write_text("x = 1\n")
    third = commit(repository, "three")
    assert third.returncode == 0, third.stderr


def test_the_page_followed(repository: Path, source: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "pre-commit.md").read_text()
    (text,) = re.findall(r'^```yaml title="\.pre-commit-config\.yaml"\n(.*?)^```$', page, re.M | re.S)
    text = text.replace("MLREADY", source.as_uri()).replace("REVISION", git(source, "rev-parse", "HEAD").strip())
    (repository / ".pre-commit-config.yaml").write_text(text)
    (repository / "train.py").write_text(TRAIN)
    env = {**os.environ, "PATH": f"{PRE_COMMIT.parent}:{os.environ['PATH']}"}
    (commands,) = re.findall(r"^```console\n(.*?)^```$", page, re.M | re.S)
    for line in commands.splitlines():
        subprocess.run(["bash", "-c", line.removeprefix("$ ")], cwd=repository, env=env, check=True)
    assert commit(repository, "one").returncode == 0
    (repository / "tune.py").write_text(TRAIN)
    done = commit(repository, "two")
    assert done.returncode == 1
    assert "gate: new: REP004" in done.stderr


def test_nothing_to_judge_passes_with_one_line(repository: Path) -> None:
    config = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())
    config["repos"][0]["hooks"][0] = {"id": "mlready-audit", "verbose": True}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (repository / "hello.py").write_text("print('hello')\n")
    done = commit(repository, "one")
    assert done.returncode == 0, done.stderr
    assert "nothing to judge: .: no machine-learning code found" in done.stderr


def test_the_hook_is_quick(repository: Path, source: Path) -> None:
    """200 files, one of them changed: at most four times a hook that does nothing, in time of the processors."""
    for i in range(199):
        (repository / f"m{i}.py").write_text(TRAIN.replace("data.csv", f"data{i}.csv"))
    (repository / "train.py").write_text(TRAIN)
    git(repository, "add", "-A")
    baseline(repository)
    empty = {
        "repo": "local",
        "hooks": [
            {"id": "empty", "name": "empty", "language": "python", "entry": "python -c pass", "pass_filenames": False}
        ],
    }
    config = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())
    config["repos"].append(empty)
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(repository, "add", "-A")
    times: dict[str, list[float]] = {"empty": [], "mlready-audit": []}
    for turn in range(6):
        (repository / "train.py").write_text(f"{TRAIN}\n# {turn}\n")
        git(repository, "add", "-A")
        for hook, taken in times.items():
            started = processor_seconds()
            done = subprocess.run(
                [str(PRE_COMMIT), "run", hook], cwd=repository, capture_output=True, text=True, check=False
            )
            taken.append(processor_seconds() - started)
            assert done.returncode == 0, done.stdout
    floor, ours = (statistics.median(taken[1:]) for taken in times.values())
    assert ours <= 4 * floor, f"{ours:.2f} s against {floor:.2f} s"
