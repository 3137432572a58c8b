"""pyproject.toml: PEP 621, PEP 735 groups and the tables of poetry, pdm, hatch, flit, uv and pixi; hatch.toml."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mlready.facts.manifest_formats import common, pixi
from mlready.facts.manifest_formats.poetry import read_poetry
from mlready.facts.reading import decode, items, load_toml, table, text_of, texts
from mlready.facts.rows import Manifest, Requirement
from mlready.facts.toml_lines import TomlLines

_MAX_GROUP_DEPTH = 20


def read(path: str, data: bytes) -> tuple[Manifest, ...]:
    """One manifest for each tool whose table declares something; none for a file that only configures tools."""
    text = decode(data)
    root, lines = load_toml(text), TomlLines(text)
    tool = table(root.get("tool"))
    manifests = (
        _project(path, root, lines),
        read_poetry(table(tool.get("poetry")), lines),
        _flit(table(tool.get("flit")), lines),
        _groups_of("pdm", table(table(tool.get("pdm")).get("dev-dependencies")), "tool.pdm.dev-dependencies", lines),
        _hatch(table(table(tool.get("hatch")).get("envs")), "tool.hatch.envs", lines),
        pixi.manifest(table(tool.get("pixi")), "tool.pixi.", lines),
    )
    return _with_build_system(root, [manifest for manifest in manifests if manifest], lines)


def read_hatch(path: str, data: bytes) -> tuple[Manifest, ...]:
    """hatch.toml: the environments."""
    text = decode(data)
    manifest = _hatch(table(load_toml(text).get("envs")), "envs", TomlLines(text))
    return (manifest,) if manifest else ()


def _with_build_system(root: dict[str, Any], manifests: list[Manifest], lines: TomlLines) -> tuple[Manifest, ...]:
    """Build backend and build requirements go to the first manifest, or to one of their own."""
    build = table(root.get("build-system"))
    if not build:
        return tuple(manifests)
    first = manifests[0] if manifests else Manifest(tool="build-system", role="declares")
    rows = requirements(build.get("requires"), group="build", key="build-system.requires", lines=lines)
    backend = text_of(build.get("build-backend"))
    first = replace(first, build_backend=backend, requirements=first.requirements + tuple(rows))
    return (first, *manifests[1:])


def requirements(value: object, *, group: str, key: str, lines: TomlLines) -> list[Requirement]:
    """The requirements of a list of texts."""
    found = (
        common.requirement(text.removeprefix("-e "), group=group, line=lines.of(key, text))
        for text in texts(value)[: common.MAX_REQUIREMENTS]
    )
    return [row for row in found if row]


def _project(path: str, root: dict[str, Any], lines: TomlLines) -> Manifest | None:
    project, tool = table(root.get("project")), table(root.get("tool"))
    uv = table(tool.get("uv"))
    if not (project or root.get("dependency-groups") or uv.get("dev-dependencies")):
        return None
    rows = requirements(project.get("dependencies"), group="", key="project.dependencies", lines=lines)
    for extra, value in table(project.get("optional-dependencies")).items():
        rows += requirements(value, group=str(extra), key=f"project.optional-dependencies.{extra}", lines=lines)
    groups = table(root.get("dependency-groups"))
    for group in groups:
        rows += _group(groups, group, _Include(group, lines), depth=0)
    rows += requirements(uv.get("dev-dependencies"), group="dev", key="tool.uv.dev-dependencies", lines=lines)
    files, unread = _dynamic(path, project, tool)
    return Manifest(
        tool="pep621",
        role="declares",
        requirements=tuple(_sourced(rows, table(uv.get("sources")))),
        requires_python=text_of(project.get("requires-python")),
        distribution=common.normalize(text_of(project.get("name"))),
        scripts=_scripts(project),
        package_roots=_package_roots(tool, root),
        dynamic=unread,
        includes=tuple(files),
    )


class _Include:
    """Where the requirements of a dependency group are put: the group that asked for them, and lines."""

    def __init__(self, group: str, lines: TomlLines) -> None:
        self.group = group
        self.lines = lines
        self.seen: set[str] = set()


def _group(groups: dict[str, Any], name: str, into: _Include, *, depth: int) -> list[Requirement]:
    """Requirements of a PEP 735 group; `include-group` is followed, each group once."""
    if name in into.seen or depth > _MAX_GROUP_DEPTH:
        return []
    into.seen.add(name)
    key = f"dependency-groups.{name}"
    rows = requirements(groups.get(name), group=into.group, key=key, lines=into.lines)
    by_name = {common.normalize(other): other for other in groups}
    for item in items(groups.get(name)):
        other = text_of(table(item).get("include-group"))
        if common.normalize(other) in by_name:
            rows += _group(groups, by_name[common.normalize(other)], into, depth=depth + 1)
    return rows


def _sourced(rows: list[Requirement], sources: dict[str, Any]) -> list[Requirement]:
    """Requirements that `[tool.uv.sources]` takes from elsewhere than an index."""
    by_name = {common.normalize(name): table((items(value) or [value])[0]) for name, value in sources.items()}
    return [_redirect(row, by_name.get(row.name, {})) for row in rows]


def _redirect(row: Requirement, source: dict[str, Any]) -> Requirement:
    if git := text_of(source.get("git")):
        revision = next((text_of(source[key]) for key in ("rev", "tag", "branch") if key in source), "")
        spec = common.location(f"git+{git}@{revision}" if revision else f"git+{git}")
        return replace(row, source="vcs", spec=spec)
    if url := text_of(source.get("url")):
        return replace(row, source="url", spec=common.location(url))
    return replace(row, source="path") if "path" in source or "workspace" in source else row


def _dynamic(path: str, project: dict[str, Any], tool: dict[str, Any]) -> tuple[list[str], bool]:
    """Files that dynamic dependencies are read from, and whether some stay unknown."""
    asked = {"dependencies", "optional-dependencies"} & set(texts(project.get("dynamic")))
    declared = table(table(tool.get("setuptools")).get("dynamic"))
    files = texts(table(declared.get("dependencies")).get("file"))
    for extra in table(declared.get("optional-dependencies")).values():
        files += texts(table(extra).get("file"))
    hooks = table(table(table(tool.get("hatch")).get("metadata")).get("hooks"))
    hatch = table(hooks.get("requirements_txt"))
    files += texts(hatch.get("files") or hatch.get("filename"))
    files = [common.beside(path, file) for file in files] if asked else []
    return files, bool(asked) and not files


def _scripts(project: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    tables = [table(project.get(key)) for key in ("scripts", "gui-scripts")]
    tables += [table(group) for group in table(project.get("entry-points")).values()]
    return tuple((text_of(name), text_of(value)) for group in tables for name, value in group.items() if text_of(value))


def _package_roots(tool: dict[str, Any], root: dict[str, Any]) -> tuple[str, ...]:
    """Folders of packages that the build backend's own table declares."""
    setuptools = table(tool.get("setuptools"))
    roots = texts(table(table(setuptools.get("packages")).get("find")).get("where"))
    roots += [text_of(folder) for package, folder in table(setuptools.get("package-dir")).items() if package == ""]
    wheel = table(table(table(table(tool.get("hatch")).get("build")).get("targets")).get("wheel"))
    roots += [package.rstrip("/").rpartition("/")[0] or "." for package in texts(wheel.get("packages"))]
    roots += texts(wheel.get("sources"))
    roots += texts(table(table(tool.get("pdm")).get("build")).get("package-dir"))
    roots += _uv_root(tool, root)
    return tuple(dict.fromkeys(folder for folder in roots if folder))


