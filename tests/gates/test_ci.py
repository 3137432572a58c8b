"""The action and the templates: linted by their own tools, and their scripts run for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Write
from .samples import TRAIN

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PAGES = ROOT / "docs" / "how-to"


def tool(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / name), *map(str, words)], capture_output=True, text=True, check=False)


def blocks(page: str, title: str) -> list[str]:
    """The YAML of a how-to page that it says to put into a file."""
    text = (PAGES / page).read_text()
    return [m[1] for m in re.finditer(rf'^```yaml title="{re.escape(title)}"\n(.*?)^```$', text, re.M | re.S)]


def follows(schema: str, path: Path) -> None:
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_action_follows_its_schema() -> None:
    follows("github-actions", ROOT / "action.yml")


def test_the_action_is_safe() -> None:
    done = tool("zizmor", "--offline", "--pedantic", ROOT / "action.yml")
    assert done.returncode == 0, done.stdout


def test_the_hooks_manifest_is_valid() -> None:
    done = tool("pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_would_see_an_injection(tmp_path: Path) -> None:
    text = (
        (ROOT / "action.yml")
        .read_text()
        .replace('run: bash "$SOURCE/ci/github.sh"', "run: mlready audit ${{ inputs.path }}")
    )
    (tmp_path / "action.yml").write_text(text)
    assert tool("zizmor", "--offline", tmp_path / "action.yml").returncode != 0


@pytest.mark.parametrize("page", ["github.md", "code-scanning.md"])
def test_workflows_of_the_docs(page: str, tmp_path: Path) -> None:
    found = blocks(page, ".github/workflows/mlready.yml")
    assert found
    for i, text in enumerate(found):
        path = tmp_path / str(i) / ".github" / "workflows" / "mlready.yml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        follows("github-workflows", path)
        linted = tool("actionlint", path)
        assert linted.returncode == 0, linted.stdout
        safe = tool("zizmor", "--offline", path)
        assert safe.returncode == 0, safe.stdout


def test_inputs_of_the_docs_exist() -> None:
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    for page in ("github.md", "code-scanning.md"):
        for text in blocks(page, ".github/workflows/mlready.yml"):
            for job in yaml.safe_load(text)["jobs"].values():
                for step in job["steps"]:
                    if "mlready" in step.get("uses", ""):
                        assert set(step.get("with", {})) <= inputs


def gitlab() -> dict[str, Any]:
    _spec, job = yaml.safe_load_all((ROOT / "ci" / "gitlab.yml").read_text())
    found: dict[str, Any] = job
    return found


def gitlab_job() -> dict[str, Any]:
    job: dict[str, Any] = gitlab()["mlready"]
    return job


def test_the_gitlab_template_follows_its_schema(tmp_path: Path) -> None:
    path = tmp_path / ".gitlab-ci.yml"
    path.write_text(re.sub(r"\$\[\[.*?\]\]", "test", yaml.safe_dump(gitlab())))
    follows("gitlab-ci", path)


def test_the_azure_template_follows_its_schema(tmp_path: Path) -> None:
    follows("azure-pipelines", ROOT / "ci" / "azure-pipelines.yml")


def script(text: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    cache = {"MLREADY_CACHE_DIR": str(folder.parent / "cache")}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, **cache, **env},
    )  # fmt: skip


def test_the_gitlab_job_runs(write: Write) -> None:
    folder = write({"train.py": TRAIN})
    text = "\n".join(gitlab_job()["script"]).replace("/opt/mlready/bin/mlready", str(BIN / "mlready"))
    done = script(text, folder, MLREADY_OPTIONS="--fail-under 1", MLREADY_PATH=".")
    assert done.returncode == 0, done.stderr
    reports = gitlab_job()["artifacts"]["reports"]
    assert json.loads((folder / reports["codequality"]).read_text())[0]["location"]["path"] == "train.py"
    assert (folder / reports["junit"]).read_text().startswith("<?xml")
    assert script(text, folder, MLREADY_OPTIONS="--fail-under 99", MLREADY_PATH=".").returncode == 1


def test_the_azure_steps_run(write: Write, tmp_path: Path) -> None:
    folder = write({"train.py": TRAIN})
    (tmp_path / "mlready" / "bin").mkdir(parents=True)
    (tmp_path / "mlready" / "bin" / "mlready").symlink_to(BIN / "mlready")
    steps = yaml.safe_load((ROOT / "ci" / "azure-pipelines.yml").read_text())["steps"]
    (text,) = [step["script"] for step in steps if step.get("displayName") == "Audit"]
    env = {"AGENT_TEMPDIRECTORY": str(tmp_path), "BUILD_ARTIFACTSTAGINGDIRECTORY": str(tmp_path / "out")}
    done = script(text, folder, MLREADY_OPTIONS="", MLREADY_PATH=".", **env)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out" / "mlready").iterdir()} == {
        "junit.xml",
        "audit.sarif",
        "audit.html",
    }
    assert script(text, folder, MLREADY_OPTIONS="--fail-on error", MLREADY_PATH=".", **env).returncode == 1


def github(folder: Path, tmp_path: Path, **env: str) -> tuple[int, dict[str, str], str, str]:
    runner = tmp_path / "runner"
    runner.mkdir(exist_ok=True)
    places = {"RUNNER_TEMP": runner, "GITHUB_OUTPUT": runner / "output", "GITHUB_STEP_SUMMARY": runner / "summary"}
    for name in ("output", "summary"):
        (runner / name).write_text("")
    done = script(
        f"bash {ROOT / 'ci' / 'github.sh'}", folder,
        **{key: str(value) for key, value in places.items()}, MLREADY=str(BIN / "mlready"), AUDIT_PATH=".", **env,
    )  # fmt: skip
    outputs = dict(line.split("=", 1) for line in (runner / "output").read_text().splitlines())
    return done.returncode, outputs, (runner / "summary").read_text(), done.stdout


def test_the_action_runs(write: Write, tmp_path: Path) -> None:
    folder = write({"train.py": TRAIN})
    code, outputs, summary, annotations = github(folder, tmp_path)
    assert (code, outputs["passed"]) == (0, "true")
    assert 0 < float(outputs["score"]) < 100
    assert summary.startswith("<!-- mlready-audit -->")
    assert "::error file=train.py,line=" in annotations
    reports = Path(outputs["reports"])
    assert {path.name for path in reports.iterdir()} == {"audit.json", "audit.md", "audit.html", "audit.sarif"}
    previous = tmp_path / "previous.json"
    previous.write_text((reports / "audit.json").read_text())
    code, outputs, summary, _ = github(folder, tmp_path, FAIL_UNDER="99", PREVIOUS=str(previous))
    assert (code, outputs["passed"]) == (0, "false"), "the gate is a step of its own, after uploads and comments"
    assert "**0 new, 0 gone**" in summary


def test_the_action_with_nothing_to_judge_and_with_a_mistake(write: Write, tmp_path: Path) -> None:
    folder = write({"hello.py": "print('hello')\n"})
    code, outputs, _, _ = github(folder, tmp_path)
    assert code == 0
    assert "passed" not in outputs
    code, outputs, _, _ = github(folder, tmp_path, PROFILE="extreme")
    assert (code, outputs) == (2, {})
