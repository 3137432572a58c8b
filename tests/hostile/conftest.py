from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TRAINING = """
import pandas as pd
from sklearn.linear_model import LogisticRegression

data = pd.read_csv("data.csv")
model = LogisticRegression()
model.fit(data[["a"]], data["b"])
"""


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        table = json.loads(self.out)
        assert isinstance(table, dict)
        return table

    @property
    def not_read(self) -> dict[str, str]:
        return {entry["path"]: entry["reason"] for entry in self.report["not_read"]}


Audit = Callable[..., Done]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a training script, so that there is something to judge beside what is broken."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "train.py").write_text(TRAINING)
    return root


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def audit(cache: Path) -> Audit:
    """Runs the real command line in a process of its own, which must neither hang nor show a traceback."""

    def run(*arguments: str | Path, timeout: float = 120) -> Done:
        environment = {**os.environ, "MLREADY_CACHE_DIR": str(cache), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-m", "mlready", "audit", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in out + err, err
        assert done.returncode != 4, err
        return Done(done.returncode, out, err)

    return run
