"""The how-to pages, followed literally in an empty folder: files are written as shown, commands run in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S)


def follow(page: str, folder: Path, cache: Path) -> tuple[int, str]:
    """How many commands ran as the page says, and all that was said on stderr."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "MLREADY_CACHE_DIR": str(cache)}
    ran, said = 0, ""
    for block in _FENCE.finditer((ROOT / "docs" / "how-to" / page).read_text()):
        if block["title"]:
            (folder / block["title"]).write_text(block["text"])
        elif block["language"] == "console":
            for line in block["text"].splitlines():
                command, _, note = line.removeprefix("$ ").partition("  # exit code ")
                done = subprocess.run(
                    ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
                )
                assert done.returncode == int(note or 0), f"{line}\n{done.stdout}\n{done.stderr}"
                ran, said = ran + 1, said + done.stdout + done.stderr
        elif block["language"] == "text":
            for line in block["text"].splitlines():
                assert line in said
    return ran, said


def test_baseline(tmp_path: Path, cache: Path) -> None:
    ran, said = follow("baseline.md", tmp_path, cache)
    assert ran == 10
    assert "removed from the baseline" not in said, "the new finding was never taken in"
    assert "nothing to judge: .: no file that is judged has changed since HEAD" in said


def test_suppress(tmp_path: Path, cache: Path) -> None:
    ran, said = follow("suppress.md", tmp_path, cache)
    assert ran == 1
    assert "a random split is what we study here" in said
    assert "so is a random forest" in said
    assert "REP004 randomness-seeded" not in said.split("Suppressed")[0]


@pytest.mark.parametrize(
    ("page", "schema", "name"),
    [("gitlab.md", "gitlab-ci", ".gitlab-ci.yml"), ("azure.md", "azure-pipelines", "azure-pipelines.yml")],
)
def test_pipelines_of_the_docs(page: str, schema: str, name: str, tmp_path: Path) -> None:
    (block,) = [b for b in _FENCE.finditer((ROOT / "docs" / "how-to" / page).read_text()) if b["title"] == name]
    (tmp_path / name).write_text(block["text"])
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [str(program), "--builtin-schema", f"vendor.{schema}", str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_inputs_of_the_pipelines_exist() -> None:
    spec, _job = yaml.safe_load_all((ROOT / "ci" / "gitlab.yml").read_text())
    azure = yaml.safe_load((ROOT / "ci" / "azure-pipelines.yml").read_text())
    given = {}
    for page in ("gitlab.md", "azure.md"):
        (block,) = [b for b in _FENCE.finditer((ROOT / "docs" / "how-to" / page).read_text()) if b["title"]]
        given[page] = yaml.safe_load(block["text"])
    assert set(given["gitlab.md"]["include"][0]["inputs"]) <= set(spec["spec"]["inputs"])
    (template,) = [step for step in given["azure.md"]["steps"] if "template" in step]
    assert set(template["parameters"]) <= {parameter["name"] for parameter in azure["parameters"]}


def test_exit_codes_are_all_documented() -> None:
    from mlready.errors import ExitCode

    text = (ROOT / "docs" / "reference" / "exit-codes.md").read_text()
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)} == {int(code) for code in ExitCode}
