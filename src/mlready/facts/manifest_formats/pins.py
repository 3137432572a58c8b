"""Files that pin the interpreter: .python-version, runtime.txt, .tool-versions, mise.toml."""

from __future__ import annotations

import re

from mlready.facts.manifest_formats import common
from mlready.facts.reading import decode, items, load_toml, table, text_of
from mlready.facts.rows import Manifest

_RUNTIME = re.compile(r"python-(\d[\w.]*)\s*\Z")
_TOOL = re.compile(r"python\s+(\S+)")


def _pin(tool: str, version: str) -> tuple[Manifest, ...]:
    spec = common.python_spec(version)
    # pyenv also takes names of virtual environments, which say nothing about the version.
    return (Manifest(tool=tool, role="declares", requires_python=spec),) if spec.startswith("=") else ()


def read_python_version(path: str, data: bytes) -> tuple[Manifest, ...]:
    lines = [line.partition("#")[0].strip() for line in decode(data).splitlines()]
    return _pin("python-version", next(filter(None, lines), ""))


def read_runtime(path: str, data: bytes) -> tuple[Manifest, ...]:
    """runtime.txt of Heroku, Streamlit or Binder."""
    found = _RUNTIME.match(decode(data).strip())
    return _pin("runtime.txt", found[1]) if found else ()


def read_tool_versions(path: str, data: bytes) -> tuple[Manifest, ...]:
    """.tool-versions of asdf and mise."""
    found = next(filter(None, map(_TOOL.match, decode(data).splitlines())), None)
    return _pin("tool-versions", found[1]) if found else ()


def read_mise(path: str, data: bytes) -> tuple[Manifest, ...]:
    value = table(load_toml(decode(data)).get("tools")).get("python")
    first = (items(value) or [value])[0]
    return _pin("mise", text_of(table(first).get("version")) or text_of(first))
