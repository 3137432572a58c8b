"""Where the data that travels with mlready is: rules/ and templates/, in a checkout or in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mlready.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent


@cache
def _data_root() -> Path:
    installed = _PACKAGE / "_data"
    if (installed / "rules").is_dir():
        return installed
    checkout = _PACKAGE.parent.parent
    if (checkout / "rules").is_dir():
        return checkout
    raise UsageError(f"mlready's rules are missing beside {_PACKAGE}", hint="reinstall mlready-cli")


def rules_dir() -> Path:
    """The folder that holds factors, profiles, systems and rules."""
    return _data_root() / "rules"


def templates_dir() -> Path:
    """The folder that holds the project template."""
    return _data_root() / "templates"
