"""The calls of a project: each once, whatever they mean and however their facts came about."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlready.audit import AuditOptions
from mlready.config import Config
from mlready.project.load import load_project
from mlready.project.project import Project

TRAINS = "import xgboost\n\nbooster = xgboost.train({}, data)\nbooster.save_model('m.json')\n"


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files of the same content, and a cache of their own."""
    monkeypatch.setenv("MLREADY_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    for name in ("a.py", "b.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(TRAINS)
    return folder


def read(folder: Path) -> Project:
    return load_project(folder, config=Config(), options=AuditOptions(external=False))[0]


def test_a_call_counts_once_though_it_means_several_things(twins: Path) -> None:
    activities = read(twins).activities
    assert len(list(read(twins).uses(*activities))) == 4


def test_files_of_one_content_count_each_before_and_after_they_are_in_the_cache(twins: Path) -> None:
    cold, warm = read(twins), read(twins)
    for project in (cold, warm):
        assert {use.file.path for use in project.uses("train", "save-model")} == {"a.py", "b.py"}
