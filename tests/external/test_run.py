"""The real tools, over small projects: what they find, and what an audited project cannot do to them."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from mlready.external import ExternalFinding, checkers, run, run_tree, start, tools
from mlready.external.run import Reports
from mlready.project.inventory import take_inventory

MESSY = "import os\nx=1\n"


def codes(reports: Reports, tool: str) -> list[tuple[str, str, int]]:
    findings = reports[tool]
    assert not isinstance(findings, str), findings
    return [(finding.path, finding.code, finding.line) for finding in findings]


def audit(files: dict[str, str]) -> Reports:
    return run_tree({path: text.encode() for path, text in files.items()})[0]


def test_the_pins_are_those_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    exact = dict(re.findall(r"^([\w-]+)==([\d.]+)$", "\n".join(project["dependencies"]), re.MULTILINE))
    assert {name: version for name, version in exact.items() if name in tools.PINNED} == tools.PINNED


def test_versions_are_told() -> None:
    assert run_tree({})[1] == tools.PINNED


def test_ruff_finds_style_in_modules_and_notebooks() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# hi"]},
            {"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": [], "source": ["%ls\n", "y=2"]},
        ],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    found = audit({"a.py": MESSY, "n.ipynb": json.dumps(notebook), "data/x.csv": "x=1"})["ruff"]
    assert [(f.path, f.code, f.cell, f.line) for f in found if isinstance(f, ExternalFinding)] == [
        ("a.py", "F401", 0, 1),
        ("a.py", "E225", 0, 2),
        ("n.ipynb", "E225", 2, 2),
    ]


def test_what_is_no_matter_of_style_is_not_told() -> None:
    files = {
        "pkg/__init__.py": "from pkg.a import f\n",
        "pkg/a.py": "from t import Float\n\n\ndef f(X: Float['b c']):\n    N_x = undefined\n    return N_x\n",
        "broken.py": "print 'x'\n",
        "third_party/a.py": MESSY,
        "api_pb2.py": MESSY,
    }
    assert codes(audit(files), "ruff") == []


def test_marks_of_a_line_are_honored_marks_of_a_file_are_not() -> None:
    files = {
        "line.py": "import os  # noqa: F401\nx=1\n",
        "file.py": "# ruff: noqa\nx=1\n",
        "old.py": "# flake8: noqa\nx=1\n",
        "range.py": "# ruff: disable[E225]\nx=1\n# ruff: enable[E225]\n",
        "whole.py": "# ruff: file-ignore[E225]\nx=1\n",
    }
    assert codes(audit(files), "ruff") == [(path, "E225", 2) for path in sorted(files)]


def test_configuration_of_the_project_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "a.py": MESSY,
        "Dockerfile": "FROM python\nUSER app\n",
        ".github/workflows/ci.yml": "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: foo/bar@main\n",
    }
    hostile = {
        "ruff.toml": 'exclude = ["*"]\n',
        "pyproject.toml": '[tool.ruff]\nexclude = ["*.py"]\n',
        ".hadolint.yaml": "ignored: [DL3006]\n",
        "zizmor.yml": "rules:\n  unpinned-uses:\n    disable: true\n",
        ".gitignore": "*.md\n",
    }
    for path, text in (files | hostile).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUFF_OUTPUT_FORMAT", "concise")
    monkeypatch.setenv("ZIZMOR_CONFIG", str(tmp_path / "zizmor.yml"))
    inventory = take_inventory(tmp_path)
    reports, _ = start(inventory, inventory.files, use_cache=False).result()
    assert codes(reports, "ruff") == [("a.py", "F401", 1), ("a.py", "E225", 2)]
    assert ("Dockerfile", "DL3006", 1) in codes(reports, "hadolint")
    assert (".github/workflows/ci.yml", "unpinned-uses", 7) in codes(reports, "zizmor")


def test_hadolint_judges_images_whatever_marks_they_carry() -> None:
    files = {
        "Dockerfile": "# hadolint ignore=DL3006\nFROM python\nRUN pip install x\n",
        "b/Dockerfile.gpu": "FROM a:1\n",
    }
    assert ("Dockerfile", "DL3006", 2) in codes(audit(files), "hadolint")
    assert ("Dockerfile", "DL3042", 3) in codes(audit(files), "hadolint")


def test_zizmor_judges_workflows_and_actions_beside_broken_ones() -> None:
    workflow = (
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: foo/bar@main # zizmor: ignore[unpinned-uses]\n"
        "      - run: echo ${{ github.event.issue.title }}\n"
    )
    action = "name: x\ndescription: y\nruns:\n  using: composite\n  steps:\n  - uses: foo/bar@main\n"
    files = {
        ".github/workflows/ci.yml": workflow,
        ".github/workflows/broken.yml": "bad: [",
        ".github/actions/x/action.yml": action,
    }
    reports = audit(files)
    found = codes(reports, "zizmor")
    assert (".github/workflows/ci.yml", "unpinned-uses", 6) in found
    assert (".github/workflows/ci.yml", "template-injection", 7) in found
    assert (".github/actions/x/action.yml", "unpinned-uses", 6) in found
    levels = {one.code: one.level for one in reports["zizmor"] if isinstance(one, ExternalFinding)}
    assert levels["unpinned-uses"] == "high"


def test_only_broken_workflows_are_no_finding() -> None:
    assert codes(audit({".github/workflows/a.yml": "bad: ["}), "zizmor") == []


def test_a_tracked_env_file_is_a_finding_of_its_own() -> None:
    found = audit({".env": "DB_PASSWORD=x\nDEBUG=1\n", ".env.example": "DB_PASSWORD=\n", "b/.env": "# nothing\n"})[
        "secrets"
    ]
    assert [(f.path, f.code, f.message) for f in found if isinstance(f, ExternalFinding)] == [
        (".env", "env-file", ".env file with 2 values, 1 of them named like credentials")
    ]


@pytest.mark.parametrize("wrong", ["0.0.1", None])
def test_another_version_or_none_makes_it_unknown(monkeypatch: pytest.MonkeyPatch, wrong: str | None) -> None:
    if wrong is None:
        monkeypatch.setitem(tools.PINNED, "no-such-tool-x", "1")
        with pytest.raises(tools.ToolFailed, match="not installed"):
            tools.version_of("no-such-tool-x")
        return
    tools.version_of.cache_clear()
    monkeypatch.setitem(tools.PINNED, "zizmor", wrong)
    reports = audit({".github/workflows/a.yml": "on: push\njobs: {}\n", "a.py": MESSY})
    tools.version_of.cache_clear()
    assert reports["zizmor"] == f"zizmor 1.32.0 is installed, {wrong} is needed"
    assert codes(reports, "ruff")


def test_a_tool_that_dies_makes_it_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ruff"
    program.write_text("#!/bin/sh\necho oops >&2\nexit 7\n")
    program.chmod(0o755)
    monkeypatch.setattr(checkers, "program_of", lambda *_: program)
    assert audit({"a.py": MESSY})["ruff"] == "ruff failed with exit code 7: oops"


def test_a_tool_that_hangs_makes_it_unknown(tmp_path: Path) -> None:
    with pytest.raises(tools.ToolFailed, match="more than 0 seconds"):
        tools.run(["/bin/sleep", "5"], folder=tmp_path, name="sleep", timeout=0.2)


def test_programs_see_nothing_of_the_users_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "x")
    output = tools.run(["/usr/bin/env"], folder=tmp_path, name="env")
    names = {line.partition("=")[0] for line in output.path.read_text().splitlines()}
    assert "GH_TOKEN" not in names
    assert {"HOME", "PATH"} <= names
    assert str(os.environ["HOME"]) not in output.path.read_text().split()


def test_a_program_on_the_path_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "ruff").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    tools.program_of.cache_clear()
    assert tools.program_of("ruff", "ruff").parent != tmp_path
    assert codes(audit({"a.py": MESSY}), "ruff")


def test_findings_are_remembered_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text(MESSY)
    (root / "Dockerfile").write_text("FROM python\n")

    def again() -> Reports:
        inventory = take_inventory(root)
        return start(inventory, inventory.files).result()[0]

    first = again()
    calls: list[str] = []
    monkeypatch.setattr(checkers, "run", lambda *_a, **k: calls.append(k["name"]))
    monkeypatch.setattr(run, "scan", lambda *_a, **_k: pytest.fail("scanned again"))
    assert again() == first
    assert calls == []
    assert codes(first, "ruff")
    assert codes(first, "hadolint")


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache/external").mkdir(parents=True)
    (tmp_path / "cache/external/facts.sqlite").write_bytes(b"not a database" * 1000)
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_text(MESSY)
    inventory = take_inventory(root)
    assert codes(start(inventory, inventory.files).result()[0], "ruff")


def test_findings_of_one_file_are_bounded() -> None:
    assert len(codes(audit({"a.py": "x=1\n" * 2000}), "ruff")) == checkers.MAX_PER_FILE


def test_the_order_of_files_does_not_matter() -> None:
    files = {f"{name}.py": MESSY for name in "abc"}
    assert audit(files) == audit(dict(reversed(files.items())))
