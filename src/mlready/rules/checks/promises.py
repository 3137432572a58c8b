"""DEP016: files that are empty promises, and commands that start what is not there."""

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
    r"(^|/)(__init__\.py|py\.typed|\.gitkeep|\.keep|conftest\.py|\.nojekyll|[^/]*\.lock|(outputs|variables|versions|locals)\.tf)$"
)
_TEMPLATE_FOLDER = re.compile(r"(^|/)(templates?|\{\{[^/]*)(/|$)|\{\{")
_OWN_MARKS = re.compile(r"(^|/)(cookiecutter\.json|copier\.ya?ml|cliff\.toml|none\.ya?ml|target/[^/]*\.json)$")
"""Files whose marks or emptiness are meant: questions of templates, changelog and dbt output, Hydra's "none"."""
_FILLED_LATER = re.compile(r"(^|/)(ansible|roles|playbooks|group_vars|host_vars|charts?|helm|salt)(/|$)")
"""Folders whose marks a tool fills in when it runs."""
_TEST_FILE = re.compile(r"^test|_test\.py$|^conftest")
_MARKS = re.compile(r"\{\{\s*(cookiecutter|copier|_copier|project)\b|\{%-?\s*(if|for|endif|raw)\b")
_PLAIN_FILE = re.compile(r"^(\./)?[\w./-]+\.(py|ipynb|txt|lock)$")


def no_empty_artifacts(project: Project) -> Verdict:
    """DEP016: no empty or unrendered files, no command or entry point that names what is not there. The unit is the file."""
    watched = [file for file in project.files if _is_watched(file)]
    broken = [Site(0.0, "is empty", f.at(0), key="empty") for f in watched if f.size == 0 and f.tracked]
    broken += [
        Site(0.0, "holds template marks that were never filled in", f.at(0), key="unrendered")
        for f in watched
        if _unrendered(f)
    ]
    broken += _missing_targets(project)
    return hazard(broken, units=max(1, len(watched)))


def _is_watched(file: ProjectFile) -> bool:
    if file.role not in _WATCHED_ROLES or not _MUST_HAVE_CONTENT.search(file.path):
        return False
    if _OWN_MARKS.search(file.path) or (file.role == "test" and not _TEST_FILE.search(file.name)):
        return False  # Fixtures of tests are empty on purpose.
    return not _MAY_BE_EMPTY.search(file.path) and not _TEMPLATE_FOLDER.search(file.path)


def _unrendered(file: ProjectFile) -> bool:
    """`{{ cookiecutter.x }}` or `{% if %}` outside of a templates folder."""
    if _FILLED_LATER.search(file.path):
        return False
    texts = [str(row.value) for row in file.facts.settings] + [row.key for row in file.facts.settings]
    texts += [row.value for row in (file.facts.container.instructions if file.facts.container else ())]
    return any(_MARKS.search(text) for text in texts)


def _missing_targets(project: Project) -> Iterator[Site]:
    """CI steps, images and pipelines that start files which are not there."""
    seen = set()
    for command in project.commands:
        if command.origin not in ("ci", "container", "pipeline"):
            continue
        name = _missing_file(project, command)
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
    same = [other for other in project.commands if other.where.path == command.where.path and other is not command]
    fetched = any(re.match(r"(cd|tar|unzip|git clone|wget|curl)\b", other.text) for other in same)
    return any(last in other.text for other in same) or (fetched and last == "setup.py")
