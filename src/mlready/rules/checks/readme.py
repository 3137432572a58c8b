"""Checks of factor 3: the README says how to run the project."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from mlready.facts.rows import Document
from mlready.findings import Site, Verdict, met, missing
from mlready.project.commands import Command
from mlready.project.entries import started_files
from mlready.project.kinds import LIBRARY
from mlready.project.project import Project, ProjectFile

# -------------------------------------------------------------------------------------------------------------- DES009

_INSTALLS = re.compile(
    r"\b(pip3?|uv|rye sync|poetry|conda|mamba|pdm|pipenv|pixi|hatch|cmake|npm (ci|install)|apt(-get)? install|just (setup|install)"
    r"|make (setup|install|env|init|venv|deps|dev|up|start)|(nvidia-)?docker( |-)(build|compose|run|pull))\b"
    r"|\b\w*(install|setup|requirements|bootstrap)\w*\.sh\b|\.sh (up|install|setup)\b"
    r"|\bsetup\.py (install|develop|build_ext)\b|\bpy -m pip install\b",
    re.IGNORECASE,
)
_STARTS = re.compile(
    r"\b(dvc (repro|exp run)|mlflow run|kedro run|(nvidia-)?docker(-compose| compose)?( -\S+( \S+)?)* (up|run)|uvicorn|streamlit|gradio"
    r"|bentoml serve|jupyter|voila|torchrun|accelerate launch|deepspeed|kubectl apply|terraform apply|zenml|prefect|airflow|npm (run|start)"
    r"|yarn (dev|start)|snakemake|nextflow|flask run|chainlit run|ray (job|serve)|sam deploy|modal (run|deploy))\b"
)
_HOUSEKEEPING = re.compile(
    r"install|setup|requirement|bootstrap|env|init|deps|lint|format|fmt|check|clean|docs?$|tests?\b|download|conda|help|hooks|lock",
    re.IGNORECASE,
)
"""Names of scripts and targets that bring a project up or keep it tidy, and do not do its work."""


_README = re.compile(r"(^|[-_. ])readme", re.IGNORECASE)


def readme_runs(project: Project) -> Verdict:
    """DES009: the README says how to install, train and serve or predict, with commands that exist."""
    readmes = [
        (f, d) for f, d in project.documents if _README.search(f.name) and f.role not in ("vendored", "test", "example")
    ]
    if not readmes:
        return missing("there is no README")
    readmes.sort(key=lambda pair: pair[0].path.count("/"))
    file, document = readmes[0]
    linked = {other.path for other, _ in project.documents} & _linked(file, document)
    shown = (c for c in project.commands if c.origin == "document" and c.where.path in {file.path, *linked})
    commands = [replace(command, text=_BACKSLASH.sub("/", command.text)) for command in shown]
    wrong = [c for c in commands if c.where.path == file.path and _names_missing(project, c)]
    if wrong:
        text = wrong[0].text[:60]
        return met(Site(0.25, f"the README's command does not exist: {text}", wrong[0].where, key=text))
    headed = any(re.search(r"\bpip3? install \S", heading) for _, heading in document.headings)
    installs = headed or any(_installs(project, command) for command in commands)
    # How a library is used is told in Python, not in commands.
    runs = project.kind.name == LIBRARY or any(_starts_something(project, command) for command in commands)
    credit = {2: 1.0, 1: 0.6, 0: 0.0}[int(installs) + int(runs)]
    if not commands and not headed:
        said = "the README shows no command" if document.words else "the README is empty"
        return met(Site(0.0, said, file.at(1), key="no command"))
    lacks = [word for word, there in (("install", installs), ("run", runs)) if not there]
    said = "says how to install and run" if not lacks else f"does not say how to {' or '.join(lacks)}"
    return met(Site(credit, f"{file.path} {said}", file.at(1), key="readme"))


_BACKSLASH = re.compile(r"\\(?=\w)")
"""Of a path as Windows writes it."""


def _installs(project: Project, command: Command) -> bool:
    """Whether a command installs, itself or in the recipe of the target that it makes."""
    if _INSTALLS.search(command.text):
        return True
    words = command.words
    if len(words) < 2 or words[0] not in ("make", "just"):
        return False
    recipes = {task.name: task for _, task in project.tasks if task.tool == words[0]}
    made = [recipes[name] for name in words[1:] if name in recipes]
    made += [recipes[name] for task in made for name in task.needs if name in recipes]
    return any(_INSTALLS.search(text) for task in made for text in task.commands)


def _linked(file: ProjectFile, document: Document) -> set[str]:
    """Paths that the README links to: a README of a part, or a page of the documentation, tells its share."""
    folder = PurePosixPath(file.path).parent
    links = (link.partition("#")[0].removeprefix("./").rstrip("/") for link in document.links)
    return {str(folder / link) for link in links if link and "://" not in link}


def _names_missing(project: Project, command: Command) -> bool:
    """Whether a README command starts a script or a make target that is not there."""
    words = command.words
    if not words:
        return False
    tool = words[0].rpartition("/")[2]
    if tool.startswith("python") and len(words) > 1 and re.match(r"^[\w./-]+\.py$", words[1]):
        return not _file_exists(project, words[1])
    if tool == "make" and len(words) > 1 and re.match(r"^[\w-]+$", words[1]):
        targets = [task.name for _, task in project.tasks if task.tool == "make"]
        return bool(targets) and not any(fnmatchcase(words[1], name.replace("%", "*")) for name in targets)
    return False


def _file_exists(project: Project, name: str) -> bool:
    plain = name.removeprefix("./").lstrip("/")
    return any(
        path == plain or path.endswith("/" + plain) or path.rpartition("/")[2] == plain.rpartition("/")[2]
        for path in project.by_path
    )


def _starts_something(project: Project, command: Command) -> bool:
    if next(started_files(project, command), None) is not None or _STARTS.search(command.text):
        return True
    started = _started_by(command)
    if started and not _HOUSEKEEPING.search(started.rpartition("/")[2]):
        return "." not in started or _file_exists(project, started)
    own = {name for _, manifest in project.manifests for name, _ in manifest.scripts} | {project.distribution}
    own |= {task.name for _, task in project.tasks if task.tool == "console"}
    return bool(command.words) and command.words[0] in own


def _started_by(command: Command) -> str:
    """The script or target that a command runs: `bash train.sh`, `./train.sh`, `main.py --lr 0.1`, `make train`; else ""."""
    words = command.words
    tool = words[0].rpartition("/")[2] if words else ""
    if words and words[0].startswith("./"):
        return words[0].removeprefix("./")
    if re.fullmatch(r"[\w./-]+\.py:?", words[0] if words else ""):
        return words[0].rstrip(":")  # A block that shows the options of a script begins with its name.
    if len(words) > 1 and (tool in ("sh", "bash", "make", "just", "task") or tool.startswith("python")):
        return words[1] if re.match(r"^[\w./-]+$", words[1]) and not words[1].startswith("-") else ""
    return ""
