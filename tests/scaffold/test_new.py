"""`mlready new`: whole or not at all, with answers that are checked."""

from __future__ import annotations

import keyword
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlready.cli import run
from mlready.errors import UsageError
from mlready.scaffold import lock, render
from mlready.scaffold.new import create
from mlready.scaffold.questions import read_questions
from mlready.scaffold.template import TEMPLATE_URL, shipped


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_new_project_is_committed_locked_and_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", str(tmp_path / "churn"), "--defaults"]) == 0
    project = tmp_path / "churn"
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert git(project, "status", "--porcelain") == ""
    assert "uv.lock" in git(project, "ls-files")
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"  cd {project} && make setup",
        "  make train test serve drift",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["churn"]


def test_the_answers_file_names_no_machine(project: Path) -> None:
    text = (project / render.ANSWERS_FILE).read_text(encoding="utf-8")
    assert f"_src_path: {TEMPLATE_URL}\n" in text
    assert f"_commit: {shipped().tag}\n" in text
    assert str(project.parent) not in text


def test_someone_unknown_to_git_can_make_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    create(tmp_path / "churn", given={})
    assert git(tmp_path / "churn", "log", "--format=%an") == "mlready"


def test_inside_a_hook_of_another_repository_nothing_leads_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    create(tmp_path / "churn", given={})
    monkeypatch.delenv("GIT_DIR")
    assert git(tmp_path / "churn", "rev-list", "--count", "HEAD") == "1"
    assert git(other, "status", "--porcelain") == ""


def test_in_a_larger_repository_its_owner_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    made = create(tmp_path / "models" / "churn", given={})
    assert not made.committed
    assert not (made.folder / ".git").exists()


def test_answers_come_from_a_file_and_options_win(tmp_path: Path) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text("_commit: v0.0.1\nserving: batch\nci: gitlab\n", encoding="utf-8")
    target = tmp_path / "churn"
    assert run(["new", str(target), "--answers-file", str(answers), "--data", "ci=azure"]) == 0
    assert (target / "azure-pipelines.yml").exists()
    assert (target / "src" / "churn" / "serve" / "batch.py").exists()


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("serving=grpc", "serving=grpc: allowed are fastapi, batch"),
        ("servin=batch", "unknown question 'servin'"),
        ("minimal=perhaps", "allowed are true and false"),
        ("project_name=3d", "starts with a letter"),
        ("project_name=3d", "without an answer it is the folder's name"),
        ("project_name=pandas", "uses that name already"),
        ("project_name=Class", "uses that name already"),
        ("project_name=scipy", "needs a library called scipy"),
        ("project_name=" + "a" * 41, "at most 40"),
        ('description=a "b"', "without double quotes"),
        ("package=x", "unknown question 'package'"),
        ("serving", "is not KEY=VALUE"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_is_written(
    pair: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(tmp_path / "churn"), "--defaults", "--data", pair]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_minimal_project_refuses_answers_about_what_it_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(tmp_path / "churn"), "--minimal", "--data", "serving=batch"]) == 2
    assert "serving=batch: a minimal project has no such part" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_package_has_the_name_of_a_keyword_or_a_module_of_python() -> None:
    declared = yaml.safe_load((shipped().folder / "copier.yml").read_text(encoding="utf-8"))
    public = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    names = {name.lower() for name in {*keyword.kwlist, *public}}
    assert names <= set(declared["taken"]["default"].split())


@pytest.mark.parametrize("content", ["- a", "a: [", "\x00", "true"])
def test_a_broken_answers_file_is_refused(content: str, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yml"
    answers.write_text(content, encoding="utf-8")
    assert run(["new", str(tmp_path / "churn"), "--answers-file", str(answers)]) == 2
    assert not (tmp_path / "churn").exists()


def test_a_filled_folder_is_refused_without_force(tmp_path: Path) -> None:
    mine = tmp_path / "churn" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine", encoding="utf-8")
    assert run(["new", str(tmp_path / "churn"), "--defaults"]) == 2
    assert [path.name for path in mine.parent.iterdir()] == ["notes.txt"]
    assert run(["new", str(tmp_path / "churn"), "--defaults", "--force"]) == 0
    assert mine.read_text(encoding="utf-8") == "mine"
    assert (mine.parent / "pyproject.toml").exists()


def test_an_empty_folder_is_filled_and_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "churn").mkdir()
    assert run(["new", str(tmp_path / "churn"), "--defaults"]) == 0
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(["new", str(tmp_path / "file"), "--defaults", "--force"]) == 2


def test_an_interrupted_generation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlready.scaffold.new.write_lock", interrupt)
    assert run(["new", str(tmp_path / "churn"), "--defaults"]) == 130
    assert list(tmp_path.iterdir()) == []


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is needed"):
        create(tmp_path / "churn", given={})


def test_at_most_eight_questions_and_none_needed() -> None:
    assert len(read_questions(shipped().folder)) <= 8
    assert all(question.help for question in read_questions(shipped().folder))


def test_the_questions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "--questions"]) == 0
    assert "fastapi, batch" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a", "zz-top", "Churn_Risk"])
def test_a_lock_is_renamed_for_the_project(name: str) -> None:
    shipped_lock = (shipped().locks / "minimal.lock").read_text(encoding="utf-8")
    plain = lock.distribution_name({"project_name": name})
    renamed = lock.rename(shipped_lock, plain)
    assert lock.PLACEHOLDER not in renamed
    assert lock.rename(renamed.replace(f'"{plain}"', f'"{lock.PLACEHOLDER}"', 1), lock.PLACEHOLDER) == shipped_lock


def test_only_the_template_folder_is_copied_not_what_an_installer_compiled(tmp_path: Path) -> None:
    import shutil
    from dataclasses import replace

    copy = tmp_path / "template"
    shutil.copytree(shipped().folder, copy)
    compiled = copy / "skeleton" / "tests" / "__pycache__" / "x.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"x")
    made = create(tmp_path / "churn", given={}, template=replace(shipped(), folder=copy))
    assert not list(made.folder.rglob("__pycache__"))
