"""Projects in memory: path -> text in, a project out."""

from __future__ import annotations

import textwrap

from mlready.project.load import Tree, project_of
from mlready.project.project import Project


def project(files: dict[str, str], *, kind: str = "") -> Project:
    """The project that these files make; texts are dedented."""
    return project_of(Tree(files={path: textwrap.dedent(text).encode() for path, text in files.items()}, kind=kind))


def reached(of: Project) -> set[str]:
    """Reached scopes as "path:name"; the top level of a file is "path"."""
    names = set()
    for path, number in of.reached_nodes:
        python = of.by_path[path].python
        assert python is not None
        names.add(f"{path}:{python.scopes[number].name}" if number else path)
    return names
