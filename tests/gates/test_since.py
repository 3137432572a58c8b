"""--since: what a change touched is judged, and nothing of the audited repository can run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlready.errors import UsageError
from mlready.since import _new_lines, changes_since

from .conftest import Git, Run, Write
from .samples import TRAIN, notebook


@pytest.fixture
def repository(write: Write, git: Git) -> Path:
    folder = write(
        {"train.py": TRAIN, "notebooks/a.ipynb": notebook("x = 1", "open('/home/ann/a.csv')"), "b.py": "x = 1\n"}
    )
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return folder


def test_nothing_changed_is_nothing_to_judge(repository: Path, run: Run) -> None:
    done = run("audit", "--since", "HEAD")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == ["nothing to judge: .: no file that is judged has changed since HEAD"]


def test_old_findings_are_left_alone(repository: Path, write: Write, run: Run) -> None:
    write({"train.py": TRAIN.replace("data.csv", "other.csv")})
    done = run("audit", "--since", "HEAD", "--format", "json")
    assert done.code == 0
    assert done.json["since"]["files"] == ["train.py"]
    assert done.json["since"]["findings"] == []


def test_a_finding_on_a_touched_line_fails(repository: Path, write: Write, run: Run) -> None:
    write({"train.py": TRAIN.replace("RandomForestClassifier()", "RandomForestClassifier(n_jobs=2)")})
    done = run("audit", "--since", "HEAD", "--format", "json")
    assert done.code == 1
    assert ("REP004", 11) in {(f["id"], f["line"]) for f in done.json["since"]["findings"]}
    shown = run("audit", "--since", "HEAD", "--format", "github").out
    assert "line=11," in shown
    assert "line=10," not in shown


def test_only_the_cell_that_was_touched(repository: Path, write: Write, run: Run) -> None:
    changed = notebook("x = 2", "open('/home/ann/a.csv')")
    write({"notebooks/a.ipynb": changed})
    done = run("audit", "--since", "HEAD", "--format", "json")
    assert "DES007" not in {f["id"] for f in done.json["since"]["findings"]}
    write({"notebooks/a.ipynb": notebook("x = 2", "open('/home/ann/b.csv')")})
    done = run("audit", "--since", "HEAD", "--format", "json")
    assert "DES007" in {f["id"] for f in done.json["since"]["findings"]}


def test_untracked_files_are_new(repository: Path, write: Write, run: Run) -> None:
    write({"more.py": "open('/home/ann/x.csv')\n"})
    done = run("audit", "--since", "HEAD", "--format", "json")
    assert done.json["since"]["files"] == ["more.py"]


def test_a_branch_is_compared_with_where_it_left(repository: Path, write: Write, git: Git) -> None:
    git("checkout", "-q", "-b", "work")
    git("checkout", "-q", "main")
    write({"b.py": "y = 2\n"})
    git("commit", "-qam", "main goes on")
    git("checkout", "-q", "work")
    write({"c.py": "z = 3\n"})
    git("add", ".")
    git("commit", "-qm", "work goes on")
    assert changes_since(repository, "main").files == ("c.py",)


def test_packed_objects_tags_and_relative_names(repository: Path, write: Write, git: Git) -> None:
    git("tag", "v1")
    write({"b.py": "y = 2\n"})
    git("commit", "-qam", "two")
    git("gc", "-q")
    git("pack-refs", "--all")
    for name in ("v1", "HEAD~1", "main^", git("rev-parse", "v1").strip(), git("rev-parse", "--short", "v1").strip()):
        assert changes_since(repository, name).files == ("b.py",)


def test_a_subfolder_and_a_linked_work_tree(repository: Path, git: Git, tmp_path: Path) -> None:
    git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    (tmp_path / "linked" / "notebooks" / "new.py").write_text("x = 1\n")
    assert changes_since(tmp_path / "linked", "main").files == ("notebooks/new.py",)
    assert changes_since(tmp_path / "linked" / "notebooks", "main").files == ("new.py",)


def test_line_ends_are_no_change(repository: Path, write: Write) -> None:
    write({"train.py": TRAIN.replace("\n", "\r\n")})
    assert changes_since(repository, "HEAD").files == ()


@pytest.mark.parametrize("name", ["no-such-branch", "--upload-pack=touch x", "a b", "$(id)", "HEAD:train.py", ""])
def test_what_is_no_revision_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(UsageError):
        changes_since(repository, name)


def test_outside_of_a_repository(write: Write, run: Run) -> None:
    write({"train.py": TRAIN})
    done = run("audit", "--since", "HEAD")
    assert done.code == 2
    assert "git repository" in done.err


def test_a_hostile_repository_runs_nothing(repository: Path, write: Write, git: Git, run: Run, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {flag}\ncat\n")
    evil.chmod(0o755)
    settings = {
        "core.fsmonitor": evil, "diff.external": evil, "core.pager": evil, "pager.diff": "true", "core.editor": evil,
        "core.sshCommand": evil, "core.hooksPath": tmp_path, "filter.x.clean": evil, "filter.x.smudge": evil,
        "diff.x.textconv": evil, "diff.x.command": evil, "alias.rev-parse": f"!{evil}", "core.alternateRefsCommand": evil,
        "gpg.program": evil, "remote.origin.url": f"ext::{evil}", "remote.origin.promisor": "true",
        "extensions.partialClone": "origin", "core.gitProxy": evil, "uploadpack.packObjectsHook": evil,
    }  # fmt: skip
    write({".gitattributes": "*.py filter=x diff=x\n*.ipynb filter=x diff=x\n"})
    write({"train.py": TRAIN.replace("RandomForestClassifier()", "RandomForestClassifier(n_jobs=2)")})
    for name, value in settings.items():
        git("config", name, str(value))
    for hook in ("post-index-change", "post-checkout", "reference-transaction", "pre-auto-gc"):
        (repository / ".git" / "hooks" / hook).write_text(evil.read_text())
        (repository / ".git" / "hooks" / hook).chmod(0o755)
    flag.unlink(missing_ok=True)
    done = run(
        "audit", "--since", "HEAD", "--format", "json", env={"GIT_EXTERNAL_DIFF": str(evil), "GIT_PAGER": str(evil)}
    )
    assert "train.py" in done.json["since"]["files"]
    assert not flag.exists()
    os.environ.pop("GIT_DIR", None)
    git("diff")
    assert flag.exists(), "the trap works: plain git falls into it"


def test_lines() -> None:
    assert _new_lines(b"a\nb\nc\n", b"a\nx\nc\n") == {2}
    assert _new_lines(b"a\nb\nc\n", b"a\nc\n") == {2}
    assert _new_lines(b"a\n", b"a\nb\n") == {2}
    assert _new_lines(b"", b"a\nb\n") == {1, 2}
    assert _new_lines(b"a\nb\nc\nd\n", b"x\nb\nc\ny\n") == {1, 4}
    assert _new_lines(b"a\n", b"a\n") == set()
