"""Lock files in TOML or JSON: uv, poetry, pdm, pylock and Pipfile.lock; Pipfile too, since pipenv owns both."""

from __future__ import annotations

from typing import Any

from mlready.facts.manifest_formats import common
from mlready.facts.manifest_formats.poetry import constraint, source
from mlready.facts.reading import decode, items, load_json, load_toml, table, text_of
from mlready.facts.rows import LockedPackage, Manifest, Requirement
from mlready.facts.toml_lines import TomlLines

_OWN_SOURCES = ("editable", "virtual", "directory")
"""Where uv takes the project itself and members of its workspace from."""


def read_uv(path: str, data: bytes) -> tuple[Manifest, ...]:
    root = load_toml(decode(data))
    entries = [table(entry) for entry in items(root.get("package"))]
    foreign = [entry for entry in entries if not any(key in table(entry.get("source")) for key in _OWN_SOURCES)]
    return (_lock("uv", foreign, python=text_of(root.get("requires-python"))),)


def read_poetry_lock(path: str, data: bytes) -> tuple[Manifest, ...]:
    root = load_toml(decode(data))
    metadata = table(root.get("metadata"))
    # Before poetry 1.3 hashes stood in a table of their own; before 1.0 in `metadata.hashes`.
    files = {**table(metadata.get("hashes")), **table(metadata.get("files"))}
    entries = [table(entry) for entry in items(root.get("package"))]
    entries = [{**entry, "files": entry.get("files") or files.get(text_of(entry.get("name")))} for entry in entries]
    return (_lock("poetry", entries, python=text_of(metadata.get("python-versions"))),)


def read_pdm_lock(path: str, data: bytes) -> tuple[Manifest, ...]:
    root = load_toml(decode(data))
    metadata = table(root.get("metadata"))
    # Before pdm 2.8 hashes stood under "name version".
    files = {key.partition(" ")[0]: value for key, value in table(metadata.get("files")).items()}
    entries = [table(entry) for entry in items(root.get("package"))]
    entries = [{**entry, "files": entry.get("files") or files.get(text_of(entry.get("name")))} for entry in entries]
    python = next((text_of(table(target).get("requires_python")) for target in items(metadata.get("targets"))), "")
    return (_lock("pdm", entries, python=python or text_of(metadata.get("requires_python"))),)


def read_pylock(path: str, data: bytes) -> tuple[Manifest, ...]:
    """pylock.toml (PEP 751)."""
    root = load_toml(decode(data))
    entries = [table(entry) for entry in items(root.get("packages"))]
    return (_lock("pylock", entries, python=text_of(root.get("requires-python"))),)


def _lock(tool: str, entries: list[dict[str, Any]], *, python: str) -> Manifest:
    packages = []
    for entry in entries:
        name, version = text_of(entry.get("name")), text_of(entry.get("version"))
        if name:
            packages.append(LockedPackage(name=common.normalize(name), version=version, hashed=_hashed(entry)))
    return Manifest(tool=tool, role="locks", packages=tuple(dict.fromkeys(packages)), requires_python=python)


def _hashed(entry: dict[str, Any]) -> bool:
    """Does the entry carry a digest, under any of the names that the tools use?"""
    files = [*items(entry.get("wheels")), *items(entry.get("files")), entry.get("sdist"), entry.get("archive")]
    if any(isinstance(file, str) or {"hash", "hashes", "sha256"} & table(file).keys() for file in files if file):
        return True
    return bool(entry.get("hashes") or entry.get("hash"))


# ------------------------------------------------------------------------------------------------------------ pipenv


def read_pipfile(path: str, data: bytes) -> tuple[Manifest, ...]:
    """Pipfile: `packages` at run time, `dev-packages` and any other category as groups."""
    text = decode(data)
    root, lines = load_toml(text), TomlLines(text)
    rows = []
    for category, group in _categories(root).items():
        for name, value in table(root[category]).items():
            row = _pipenv_row(name, value, group=group, line=lines.of(f"{category}.{name}"))
            rows.append(row)
    requires = table(root.get("requires"))
    python = text_of(requires.get("python_full_version") or requires.get("python_version"))
    spec = common.python_spec(python) if python else ""
    return (Manifest(tool="pipfile", role="declares", requirements=tuple(rows), requires_python=spec),)


def _categories(root: dict[str, Any]) -> dict[str, str]:
    settings = ("source", "requires", "scripts", "pipenv")
    names = {"packages": "", "dev-packages": "dev"}
    return {key: names.get(key, key) for key, value in root.items() if isinstance(value, dict) and key not in settings}


def _pipenv_row(name: str, value: object, *, group: str, line: int) -> Requirement:
    details = table(value)
    ref = {"rev": details["ref"]} if "ref" in details else {}
    origin, spec = source({**details, **ref})
    version = text_of(details.get("version")) if details else text_of(value)
    return Requirement(
        name=common.normalize(name),
        spec=spec or constraint(version),
        group=group,
        line=line,
        marker=text_of(details.get("markers")),
        source=origin,
    )


def read_pipfile_lock(path: str, data: bytes) -> tuple[Manifest, ...]:
    root = table(load_json(decode(data)))
    packages = []
    for category, entries in root.items():
        if category == "_meta":
            continue
        for name, entry in table(entries).items():
            version = text_of(table(entry).get("version")).removeprefix("==")
            packages.append(LockedPackage(name=common.normalize(name), version=version, hashed=_hashed(table(entry))))
    requires = table(table(root.get("_meta")).get("requires"))
    python = text_of(requires.get("python_full_version") or requires.get("python_version"))
    spec = common.python_spec(python) if python else ""
    return (Manifest(tool="pipfile", role="locks", packages=tuple(packages), requires_python=spec),)
