"""Every CI, container and manifest file of every option set, through the checkers of its own field."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent


def check(*command: str | Path, paths: list[Path]) -> None:
    assert paths
    program, *options = command
    done = subprocess.run([BIN / program, *options, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def projects(combinations: dict[str, Path]) -> list[Path]:
    return list(combinations.values())


def found(projects: list[Path], pattern: str) -> list[Path]:
    return [path for project in projects for path in sorted(project.glob(pattern))]


def test_containers(projects: list[Path]) -> None:
    check("hadolint", paths=found(projects, "Dockerfile"))


def test_github_workflows(projects: list[Path]) -> None:
    workflows = found(projects, ".github/workflows/*.yml")
    check("actionlint", paths=workflows)
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", paths=workflows)
    check("check-jsonschema", "--builtin-schema", "vendor.dependabot", paths=found(projects, ".github/dependabot.yml"))


def test_github_workflows_are_secure(projects: list[Path]) -> None:
    for project in projects:
        if (project / ".github").exists():
            check("zizmor", "--offline", "--quiet", "--persona", "pedantic", paths=[project / ".github"])


def test_other_ci(projects: list[Path]) -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", paths=found(projects, ".gitlab-ci.yml"))
    azure = found(projects, "azure-pipelines.yml")
    check("check-jsonschema", "--regex-variant", "python", "--builtin-schema", "vendor.azure-pipelines", paths=azure)


def test_manifests(projects: list[Path]) -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", paths=found(projects, "compose.yaml"))
    check("kubernetes-validate", "--strict", paths=found(projects, "deploy/kubernetes.yaml"))


def test_the_checkers_see_what_is_wrong(tmp_path: Path) -> None:
    bad = {
        "Dockerfile": ("hadolint", "FROM debian\nRUN cd /x\n"),
        "ci.yml": ("actionlint", "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    stps: []\n"),
        "kubernetes.yaml": ("kubernetes-validate", "apiVersion: apps/v1\nkind: Deployment\nspec: {replcas: 2}\n"),
    }
    for name, (program, text) in bad.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(AssertionError):
            check(program, paths=[tmp_path / name])
