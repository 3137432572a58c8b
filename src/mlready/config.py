"""Configuration: `[tool.mlready]` in pyproject.toml, or mlready.toml. Closed: an unknown key is an error with a suggestion."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlready.errors import UsageError, unknown_key

FILES = ("mlready.toml", ".mlready.toml", "pyproject.toml")
_MAX_BYTES = 2_000_000


class Suppress(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules that do not count under a path pattern, and why."""

    path: str
    rules: tuple[str, ...]
    reason: str = ""


class Config(Struct, frozen=True, rename="kebab"):
    """What a project (or `--config`) says about its own audit. Every key that takes something away is listed in reports."""

    profile: str = ""
    kind: str = ""
    """Corrects what the project was taken for."""
    fail_under: float | str | None = None
    """A score, or "baseline": never below what the baseline recorded."""
    fail_under_factor: float | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Path patterns (as in .gitignore) that are not audited."""
    elsewhere: dict[str, str] = {}
    """Rule id -> where the practice lives outside of this repository."""
    suppress: tuple[Suppress, ...] = ()
    require_reason: bool = False
    """A suppression without a reason does not count."""
    roles: dict[str, str] = {}
    """Path pattern -> role, where the audit takes a file for something else."""
    baseline: str = ""
    source: str = ""
    """The file that was read; set by the loader."""

    def loosened(self) -> tuple[str, ...]:
        """Each thing that this configuration takes out of the judgement, in words."""
        said = [f"ignored by configuration: {', '.join(self.ignore)}"] if self.ignore else []
        said += [f"only these rules are judged: {', '.join(self.select)}"] if self.select else []
        said += [f"not audited: {', '.join(self.exclude)}"] if self.exclude else []
        said += [f"kind stated in configuration: {self.kind}"] if self.kind else []
        said += [f"profile stated in configuration: {self.profile}"] if self.profile not in ("", "production") else []
        said += [f"{rule} lives elsewhere: {place}" for rule, place in sorted(self.elsewhere.items())]
        said += [
            f"suppressed in {s.path}: {', '.join(s.rules)} ({s.reason or 'no reason given'})" for s in self.suppress
        ]
        said += [f"role of {path} stated as {role}" for path, role in sorted(self.roles.items())]
        return tuple(said)


def load_config(root: Path, *, explicit: Path | None = None) -> Config:
    """The configuration of an audited project; `explicit` replaces it altogether."""
    if explicit is not None:
        if not explicit.is_file():
            raise UsageError(f"no such configuration file: {explicit}")
        return read_config(explicit)
    folder = root if root.is_dir() else project_folder(root)
    for name in FILES:
        path = folder / name
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MAX_BYTES:
            config = read_config(path, optional=name == "pyproject.toml")
            if config.source:
                return config
    return Config()


def project_folder(file: Path) -> Path:
    """The folder of the project that a file belongs to: the nearest above it with a repository or a configuration."""
    folder = file.parent.resolve()
    for above in (folder, *folder.parents):
        if (above / ".git").exists() or any(_states_something(above / name) for name in FILES):
            return above
    return folder


def _states_something(path: Path) -> bool:
    """Whether a file may hold a configuration of ours; whether it is a good one is said when it is read."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _MAX_BYTES:
        return False
    return path.name != "pyproject.toml" or b"mlready" in path.read_bytes()


def read_config(path: Path, *, optional: bool = False) -> Config:
    """The configuration in one file. With `optional`, a file that cannot be parsed holds none (it is "not read")."""
    content = b""
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        if optional and b"[tool.mlready" not in content:
            return Config()
        raise UsageError(f"{path}: {error}") from error
    inner = _own(table) if path.name == "pyproject.toml" or "tool" in table else table
    return Config() if inner is None else _convert(str(path.name), inner)


def _own(document: dict[str, Any]) -> Any:
    """What a document says under [tool.mlready]."""
    tools = document.get("tool")
    return tools.get("mlready") if isinstance(tools, dict) else None


def _convert(file: str, table: Any) -> Config:
    if not isinstance(table, dict):
        raise UsageError(f"{file}: tool.mlready is no table: {table!r}")
    where = f"{file} [tool.mlready]"
    _check_keys(where, table, Config)
    for entry in table["suppress"] if isinstance(table.get("suppress"), list) else ():
        _check_keys(f"{where} suppress", entry if isinstance(entry, dict) else {}, Suppress)
    _check_words(where, table)
    try:
        return msgspec.convert({**table, "source": file}, Config)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {error}") from error


def _check_keys(where: str, table: dict[str, Any], type_: type[Struct]) -> None:
    allowed = [name for name in type_.__struct_encode_fields__ if name != "source"]
    for key in table:
        if key not in allowed:
            raise unknown_key(where=where, key=key, allowed=allowed)


def _roles() -> Collection[str]:
    from mlready.vocabulary import load

    return load().roles


def _check_words(where: str, table: dict[str, Any]) -> None:
    from mlready.project.kinds import KINDS

    kind = table.get("kind", "")
    if kind and kind not in KINDS:
        raise unknown_key(where=where, what="kind", key=str(kind), allowed=KINDS)
    for role in table["roles"].values() if isinstance(table.get("roles"), dict) else ():
        if role not in _roles():
            raise unknown_key(where=f"{where} roles", what="role", key=str(role), allowed=_roles())
    floor = table.get("fail-under")
    if isinstance(floor, str) and floor != "baseline":
        raise UsageError(f'{where} fail-under: a number, or "baseline"; not {floor!r}')
    for key in ("fail-under", "fail-under-factor"):
        if isinstance(table.get(key), (int, float)) and not 0 <= table[key] <= 100:
            raise UsageError(f"{where} {key}: a score from 0 to 100; not {table[key]}")
    for rule, place in table["elsewhere"].items() if isinstance(table.get("elsewhere"), dict) else ():
        if not str(place).strip():
            raise UsageError(f"{where} elsewhere: {rule} says no place")
