"""Several projects in one repository: folders that declare their own dependencies and train on their own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from mlready.project.kinds import TRAIN_ACTIVITIES
from mlready.project.project import ASIDE_ROLES, Project, ProjectFile

_MAX_SUBPROJECTS = 50
_ASIDE = re.compile(
    r"(^|/)[^/]*(exercise|example|tutorial|demo|doc|test|sample|workshop|template|research|notebook|experiment|playground|prototype)[^/]*(/|$)",
    re.IGNORECASE,
)
"""Folders whose projects are shown or tried, not run: what is tried belongs to the project that it is tried for."""


def find_subprojects(project: Project) -> tuple[Project, ...]:
    """The projects inside a repository; empty when it is one project.

    A folder is a project of its own when it has a manifest and trains from code or notebooks below it. A training folder
    beside a serving folder, each with its requirements, stays one project: neither is whole without the other.
    """
    folders = _outermost(_with_manifest(project) & _with_training(project))
    if len(folders) < 2 or len(folders) > _MAX_SUBPROJECTS:
        return ()
    return tuple(_narrow(project, folder, folders) for folder in folders)


def _with_manifest(project: Project) -> set[str]:
    found = {str(PurePosixPath(f.path).parent) for f, m in project.manifests if m.role == "declares"}
    return {folder for folder in found if not _ASIDE.search(folder)} - {"."}


def _with_training(project: Project) -> set[str]:
    """Every folder above a file that trains."""
    found: set[str] = set()
    for use in project.uses(*TRAIN_ACTIVITIES, "fit"):
        if use.file.role not in ASIDE_ROLES:
            found.update(str(parent) for parent in PurePosixPath(use.file.path).parents)
    return found - {"."}


def _outermost(folders: set[str]) -> list[str]:
    return sorted(f for f in folders if not any(f != other and f.startswith(other + "/") for other in folders))


def _narrow(project: Project, folder: str, folders: list[str]) -> Project:
    """The project of one folder: its own files, and those that stand outside of all subprojects."""
    files: list[ProjectFile] = []
    for file in project.files:
        if file.path.startswith(folder + "/"):
            files.append(file)
        elif not any(file.path.startswith(other + "/") for other in folders):
            files.append(replace(file, shared=True))
    own = {file.path for file in files}
    beside = frozenset(file.name for file in project.files if file.path not in own)
    return replace(project, files=tuple(files), base=folder, beside=beside)
