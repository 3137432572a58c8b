"""Runs a generated project as its owner would, and records what was run for docs/options.md."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "build" / "options"
# Wherever a library would go, nobody is there; the service itself is on this machine.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9") | {
    "no_proxy": "127.0.0.1,localhost",
    "UV_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
}
_FAMOUS = ("scikit-learn", "pandas", "mlflow-skinny", "wandb", "fastapi", "dvc", "evidently", "pandera", "skops")


class Stopwatch:
    """Time of the processors in commands that ended since it was made, whatever else they do."""

    def __init__(self) -> None:
        self._used = self._usage()

    @property
    def cpu_seconds(self) -> float:
        return self._usage() - self._used

    @staticmethod
    def _usage() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """The environment of a person's shell: no virtual environment and no repository of ours."""
    values = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "GIT_", "COV_"))}
    return values | {"GIT_CONFIG_GLOBAL": "/dev/null"}


def make(project: Path, *targets: str, offline: bool = True, **variables: str) -> str:
    """Run make targets that have to succeed; returns what they printed."""
    done = run(
        "make", *targets, *(f"{name}={value}" for name, value in variables.items()), cwd=project, offline=offline
    )
    assert done.returncode == 0, f"make {' '.join(targets)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr


def run(*command: str | Path, cwd: Path, offline: bool) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would; without a network where the kernel lets us take it away, else with all ways out closed."""
    alone = (
        ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] if offline and _can_unshare() else []
    )
    environment = clean_environment() | (OFFLINE if offline else {})
    return subprocess.run([*alone, *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def record(name: str, project: Path, *, ran: list[str], watch: Stopwatch) -> None:
    """Keep what was run, how long it took and with which versions."""
    locked = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))["package"]
    versions = {package["name"]: package["version"] for package in locked if package["name"] in _FAMOUS}
    RESULTS.mkdir(parents=True, exist_ok=True)
    result = {"name": name, "ran": ran, "cpu_seconds": round(watch.cpu_seconds), "versions": versions}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _can_unshare() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    probe = ["unshare", "--net", "ip", "link", "set", "lo", "up"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0
