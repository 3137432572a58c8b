"""Findings as every machine-read report shows them: one row a broken site, with its place in the file on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlready.findings import FactorResult, RuleResult, Site

if TYPE_CHECKING:
    from mlready.audit import Judged

Level = Literal["error", "warning", "note"]

_FULL = 0.999
_ANCHORS = ("pyproject.toml", "README.md", "setup.py", "requirements.txt", "README.rst")


@dataclass(frozen=True, slots=True)
class Row:
    """A broken site. `path` starts at the working directory where the project lies below it, as CI systems expect."""

    factor: FactorResult
    rule: RuleResult
    site: Site
    path: str
    line: int
    """Line of the file on disk; in a notebook the line of the .ipynb file. At least 1."""
    new: bool | None = None
    """Beside a baseline: whether the baseline does not hold it."""

    @property
    def level(self) -> Level:
        if not self.site.certain:
            return "note"
        return "warning" if self.rule.severity == "warning" else "error"

    @property
    def message(self) -> str:
        """What is wrong, with the cell for a notebook, and the file's name where the finding is of no file."""
        where = self.site.where
        if where is not None and where.cell is not None:
            return f"{where.in_notebook}: {self.site.message}"
        return self.site.message if where is not None else f"{self.site.message} (whole project)"


def rows_of(item: Judged) -> list[Row]:
    """All broken sites that a report shows, the suppressed ones too; under --since only those that were touched."""
    return list(_rows(item))


def _rows(item: Judged) -> Iterator[Row]:
    report = item.report
    prefix, anchor = path_prefix(item.folder), _anchor(item)
    fresh = None if report.ratchet is None else {(rule, site.fingerprint) for rule, site in report.ratchet.new}
    touched = None if report.change is None else {(rule, site.fingerprint) for rule, site in report.change.findings}
    for factor in report.main.factors:
        for rule in factor.rules:
            for site in shown_sites(rule):
                key = (rule.id, site.fingerprint)
                if touched is not None and key not in touched:
                    continue
                path = site.where.path if site.where else anchor
                new = None if fresh is None else key in fresh
                yield Row(factor, rule, site, prefix + path, line_on_disk(item, site), new)


def shown_sites(rule: RuleResult) -> list[Site]:
    """Broken sites of a rule: those that count, and the suppressed ones of any rule."""
    counts = rule.credit is not None and rule.credit < _FULL and rule.weight > 0
    return [site for site in rule.sites if site.credit < _FULL and (counts or site.suppressed)]


def line_on_disk(item: Judged, site: Site) -> int:
    """The line of the file that a viewer of raw files must show; 1 where there is none."""
    where = site.where
    if where is None:
        return 1
    if where.cell is None:
        return max(1, where.line)
    if where.raw_line:
        return where.raw_line
    file = item.project.by_path.get(where.path)
    notebook = file.facts.notebook if file else None
    cell = next((cell for cell in notebook.cells if cell.number == where.cell), None) if notebook else None
    lines = cell.raw_lines if cell else ()
    return max(1, lines[min(max(where.line, 1), len(lines)) - 1]) if lines else 1


def path_prefix(folder: Path) -> str:
    """What leads from the working directory to the audited folder: "services/churn/", or "" when it is elsewhere."""
    try:
        inner = folder.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return ""
    return "" if inner == "." else inner + "/"


def _anchor(item: Judged) -> str:
    """A file to show findings of the whole project at: code-scanning viewers refuse a finding without one."""
    for name in _ANCHORS:
        if name in item.project.by_path:
            return name
    return next(iter(item.project.by_path), "README.md")
