"""`mlready new --into`: adds what is missing, touches nothing else, shows the diff first, and is done once."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from mlready.cli import run
from mlready.errors import UsageError
from mlready.scaffold.adopt import apply, plan
from mlready.scaffold.pyproject import merge

PYPROJECT = """\
# my project
[project]
name = "old-thing"
version = "3.1"
dependencies = ["Pandas>=2", "requests"]  # keep this

[tool.ruff]
line-length = 88  # mine

[tool.pytest.ini_options]
addopts = ["-q"]
"""


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (folder / "README.md").write_text("mine\n", encoding="utf-8")
    (folder / "src").mkdir()
    (folder / "src" / "code.py").write_text("x = 1\n", encoding="utf-8")
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_missing_parts_are_added_and_existing_ones_stay(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (theirs / "src" / "old_thing").mkdir()
    (theirs / "src" / "old_thing" / "settings.py").write_text("x = 1\n", encoding="utf-8")
    before = snapshot(theirs)
    assert run(["new", "--into", str(theirs), "--defaults"]) == 0
    said = capsys.readouterr().out
    assert "next: review, `uv lock`, `make setup`, commit" in said
    assert "modules that were kept" in said
    after = snapshot(theirs)
    assert {name: after[name] for name in before if name != "pyproject.toml"} == {
        name: data for name, data in before.items() if name != "pyproject.toml"
    }
    assert "src/old_thing/train.py" in after
    assert ".github/workflows/ci.yml" in after


def test_dependencies_and_tables_are_merged_with_comments_kept(theirs: Path) -> None:
    apply(plan(theirs, given={}))
    text = (theirs / "pyproject.toml").read_text(encoding="utf-8")
    merged = tomlkit.parse(text).unwrap()
    assert text.startswith("# my project\n")
    assert "# keep this" in text
    assert "line-length = 88  # mine" in text
    assert merged["project"]["version"] == "3.1"
    assert merged["project"]["dependencies"][:2] == ["Pandas>=2", "requests"]
    assert any(entry.startswith("fastapi") for entry in merged["project"]["dependencies"])
    assert not any(entry.startswith("pandas>") for entry in merged["project"]["dependencies"])
    assert merged["tool"]["pytest"]["ini_options"]["addopts"] == ["-q"]
    assert merged["tool"]["mypy"]["strict"] is True


def test_the_second_time_nothing_is_missing(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["new", "--into", str(theirs), "--defaults", "--data", "serving=batch"]) == 0
    before = snapshot(theirs)
    assert run(["new", "--into", str(theirs), "--defaults"]) == 0
    assert snapshot(theirs) == before
    assert "nothing is missing" in capsys.readouterr().out


def test_the_diff_is_shown_and_nothing_is_written_unasked(theirs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(theirs)
    assert run(["new", "--into", str(theirs)]) == 2
    assert snapshot(theirs) == before
    shown = capsys.readouterr().out
    assert "new   Dockerfile" in shown
    assert "kept  README.md" in shown
    assert "-dependencies = [" in shown


def test_an_empty_folder_gets_everything(tmp_path: Path) -> None:
    folder = tmp_path / "9 lives"
    folder.mkdir()
    change = plan(folder, given={})
    assert change.fits_lock
    apply(change)
    assert 'name = "lives"' in (folder / "uv.lock").read_text(encoding="utf-8")
    assert plan(folder, given={}).is_empty
    assert (folder / "pyproject.toml").read_text(encoding="utf-8").count('name = "lives"') == 1


def test_a_failure_takes_back_what_was_written(theirs: Path) -> None:
    change = plan(theirs, given={})
    (theirs / "src" / "old_thing").write_text("a file where a folder should be", encoding="utf-8")
    before = snapshot(theirs)
    with pytest.raises(UsageError, match="nothing was written"):
        apply(change)
    assert snapshot(theirs) == before


def test_nothing_is_written_through_a_link(theirs: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (theirs / "tests").symlink_to(outside)
    apply(plan(theirs, given={}))
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("text", ["[project", "a = 1\na = 2\n", "\x00"])
def test_a_broken_pyproject_is_refused(text: str, theirs: Path) -> None:
    (theirs / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="not valid TOML"):
        plan(theirs, given={})


OURS = """\
# ours
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "ours"
dependencies = [
    "numpy>=2", # why
    "pydantic-settings[yaml]>=2.7,<3",
]

[dependency-groups]
dev = ["pytest>=8"]

[tool.uv]
default-groups = ["dev"]
"""


@pytest.mark.parametrize(
    "theirs",
    [
        "",
        "[project]\nname = 'x'\n",
        "[project]\nname = 'x'\ndependencies = []\n",
        "[project]\nname = 'x'\ndependencies = [\n  'numpy', # mine\n]\n[tool.uv]\nx = 1\n",
        "[build-system]\nrequires = ['setuptools']\n",
        "[tool.poetry]\nname = 'x'\n[tool.poetry.dependencies]\npython = '^3.11'\n",
        "[dependency-groups]\ndev = [{include-group = 'test'}]\ntest = ['pytest']\n",
        "project.name = 'x'\ntool.uv.x = 1\n",
        "[project]\nname = 'x'\ndependencies = ['Pydantic.Settings']\n",
    ],
)
def test_merging_keeps_what_is_there_and_merging_again_changes_nothing(theirs: str) -> None:
    once = merge(theirs, OURS)
    assert merge(once, OURS) == once
    before, after = tomlkit.parse(theirs).unwrap(), tomlkit.parse(once).unwrap()
    keeps(before, after)


def keeps(before: object, after: object) -> None:
    """Whatever was there is there still; lists may have grown."""
    if isinstance(before, dict):
        assert isinstance(after, dict)
        for key, value in before.items():
            keeps(value, after[key])
    elif isinstance(before, list):
        assert isinstance(after, list)
        assert after[: len(before)] == before
    else:
        assert before == after


def test_a_poetry_project_gets_no_second_description_of_its_package() -> None:
    merged = tomlkit.parse(merge("[tool.poetry]\nname = 'x'\n", OURS)).unwrap()
    assert "project" not in merged
    assert "build-system" not in merged
    assert merged["dependency-groups"]["dev"] == ["pytest>=8"]


def test_a_distribution_is_known_by_any_spelling() -> None:
    merged = tomlkit.parse(merge("[project]\nname='x'\ndependencies = ['Pydantic.Settings']\n", OURS)).unwrap()
    assert merged["project"]["dependencies"] == ["Pydantic.Settings", "numpy>=2"]
