"""What is broken, huge, endless or hostile is "not read" with a reason; the audit goes on and nothing escapes."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from tests.hostile.conftest import Audit

from mlready.audit import AuditOptions, audit_path
from mlready.config import Config
from mlready.errors import ExitCode

ALONE = AuditOptions(jobs=1, use_cache=False, external=False)

BROKEN = {
    "syntax.py": b"def broken(:\n    pass\n",
    "python2.py": b"print 'hello'\nexec 'code'\n",
    "null.py": b"import os\x00\n",
    "latin.py": b"# caf\xe9\nname = 'caf\xe9'\n",
    "wrong_coding.py": b"# -*- coding: no-such-codec -*-\n",
    "parens.py": b"x = " + b"(" * 5_000 + b"1" + b")" * 5_000 + b"\n",
    "brackets.py": b"x = " + b"[" * 150 + b"1" + b"]" * 150 + b"\n" + b"[" * 100_000,
    "chain.py": b"x = a" + b".b" * 50_000 + b"\n",
    "sum.py": b"x = 1" + b" + 1" * 50_000 + b"\n",
    "signs.py": b"x = " + b"-" * 50_000 + b"1\n",
    "calls.py": b"x = " + b"f(" * 900 + b"1" + b")" * 900 + b"\n",
    "indents.py": b"".join(b" " * i + b"if x:\n" for i in range(99)) + b" " * 99 + b"pass\n",
    "elifs.py": b"if x: pass\n" + b"elif x: pass\n" * 5_000,
    "digits.py": b"x = " + b"9" * 100_000 + b"\n",
    "broken.ipynb": b'{"cells": [{"cell_type": "code", "source": "x"',
    "not_a_notebook.ipynb": b"[1, 2, 3]",
    "odd.ipynb": b'{"nbformat": 4, "cells": [1, null, {"cell_type": 3}, {"cell_type": "code", "source": {"a": 1}}]}',
    "deep.ipynb": b'{"nbformat": 4, "cells": ' + b"[" * 100_000,
    "empty.ipynb": b"",
    "bomb.yaml": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (i, i, b",".join([b"*%c" % (i - 1)] * 9)) for i in range(98, 112)),
    "deep.yaml": b"[" * 50_000,
    "self.yaml": b"a: &a\n  b: *a\n",
    "tag.yaml": b"!!python/object/apply:os.system ['touch /tmp/owned']\n",
    "pyproject.toml": b"[project\nname = 1",
    "deep.toml": b"x = " + b"[" * 50_000,
    "deep.json": b"[" * 100_000,
    "setup.py": b"from setuptools import setup\nsetup(**__import__('os').environ)\nraise SystemExit(7)\n",
    "requirements.txt": b"-r requirements.txt\n-r ../../../etc/passwd\n\xff\xfe\n===\n@@@ ; ??\n",
    "environment.yml": b"dependencies: {a: [}\n",
    "Dockerfile": b"FROM \\\n" * 10_000,
    "docker-compose.yml": b"services: [1, {a: &x {b: *x}}]\n",
    "dvc.yaml": b"stages: 3\n",
    "dvc.lock": b"stages: {a: [1, 2]}\n",
    ".github/workflows/ci.yml": b"on: {push: [[[]]]}\njobs: {a: 3, b: {steps: [1, {run: {}}, {uses: 7}]}}\n",
    ".gitlab-ci.yml": b"include: {a: 1}\njob: {script: {x: y}}\n",
    "azure-pipelines.yml": b"stages: null\njobs: [3]\n",
    "Jenkinsfile": b"pipeline { stages { " * 2_000,
    ".pre-commit-config.yaml": b"repos: [{hooks: 3}, 7, null]\n",
    "main.tf": b'resource "a" "b" {' * 5_000,
    "chart/templates/x.yaml": b"{{ range .Values }}\nkind: {{ . }}\n{{",
    "Makefile": b"a: a\n\t$(MAKE) a\nb: " + b"\\\n" * 5_000,
    "Pipfile": b"[packages\n",
    "poetry.lock": b"\x00\x01",
    "setup.cfg": b"[metadata\nname\n=",
    "README.md": b"```\n" * 10_000 + b"[" * 50_000,
    "data.csv": b'"' * 10_000 + b"\xff\n" * 1_000,
    "model.pkl": b"cos\nsystem\n(S'touch /tmp/owned'\ntR.",
}
"""Path -> content: each breaks the file that it stands for in another way."""


@pytest.mark.parametrize("path", BROKEN)
def test_a_broken_file_does_not_stop_the_audit(project: Path, path: str) -> None:
    target = project / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(BROKEN[path])
    report = audit_path(project, config=Config(), options=ALONE).report
    assert report.main.project.kind == "training"
    assert not Path("/tmp/owned").exists()


def test_all_of_them_at_once_and_twice(audit: Audit, project: Path) -> None:
    for path, content in BROKEN.items():
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    cold, warm = (audit(project, "--format", "json") for _ in range(2))
    assert cold.code == warm.code == ExitCode.OK
    assert cold.out == warm.out
    named = {"syntax.py", "python2.py", "null.py", "broken.ipynb", "not_a_notebook.ipynb", "deep.ipynb", "deep.yaml"}
    assert named <= set(cold.not_read)
    assert all(reason for reason in cold.not_read.values())
    assert 0 < cold.report["project"]["coverage"] < 1
    assert audit(project, "-v").code == ExitCode.OK


def test_a_file_that_crashes_a_tool_does_not_silence_it(audit: Audit, project: Path) -> None:
    """ruff overflows its stack on a long chain; one such file must not hide what is wrong in all others."""
    (project / "messy.py").write_text("import os,sys\nl=1\nif l==None:pass\n" * 30)
    (project / "chain.py").write_bytes(BROKEN["chain.py"])
    rules = [rule for factor in audit(project, "--format", "json").report["factors"] for rule in factor["rules"]]
    style = next(rule for rule in rules if rule["id"] == "DES002")
    assert "messy.py" in {site["path"] for site in style["sites"]}


def test_a_notebook_of_a_hundred_megabytes_is_not_read(audit: Audit, project: Path) -> None:
    with (project / "huge.ipynb").open("wb") as file:
        file.write(b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [], "x": "')
        for _ in range(100):
            file.write(b"a" * 1_000_000)
        file.write(b'"}')
    done = audit(project, "--format", "json")
    assert done.code == ExitCode.OK
    assert "huge.ipynb" in done.not_read


def test_links_are_not_followed(audit: Audit, project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.py").write_text("password_of_the_neighbor = 1\n")
    (project / "loop.py").symlink_to("loop.py")
    (project / "up").symlink_to("..")
    (project / "self").symlink_to(".")
    (project / "out").symlink_to(outside)
    (project / "file.py").symlink_to(outside / "private.py")
    (project / "passwd.py").symlink_to("/etc/passwd")
    (project / "dangling.py").symlink_to("nowhere.py")
    done = audit(project, "--format", "json")
    assert done.code == ExitCode.OK
    assert "neighbor" not in done.out
    assert done.report["project"]["files"] == 1


def test_pipes_sockets_and_devices_are_not_opened(audit: Audit, project: Path) -> None:
    os.mkfifo(project / "pipe.py")
    os.mkfifo(project / "pyproject.toml")
    os.mkfifo(project / ".gitignore")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(project)
        server.bind("socket.py")
        done = audit(project, "--format", "json", timeout=60)
    assert done.code == ExitCode.OK
    assert {"pipe.py", "socket.py"} <= set(done.not_read)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(audit: Audit, project: Path) -> None:
    (project / "secret.py").write_text("x = 1\n")
    (project / "secret.py").chmod(0)
    (project / "closed").mkdir(mode=0)
    try:
        done = audit(project, "--format", "json")
    finally:
        (project / "closed").chmod(0o700)
    assert done.code == ExitCode.OK
    assert {"secret.py", "closed"} <= set(done.not_read)


def test_odd_names_stay_on_one_line_and_say_nothing_to_the_terminal(audit: Audit, project: Path) -> None:
    names = [
        b"new\nline.py",
        b"escape\x1b[31m.py",
        b"not\xffunicode.py",
        "right\u202eleft.py".encode(),
        b" .py",
        b"-v.py",
    ]
    for name in names:
        Path(os.fsdecode(bytes(project) + b"/" + name)).write_bytes(b"def broken(:\n")
    done = audit(project, "-v")
    assert done.code == ExitCode.OK
    assert "\x1b" not in done.out
    assert "\nline.py" not in done.out
    assert "\u202e" not in done.out
    assert len(audit(project, "--format", "json").not_read) >= len(names)


@pytest.mark.parametrize("format_", ["sarif", "junit", "gitlab", "github", "markdown", "html"])
def test_every_format_writes_what_is_broken(audit: Audit, project: Path, format_: str) -> None:
    for name in (b"new\nline.py", b"not\xffunicode.py", b"<b>&\x1b.py"):
        Path(os.fsdecode(bytes(project) + b"/" + name)).write_bytes(b"import random\nprint(random.random())\ndef (:\n")
    done = audit(project, "--format", format_)
    assert done.code == ExitCode.OK
    assert "\x1b" not in done.out


@pytest.mark.parametrize("broken", [b"", b"garbage", b"gitdir: ../../..", b"gitdir: \x00"])
def test_a_broken_git_folder_is_no_repository(audit: Audit, project: Path, broken: bytes) -> None:
    (project / ".git").write_bytes(broken)
    assert audit(project, "--format", "json").code == ExitCode.OK


def test_a_hostile_git_configuration_runs_nothing(audit: Audit, project: Path, tmp_path: Path) -> None:
    owned = tmp_path / "owned"
    git = project / ".git"
    (git / "hooks").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(f"[core]\n\tfsmonitor = touch {owned}\n\tpager = touch {owned}\n")
    (git / "index").write_bytes(b"DIRC\x00\x00\x00\x02\xff\xff\xff\xff" + b"\x00" * 100)
    assert audit(project, "--format", "json").code == ExitCode.OK
    assert not owned.exists()


def test_tools_of_the_project_configure_nothing(audit: Audit, project: Path) -> None:
    """A repository must not be able to switch its own judges off."""
    (project / "messy.py").write_text("import os,sys\nl=1\nif l==None:pass\n" * 30)
    before = audit(project, "--format", "json").report["score"]
    (project / "ruff.toml").write_text('exclude = ["**"]\nlint.select = []\n')
    (project / ".hadolint.yaml").write_text("ignored: [DL3006]\n")
    (project / "conftest.py").write_text("raise SystemExit('imported')\n")
    (project / "sitecustomize.py").write_text("raise SystemExit('imported')\n")
    after = audit(project, "--format", "json").report
    style = next(rule for f in after["factors"] for rule in f["rules"] if rule["id"] == "DES002")
    assert style["status"] in ("partial", "fail")
    assert before is not None


# ------------------------------------------------------------------------------------------------- nothing, and mistakes


def test_an_empty_folder_is_nothing_to_judge(audit: Audit, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = audit(tmp_path / "empty")
    assert (done.code, done.out) == (ExitCode.NOTHING_TO_JUDGE, "")
    assert "no machine-learning code" in done.err


def test_json_has_a_score_of_null_then(audit: Audit, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = audit(tmp_path / "empty", "--format", "json")
    assert done.code == ExitCode.NOTHING_TO_JUDGE
    assert done.report["score"] is None
    assert done.report["project"]["kind"] == "not-ml"
    assert [factor["score"] for factor in done.report["factors"]] == [None] * 12


@pytest.mark.parametrize(
    "files",
    [
        {"main.go": "package main\n", "README.md": "# A server\n"},
        {"app.py": "from flask import Flask\napp = Flask(__name__)\n"},
        {"README.md": "# Notes\n"},
        {"broken.py": "def (:\n"},
    ],
    ids=["go", "web", "notes", "unreadable"],
)
def test_a_repository_without_machine_learning(audit: Audit, tmp_path: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    assert audit(tmp_path).code == ExitCode.NOTHING_TO_JUDGE
    assert audit(tmp_path, "--allow-nothing").code == ExitCode.OK


def test_a_path_that_does_not_exist(audit: Audit, tmp_path: Path) -> None:
    done = audit(tmp_path / "nowhere", "--format", "json")
    assert (done.code, done.out) == (ExitCode.CANNOT, "")
    assert "nowhere" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--frobnicate",),
        ("--format", "xml"),
        ("--profile", "productoin"),
        ("--fail-under", "abc"),
        ("--fail-under", "101"),
        ("--jobs", "0"),
        ("--select", "XYZ"),
        ("--config", "nowhere.toml"),
        ("--baseline", "nowhere.json"),
        ("--output", "/dev/null/report.json"),
    ],
    ids=" ".join,
)
def test_a_mistake_on_the_command_line(audit: Audit, project: Path, arguments: tuple[str, ...]) -> None:
    done = audit(project, *arguments)
    assert (done.code, done.out) == (ExitCode.CANNOT, "")
    assert done.err.strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profil = 'prototype'\n", "profile"),
        ("fail-under = 'often'\n", "fail-under"),
        ("exclude = 'a'\n", "exclude"),
        ("[[suppress]]\npath = 'a'\nrule = ['DES006']\n", "rule"),
        ("broken = [\n", "mlready.toml"),
        ("kind = 'servce'\n", "service"),
        ("[roles]\n'a.py' = 'sorce'\n", "source"),
        ("[elsewhere]\nMON999 = 'x'\n", "MON999"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(audit: Audit, project: Path, text: str, said: str) -> None:
    (project / "mlready.toml").write_text(text)
    done = audit(project)
    assert done.code == ExitCode.CANNOT
    assert said in done.err


# ------------------------------------------------------------------------------------------------------------- one file


def test_a_file_is_judged_by_the_rules_that_need_one_file(audit: Audit, project: Path) -> None:
    done = audit(project / "train.py", "--format", "json")
    assert done.code == ExitCode.OK
    assert done.report["score"] is None
    judged = {rule["id"] for f in done.report["factors"] for rule in f["rules"] if rule["status"] in ("pass", "fail")}
    assert judged
    assert "DEP005" not in judged


@pytest.mark.parametrize("path", [path for path in BROKEN if path.endswith((".py", ".ipynb"))])
def test_a_broken_file_alone(tmp_path: Path, path: str) -> None:
    (tmp_path / path).write_bytes(BROKEN[path])
    assert audit_path(tmp_path / path, config=Config(), options=ALONE).report.main.score is None


def test_a_file_of_another_sort_is_refused(audit: Audit, project: Path) -> None:
    (project / "notes.txt").write_text("x")
    assert audit(project / "notes.txt").code == ExitCode.CANNOT


def test_a_folder_called_like_a_file(audit: Audit, project: Path) -> None:
    shutil.move(project, project.with_name("project.py"))
    assert audit(project.with_name("project.py")).code == ExitCode.OK


# -------------------------------------------------------------------------------------------------------------- secrets

TOKEN = "ghp_" + "q7Rz2LmX9vKc4TnB8wYp" + "3HsD6gJf1QeUaV5t"


@pytest.mark.parametrize(
    "format_", ["text", "json", "sarif", "junit", "gitlab", "github", "markdown", "html", "badge", "shield"]
)
def test_a_secret_is_shown_nowhere(audit: Audit, project: Path, cache: Path, format_: str) -> None:
    (project / "config.py").write_text(f'TOKEN = "{TOKEN}"\nif True:\n    pass\n')
    notebook = {
        "nbformat": 4, "nbformat_minor": 5, "metadata": {},
        "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "source": f'key = "{TOKEN}"',
                   "outputs": [{"output_type": "stream", "name": "stdout", "text": TOKEN}]}],
    }  # fmt: skip
    (project / "look.ipynb").write_text(json.dumps(notebook))
    (project / "Dockerfile").write_text(f"FROM python:3.11\nENV TOKEN={TOKEN}\n")
    (project / "broken.py").write_text(f'x = "{TOKEN}" (:\n')
    done = audit(project, "--format", format_, *(["-v"] if format_ == "text" else []))
    assert done.code == ExitCode.GATE_FAILED
    assert TOKEN[8:] not in done.out + done.err
    kept = [path for path in cache.rglob("*") if path.is_file() and TOKEN[8:].encode() in path.read_bytes()]
    assert kept == []
