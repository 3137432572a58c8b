"""What is listed, what is not read, and that git's own answer is the same."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mlready.errors import UsageError
from mlready.project import inventory as module
from mlready.project.inventory import Inventory, read_bytes, read_prefix, take_inventory

Tree = Callable[[dict[str, str | bytes]], Path]
Git = Callable[..., str]


def paths(inventory: Inventory) -> list[str]:
    return [file.path for file in inventory.files]


def reasons(inventory: Inventory) -> dict[str, str]:
    return {entry.path: entry.reason for entry in inventory.not_read}


def test_lists_files_sorted_with_size_and_role(tree: Tree) -> None:
    found = take_inventory(tree({"b.py": "x = 1\n", "a/data/rows.csv": "1,2\n", "README.md": "hi"}))
    assert [(file.path, file.size, file.role) for file in found.files] == [
        ("README.md", 2, "docs"),
        ("a/data/rows.csv", 4, "data"),
        ("b.py", 6, "script"),
    ]
    assert found.git.kind == "none"


def test_a_path_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        take_inventory(tmp_path / "missing")


def test_an_empty_folder_is_an_empty_inventory(tree: Tree) -> None:
    found = take_inventory(tree({}))
    assert found.files == ()
    assert found.not_read == ()


def test_without_git_the_ignore_files_are_honored(tree: Tree) -> None:
    root = tree(
        {
            ".gitignore": "*.log\nout/\n!keep.log\n",
            "a.log": "",
            "keep.log": "",
            "out/x.csv": "",
            "sub/.gitignore": "*.tmp\n!/special.log\n",
            "sub/b.tmp": "",
            "sub/special.log": "",
            "sub/deep/special.log": "",
        }
    )
    assert paths(take_inventory(root)) == [".gitignore", "keep.log", "sub/.gitignore", "sub/special.log"]


def test_what_tools_make_is_left_out(tree: Tree) -> None:
    root = tree(
        {
            "env/pyvenv.cfg": "home = /usr",
            "env/lib/a.py": "",
            "node_modules/x/index.js": "",
            "pkg/__pycache__/a.pyc": "",
            "lib/site-packages/numpy/__init__.py": "",
            "nested/.git/HEAD": "ref: refs/heads/main\n",
            "nested/a.py": "",
            "pkg/a.py": "",
        }
    )
    assert paths(take_inventory(root)) == ["pkg/a.py"]


def test_a_repository_says_what_is_tracked(tree: Tree, git: Git) -> None:
    root = tree({".gitignore": "*.csv\n", "a.py": "", "new.py": "", "kept.csv": "1", "other.csv": "2"})
    git(root, "init", "-q")
    git(root, "add", "-f", ".gitignore", "a.py", "kept.csv")
    before = take_inventory(root)
    assert (before.git.kind, before.git.has_commit) == ("repository", False)
    git(root, "commit", "-qm", "first")
    found = take_inventory(root)
    assert found.git.has_commit
    assert not found.git.shallow
    assert {file.path: file.tracked for file in found.files} == {
        ".gitignore": True,
        "a.py": True,
        "kept.csv": True,
        "new.py": False,
    }


def test_a_tracked_file_that_was_deleted_is_not_listed(tree: Tree, git: Git) -> None:
    root = tree({"a.py": "", "b.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    (root / "a.py").unlink()
    assert paths(take_inventory(root)) == ["b.py"]


def test_in_an_ignored_folder_only_tracked_files_are_listed(tree: Tree, git: Git) -> None:
    root = tree({".gitignore": "out/\n", "out/kept.txt": "", "out/new.txt": "", "out/deep/new.txt": ""})
    git(root, "init", "-q")
    git(root, "add", "-f", ".gitignore", "out/kept.txt")
    assert paths(take_inventory(root)) == [".gitignore", "out/kept.txt"]


def test_a_folder_of_a_repository(tree: Tree, git: Git) -> None:
    root = tree({".gitignore": "*.tmp\n", "part/a.py": "", "part/x.tmp": "", "other/b.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    found = take_inventory(root / "part")
    assert (found.git.kind, found.git.has_commit, found.git.root) == ("subfolder", True, root)
    assert [(file.path, file.tracked) for file in found.files] == [("a.py", True)]
    assert found.covers("x.tmp")
    assert not found.covers("x.csv")


def test_a_folder_of_which_a_repository_tracks_nothing_is_none_of_its_own(tree: Tree, git: Git) -> None:
    root = tree({".gitignore": "scratch/\n", "scratch/a.py": "", "b.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    found = take_inventory(root / "scratch")
    assert found.git.kind == "none"
    assert paths(found) == ["a.py"]


def test_the_same_files_are_listed_without_the_repository(tree: Tree, git: Git) -> None:
    files = {".gitignore": "*.log\n/build\n", "a.py": "", "x.log": "", "build/y": "", "pkg/build/z.py": ""}
    root = tree(dict(files))
    without = paths(take_inventory(root))
    git(root, "init", "-q")
    git(root, "add", ".")
    assert paths(take_inventory(root)) == without


def test_a_linked_work_tree_and_a_shallow_clone(tree: Tree, git: Git, tmp_path: Path) -> None:
    root = tree({"a.py": ""})
    git(root, "init", "-q")
    for message in ("first", "second"):
        git(root, "add", ".")
        git(root, "commit", "-qm", message, "--allow-empty")
    git(root, "worktree", "add", "-q", str(tmp_path / "linked"))
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{root}", "shallow")
    linked, shallow = take_inventory(tmp_path / "linked"), take_inventory(tmp_path / "shallow")
    assert linked.git.has_commit
    assert linked.files[0].tracked
    assert shallow.git.shallow
    assert shallow.git.has_commit
    assert shallow.files[0].tracked


def test_packed_references_and_a_detached_head_are_commits(tree: Tree, git: Git) -> None:
    root = tree({"a.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    git(root, "pack-refs", "--all")
    assert take_inventory(root).git.has_commit
    git(root, "checkout", "-q", "--detach")
    assert take_inventory(root).git.has_commit


def test_a_submodule_is_named_and_not_walked(tree: Tree, git: Git, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    git(library, "commit", "-qm", "first", "--allow-empty")
    (library / "lib.py").write_text("")
    root = tree({"a.py": ""})
    git(root, "init", "-q")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "third")
    found = take_inventory(root)
    assert "third/lib.py" not in paths(found)
    assert reasons(found) == {"third": "a git submodule"}


def test_a_split_index_is_said_and_not_guessed_at(tree: Tree, git: Git) -> None:
    root = tree({"a.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "update-index", "--split-index")
    found = take_inventory(root)
    assert found.git.kind == "repository"
    assert "split index" in found.git.problem
    assert paths(found) == ["a.py"]


def test_hostile_configuration_of_a_repository_runs_nothing(tree: Tree, git: Git, tmp_path: Path) -> None:
    root = tree({"a.py": "x", ".gitattributes": "*.py filter=evil\n"})
    git(root, "init", "-q")
    git(root, "add", ".")
    trap = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.evil.clean", "filter.evil.smudge"):
        git(root, "config", key, f"touch {trap}")
    (root / "a.py").write_text("changed")
    assert take_inventory(root).files
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"DIRC", b"DIRC\0\0\0\2\xff\xff\xff\xff", b"x" * 500])
def test_a_broken_index_is_a_problem_not_a_crash(tree: Tree, content: bytes) -> None:
    root = tree({"a.py": "", ".git/HEAD": "ref: refs/heads/main\n", ".git/index": content})
    found = take_inventory(root)
    assert found.git.problem
    assert paths(found) == ["a.py"]


def test_links_are_never_followed(tree: Tree, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("s")
    root = tree({"a.py": "x", "pkg/b.py": ""})
    (root / "same.py").symlink_to("a.py")
    (root / "folder").symlink_to("pkg")
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "out").symlink_to(outside)
    (root / "circle").symlink_to("circle")
    (root / "gone").symlink_to("nowhere")
    found = take_inventory(root)
    assert [(file.path, file.link) for file in found.files] == [("a.py", False), ("pkg/b.py", False), ("same.py", True)]
    assert reasons(found) == {
        "circle": "a link that leads nowhere, or in a circle",
        "folder": "a link to a folder of the project",
        "gone": "a link that leads nowhere, or in a circle",
        "out": "a link out of the project",
        "out.py": "a link out of the project",
        "same.py": "a link to a.py",
    }
    assert [file.path for file in found.readable()] == ["a.py", "pkg/b.py"]


def test_a_tracked_folder_that_became_a_link_is_not_read_through_it(tree: Tree, git: Git, tmp_path: Path) -> None:
    root = tree({"pkg/a.py": "inside"})
    git(root, "init", "-q")
    git(root, "add", ".")
    file = take_inventory(root).files[0]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.py").write_text("outside")
    (root / "pkg/a.py").unlink()
    (root / "pkg").rmdir()
    (root / "pkg").symlink_to(tmp_path / "elsewhere")
    assert paths(take_inventory(root)) == []
    with pytest.raises(OSError, match="link"):
        read_bytes(root, file)


def test_a_file_replaced_by_a_link_or_a_pipe_is_refused(tree: Tree) -> None:
    root = tree({"a.py": "x", "b.py": "y"})
    first, second = take_inventory(root).files
    (root / "a.py").unlink()
    (root / "a.py").symlink_to("b.py")
    (root / "b.py").unlink()
    os.mkfifo(root / "b.py")
    for file in (first, second):
        with pytest.raises(OSError, match=r"link|regular"):
            read_bytes(root, file)


def test_pipes_sockets_and_odd_names_are_named(tree: Tree) -> None:
    root = tree({"a.py": "", "new\nline.py": "", "é.py": ""})
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(root)
        server.bind("socket")
    (Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.py"))).write_text("")
    found = take_inventory(root)
    assert paths(found) == ["a.py", "é.py"]
    assert set(reasons(found)) == {"bad\\xff.py", "new\\nline.py", "pipe", "socket"}
    assert reasons(found)["pipe"] == "a pipe"
    assert reasons(found)["socket"] == "a socket"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_without_permission_are_named(tree: Tree) -> None:
    root = tree({"a.py": "", "closed/b.py": ""})
    (root / "a.py").chmod(0)
    (root / "closed").chmod(0)
    try:
        assert set(reasons(take_inventory(root))) == {"a.py", "closed"}
    finally:
        (root / "closed").chmod(0o755)


def test_huge_files_are_listed_and_named(tree: Tree) -> None:
    root = tree({"a.py": "", "n.ipynb": "", "d.csv": ""})
    for name in ("a.py", "n.ipynb", "d.csv"):
        os.truncate(root / name, 30_000_000)
    found = take_inventory(root)
    assert len(found.files) == 3
    assert reasons(found) == {"a.py": "larger than 20 MB"}
    with pytest.raises(OSError, match="20 MB"):
        read_bytes(root, found.files[0])
    assert read_prefix(root, found.files[1], 10) == b"\0" * 10


def test_the_number_of_files_is_bounded(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 3)
    root = tree({f"{folder}/{name}.txt": "" for folder in "abc" for name in "xy"})
    found = take_inventory(root)
    assert paths(found) == ["a/x.txt", "a/y.txt", "b/x.txt", "b/y.txt"]
    assert reasons(found) == {"c": "more than 3 files"}


def test_lfs_is_told_from_attributes_and_from_pointers(tree: Tree) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    root = tree(
        {
            ".gitattributes": "*.pkl filter=lfs diff=lfs merge=lfs -text\nsmall.pkl !filter\n",
            "model.pkl": "x",
            "small.pkl": "x",
            "deep/model.pkl": "x",
            "weights.pt": pointer,
            "other.pt": "x" * 130,
        }
    )
    found = take_inventory(root)
    assert [file.path for file in found.files if file.lfs] == ["deep/model.pkl", "model.pkl", "weights.pt"]


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("models/", True),
        ("models/a.pkl", True),
        ("runs", True),
        ("sub/models", False),
        ("../models", False),
        ("/x", False),
    ],
)
def test_covers_asks_for_folders_that_need_not_exist(tree: Tree, path: str, covered: bool) -> None:
    root = tree({".gitignore": "/models/*\n!/models/.gitkeep\nruns/\n", "models/.gitkeep": ""})
    assert take_inventory(root).covers(path) is covered
