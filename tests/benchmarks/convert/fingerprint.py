"""Fingerprints of final values that share no code with mlready's comparators; they decide which values count."""

from __future__ import annotations

import hashlib
import re
from typing import Any

SKIPPED = ("matplotlib", "mpl_toolkits", "seaborn", "builtin_function_or_method", "threading", "_io")
CLOCK = re.compile(r"time|date|cache|path|rng|random_state", re.I)


def fingerprint(value: Any) -> str | None:
    """A digest of a value, or None for functions, classes, modules, plots and what cannot be told."""
    try:
        text = _text(value, 0)
    except Exception:
        return None
    return None if text is None else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _text(value: Any, depth: int) -> str | None:
    module = type(value).__module__
    if (
        isinstance(value, type)
        or (callable(value) and not hasattr(value, "get_params"))
        or type(value).__name__ == "module"
        or depth > 6
    ):
        return None
    if module.startswith(SKIPPED):
        return None
    if module == "builtins":
        return _builtin(value, depth)
    if module.startswith("numpy") and hasattr(value, "tobytes"):
        if value.dtype.kind == "O":
            return "objects " + str([_text(item, depth + 1) for item in value.ravel().tolist()[:5000]])
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if module.startswith("pandas"):
        return f"{type(value).__name__} {getattr(value, 'dtypes', '')} {_csv(value)}"
    if "random" in module:
        return None
    if hasattr(value, "__dict__"):
        parts = sorted((k, _text(v, depth + 1)) for k, v in vars(value).items() if not CLOCK.search(k))
        return f"{type(value).__name__} {parts}" if any(part is not None for _, part in parts) else None
    return None


def _csv(value: Any) -> str:
    return str(value.to_csv()) if hasattr(value, "to_csv") else repr(list(value))


def _builtin(value: Any, depth: int) -> str | None:
    if isinstance(value, str | bytes | int | float | complex | bool | type(None) | range | slice):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} {[_text(item, depth + 1) for item in value[:5000]]}"
    if isinstance(value, dict):
        return f"dict {[(repr(k), _text(v, depth + 1)) for k, v in list(value.items())[:5000] if not CLOCK.search(str(k))]}"
    if isinstance(value, set | frozenset):
        return f"set {sorted(map(repr, value))}"
    return None
