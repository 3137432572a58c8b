"""What every format reader needs: bounds, decoding, and one way to say that a file could not be read."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable
from typing import Any

from mlready.facts.rows import FileFacts, Scalar

MAX_BYTES = 10_000_000
MAX_TEXT = 500
MAX_DEPTH = 100

_JSON_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*+"?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?')
_JSON_COMMA = re.compile(r'("(?:\\.|[^"\\\n])*+"?)|,(?=\s*[}\]])')

Reader = Callable[[str, bytes], FileFacts]


class Unreadable(ValueError):
    """A file that cannot be read; the message says why, in words for the user."""


def guarded(reader: Reader) -> Reader:
    """Turn what a hostile or broken file can raise into a `problem`."""

    @functools.wraps(reader)
    def read(path: str, data: bytes) -> FileFacts:
        try:
            return reader(path, data)
        except Unreadable as error:
            return FileFacts(problem=str(error))
        except RecursionError:
            return FileFacts(problem="nested too deeply")

    return read


def decode(data: bytes) -> str:
    """Text of a file: UTF-8, UTF-16 with a byte order mark (PowerShell's `pip freeze >`), else Latin-1.

    Raises Unreadable for a file over 10 MB and for binary content.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").replace("\0", "")
    if b"\0" in data:
        raise Unreadable("binary content")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def load_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML file; raises Unreadable."""
    # Building nested tables takes time that is quadratic in the length of one dotted key.
    if any(line.count(".") > 5_000 and '"' not in line for line in text.split("\n")):
        raise Unreadable("not valid TOML: key too long")
    # TOML 1.1 (inline tables over several lines), which uv and pixi take and Python 3.11's own parser does not.
    import tomli

    try:
        return tomli.loads(text)
    except ValueError as error:
        raise Unreadable(f"not valid TOML: {_first_line(error)}") from None


def load_json(text: str) -> Any:
    """The value of a JSON file, comments and trailing commas tolerated as editors do; raises Unreadable."""
    try:
        return json.loads(text)
    except ValueError as error:
        first = error
    try:
        plain = _JSON_COMMENT.sub(lambda found: found[1] or re.sub(r"[^\n]", " ", found[0]), text)
        return json.loads(_JSON_COMMA.sub(lambda found: found[1] or " ", plain))
    except ValueError:
        raise Unreadable(f"not valid JSON: {_first_line(first)}") from None


def clean(text: str, *, limit: int = MAX_TEXT) -> str:
    """Text that every encoder accepts (no lone surrogates), cut to `limit` characters."""
    return text[:limit].encode("utf-8", "replace").decode("utf-8")


def scalar(value: object) -> Scalar:
    """A value as a row can keep it: numbers that fit in 64 bits and are finite, else text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else "a very large number"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return clean(str(value))


def text_of(value: object) -> str:
    """The value as clean text if it is a plain scalar, else ""."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(scalar(value)) if isinstance(value, int | float) else ""


def texts(value: object) -> list[str]:
    """The strings of a string or of a list; anything else is left out."""
    if isinstance(value, str):
        return [clean(value)]
    return [clean(item) for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def table(value: object) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one: broken manifests put anything anywhere."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def _first_line(error: Exception) -> str:
    return clean(str(error).partition("\n")[0], limit=200)
