"""From TOML files to tables. The schema is closed: an unknown key or word is an error that names its place."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from mlready.compiled import Sources
from mlready.errors import SchemaError, unknown_key
from mlready.vocabulary.model import (
    SYSTEM_KINDS,
    TRAITS,
    Activity,
    Factor,
    Role,
    System,
    Tables,
)
from mlready.vocabulary.patterns import expand, is_pattern

Table = dict[str, Any]
T = TypeVar("T")

_WORDS = ("calls", "commands", "files", "ci", "images", "resources", "hooks", "traits")
_RANDOM = ("stream", "seeds", "arguments", "only-if", "not-if", "fresh", "trains")


def build(sources: Sources) -> Tables:
    """The tables that the files hold. SchemaError with file and key path where one breaks the schema."""
    documents = {path: parse(path, data) for path, data in sources.items()}
    activities = _rows(documents, "activities.toml", "activity", Activity)
    known = {activity.id for activity in activities}
    files = sorted(path for path in documents if path.startswith("systems/"))
    systems = [system for path in files for system in _systems(path, documents[path], known)]
    _check_unique("systems", (system.id for system in systems))
    return Tables(
        factors=tuple(_rows(documents, "factors.toml", "factor", Factor)),
        roles=tuple(_rows(documents, "roles.toml", "role", Role)),
        activities=tuple(activities),
        systems=tuple(systems),
        distributions=_distributions(documents.get("distributions.toml", {})),
    )


def parse(path: str, data: bytes) -> Table:
    """A TOML document; SchemaError where it is none."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: {error}") from error


def _rows(documents: Mapping[str, Table], path: str, key: str, type_: type[T]) -> list[T]:
    tables = _list_of(path, documents.get(path, {}), key)
    fields = [field.encode_name for field in msgspec.structs.fields(type_)]  # type: ignore[arg-type]
    rows = []
    for where, table in tables:
        check_keys(where, table, fields)
        rows.append(_convert(where, table, type_))
    _check_unique(path, (getattr(row, fields[0]) for row in rows))
    return rows


def _list_of(path: str, document: Table, key: str) -> list[tuple[str, Table]]:
    """The tables under [[key]], each with its place; nothing else may be in the file."""
    check_keys(path, document, [key])
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SchemaError(f"{path}: {key}: expected [[{key}]] tables")
    return [(f"{path}: {key}[{table.get('id', index)}]", table) for index, table in enumerate(tables)]


def check_keys(where: str, table: Mapping[str, object], allowed: Iterable[str]) -> None:
    """SchemaError for the first key that isn't allowed."""
    words = list(allowed)
    for key in table:
        if key not in words:
            raise unknown_key(where=where, key=key, allowed=words)


def _convert(where: str, table: Table, type_: type[T]) -> T:
    try:
        return msgspec.convert(table, type_)
    except msgspec.ValidationError as error:
        raise SchemaError(f"{where}: {error}") from error


def _check_unique(where: str, ids: Iterable[object]) -> None:
    seen = set()
    for id_ in ids:
        if id_ in seen:
            raise SchemaError(f"{where}: {id_!r} is there twice")
        seen.add(id_)


# ------------------------------------------------------------------------------------------------------------ systems


def _systems(path: str, document: Table, activities: set[str]) -> list[System]:
    fields = [field.encode_name for field in msgspec.structs.fields(System)]
    systems = []
    for where, table in _list_of(path, document, "system"):
        check_keys(where, table, fields)
        kind = table.get("kind", "")
        if kind not in SYSTEM_KINDS:
            raise unknown_key(where=f"{where}.kind", what="kind", key=str(kind), allowed=SYSTEM_KINDS)
        prepared = dict(table)
        for key in _WORDS:
            prepared[key] = _words(f"{where}.{key}", table.get(key, {}), _allowed(key, activities))
        for key in ("calls", "traits"):
            _check_patterns(f"{where}.{key}", [name for names in prepared[key].values() for name in names])
        prepared["returns"] = _named(f"{where}.returns", table.get("returns", {}), _text)
        prepared["random"] = _random(f"{where}.random", table.get("random", {}))
        systems.append(_convert(where, prepared, System))
    return systems


def _allowed(key: str, activities: set[str]) -> set[str]:
    if key == "traits":
        return set(TRAITS)
    return activities | {"config"} if key == "files" else activities


def _words(where: str, table: object, allowed: set[str]) -> dict[str, list[str]]:
    """Activity -> words, braces expanded."""
    words = _table(where, table)
    check_keys(where, words, allowed)
    return {
        key: [name for text in _texts(f"{where}.{key}", value) for name in expand(text)] for key, value in words.items()
    }


def _random(where: str, table: object) -> Table:
    random = _table(where, table)
    check_keys(where, random, _RANDOM)
    prepared = dict(random)
    for key in ("seeds", "only-if", "not-if"):
        prepared[key] = _named(f"{where}.{key}", random.get(key, {}), _text)
    prepared["arguments"] = _named(f"{where}.arguments", random.get("arguments", {}), _texts)
    prepared["fresh"] = [name for text in _texts(f"{where}.fresh", random.get("fresh", [])) for name in expand(text)]
    _check_patterns(f"{where}.fresh", prepared["fresh"])
    for key in ("only-if", "not-if"):
        for name, condition in prepared[key].items():
            if "=" not in condition:
                raise SchemaError(f"{where}.{key}.{name}: expected 'argument=value', found {condition!r}")
    return prepared


def _named(where: str, table: object, read: Callable[[str, object], T]) -> dict[str, T]:
    """Call pattern -> a value, braces in the pattern expanded."""
    entries = _table(where, table)
    found = {name: read(f"{where}.{key}", value) for key, value in entries.items() for name in expand(key)}
    _check_patterns(where, list(found))
    return found


def _check_patterns(where: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if not is_pattern(pattern):
            raise SchemaError(
                f"{where}: {pattern!r} is not a dotted name", hint='"*" stands for whole segments: "sklearn.*.fit"'
            )


def _table(where: str, value: object) -> Table:
    if not isinstance(value, dict):
        raise SchemaError(f"{where}: expected a table, found {type(value).__name__}")
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise SchemaError(f"{where}: expected a text, found {type(value).__name__}")
    return value


def _texts(where: str, value: object) -> list[str]:
    """A list of texts; one text stands for a list of it."""
    values = value if isinstance(value, list) else [value]
    return [_text(where, item) for item in values]


def _distributions(document: Table) -> dict[str, tuple[str, ...]]:
    where = "distributions.toml"
    check_keys(where, document, ["distributions"])
    entries = _table(f"{where}: distributions", document.get("distributions", {}))
    return {key: tuple(_texts(f"{where}: distributions.{key}", value)) for key, value in entries.items()}
