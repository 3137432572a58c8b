"""Files that declare or lock dependencies, and those that pin the interpreter."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import PurePosixPath

from mlready.facts.reading import guarded
from mlready.facts.rows import FileFacts, Manifest

ManifestReader = Callable[[str, bytes], tuple[Manifest, ...]]

_PACKAGE = "mlready.facts.manifest_formats"
_BY_NAME = {
    "pyproject.toml": "pyproject:read",
    "hatch.toml": "pyproject:read_hatch",
    "setup.cfg": "setuptools_files:read_cfg",
    "setup.py": "setuptools_files:read_setup",
    "pipfile": "locks:read_pipfile",
    "pipfile.lock": "locks:read_pipfile_lock",
    "uv.lock": "locks:read_uv",
    "poetry.lock": "locks:read_poetry_lock",
    "pdm.lock": "locks:read_pdm_lock",
    "pixi.toml": "pixi:read",
    "pixi.lock": "pixi:read_lock",
    "conda-lock.yml": "conda:read_conda_lock",
    "conda-lock.yaml": "conda:read_conda_lock",
    "meta.yaml": "conda:read_recipe",
    "mlproject": "conda:read_mlproject",
    "python_env.yaml": "conda:read_python_env",
    "python_env.yml": "conda:read_python_env",
    ".python-version": "pins:read_python_version",
    "runtime.txt": "pins:read_runtime",
    ".tool-versions": "pins:read_tool_versions",
    "mise.toml": "pins:read_mise",
    ".mise.toml": "pins:read_mise",
}
_BY_PATTERN = (
    (re.compile(r"pylock(?:\.[^.]+)?\.toml\Z"), "locks:read_pylock"),
    (re.compile(r"[\w.-]*conda-lock\.ya?ml\Z"), "conda:read_conda_lock"),
    (re.compile(r"(?:[\w.-]*[-_.])?(?:environments?|conda|env)(?:[-_.][\w.-]*)?\.ya?ml\Z"), "conda:read_environment"),
)
_REQUIREMENTS = re.compile(
    r"(?:.*[-_. ])?(?:requirements?|reqs?|constraints?|dependencies)(?:[-_. ].*)?\.(?:txt|in|pip|lock)\Z"
)
_REQUIREMENT_FOLDERS = frozenset(("requirements", "requirement", "reqs", "constraints"))
_CONDA_FOLDERS = frozenset(("conda", "environments", "envs"))
_CONDA_EXPLICIT = re.compile(r"(?:conda-[\w-]+\.lock|spec[-_]?(?:file|list)[\w.-]*\.txt)\Z")


def claims(path: str) -> bool:
    """Does the file by its name declare or lock dependencies, or pin Python?"""
    return bool(_reader_of(path))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """The manifests of one file: several where a pyproject.toml holds tables of several tools."""
    module, _, function = _reader_of(path).partition(":")
    reader: ManifestReader = getattr(import_module(f"{_PACKAGE}.{module}"), function)
    return FileFacts(manifests=reader(path, data))


def _reader_of(path: str) -> str:
    pure = PurePosixPath(path)
    name = pure.name.lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    for pattern, reader in _BY_PATTERN:
        if pattern.match(name):
            return reader
    if pure.parent.name.lower() in _CONDA_FOLDERS and pure.suffix in (".yaml", ".yml"):
        return "conda:read_environment"
    in_folder = pure.parent.name.lower() in _REQUIREMENT_FOLDERS and pure.suffix in (".txt", ".in", ".pip")
    return "requirements:read" if in_folder or _REQUIREMENTS.match(name) or _CONDA_EXPLICIT.match(name) else ""
