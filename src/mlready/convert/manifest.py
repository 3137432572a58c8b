"""An existing pyproject.toml: dependencies added, everything else (comments too) left as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlready.convert.environment import normalized


def with_dependencies(text: str, requirements: Iterable[str]) -> str:
    """The file with the requirements that its [project] does not name yet; the same text where none is missing."""
    import tomlkit
    from tomlkit.items import Array

    document = tomlkit.parse(text)
    project = document.setdefault("project", tomlkit.table())
    known = project.setdefault("dependencies", tomlkit.array().multiline(True))
    assert isinstance(known, Array)
    names = {normalized(re.split(r"[\s<>=!~;\[@]", str(item), maxsplit=1)[0]) for item in known}
    missing = [r for r in requirements if normalized(r.split("==", 1)[0]) not in names]
    if not missing:
        return text
    for requirement in missing:
        known.append(requirement)
    return tomlkit.dumps(document)
