"""Conda: environment.yml, conda-lock.yml, meta.yaml of recipes; MLflow's MLproject and python_env.yaml that point at them."""

from __future__ import annotations

import re
from typing import Any

from mlready.facts.manifest_formats import common, requirements
from mlready.facts.reading import Unreadable, decode, items, table, text_of, texts
from mlready.facts.rows import LockedPackage, Manifest, Requirement
from mlready.facts.yaml_nodes import line_of, load_yaml

_SPEC = re.compile(
    r"(?:[\w./:-]+::?)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<version>(?:[<>=!~]=?|=)\s*[^\s\[]+(?:\s*,\s*[^\s\[]+)*|\s[\d*][^\s\[]*)?"
    r"(?P<build>[\s=][^\s\[]+)?\s*(?:\[(?P<more>[^\]]*)\])?\Z"
)
_MORE_VERSION = re.compile(r"version\s*=\s*[\"']?([^\"',\]]+)")
_JINJA_BLOCK = re.compile(r"\{%.*?%\}", re.S)
_JINJA_VALUE = re.compile(r"\{\{[^{}]*\}\}")
_SECTIONS = {"run": "", "host": "build", "build": "build", "run_constrained": "constraints"}


def read_environment(path: str, data: bytes) -> tuple[Manifest, ...]:
    """environment.yml: conda requirements and those of its `pip:` list; nothing where there are no dependencies."""
    root = _document(decode(data))
    declared = root.get("dependencies")
    if not isinstance(declared, list):
        return ()
    group = common.group_of_file(path)
    rows: list[Requirement] = []
    includes: list[str] = []
    python = ""
    for index, item in enumerate(declared[: common.MAX_REQUIREMENTS]):
        if isinstance(item, dict):
            rows += _pip_rows(item.get("pip"), path, group, includes)
        elif row := conda_requirement(text_of(item), group=group, line=line_of(declared, index)):
            python = python or (row.spec if row.name == "python" else "")
            if row.name != "python":
                rows.append(row)
    return (
        Manifest(
            tool="conda",
            role="declares",
            requirements=tuple(rows),
            requires_python=python,
            includes=tuple(includes),
        ),
    )


def _pip_rows(value: object, path: str, group: str, includes: list[str]) -> list[Requirement]:
    rows = []
    for index, item in enumerate(items(value)[: common.MAX_REQUIREMENTS]):
        text = text_of(item).strip()
        if text.startswith(("-r", "-c", "--req", "--con")):
            includes.append(common.beside(path, text.partition("=")[2] or text.split()[-1].removeprefix("-r")))
        elif row := requirements.parse(text, group=group, line=line_of(value, index)):
            rows.append(row)
    return rows


def conda_requirement(text: str, *, group: str, line: int) -> Requirement | None:
    """One match specification: `numpy=1.26`, `channel::numpy >=1.2,<2`, `numpy=1.26.4=py311_0`, `numpy[version='>1']`."""
    found = _SPEC.match(text.strip())
    if not found:
        return None
    version = re.sub(r"\s+", "", found["version"] or "")
    if not version and (more := _MORE_VERSION.search(found["more"] or "")):
        version = more[1]
    return Requirement(
        name=common.normalize(found["name"]),
        spec=_version_spec(version, exact=bool(found["build"])),
        group=group,
        line=line,
        source="conda",
    )


def _version_spec(version: str, *, exact: bool) -> str:
    """conda's `=1.2` is a prefix ("==1.2.*"), a version with a build or without a sign is exact."""
    single = re.fullmatch(r"=([^=,|*<>!~]+)(?:=[^=]+)?", version)
    if single:
        return f"=={single[1]}" if exact or version.count("=") > 1 else f"=={single[1]}.*"
    bare = re.fullmatch(r"=?([\d.]+\*?)", version)
    if bare and bare[1].endswith("*"):
        return f"=={bare[1]}" if bare[1].endswith(".*") else f"=={bare[1][:-1].rstrip('.')}.*"
    if version in ("*", "=*"):
        return ""
    return f"=={version}" if version[:1].isdigit() and not re.search(r"[,|<>]", version) else version


def _document(text: str) -> dict[str, Any]:
    documents = load_yaml(text)
    return table(documents[0] if documents else None)


def read_conda_lock(path: str, data: bytes) -> tuple[Manifest, ...]:
    """conda-lock.yml, all platforms together."""
    packages = []
    for entry in common.flat_entries(decode(data), "package"):
        name, version = entry.get("name", ""), entry.get("version", "")
        if name and version:
            packages.append(LockedPackage(name=common.normalize(name), version=version, hashed="hash" in entry))
    python = next((common.python_spec(one.version) for one in packages if one.name == "python"), "")
    return (Manifest(tool="conda", role="locks", packages=tuple(dict.fromkeys(packages)), requires_python=python),)


def read_recipe(path: str, data: bytes) -> tuple[Manifest, ...]:
    """meta.yaml of a conda recipe, its templates not rendered: what they would give is unknown."""
    text = decode(data)
    templated = "{%" in text or "{{" in text
    try:
        root = _document(_JINJA_VALUE.sub("x", _JINJA_BLOCK.sub("", text)))
    except Unreadable:
        if templated:
            return (Manifest(tool="conda-recipe", role="declares", dynamic=True),)
        raise
    sections = table(root.get("requirements"))
    if not sections:
        return ()
    rows = []
    for section, group in (*_SECTIONS.items(), ("test", "test")):
        listed = table(root.get("test")).get("requires") if section == "test" else sections.get(section)
        for index, item in enumerate(items(listed)[: common.MAX_REQUIREMENTS]):
            row = conda_requirement(text_of(item).partition("#")[0], group=group, line=line_of(listed, index))
            rows += [row] if row and row.name not in ("python", "x") else []
    name = text_of(table(root.get("package")).get("name"))
    return (
        Manifest(
            tool="conda-recipe",
            role="declares",
            requirements=tuple(rows),
            distribution="" if name == "x" else common.normalize(name),
            dynamic=templated,
        ),
    )


def read_mlproject(path: str, data: bytes) -> tuple[Manifest, ...]:
    """MLproject: the environment file that its entry points run in."""
    root = _document(decode(data))
    files = [text_of(root.get(key)) for key in ("conda_env", "python_env", "uv_env") if text_of(root.get(key))]
    if not files:
        return ()
    return (
        Manifest(
            tool="mlproject",
            role="declares",
            distribution=common.normalize(text_of(root.get("name"))),
            includes=tuple(common.beside(path, file) for file in files),
        ),
    )


def read_python_env(path: str, data: bytes) -> tuple[Manifest, ...]:
    """MLflow's python_env.yaml."""
    root = _document(decode(data))
    python = root.get("python")
    includes: list[str] = []
    rows = _pip_rows(root.get("dependencies"), path, "", includes)
    rows += _pip_rows(root.get("build_dependencies"), path, "build", [])
    if not (rows or includes or python):
        return ()
    return (
        Manifest(
            tool="mlflow",
            role="declares",
            requirements=tuple(rows),
            requires_python=common.python_spec(texts(python)[0] if texts(python) else text_of(python)),
            includes=tuple(includes),
        ),
    )
