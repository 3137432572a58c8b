"""DEP016: files that are empty promises, commands that start what is not there, versions that do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from mlready.findings import Site, Verdict, hazard
from mlready.project.commands import Command
from mlready.project.project import Project, ProjectFile

_WATCHED_ROLES = frozenset(["source", "script", "ci", "container", "config", "infra", "test", "notebook"])
_MUST_HAVE_CONTENT = re.compile(
    r"(^|/)(Dockerfile[^/]*|Containerfile|Makefile|[^/]+\.(py|ya?ml|toml|json|sh|ipynb|tf|cfg|ini))$"
)
_MAY_BE_EMPTY = re.compile(
    r"(^|/)(__init__\.py|py\.typed|\.gitkeep|\.keep|conftest\.py|\.nojekyll|[^/]*\.lock|(outputs|variables|versions|locals)\.tf|conf/(\S+/)?[^/]+\.ya?ml)$"
)
_TEMPLATE_FOLDER = re.compile(r"(^|/)(templates?|\{\{[^/]*)(/|$)|\{\{")
_OWN_MARKS = re.compile(r"(^|/)(cookiecutter\.json|copier\.ya?ml|cliff\.toml|none\.ya?ml|target/[^/]*\.json)$")
"""Files whose marks or emptiness are meant: questions of templates, changelog and dbt output, Hydra's "none"."""
_FILLED_LATER = re.compile(r"(^|/)(ansible|roles|playbooks|group_vars|host_vars|charts?|helm|salt)(/|$)")
"""Folders whose marks a tool fills in when it runs."""
_TEST_FILE = re.compile(r"^test|_test\.py$|^conftest")
_APP_SERVERS = frozenset(["uvicorn", "gunicorn", "hypercorn", "granian"])
_APP = re.compile(r"^([A-Za-z_][\w.]*):[A-Za-z_]\w*(\(\))?$")
_YAML_LOADED = frozenset(["github", "gitlab"])
"""Providers that load numbers as numbers; Azure keeps the text."""
_VERSION = re.compile(r"version|^(python|go|node|ruby)$", re.IGNORECASE)
_UNQUOTED = ":unquoted-float"
_PLAIN_FILE = re.compile(r"^(\./)?[\w./-]+\.(py|ipynb|txt|lock)$")


def no_empty_artifacts(project: Project) -> Verdict:
    """DEP016: no empty or unrendered files, no command or entry point that names what is not there. The unit is the file."""
    watched = [file for file in project.files if _is_watched(file)]
    broken = [Site(0.0, "is empty", f.at(0), key="empty") for f in watched if f.size == 0 and f.tracked]
    broken += [
        Site(0.0, "holds template marks that were never filled in", f.at(f.facts.unrendered), key="unrendered")
        for f in watched
        if f.facts.unrendered and not _FILLED_LATER.search(f.path) and not _beside_template(project, f)
    ]
    broken += _missing_targets(project)
    broken += _lost_digits(project)
    return hazard(broken, units=max(1, len(watched)))


def _is_watched(file: ProjectFile) -> bool:
    if file.role not in _WATCHED_ROLES or not _MUST_HAVE_CONTENT.search(file.path):
        return False
    if _OWN_MARKS.search(file.path) or (file.role == "test" and not _TEST_FILE.search(file.name)):
        return False  # Fixtures of tests are empty on purpose.
    return not _MAY_BE_EMPTY.search(file.path) and not _TEMPLATE_FOLDER.search(file.path)


def _beside_template(project: Project, file: ProjectFile) -> bool:
    """Whether the folder of a template (`{{ cookiecutter.name }}/`) lies beside the file, which then asks its questions."""
    folder = file.path.rpartition("/")[0]
    return any("{{" in other.path.removeprefix(folder) for other in project.files if other.path.startswith(folder))


