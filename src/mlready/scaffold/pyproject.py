"""Merges the template's pyproject.toml into an existing one: adds what is missing, changes nothing, keeps comments."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from mlready.errors import UsageError

# Settings that belong together: where the owner has a table of this name, it is theirs and stays as it is.
_WHOLE = ("build-system",)
# Facts about the owner's project that the template cannot know.
_THEIRS = ("name", "version", "dynamic", "description", "readme", "requires-python")


def merge(theirs: str, ours: str) -> str:
    """Their file with the dependencies, groups and tool tables of ours that it lacks; merging again changes nothing."""
    document, template = _parse(theirs), tomlkit.parse(ours)
    if "poetry" in document.get("tool", {}):
        _leave_to_poetry(template)
    for name in _WHOLE:
        if name in document:
            template.pop(name, None)
    if "hatch" in document.get("tool", {}):
        template.get("tool", {}).pop("hatch", None)
    if "project" in document:
        for name in _THEIRS:
            template.get("project", {}).pop(name, None)
    _merge_table(document, template)
    return tomlkit.dumps(document)


def only_dependencies(ours: str) -> str:
    """Ours without anything but the list of what the package needs."""
    project = tomlkit.parse(ours).get("project", {})
    return tomlkit.dumps({"project": {"dependencies": project.get("dependencies", [])}})


def declared_name(theirs: str) -> str:
    """The project's name where the file declares one; empty otherwise."""
    document = _parse(theirs)
    tables = (document.get("project"), document.get("tool", {}).get("poetry"))
    names = (table.get("name", "") for table in tables if isinstance(table, MutableMapping))
    return next((str(name) for name in names if name), "")


def _parse(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise UsageError(f"pyproject.toml is not valid TOML: {error}") from None


def _leave_to_poetry(template: MutableMapping[str, Any]) -> None:
    """Poetry has tables of its own for the package and its build; a second description would contradict them."""
    for name in ("project", "build-system"):
        template.pop(name, None)
    for name in ("hatch", "uv"):
        template["tool"].pop(name, None)


def _merge_table(theirs: MutableMapping[str, Any], ours: MutableMapping[str, Any]) -> None:
    for key, value in ours.items():
        if key not in theirs:
            theirs[key] = value
        elif isinstance(value, MutableMapping) and isinstance(theirs[key], MutableMapping):
            _merge_table(theirs[key], value)
        elif isinstance(value, Array) and isinstance(theirs[key], Array):
            _merge_requirements(theirs[key], value)


def _merge_requirements(theirs: Array, ours: Array) -> None:
    """Add the requirements of distributions that are not named yet; lists of anything else stay as they are."""
    known = {_distribution(entry) for entry in theirs}
    if not all(_distribution(entry) for entry in [*theirs, *ours]):
        return
    missing = [entry for entry in ours if _distribution(entry) not in known]
    if missing and "\n" not in theirs.as_string():
        theirs.multiline(True)
    for entry in missing:
        theirs.append(str(entry))


def _distribution(entry: object) -> str:
    """The normalized name of a requirement such as `pandas>=2.2,<3`; empty for anything else."""
    found = re.match(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[.*\])?\s*([<>=!~;@].*|$)", str(entry), re.DOTALL)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""
