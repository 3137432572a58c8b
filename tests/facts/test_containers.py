"""Dockerfiles and compose files."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mlready.facts.containers import claims, read
from mlready.facts.rows import Container, Service


def container(text: str) -> Container:
    facts = read("Dockerfile", dedent(text).lstrip("\n").encode())
    assert facts.problem == ""
    assert facts.container is not None
    return facts.container


def services(text: str) -> list[Service]:
    return list(read("docker-compose.yml", dedent(text).encode()).services)


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("Dockerfile", True),
        ("a/Containerfile", True),
        ("docker/Dockerfile.gpu", True),
        ("docker/train.dockerfile", True),
        ("train.Dockerfile", True),
        ("Dockerfile-dev", True),
        (".dockerignore", False),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.j2", False),
        ("docs/dockerfile.md", False),
        ("tests/test_dockerfile.py", False),
        ("docker-compose.yml", True),
        ("compose.override.yaml", True),
        ("docker-compose.prod.yml", True),
        ("composer.json", False),
    ],
)
def test_container_files_are_told_by_their_path(path: str, claimed: bool) -> None:
    assert claims(path) is claimed


def test_stages_user_command_and_health_of_the_last_stage() -> None:
    found = container(
        """
        # syntax=docker/dockerfile:1
        ARG PYTHON=3.11.9
        FROM python:${PYTHON}-slim AS base
        USER app
        HEALTHCHECK CMD curl -f http://localhost
        CMD ["python", "-m", "app"]

        FROM base AS test
        CMD pytest

        FROM base
        ENTRYPOINT ["uvicorn", "app:app"]
        CMD ["--port", "80 80"]
        """
    )
    assert [(stage.base, stage.name, stage.line, stage.pinned) for stage in found.stages] == [
        ("python:3.11.9-slim", "base", 3, "full-tag"),
        ("base", "test", 8, "stage"),
        ("base", "", 11, "stage"),
    ]
    assert (found.user, found.healthcheck) == ("app", True)
    assert (found.entrypoint, found.command) == ("uvicorn app:app", "--port '80 80'")


def test_an_entrypoint_forgets_an_inherited_command() -> None:
    assert container("FROM a AS b\nCMD x\nFROM b\nENTRYPOINT y\n").command == ""


def test_continuation_lines_and_comments_inside() -> None:
    found = container(
        """
        FROM python
        RUN apt-get update && \\
            # why
            apt-get install -y git \\

            curl
        run pip install x
        """
    )
    assert [(row.op, row.value, row.line) for row in found.instructions] == [
        ("FROM", "python", 1),
        ("RUN", "apt-get update && apt-get install -y git curl", 2),
        ("RUN", "pip install x", 7),
    ]


def test_heredocs() -> None:
    found = container(
        "FROM python\n"
        "RUN <<EOF\npip install x\nFROM not-a-stage\nEOF\n"
        'COPY <<-"ONE" <<TWO /etc/\n\ta\n\tONE\nb\nTWO\n'
        "USER 1000\n"
    )
    assert [(row.op, row.value, row.line) for row in found.instructions] == [
        ("FROM", "python", 1),
        ("RUN", "<<EOF\npip install x\nFROM not-a-stage", 2),
        ("COPY", '<<-"ONE" <<TWO /etc/\n\ta\nb', 6),
        ("USER", "1000", 11),
    ]


def test_heredoc_without_end_takes_nothing_with_it() -> None:
    assert [row.op for row in container("FROM a\nRUN cat <<EOF\nUSER b\n").instructions] == ["FROM", "RUN", "USER"]


def test_escape_directive() -> None:
    assert container("# escape=`\nFROM a\nRUN x `\n y\n").instructions[1].value == "x y"


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("python@sha256:" + "a" * 64, "digest"),
        ("python:3.11.9-slim@sha256:" + "a" * 64, "digest"),
        ("scratch", "digest"),
        ("python:3.11.9", "full-tag"),
        ("nvidia/cuda:12.2.0-runtime-ubuntu22.04", "full-tag"),
        ("debian:bookworm-20240110", "full-tag"),
        ("acme/x:3f2c1ab", "full-tag"),
        ("python:3.11-slim", "loose-tag"),
        ("localhost:5000/acme/x:slim", "loose-tag"),
        ("localhost:5000/acme/x", "none"),
        ("python", "none"),
        ("python:latest", "none"),
        ("$BASE", "argument"),
        ("python:${V}", "argument"),
        ("python:${V:-3.11}", "loose-tag"),
        ("--platform=linux/amd64 python:3.12", "loose-tag"),
    ],
)
def test_how_firmly_the_base_is_pinned(image: str, pinned: str) -> None:
    assert container(f"FROM {image}\n").stages[0].pinned == pinned


def test_variables_of_user() -> None:
    assert container("ARG UID=7\nFROM a\nARG UID\nENV NAME=app\nUSER $NAME:${UID}\n").user == "app:7"


def test_secret_values_are_masked() -> None:
    found = container(
        'FROM a\nENV API_KEY="abcdef123456" MODE=prod\nARG PASSWORD=hunter2222\nENV DB_PASSWORD hunter2222\nARG TOKEN\n'
    )
    assert [row.value for row in found.instructions[1:]] == [
        "API_KEY=*** MODE=prod",
        "PASSWORD=***",
        "DB_PASSWORD ***",
        "TOKEN",
    ]


def test_healthcheck_none() -> None:
    assert not container("FROM a\nHEALTHCHECK NONE\n").healthcheck


def test_file_without_from_is_a_problem() -> None:
    assert "no FROM" in read("Dockerfile", b"hello\n").problem


def test_compose_services() -> None:
    api, db = services(
        """
        services:
          api:
            build: {context: ./api, dockerfile: Dockerfile.api}
            command: ["uvicorn", "app:app"]
            environment: [DB_PASSWORD=hunter2222, MODE=prod]
            ports: ["8000:80"]
            depends_on: {db: {condition: service_started}}
          db:
            image: postgres:16
            healthcheck: {test: [CMD, pg_isready]}
        """
    )
    assert (api.name, api.line, api.build, api.dockerfile, api.command) == (
        "api",
        3,
        "./api",
        "Dockerfile.api",
        "uvicorn app:app",
    )
    assert api.environment == (("DB_PASSWORD", "***"), ("MODE", "prod"))
    assert (api.ports, api.needs, api.healthcheck) == (("8000:80",), ("db",), False)
    assert (db.image, db.healthcheck) == ("postgres:16", True)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"FROM", b"FROM \\", b"RUN <<EOF", b"services: [1]", b"services: {a: 1}", b"CMD [" * 999]
)
@pytest.mark.parametrize("path", ["Dockerfile", "compose.yaml"])
def test_broken_input_never_raises(path: str, data: bytes) -> None:
    read(path, data)
