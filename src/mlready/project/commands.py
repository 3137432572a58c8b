"""Every shell command that a project runs somewhere, with who runs it: CI, image, pipeline, task, hook, README."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from mlready.findings import Location

if TYPE_CHECKING:
    from mlready.facts.rows import Task
    from mlready.project.project import Project, ProjectFile

Origin = Literal["ci", "container", "pipeline", "task", "hook", "document", "infra"]

_RUNNERS = {"make": 1, "just": 1, "nox": 1, "tox": 1, "task": 1, "invoke": 1, "poe": 1}
_MAX_DEPTH = 4
_PUBLISH = re.compile(r"\b(twine upload|(uv|poetry|flit|hatch|pdm|maturin) publish)\b|gh-action-pypi-publish")
_INSTALLERS = re.compile(r"(pip[\d.]*|python[\d.]*|uv|conda|mamba|poetry|pdm|pixi)$")
_DISTRIBUTION = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[\w,.-]+\])?([<>=!~].*)?")
"""A requirement by its name; a path, an address or an option is none."""
_SPLIT = re.compile(r"\s*(?:&&|\|\||;|\||\n)\s*")
_LINE_END = re.compile(r"\\\s*\n")


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `text` is a single simple command where the shell text could be split."""

    text: str
    origin: Origin
    where: Location
    triggers: tuple[str, ...] = ()
    """What starts it, for CI: push, pull-request, schedule …"""
    job: str = ""
    through: str = ""
    """The task that CI (or another caller) ran it through, as "make test"."""

    @property
    def words(self) -> tuple[str, ...]:
        """The command's words, environment prefixes and runners such as `uv run` taken off."""
        return _words(self.text)

    @property
    def installed(self) -> tuple[str, ...]:
        """Names of the distributions that it installs from an index."""
        words = self.words
        start = next((n for n, word in enumerate(words[:4]) if word in ("install", "add")), 0)
        if not start or not _INSTALLERS.match(words[0]):
            return ()
        found = (_DISTRIBUTION.fullmatch(word) for word in words[start + 1 :])
        return tuple(match["name"] for match in found if match)

    @property
    def publishes_package(self) -> bool:
        return _PUBLISH.search(self.text) is not None


@lru_cache(maxsize=20_000)
def _words(text: str) -> tuple[str, ...]:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        words = text.split()
    return tuple(_unwrap(words))


_WRAPPERS = (
    ("uv", "run"), ("poetry", "run"), ("pdm", "run"), ("hatch", "run"), ("pipenv", "run"), ("pixi", "run"),
    ("conda", "run"), ("rye", "run"), ("micromamba", "run"), ("sudo",), ("time",), ("exec",), ("xvfb-run",), ("env",),
    ("nohup",), ("tini", "--"), ("dumb-init",), ("python", "-m"), ("python3", "-m"), ("uvx",), ("pipx", "run"),
    ("coverage", "run", "-m"), ("opentelemetry-instrument",), ("newrelic-admin", "run-program"), ("accelerate", "launch"),
    ("torchrun",),
)  # fmt: skip


def _unwrap(words: list[str]) -> list[str]:
    changed = True
    while changed and words:
        changed = False
        if re.match(r"^[A-Za-z_][A-Za-z0-9_]*=", words[0]) or words[0] in {"@", "-"}:
            words, changed = words[1:], True
            continue
        words[0] = words[0].lstrip("@-")
        for wrapper in _WRAPPERS:
            if tuple(words[: len(wrapper)]) == wrapper and len(words) > len(wrapper):
                words, changed = _without_flags(words[len(wrapper) :], wrapper), True
                break
    return words


def _without_flags(words: list[str], wrapper: tuple[str, ...]) -> list[str]:
    """Flags of the runner itself: `uv run --frozen pytest`."""
    if wrapper[-1] == "-m":
        return words
    takes_value = {"--extra", "--group", "--with", "-n", "--name", "-p", "--python", "--project", "--only-group", "-e"}
    while words and words[0].startswith("-") and len(words) > 1:
        words = words[2:] if words[0] in takes_value and len(words) > 2 else words[1:]
    return words


