"""Every kind of generated Dockerfile, built for real without a Docker engine, and its service asked over HTTP.

buildah builds it on a stand-in for the base image: a Debian of this machine's mirror, which proves every step of the
Dockerfile, though not the contents of the real base image.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlready.scaffold.new import create

from .option_sets import name_of
from .runs import clean_environment, free_port, make

pytestmark = pytest.mark.slow

STORE = Path(os.environ.get("MLREADY_IMAGES", "/var/tmp/mlready-images"))
BASE = "docker.io/library/python:3.11.13-slim-bookworm"
PROJECTS = [
    {"task": "classification", "tracking": "mlflow", "serving": "fastapi"},
    {"task": "regression", "tracking": "none", "serving": "batch"},
]
PACKAGES = "python3-minimal,python3-venv,python3-pip,ca-certificates"


def run(*command: str | Path, cwd: Path | None = None, **options: object) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=_environment(), **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return str(done.stdout)


def _environment() -> dict[str, str]:
    return clean_environment() | {
        "CONTAINERS_STORAGE_CONF": str(STORE / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(STORE / "registries.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }


def build(folder: Path, tag: str, *options: str) -> None:
    flags = ["--network", "host", "--format", "docker", "--signature-policy", STORE / "policy.json", "--quiet"]
    run("buildah", "bud", *flags, "--pull-never", "--tag", tag, *options, str(folder))


@pytest.fixture(scope="module", autouse=True)
def base_image() -> None:
    """The stand-in for the base image; made once for each machine."""
    STORE.mkdir(parents=True, exist_ok=True)
    (STORE / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{STORE}/run"\ngraphroot = "{STORE}/graph"\n', encoding="utf-8"
    )
    (STORE / "registries.conf").write_text("unqualified-search-registries = []\n", encoding="utf-8")
    (STORE / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n', encoding="utf-8")
    known = subprocess.run(["buildah", "inspect", "--type", "image", BASE], env=_environment(), capture_output=True)
    if known.returncode == 0:
        return
    root = STORE / "base" / "root"
    if not (root / "usr" / "bin" / "python3").exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root)
    _let_pip_through(root)
    (root.parent / "Dockerfile").write_text(
        "FROM scratch\nADD root /\nENV PIP_BREAK_SYSTEM_PACKAGES=1 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n",
        encoding="utf-8",
    )
    build(root.parent, BASE)


def _let_pip_through(root: Path) -> None:
    """The names, certificates and package index of this machine, where it has its own."""
    link = root / "usr" / "bin" / "python"
    if not link.is_symlink():
        link.symlink_to("python3")
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.exists():
        shutil.copyfile(bundle, root / "etc" / "ssl" / "certs" / "ca-certificates.crt")


@pytest.fixture(scope="module", params=PROJECTS, ids=name_of)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = create(tmp_path_factory.mktemp("images") / "churn", given=request.param).folder
    make(made, "setup", offline=False)
    make(made, "train", offline=False)
    return made


def container_of(image: str) -> str:
    return run("buildah", "from", "--pull-never", "--signature-policy", STORE / "policy.json", image).strip()


@pytest.fixture
def container(project: Path) -> Iterator[str]:
    """A container of the project's image."""
    build(project, "localhost/churn:test")
    made = container_of("localhost/churn:test")
    yield made
    run("buildah", "rm", made)


def test_the_image_serves_as_nobody_in_particular(project: Path, container: str) -> None:
    described = json.loads(run("buildah", "inspect", "--type", "image", "localhost/churn:test"))["Docker"]["config"]
    assert described["User"] == "10001"
    assert described["Healthcheck"]["Test"][0] == "CMD"
    assert run("buildah", "run", container, "--", "id", "-u").strip() == "10001"
    assert "evidently" not in run("buildah", "run", container, "--", "ls", *_site_packages(container))
    if (project / "src" / "churn" / "serve" / "app.py").exists():
        _ask_the_service(project, container, [*described["Cmd"]])
    else:
        _run_the_job(project, container, [*described["Entrypoint"]])


def test_the_monitor_has_an_image_too(project: Path) -> None:
    build(project, "localhost/churn-monitor:test", "--target", "monitor")
    made = container_of("localhost/churn-monitor:test")
    described = json.loads(run("buildah", "inspect", "--type", "image", "localhost/churn-monitor:test"))["Docker"]
    out = subprocess.run(
        ["buildah", "run", made, "--", *described["config"]["Cmd"]], env=_environment(), capture_output=True, text=True
    )
    run("buildah", "rm", made)
    assert out.returncode == 0, out.stderr[-3000:]
    assert "predictions recorded" in out.stderr


def _site_packages(container: str) -> list[str]:
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return [run("buildah", "run", container, "--", "/opt/venv/bin/python", "-c", find).strip()]


def _ask_the_service(project: Path, container: str, command: list[str]) -> None:
    port = free_port()
    command[command.index("8000")] = str(port)
    running = subprocess.Popen(
        ["buildah", "run", container, "--", *command], env=_environment(), start_new_session=True
    )
    try:
        replay = [project / ".venv/bin/python", "-m", "churn.serve.replay", f"http://127.0.0.1:{port}"]
        run(*replay, cwd=project)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            assert json.load(answer)["status"] == "ok"
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=20)
    time.sleep(0.5)
    recorded = run("buildah", "run", container, "--", "sh", "-c", "cat /app/records/*.jsonl")
    assert len(recorded.splitlines()) > 50


def _run_the_job(project: Path, container: str, command: list[str]) -> None:
    run(project / ".venv/bin/python", "-m", "churn.serve.replay", "reports/rows.csv", cwd=project)
    mount = ["--volume", f"{project / 'reports'}:/app/input:ro"]
    arguments = ["/app/input/rows.csv", "/app/records/predictions.csv"]
    run("buildah", "run", *mount, container, "--", *command, *arguments)
    written = run("buildah", "run", container, "--", "cat", "/app/records/predictions.csv")
    assert len(written.splitlines()) > 50
