"""`mlready update` and `mlready add`: a three-way merge that keeps edits, and refuses what it cannot do safely."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlready.cli import run
from mlready.errors import UsageError
from mlready.scaffold.new import create
from mlready.scaffold.template import Template, build_repository, shipped, tags, write_history
from mlready.scaffold.update import add, update

Commit = Callable[[Path], None]


def next_version(template: Template, root: Path, version: str) -> Template:
    """A later template in a folder of its own: the given one becomes history, the folder may be changed."""
    history = root / f"history-{version}.bundle"
    if template.history.exists():
        shutil.copyfile(template.history, history)
    write_history(replace(template, history=history))
    folder = root / f"template-{version}"
    shutil.copytree(template.folder, folder)
    return replace(template, folder=folder, history=history, version=version)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def later(template: Template, tmp_path: Path) -> Template:
    """A later version: one file changed at its top, one new, one dropped, one new question."""
    made = next_version(template, tmp_path, "99.0.0")
    skeleton = made.folder / "skeleton"
    edit(skeleton / ".gitignore.jinja", "# What git never keeps", "# What git shall never keep")
    (skeleton / "SECURITY.md").write_text("# How to report a weakness\n", encoding="utf-8")
    (skeleton / "{{ full }}" / ".dvcignore").unlink()
    edit(made.folder / "copier.yml", "ci:\n", "color:\n  type: str\n  help: A color\n  default: red\n\nci:\n")
    return made


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def status(folder: Path) -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True).stdout


def test_both_the_template_and_the_owner_change_a_file(project: Path, later: Template, commit: Commit) -> None:
    edit(project / ".gitignore", "dist/\n", "dist/\nmine/\n")
    commit(project)
    merge = update(project, template=later)
    text = read(project / ".gitignore")
    assert "shall never keep" in text
    assert "mine/" in text
    assert (project / "SECURITY.md").exists()
    assert not (project / ".dvcignore").exists()
    assert "color: red" in read(project / ".copier-answers.yml")
    assert "_commit: v99.0.0" in read(project / ".copier-answers.yml")
    assert merge.conflicts == ()
    assert merge.deleted == {".dvcignore"}


def test_both_change_the_same_line(
    project: Path, later: Template, commit: Commit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(project / ".gitignore", "# What git never keeps", "# My own words")
    commit(project)
    monkeypatch.setattr("mlready.scaffold.update.shipped", lambda: later)
    assert run(["update", str(project)]) == 1
    assert ".gitignore" in capsys.readouterr().err
    assert "My own words" in read(project / ".gitignore")
    assert "shall never keep" in read(project / ".gitignore")


def test_a_preview_shows_the_diff_and_changes_nothing(project: Path, later: Template) -> None:
    merge = update(project, preview=True, template=later)
    assert "+# What git shall never keep" in merge.diff
    assert status(project) == ""
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=project, capture_output=True, text=True).stdout
    assert len(worktrees.splitlines()) == 1


def test_files_that_the_owner_deleted_stay_deleted(project: Path, later: Template, commit: Commit) -> None:
    (project / ".gitattributes").unlink()
    commit(project)
    update(project, template=later)
    assert not (project / ".gitattributes").exists()


def test_over_several_versions_and_back_to_back(project: Path, later: Template, tmp_path: Path, commit: Commit) -> None:
    newest = next_version(later, tmp_path, "100.0")
    edit(newest.folder / "skeleton" / "SECURITY.md", "weakness", "vulnerability")
    direct = shutil.copytree(project, tmp_path / "direct" / "churn")
    for template in (later, newest):
        update(project, template=template)
        commit(project)
    update(direct, template=newest)
    for path in direct.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(direct).parts:
            assert path.read_bytes() == (project / path.relative_to(direct)).read_bytes(), path
    assert "vulnerability" in read(direct / "SECURITY.md")


@pytest.mark.parametrize("options", [{"serving": "batch"}, {"minimal": "true"}, {"task": "regression", "ci": "azure"}])
def test_an_update_equals_a_fresh_project_for_other_options(
    options: dict[str, str], later: Template, template: Template, tmp_path: Path
) -> None:
    old = create(tmp_path / "old" / "churn", given=options, template=template).folder
    update(old, template=later)
    fresh = create(tmp_path / "fresh" / "churn", given=options, template=later).folder
    for path in fresh.rglob("*"):
        relative = path.relative_to(fresh)
        if path.is_file() and relative.parts[0] != ".git":
            assert path.read_bytes() == (old / relative).read_bytes(), relative


def test_in_a_folder_of_a_larger_repository(
    template: Template, later: Template, tmp_path: Path, commit: Commit
) -> None:
    top = tmp_path / "mono"
    top.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=top, check=True)
    made = create(top / "models" / "churn", given={}, template=template).folder
    commit(top)
    assert "SECURITY.md" in update(made, preview=True, template=later).diff
    update(made, template=later)
    assert (made / "SECURITY.md").exists()


def test_inside_a_hook_of_another_repository(
    project: Path, later: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    update(project, template=later)
    assert (project / "SECURITY.md").exists()


def test_nothing_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["update", str(project)]) == 0
    assert "nothing to do: the project is at template" in capsys.readouterr().out
    assert run(["add", "tracking=mlflow", "--project", str(project)]) == 0
    assert "nothing to do: the project has tracking=mlflow already" in capsys.readouterr().out


def test_a_failed_merge_is_undone(project: Path, later: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        (project / "half.txt").write_text("half", encoding="utf-8")
        (project / "README.md").write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr("mlready.scaffold.update.render.update", fail)
    with pytest.raises(KeyboardInterrupt):
        update(project, template=later)
    assert status(project) == ""


def refused(project: Path, template: Template, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        update(project, template=template)


def test_a_dirty_tree_is_refused(project: Path, later: Template) -> None:
    (project / "new.txt").write_text("x", encoding="utf-8")
    refused(project, later, "not committed")


def test_a_project_without_git_is_refused(project: Path, later: Template) -> None:
    shutil.rmtree(project / ".git")
    refused(project, later, "not under git")


def test_a_newer_project_is_refused(project: Path, template: Template, later: Template, commit: Commit) -> None:
    update(project, template=later)
    commit(project)
    refused(project, template, "newer than this mlready")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("_src_path: https://github.com/mlready", "_src_path: https://evil.example", "another template"),
        ("_src_path: https://github.com/mlready/template.git", "_src_path: /tmp/x", "another template"),
        ("_commit: v", "_commit: --upload-pack=x v", "not a released template version"),
        ("_commit: v0", "_commit: v0.0", "never released"),
        ("serving: fastapi", "serving: grpc", "allowed are fastapi, batch"),
        ("# The", "- The", "cannot be read|another template"),
    ],
)
def test_an_edited_answers_file_is_refused(
    old: str, new: str, message: str, project: Path, later: Template, commit: Commit
) -> None:
    edit(project / ".copier-answers.yml", old, new)
    commit(project)
    refused(project, later, message)


def test_a_foreign_folder_is_refused(tmp_path: Path, later: Template) -> None:
    refused(tmp_path, later, "not made by mlready")


def test_adding_an_option_and_taking_it_back(project: Path, template: Template, commit: Commit) -> None:
    before = subprocess.run(["git", "rev-parse", "HEAD^{tree}"], cwd=project, capture_output=True, text=True).stdout
    add(project, given={"serving": "batch", "ci": "gitlab", "tracking": "wandb"}, template=template)
    assert (project / "src" / "churn" / "serve" / "batch.py").exists()
    assert not (project / "deploy" / "prometheus.yaml").exists()
    assert "fastapi" not in read(project / "uv.lock").split('name = "churn"')[1].split("[package.metadata]")[0]
    commit(project)
    add(project, given={"serving": "fastapi", "ci": "github", "tracking": "mlflow"}, template=template)
    commit(project)
    after = subprocess.run(["git", "rev-parse", "HEAD^{tree}"], cwd=project, capture_output=True, text=True).stdout
    assert before == after


def test_adding_keeps_edits(project: Path, commit: Commit) -> None:
    edit(project / "pyproject.toml", '"pandas>=2.2,<3",\n', '"pandas>=2.2,<3",\n    "lightgbm>=4,<5",\n')
    commit(project)
    merge = add(project, given={"serving": "batch"})
    assert "lightgbm" in read(project / "pyproject.toml")
    assert "fastapi" not in read(project / "pyproject.toml")
    assert not merge.lock_fits


def test_files_that_an_answer_deletes_are_named_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["add", "ci=gitlab", "--project", str(project)]) == 0
    assert "  .github/dependabot.yml (deleted)\n" in capsys.readouterr().out


def test_a_part_that_a_minimal_project_has_not_is_refused(tmp_path: Path) -> None:
    project = create(tmp_path / "churn", given={"minimal": "true"}).folder
    with pytest.raises(UsageError, match="serving=batch: a minimal project has no such part"):
        add(project, given={"serving": "batch"})
    assert subprocess.check_output(["git", "status", "--porcelain"], cwd=project) == b""
    assert "serving: batch" in add(project, given={"minimal": "false", "serving": "batch"}, preview=True).diff


def test_a_wrong_option_is_refused(project: Path) -> None:
    assert run(["add", "serving=grpc", "--project", str(project)]) == 2
    assert run(["add", "project_name=other", "--project", str(project)]) == 2
    assert status(project) == ""


def test_the_same_template_gives_the_same_commit(template: Template, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        copy = tmp_path / name / "template"
        shutil.copytree(template.folder, copy)
        (copy / "copier.yml").chmod(0o755)
        build_repository(replace(template, folder=copy), tmp_path / name / "repository")
        refs = subprocess.run(
            ["git", "for-each-ref"], cwd=tmp_path / name / "repository", capture_output=True, text=True, check=True
        )
        made.append(refs.stdout)
    assert made[0] == made[1]


def test_history_is_the_same_bytes_again_and_keeps_every_version(later: Template, tmp_path: Path) -> None:
    write_history(later)
    first = later.history.read_bytes()
    write_history(later)
    assert later.history.read_bytes() == first
    build_repository(later, tmp_path / "repository")
    assert tags(tmp_path / "repository") == [shipped().tag, "v99.0.0"]


def test_a_template_changed_after_its_release_is_refused(later: Template, tmp_path: Path) -> None:
    write_history(later)
    (later.folder / "skeleton" / "SECURITY.md").write_text("# Other\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"changed after v99\.0\.0 was released"):
        build_repository(later, tmp_path / "repository")


def test_the_shipped_template_fits_the_shipped_history(tmp_path: Path) -> None:
    build_repository(shipped(), tmp_path / "repository")
    assert shipped().tag in tags(tmp_path / "repository")
