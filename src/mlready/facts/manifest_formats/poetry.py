"""The [tool.poetry] table, of poetry 1 and 2."""

from __future__ import annotations

from typing import Any

from mlready.facts.manifest_formats import common
from mlready.facts.manifest_formats.common import Source
from mlready.facts.reading import items, table, text_of, texts
from mlready.facts.rows import Manifest, Requirement
from mlready.facts.toml_lines import TomlLines


def read_poetry(poetry: dict[str, Any], lines: TomlLines) -> Manifest | None:
    """What the table declares; None where it declares nothing (poetry 2 may leave all to [project])."""
    main = table(poetry.get("dependencies"))
    extras = _extra_of(table(poetry.get("extras")))
    rows = _rows(main, group="", key="tool.poetry.dependencies", lines=lines, extras=extras)
    rows += _rows(
        table(poetry.get("dev-dependencies")), group="dev", key="tool.poetry.dev-dependencies", lines=lines, extras={}
    )
    for name, group in table(poetry.get("group")).items():
        key = f"tool.poetry.group.{name}.dependencies"
        rows += _rows(table(table(group).get("dependencies")), group=str(name), key=key, lines=lines, extras={})
    if not (rows or main or poetry.get("name")):
        return None
    return Manifest(
        tool="poetry",
        role="declares",
        requirements=tuple(rows[: common.MAX_REQUIREMENTS]),
        requires_python=constraint(text_of(_version(main.get("python")))),
        distribution=common.normalize(text_of(poetry.get("name"))),
        scripts=_scripts(table(poetry.get("scripts"))),
        package_roots=_roots(poetry),
    )


def constraint(text: str) -> str:
    """A constraint as text: "*" is unbounded, a bare version is exact; ^ and ~ stay as they are."""
    text = text.strip()
    if text == "*":
        return ""
    return f"=={text}" if text[:1].isdigit() and not set(text) & set(" ,|<>=") else text


def _rows(
    declared: dict[str, Any], *, group: str, key: str, lines: TomlLines, extras: dict[str, str]
) -> list[Requirement]:
    rows = []
    for name, value in declared.items():
        if name.lower() == "python":
            continue
        for one in items(value) or [value]:
            rows.append(_row(name, one, group=group, line=lines.of(f"{key}.{name}"), extras=extras))
    return rows


def _row(name: str, value: object, *, group: str, line: int, extras: dict[str, str]) -> Requirement:
    details = table(value)
    origin, spec = source(details)
    name = common.normalize(name)
    if details.get("optional") is True:
        group = extras.get(name, "optional")
    return Requirement(
        name=name,
        spec=spec or constraint(text_of(_version(value))),
        group=group,
        line=line,
        marker=text_of(details.get("markers")),
        source=origin,
    )


def _version(value: object) -> object:
    return value.get("version", "") if isinstance(value, dict) else value


def source(details: dict[str, Any]) -> tuple[Source, str]:
    if git := text_of(details.get("git")):
        revision = next((text_of(details[key]) for key in ("rev", "tag", "branch") if key in details), "")
        return "vcs", common.location(f"git+{git}@{revision}" if revision else f"git+{git}")
    if url := text_of(details.get("url")):
        return "url", common.location(url)
    if path := text_of(details.get("path") or details.get("file")):
        return "path", path
    return "index", ""


def _extra_of(extras: dict[str, Any]) -> dict[str, str]:
    """For each optional package the first extra that holds it."""
    found: dict[str, str] = {}
    for extra, names in extras.items():
        for name in texts(names):
            found.setdefault(common.normalize(name), str(extra))
    return found


def _scripts(scripts: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for name, value in scripts.items():
        target = text_of(value) or text_of(table(value).get("reference") or table(value).get("callable"))
        if target:
            pairs.append((text_of(name), target))
    return tuple(pairs)


def _roots(poetry: dict[str, Any]) -> tuple[str, ...]:
    declared = [table(package) for package in items(poetry.get("packages"))]
    return tuple(dict.fromkeys(text_of(package.get("from")) or "." for package in declared if package))
