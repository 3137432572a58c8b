"""pixi.toml, [tool.pixi] and pixi.lock."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from mlready.facts.manifest_formats import common
from mlready.facts.manifest_formats.poetry import constraint, source
from mlready.facts.reading import decode, load_toml, table, text_of
from mlready.facts.rows import LockedPackage, Manifest, Requirement
from mlready.facts.toml_lines import TomlLines

_GROUPS = {"dependencies": "", "pypi-dependencies": "", "host-dependencies": "build", "build-dependencies": "build"}
_CONDA_FILE = re.compile(r"/([a-z0-9_][\w.-]*?)-([^-/]+)-[^-/]+\.(?:conda|tar\.bz2)\Z")


def read(path: str, data: bytes) -> tuple[Manifest, ...]:
    text = decode(data)
    found = manifest(load_toml(text), "", TomlLines(text))
    return (found,) if found else ()


def manifest(root: dict[str, Any], prefix: str, lines: TomlLines) -> Manifest | None:
    """The environments that a pixi table declares: features are groups."""
    if not root:
        return None
    rows, python = _tables(root, prefix, "", lines)
    for name, feature in table(root.get("feature")).items():
        more, pinned = _tables(table(feature), f"{prefix}feature.{name}.", str(name), lines)
        rows += more
        python = python or pinned
    workspace = table(root.get("workspace") or root.get("project"))
    return Manifest(
        tool="pixi",
        role="declares",
        requirements=tuple(rows[: common.MAX_REQUIREMENTS]),
        requires_python=python,
        distribution=common.normalize(text_of(workspace.get("name"))),
    )


def _tables(root: dict[str, Any], prefix: str, group: str, lines: TomlLines) -> tuple[list[Requirement], str]:
    rows, python = [], ""
    tables = [(root, prefix)]
    tables += [(table(target), f"{prefix}target.{name}.") for name, target in table(root.get("target")).items()]
    for declared, where in tables:
        for kind, default in _GROUPS.items():
            for name, value in table(declared.get(kind)).items():
                row = _row(name, value, group=group or default, line=lines.of(f"{where}{kind}.{name}"))
                row = row if kind == "pypi-dependencies" or row.source != "index" else replace(row, source="conda")
                python = python or (common.python_spec(row.spec) if row.name == "python" else "")
                if row.name != "python":
                    rows.append(row)
    return rows, python


def _row(name: str, value: object, *, group: str, line: int) -> Requirement:
    details = table(value)
    origin, spec = source(details)
    version = text_of(details.get("version")) if details else text_of(value)
    return Requirement(
        name=common.normalize(name), spec=spec or constraint(version), group=group, line=line, source=origin
    )


def read_lock(path: str, data: bytes) -> tuple[Manifest, ...]:
    """pixi.lock: conda packages are named by their file, PyPI ones by keys."""
    found = (_locked(entry) for entry in common.flat_entries(decode(data), "packages"))
    packages = tuple(dict.fromkeys(package for package in found if package))
    python = next((common.python_spec(one.version) for one in packages if one.name == "python"), "")
    return (Manifest(tool="pixi", role="locks", packages=packages, requires_python=python),)


def _locked(entry: dict[str, str]) -> LockedPackage | None:
    hashed = "sha256" in entry or "md5" in entry
    file = _CONDA_FILE.search(entry.get("conda") or entry.get("url", ""))
    name = entry.get("name") or (file[1] if file else "")
    version = entry.get("version") or (file[2] if file else "")
    return LockedPackage(name=common.normalize(name), version=version, hashed=hashed) if name and version else None
