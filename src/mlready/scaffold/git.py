"""git, run so that nothing of the caller's environment or hooks can lead it astray."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlready.errors import UsageError

# Set inside a git hook; they would point every command at the hook's repository.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
_QUIET = {"core.hooksPath": os.devnull, "commit.gpgSign": "false", "tag.gpgSign": "false", "init.templateDir": ""}


def environment(config: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment for git: no foreign repository, no hooks, no signing, plus the given settings."""
    values = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    start = int(values.get("GIT_CONFIG_COUNT") or 0)
    for number, (key, value) in enumerate({**_QUIET, **(config or {})}.items(), start=start):
        values[f"GIT_CONFIG_KEY_{number}"] = key
        values[f"GIT_CONFIG_VALUE_{number}"] = value
        values["GIT_CONFIG_COUNT"] = str(number + 1)
    return values


def require() -> None:
    """Raise UsageError when there is no git."""
    if shutil.which("git") is None:
        raise UsageError("git is needed and was not found on PATH", hint="install git 2.31 or newer")


def git(
    *arguments: str, cwd: Path, config: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None
) -> str:
    """Run a git command that must succeed; returns what it printed."""
    done = run(arguments, cwd=cwd, config=config, extra=extra)
    if done.returncode:
        raise UsageError(f"git {arguments[0]} failed in {cwd}: {done.stderr.strip()[:500]}")
    return done.stdout


def run(
    arguments: Sequence[str],
    *,
    cwd: Path,
    config: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a git command, whatever comes of it."""
    return subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=environment(config) | dict(extra or {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def inside_work_tree(folder: Path) -> bool:
    """Whether a folder that exists belongs to a git work tree."""
    return run(["rev-parse", "--is-inside-work-tree"], cwd=folder).stdout.strip() == "true"