def _missing_targets(project: Project) -> Iterator[Site]:
    """CI steps, images and pipelines that start files which are not there."""
    seen = set()
    for command in project.commands:
        if command.origin not in ("ci", "container", "pipeline"):
            continue
        name = _missing_file(project, command) or _missing_app(project, command)
        if name and (name, command.where.path) not in seen:
            seen.add((name, command.where.path))
            yield Site(0.0, f"runs {name}, which is not in the repository", command.where, key=name)


def _missing_file(project: Project, command: Command) -> str:
    words = list(command.words)
    if not words:
        return ""
    tool = words[0].rpartition("/")[2]
    if tool.startswith("python") and len(words) > 1 and _PLAIN_FILE.match(words[1]):
        return "" if _exists(project, words[1], command) else words[1]
    if "-r" in words[:-1] and "install" in words:
        name = words[words.index("-r") + 1]
        return "" if not _PLAIN_FILE.match(name) or _exists(project, name, command) else name
    return ""


def _exists(project: Project, name: str, command: Command) -> bool:
    """Whether a file of that name is in the project (the folder a command runs in is not always known), or is made there."""
    last = PurePosixPath(name).name
    if name.startswith(("/", "~", "$")) or last in project.file_names or last in project.beside:
        return True
    others = _others(project, command)
    if last in _copied_names(project, command):
        return True
    return any(last in other.text for other in others) or (last == "setup.py" and _fetches(others))


def _copied_names(project: Project, command: Command) -> set[str]:
    """The names that files bear in the image: `COPY lock.txt requirements.txt` renames one."""
    container = project.by_path[command.where.path].facts.container
    rows = container.instructions if container else ()
    return {
        PurePosixPath(row.value.split()[-1]).name for row in rows if row.op in ("COPY", "ADD") and row.value.split()
    }


def _others(project: Project, command: Command) -> list[Command]:
    """The other commands of the same file."""
    return [other for other in project.commands if other.where.path == command.where.path and other is not command]


def _fetches(commands: list[Command]) -> bool:
    """Whether one of them brings files that are not in the repository."""
    return any(re.match(r"(cd|tar|unzip|git clone|wget|curl)\b", command.text) for command in commands)


def _missing_app(project: Project, command: Command) -> str:
    """`uvicorn api.main:app` where no file or folder has that name, whatever folder it is copied to."""
    words = command.words
    if not words or words[0].rpartition("/")[2] not in _APP_SERVERS or not _brings_code(project, command):
        return ""
    found = next((match for word in words[1:] if (match := _APP.match(word))), None)
    if found is None:
        return ""
    top, last = found[1].split(".")[0], found[1].split(".")[-1]
    if last in project.local_roots or _exists(project, f"{last}.py", command):
        return ""
    is_installed = top not in project.local_roots and top.replace("_", "-").lower() in project.declared
    return "" if is_installed or _fetches(_others(project, command)) else found[0]


def _brings_code(project: Project, command: Command) -> bool:
    """Whether code of the project runs there: in CI and pipelines it does, in an image if it is copied into it."""
    container = project.by_path[command.where.path].facts.container
    return command.origin != "container" or any(
        row.op in ("COPY", "ADD") and "--from=" not in row.value
        for row in (container.instructions if container else ())
    )


def _lost_digits(project: Project) -> Iterator[Site]:
    """Versions without quotes that CI reads as another number: 3.10 as 3.1."""
    for file, automation in project.automations:
        if automation.provider not in _YAML_LOADED:
            continue
        rows = [(1, automation.env)]
        for job in automation.jobs:
            rows += [(job.line, job.env), (job.line, job.matrix)]
            rows += [(step.line, pairs) for step in job.steps for pairs in (step.inputs, step.env)]
        found = {
            (key, value): line for line, pairs in reversed(rows) for key, value in pairs if key.endswith(_UNQUOTED)
        }
        for (key, value), line in sorted(found.items(), key=lambda item: item[1]):
            name = key.removesuffix(_UNQUOTED)
            if _VERSION.search(name.rpartition(".")[2]):
                said = f"asks for {name} {float(value)}: {value} needs quotes"
                yield Site(0.0, said, file.at(line), key=f"{name} {value}")
