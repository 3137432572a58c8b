"""Formatting and linting of written code; the only home of ruff."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlready.errors import MlreadyError
from mlready.flow.ipython import problem_of

FIXED = "I001,F401,RUF100,UP034,PLR2044"
"""Order of imports, unused ones, marks for linters without an effect, parentheses and comments for nothing."""


def tidy(files: Mapping[str, str], *, verbatim: frozenset[str] = frozenset()) -> dict[str, str]:
    """The same files, formatted, with sorted imports and no unused ones; each line that the default rules mind is marked `noqa`.

    A module with a star import keeps its order of imports, because later stars hide earlier names. Modules in
    `verbatim` are the user's own: they keep all their imports, which others may take from them.
    """
    ruff = _ruff()
    with tempfile.TemporaryDirectory(prefix="mlready-") as folder:
        root = Path(folder)
        python = {path: text for path, text in files.items() if path.endswith((".py", ".ipynb"))}
        for path, text in python.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        ordered = [path for path, text in python.items() if "import *" not in text and path not in verbatim]
        _run(ruff, root, "check", "--select", FIXED, "--fix", *(ordered or ["."]))
        _format(ruff, root)
        _mark(ruff, root)
        if _run(ruff, root, "check", "--output-format", "concise", "."):
            _run(ruff, root, "check", "--select", "RUF100", "--fix", ".")
            _mark(ruff, root)
        tidied = {path: (root / path).read_text(encoding="utf-8") for path in python}
    return {**files, **tidied}


def _format(ruff: str, root: Path) -> None:
    """Formats all modules. Where ruff brings quotes into quotes that Python 3.11 does not read, the module stays as it was."""
    nested = {
        path: text for path in root.rglob("*.py") if re.search(_LONG_F_STRING, text := path.read_text(encoding="utf-8"))
    }
    _run(ruff, root, "format", ".")
    for path, text in nested.items():
        if problem_of(path.read_text(encoding="utf-8")) and not problem_of(text):
            path.write_text(f"# fmt: off\n{text}", encoding="utf-8")


_LONG_F_STRING = r"(?i)\b(?:f|rf|fr)(?:\"{3}|'{3})"


def _mark(ruff: str, root: Path) -> None:
    """Marks lines; formatting may then move a mark to a line where it has no effect."""
    continued = {path: text for path in root.rglob("*.py") if "\\\n" in (text := path.read_text(encoding="utf-8"))}
    _run(ruff, root, "check", "--add-noqa", ".")
    for path, text in continued.items():
        if problem_of(path.read_text(encoding="utf-8")):
            _mark_module(ruff, root, path, text)
    _run(ruff, root, "format", ".")


def _mark_module(ruff: str, root: Path, path: Path, text: str) -> None:
    """Marks a module at its top: ruff would put a mark into a string that a backslash continues."""
    path.write_text(text, encoding="utf-8")
    rows = json.loads(_run(ruff, root, "check", "--output-format", "json", str(path)) or "[]")
    codes = sorted({str(row["code"]) for row in rows if row["code"]})
    path.write_text(f"# ruff: noqa: {', '.join(codes)}\n{text}", encoding="utf-8")


def _run(ruff: str, root: Path, command: str, *arguments: str) -> str:
    environment = {**os.environ, "RUFF_NO_CACHE": "true"}
    done = subprocess.run(
        [ruff, command, "--isolated", "--quiet", *arguments],
        cwd=root,
        env=environment,
        check=False,
        capture_output=True,
        timeout=120,
        text=True,
    )
    return done.stdout


def _ruff() -> str:
    beside = Path(sys.executable).with_name("ruff.exe" if os.name == "nt" else "ruff")
    if beside.exists():
        return str(beside)
    try:
        from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

        return str(find_ruff_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("ruff")
    if not found:
        raise MlreadyError("ruff is not installed", hint="pip install ruff")
    return found
