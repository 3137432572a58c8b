"""Finds the Python check that a rule names: `tracking.central_store` is a function of mlready/rules/checks/tracking.py."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from mlready.errors import SchemaError
from mlready.findings import Verdict
from mlready.project.project import Project


def find_check(name: str) -> Callable[[Project], Verdict]:
    """The check of that name; a SchemaError when there is none."""
    module_name, _, function = name.rpartition(".")
    try:
        module = importlib.import_module(f"mlready.rules.checks.{module_name}")
        check: Callable[[Project], Verdict] = getattr(module, function)
    except (ImportError, AttributeError) as error:
        raise SchemaError(f"no check named {name!r}: {error}") from error
    return check