def _uv_root(tool: dict[str, Any], root: dict[str, Any]) -> list[str]:
    if text_of(table(root.get("build-system")).get("build-backend")) != "uv_build":
        return []
    declared = table(table(tool.get("uv")).get("build-backend")).get("module-root", "src")
    return [text_of(declared) or "."]


def _groups_of(tool: str, groups: dict[str, Any], key: str, lines: TomlLines) -> Manifest | None:
    rows: list[Requirement] = []
    for group, value in groups.items():
        rows += requirements(value, group=str(group), key=f"{key}.{group}", lines=lines)
    return Manifest(tool=tool, role="declares", requirements=tuple(rows)) if rows else None


def _hatch(envs: dict[str, Any], key: str, lines: TomlLines) -> Manifest | None:
    rows: list[Requirement] = []
    for name, env in envs.items():
        for kind in ("dependencies", "extra-dependencies"):
            where = f"{key}.{name}.{kind}"
            rows += requirements(table(env).get(kind), group=str(name), key=where, lines=lines)
    return Manifest(tool="hatch", role="declares", requirements=tuple(rows)) if rows else None


def _flit(flit: dict[str, Any], lines: TomlLines) -> Manifest | None:
    """flit's own table, from before PEP 621."""
    metadata = table(flit.get("metadata"))
    if not metadata:
        return None
    rows = requirements(metadata.get("requires"), group="", key="tool.flit.metadata.requires", lines=lines)
    for extra, value in table(metadata.get("requires-extra")).items():
        key = f"tool.flit.metadata.requires-extra.{extra}"
        rows += requirements(value, group=str(extra), key=key, lines=lines)
    return Manifest(
        tool="flit",
        role="declares",
        requirements=tuple(rows),
        requires_python=text_of(metadata.get("requires-python")),
        distribution=common.normalize(text_of(metadata.get("dist-name") or metadata.get("module"))),
        scripts=tuple((text_of(name), text_of(value)) for name, value in table(flit.get("scripts")).items()),
    )
