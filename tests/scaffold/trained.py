"""Makes a rendered project look as it does after its first `make train` and commit, without installing anything."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import yaml


def commit_lock(project: Path) -> None:
    """Write the dvc.lock that DVC would, with the true hashes of what the stages read, and commit it."""
    if (project / "dvc.yaml").exists():
        stages = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        lock = {"schema": "2.0", "stages": {name: _locked(project, stage) for name, stage in stages.items()}}
        (project / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "Train"], cwd=project, check=True)


def _locked(project: Path, stage: dict[str, Any]) -> dict[str, Any]:
    outs = [
        next(iter(out)) if isinstance(out, dict) else out for out in [*stage.get("outs", []), *stage.get("metrics", [])]
    ]
    return {
        "cmd": stage["cmd"],
        "deps": [_entry(project, path) for path in stage["deps"]],
        "outs": [_entry(project, path) for path in outs],
    }


def _entry(project: Path, path: str) -> dict[str, str]:
    content = (project / path).read_bytes() if (project / path).is_file() else path.encode()
    return {"path": path, "hash": "md5", "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
