"""Reports: one module a format, each a function from the judgement to text. All read the same findings."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlready.audit import Judged


@dataclass(frozen=True, slots=True)
class Style:
    """How a report for people is shown."""

    verbose: bool = False
    quiet: bool = False
    color: bool = False
    previous: Path | None = None
    """A JSON report from before, for formats that show what changed."""


def render(
    format_: str,
    judged: Sequence[Judged],
    *,
    verbose: bool = False,
    quiet: bool = False,
    color: bool = False,
    previous: Path | None = None,
) -> str:
    """The report of one or several audited paths, in one of the formats."""
    module = importlib.import_module(f"mlready.report.{'json_' if format_ == 'json' else format_}")
    function: Callable[[Sequence[Judged], Style], str] = module.render
    from mlready.report.redact import redact

    return redact(function(judged, Style(verbose=verbose, quiet=quiet, color=color, previous=previous)))