def split_shell(text: str) -> list[str]:
    """Simple commands of a shell text; comments and blank lines are left out."""
    joined = _LINE_END.sub(" ", text)
    parts = (part.strip() for part in _SPLIT.split(joined))
    return [part for part in parts if part and not part.startswith("#")]


def collect_commands(project: Project) -> tuple[Command, ...]:
    """All commands of the project, those behind tasks included under the origin of their caller."""
    tasks = {(task.tool, task.name or file.path): (file, task) for file, task in project.tasks}
    found: list[Command] = []
    for command in _direct(project):
        found.append(command)
        found.extend(_expand(command, tasks, depth=0))
    return tuple(found)


def _direct(project: Project) -> Iterator[Command]:
    for file, automation in project.automations:
        for job in automation.jobs:
            for step in job.steps:
                where = Location(file.path, step.line)
                if step.uses:
                    yield Command(step.uses, "ci", where, automation.triggers, job.name)
                for text in split_shell(step.run):
                    yield Command(text, "ci", where, automation.triggers, job.name)
    for file, container in project.containers:
        for row in container.instructions:
            if row.op in ("RUN", "CMD", "ENTRYPOINT"):
                for text in split_shell(_exec_form(row.value)):
                    yield Command(text, "container", Location(file.path, row.line))
    for file, stage in project.stages:
        for text in split_shell(stage.command):
            yield Command(text, "pipeline", Location(file.path, stage.line), job=stage.name)
    yield from _of_tasks(project)
    for file, hook in project.hooks:
        yield Command(hook.entry or hook.id, "hook", Location(file.path, hook.line), job=hook.id)
    for file, document in project.documents:
        for line, text in document.commands:
            for part in split_shell(text):
                yield Command(part, "document", Location(file.path, line))
    for file in project.files:
        for service in file.facts.services:
            if service.command:
                yield Command(service.command, "container", Location(file.path, service.line))
    for file, resource in project.resources:
        for key, value in resource.details:
            if key in ("command", "args"):
                yield Command(value, "infra", Location(file.path, resource.line))


def _of_tasks(project: Project) -> Iterator[Command]:
    for file, task in project.tasks:
        for line in task.commands:
            for text in split_shell(line):
                yield Command(text, "task", Location(file.path, task.line), job=task.name or file.path)


def _exec_form(value: str) -> str:
    """`["python", "app.py"]` as a command line."""
    if value.lstrip().startswith("["):
        return " ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value))
    return value


def _expand(
    command: Command, tasks: dict[tuple[str, str], tuple[ProjectFile, Task]], *, depth: int
) -> Iterator[Command]:
    """What a call of a task runs: `make test` in CI runs the recipe of `test`, and of what it needs."""
    if depth >= _MAX_DEPTH or command.origin == "document":
        return
    for tool, name in _called_tasks(command, tasks):
        file, task = tasks[(tool, name)]
        needed = [tasks[(tool, need)] for need in task.needs if (tool, need) in tasks and need != name]
        for source, part in [*needed, (file, task)]:
            for line in part.commands:
                for text in split_shell(line):
                    inner = Command(
                        text, command.origin, Location(source.path, part.line), command.triggers, command.job,
                        command.through or f"{tool} {name}",
                    )  # fmt: skip
                    yield inner
                    yield from _expand(inner, tasks, depth=depth + 1)


def _called_tasks(
    command: Command, tasks: dict[tuple[str, str], tuple[ProjectFile, Task]]
) -> Iterator[tuple[str, str]]:
    words = command.words
    if not words:
        return
    tool = words[0].rsplit("/", 1)[-1]
    if tool in _RUNNERS:
        names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        if not names:
            names = [name for known, name in tasks if known == tool and "%" not in name][:1] if tool != "tox" else []
            names = names or [name for known, name in tasks if known == tool]
        yield from ((tool, name) for name in names if (tool, name) in tasks)
        return
    script = words[1] if tool in ("sh", "bash", "source") and len(words) > 1 else words[0]
    if ("shell", script.removeprefix("./")) in tasks:
        yield "shell", script.removeprefix("./")
        return
    for known, name in tasks:
        if known in ("hatch", "pdm", "poe", "package.json", "pixi", "console") and name == tool:
            yield known, name
