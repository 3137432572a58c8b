from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded

    def sites(self, rule: str) -> list[dict[str, Any]]:
        """Sites of a rule in a JSON report."""
        found: list[dict[str, Any]] = []
        for factor in self.json["factors"]:
            for row in factor["rules"]:
                if row["id"] == rule:
                    found += row["sites"]
        return found


Run = Callable[..., Done]
Write = Callable[[Mapping[str, str | bytes]], Path]
Git = Callable[..., str]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def write(project: Path) -> Write:
    """Writes path -> content into the project."""

    def put(files: Mapping[str, str | bytes]) -> Path:
        for path, content in files.items():
            target = project / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return project

    return put


@pytest.fixture
def run(project: Path, cache: Path) -> Run:
    """Runs `mlready` as a process in the project's folder."""

    def call(*words: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "mlready", *map(str, words)],
            cwd=folder or project,
            capture_output=True,
            text=True,
            env={**os.environ, "MLREADY_CACHE_DIR": str(cache), **(env or {})},
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def git(project: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Runs git in the project, away from any personal configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def call(*words: str, folder: Path | None = None) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=folder or project, check=True, capture_output=True, text=True
        )
        return done.stdout

    return call
