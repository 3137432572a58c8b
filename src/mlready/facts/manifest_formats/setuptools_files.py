"""setup.cfg, and setup.py read without running it."""

from __future__ import annotations

import ast
import configparser
import re
from typing import Any

from mlready.facts.manifest_formats import common
from mlready.facts.manifest_formats.static_python import UNKNOWN, Module
from mlready.facts.reading import Unreadable, clean, decode, table, texts
from mlready.facts.rows import Manifest, Requirement

_SETUP_NAMES = ("setup", "setuptools.setup", "distutils.core.setup", "skbuild.setup")
_FIND_PACKAGES = ("find_packages", "find_namespace_packages")
_EXTRA_LISTS = {"setup_requires": "build", "tests_require": "test"}


# --------------------------------------------------------------------------------------------------------- setup.cfg


def read_cfg(path: str, data: bytes) -> tuple[Manifest, ...]:
    """What [metadata] and [options] declare; nothing for a file that only configures tools."""
    text = decode(data)
    parser = _parse_ini(text)
    if not (parser.has_section("options") or parser.has_option("metadata", "name")):
        return ()
    includes: list[str] = []
    lines = text.split("\n")
    rows: list[Requirement] = []
    sections = [("options", "install_requires", ""), *(("options", key, group) for key, group in _EXTRA_LISTS.items())]
    if parser.has_section("options.extras_require"):
        sections += [("options.extras_require", extra, extra) for extra in parser.options("options.extras_require")]
    for section, key, group in sections:
        rows += _cfg_rows(parser.get(section, key, fallback="") or "", group, lines, includes)
    return (
        Manifest(
            tool="setup.cfg",
            role="declares",
            requirements=tuple(rows[: common.MAX_REQUIREMENTS]),
            requires_python=clean((parser.get("options", "python_requires", fallback="") or "").strip()),
            distribution=common.normalize(parser.get("metadata", "name", fallback="") or ""),
            scripts=_cfg_scripts(parser),
            package_roots=_cfg_roots(parser),
            includes=tuple(common.beside(path, file) for file in includes),
        ),
    )


def _parse_ini(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, ValueError, AttributeError) as error:
        raise Unreadable(f"not a valid INI file: {clean(str(error).partition(chr(10))[0], limit=200)}") from None
    return parser


def _cfg_rows(value: str, group: str, lines: list[str], includes: list[str]) -> list[Requirement]:
    if value.strip().startswith("file:"):
        includes += [file.strip() for file in value.strip().removeprefix("file:").split(",")]
        return []
    rows = []
    for text in re.split(r"[\n]", value):
        text = re.sub(r"(?:^|\s)#.*", "", text).strip()
        if row := common.requirement(text, group=group, line=_line_with(lines, text)):
            rows.append(row)
    return rows


def _line_with(lines: list[str], text: str) -> int:
    return next((number for number, line in enumerate(lines, start=1) if text and text in line), 0)


def _cfg_scripts(parser: configparser.RawConfigParser) -> tuple[tuple[str, str], ...]:
    if not parser.has_section("options.entry_points"):
        return ()
    return tuple(pair for _, value in parser.items("options.entry_points") for pair in _entry_points(value or ""))


