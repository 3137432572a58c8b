"""Configuration files of any kind, flattened into settings: TOML, YAML, JSON, INI and the names in .env files.

Other readers find `load_yaml` and `line_of` here; values of keys that name a credential are never kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mlready.facts.masking import mask_value
from mlready.facts.reading import MAX_DEPTH, Unreadable, decode, guarded, load_json, load_toml, scalar
from mlready.facts.rows import FileFacts, Setting
from mlready.facts.toml_lines import TomlLines
from mlready.facts.yaml_nodes import Mapping, Sequence, line_of, load_yaml

__all__ = ["Mapping", "Sequence", "claims", "line_of", "load_yaml", "read"]

MAX_SETTINGS = 2_000
MAX_CONFIG_BYTES = 1_000_000
"""A larger file is data in a configuration format: nothing is kept of it."""

Leaf = tuple[str, Any, int]

_KINDS = {
    ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".jsonc": "json", ".ini": "ini", ".cfg": "ini",
}  # fmt: skip
_NAMES = {
    ".flake8": "ini", ".coveragerc": "ini", ".pylintrc": "ini", "pylintrc": "ini", ".editorconfig": "ini",
    ".condarc": "yaml", ".yamllint": "yaml", "citation.cff": "yaml", "mlproject": "yaml", "mlmodel": "yaml",
    ".prettierrc": "yaml", "pipfile": "toml",
}  # fmt: skip
_LOCKS = re.compile(
    r"(?:package-lock\.json|pnpm-lock\.yaml|conda-lock\.ya?ml|.*\.lock\.(?:json|ya?ml)|pylock\..*toml|.*-lock\.json)\Z"
)
_ENV = re.compile(r"\.env(?:\.[\w.-]+)?\Z|[\w.-]+\.env\Z")
_ENV_NAME = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,100})\s*=")
_INI_LINE = re.compile(r"\[(?P<section>[^\]\n]+)\]|(?P<key>[^\s=:#;\[][^=:\n]*?)[ \t]*(?:[=:]|\Z)")


def claims(path: str) -> bool:
    """Is it a configuration file by its name? Lock files are not."""
    return bool(_kind(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """Settings of one file, the first 2,000 leaves; nothing for a file over 1 MB, which is data."""
    kind = _kind(path)
    if len(data) > MAX_CONFIG_BYTES or _is_chart_template(path, data):
        return FileFacts()
    leaves = _READERS[kind](decode(data))
    rows: list[Setting] = []
    for key, value, line in leaves:
        if len(rows) >= MAX_SETTINGS:
            break
        kept = mask_value(key, value) if isinstance(value, str) else value
        rows.append(Setting(key=key, value=scalar(kept), line=line))
    return FileFacts(settings=tuple(rows))


def _is_chart_template(path: str, data: bytes) -> bool:
    """A template of a Helm chart is no YAML until it is filled in; the infrastructure reader says what it can of it."""
    return b"{{" in data and re.search(r"(^|/)templates/", path) is not None


def _kind(path: str) -> str:
    pure = PurePosixPath(path)
    name = pure.name.lower()
    if _ENV.match(name):
        return "env"
    if _LOCKS.match(name):
        return ""
    return _NAMES.get(name) or _KINDS.get(pure.suffix.lower(), "")


def flatten(value: Any, prefix: str = "", depth: int = 0) -> Iterator[Leaf]:
    """Leaves of nested values in their order: (dotted key, value, line or 0). An empty container is a leaf: None."""
    if depth > MAX_DEPTH:
        raise Unreadable("nested too deeply")
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in children:
        path = f"{prefix}[{key}]" if isinstance(key, int) else f"{prefix}.{key}" if prefix else str(key)
        if isinstance(item, dict | list) and item:
            yield from flatten(item, path, depth + 1)
        else:
            yield path, None if isinstance(item, dict | list) else item, line_of(value, key)


def _read_yaml(text: str) -> Iterator[Leaf]:
    for document in load_yaml(text):
        if isinstance(document, dict | list):
            yield from flatten(document)


def _read_toml(text: str) -> Iterator[Leaf]:
    values, lines = load_toml(text), TomlLines(text)
    for key, value, _ in flatten(values):
        yield key, value, lines.of(key, value)


def _read_json(text: str) -> Iterator[Leaf]:
    value = load_json(text)
    if not isinstance(value, dict | list):
        return
    cursor = _JsonCursor(text)
    for key, item, _ in flatten(value):
        yield key, item, cursor.line_of(key)


class _JsonCursor:
    """Finds the line of each key of a JSON text; keys must be asked for in the order of the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._path: list[str] = []

    def line_of(self, key: str) -> int:
        parts = [part for part in key.split(".") if part]
        shared = 0
        while shared < min(len(parts), len(self._path)) and parts[shared] == self._path[shared]:
            shared += 1
        self._path = parts
        for part in parts[shared:]:
            self._advance(json.dumps(part.partition("[")[0], ensure_ascii=False))
        return self._line

    def _advance(self, quoted: str) -> None:
        found = self._text.find(quoted, self._at)
        if found >= 0:
            self._line += self._text.count("\n", self._at, found)
            self._at = found


def _read_ini(text: str) -> Iterator[Leaf]:
    import configparser

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\0")
    parser.optionxform = lambda optionstr: optionstr  # type: ignore[method-assign]
    try:
        # Settings above the first section, as in .editorconfig, belong to no section.
        parser.read_string(text if text.lstrip().startswith("[") else f"[\x01]\n{text}")
    except (configparser.Error, ValueError, AttributeError) as error:
        raise Unreadable(f"not a valid INI file: {str(error).partition(chr(10))[0][:200]}") from None
    lines = _ini_lines(text)
    for section in parser.sections():
        for key, value in parser.items(section):
            path = key if section == "\x01" else f"{section}.{key}"
            yield path, value, lines.get(path, 0)


def _ini_lines(text: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        found = _INI_LINE.match(line)
        if found and found["section"]:
            section = f"{found['section']}."
        elif found:
            lines[section + found["key"].rstrip()] = number
    return lines


def _read_env(text: str) -> Iterator[Leaf]:
    for number, line in enumerate(text.split("\n"), start=1):
        if found := _ENV_NAME.match(line):
            yield found[1], None, number


_READERS = {"toml": _read_toml, "yaml": _read_yaml, "json": _read_json, "ini": _read_ini, "env": _read_env}