def _entry_points(text: str) -> list[tuple[str, str]]:
    """Pairs out of lines such as `train = churn.train:main`."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith(("#", "[")))
    return [(clean(name.strip()), clean(target.strip())) for name, sign, target in pairs if sign and name.strip()]


def _cfg_roots(parser: configparser.RawConfigParser) -> tuple[str, ...]:
    roots = re.split(r"[\n,]", parser.get("options.packages.find", "where", fallback="") or "")
    for line in (parser.get("options", "package_dir", fallback="") or "").splitlines():
        package, _, folder = line.partition("=")
        roots += [folder] if not package.strip() else []
    return tuple(dict.fromkeys(clean(root.strip()) for root in roots if root.strip()))


# ---------------------------------------------------------------------------------------------------------- setup.py


def read_setup(path: str, data: bytes) -> tuple[Manifest, ...]:
    """The arguments of `setup(...)` as far as they can be told; `dynamic` where the requirements cannot."""
    try:
        tree = ast.parse(decode(data))
    except (SyntaxError, ValueError, MemoryError) as error:
        raise Unreadable(f"not valid Python: {clean(str(error), limit=200)}") from None
    module = Module(tree)
    call = next((node for node in ast.walk(tree) if _is_setup(node)), None)
    if not isinstance(call, ast.Call):
        return ()
    values = _Arguments(module, call)
    includes = [
        common.beside(path, file) for key in ("install_requires", "extras_require") for file in values.files(key)
    ]
    requires = values.get("python_requires")
    return (
        Manifest(
            tool="setup.py",
            role="declares",
            requirements=tuple(_setup_rows(values)[: common.MAX_REQUIREMENTS]),
            requires_python=clean(requires) if isinstance(requires, str) else "",
            distribution=common.normalize(name) if isinstance(name := values.get("name"), str) else "",
            scripts=_setup_scripts(values),
            package_roots=_setup_roots(values),
            dynamic=values.unread("install_requires") or values.unread("extras_require") or values.splatted,
            includes=tuple(dict.fromkeys(includes)),
        ),
    )


def _is_setup(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func)[:60] in _SETUP_NAMES


class _Arguments:
    """The keywords of one call, evaluated."""

    def __init__(self, module: Module, call: ast.Call) -> None:
        self._module = module
        self._nodes = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        unpacked = [self._splat(keyword.value) for keyword in call.keywords if keyword.arg is None]
        self.splatted = not all(unpacked)

    def _splat(self, node: ast.expr) -> bool:
        """`setup(**{...})` and `setup(**config)` with a dict that is written out."""
        literal = self._module.definition(node) if isinstance(node, ast.Name) else node
        if not isinstance(literal, ast.Dict):
            return False
        for key, value in zip(literal.keys, literal.values, strict=True):
            if isinstance(key, ast.Constant):
                self._nodes.setdefault(str(key.value), value)
        return True

    def get(self, key: str) -> Any:
        """The value, or UNKNOWN; None where the keyword is not given."""
        return self._module.value(self._nodes[key]) if key in self._nodes else None

    def node(self, key: str) -> ast.expr | None:
        return self._nodes.get(key)

    def files(self, key: str) -> list[str]:
        return self._module.requirement_files(self._nodes[key]) if key in self._nodes else []

    def unread(self, key: str) -> bool:
        """Is something in the value unknown, with no file named that it may come from?"""
        return key in self._nodes and _has_unknown(self.get(key)) and not self.files(key)

    def line(self, text: str, default: int = 0) -> int:
        return self._module.line_of(text) or default


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_unknown, value.values()))
    return value is UNKNOWN or (isinstance(value, list) and any(map(_has_unknown, value)))


def _setup_rows(values: _Arguments) -> list[Requirement]:
    rows = _value_rows(values.get("install_requires"), "", values)
    for key, group in _EXTRA_LISTS.items():
        rows += _value_rows(values.get(key), group, values)
    for extra, value in table(values.get("extras_require")).items():
        if isinstance(extra, str):
            rows += _value_rows(value, clean(extra.partition(":")[0]), values)
    return rows


def _value_rows(value: Any, group: str, values: _Arguments) -> list[Requirement]:
    lines = value.splitlines() if isinstance(value, str) else texts(value)
    found = (common.requirement(text, group=group, line=values.line(text)) for text in lines)
    return [row for row in found if row]


def _setup_scripts(values: _Arguments) -> tuple[tuple[str, str], ...]:
    value = values.get("entry_points")
    if isinstance(value, str):
        return tuple(_entry_points(value))
    groups = table(value).values()
    return tuple(pair for group in groups for text in texts(group) for pair in _entry_points(text))


def _setup_roots(values: _Arguments) -> tuple[str, ...]:
    folders = table(values.get("package_dir"))
    roots = [folders[""]] if isinstance(folders.get(""), str) else []
    call = values.node("packages")
    if isinstance(call, ast.Call) and ast.unparse(call.func)[-40:].rpartition(".")[2] in _FIND_PACKAGES:
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "where")]
        roots += [node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return tuple(dict.fromkeys(clean(root) for root in roots))
