"""A few lines of source around a finding, read when the report is made. Lines that hold a credential are never shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlready.facts.masking import mask_text
from mlready.findings import Location
from mlready.project.safeio import read_regular
from mlready.rules.suppressions import SECRETS

if TYPE_CHECKING:
    from mlready.audit import Judged

_AROUND = 2
_WIDEST = 200
_MAX_BYTES = 20_000_000
_HIDDEN = "(a line with a credential is not shown)"
_NEVER = (".env", ".pem", ".key", ".p12", ".pfx")
_Source = tuple[str, int]
"""Path, and the number of the notebook cell or 0."""


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    marked: bool


class Excerpts:
    """The excerpts of one audited path; each file is read once."""

    def __init__(self, item: Judged) -> None:
        self._item = item
        self._sources: dict[_Source, list[str]] = {}
        self._read: set[str] = set()
        self._secret = _secret_lines(item)

    def around(self, where: Location | None) -> tuple[Line, ...]:
        """The lines around a place, masked; empty where there is nothing to show."""
        if where is None or not where.line or _never(where.path):
            return ()
        lines = self._lines(where)
        first, last = max(1, where.line - _AROUND), min(len(lines), where.line + _AROUND)
        if where.line > len(lines):
            return ()
        source = (where.path, where.cell or 0)
        return tuple(
            Line(number, self._shown(source, number, lines[number - 1]), number == where.line)
            for number in range(first, last + 1)
        )

    def _shown(self, source: _Source, number: int, text: str) -> str:
        if (*source, number) in self._secret:
            return _HIDDEN
        return mask_text(text[:_WIDEST] if len(text) <= _WIDEST else text[:_WIDEST] + " …")

    def _lines(self, where: Location) -> list[str]:
        if where.path not in self._read:
            self._read.add(where.path)
            self._load(where.path)
        return self._sources.get((where.path, where.cell or 0), [])

    def _load(self, path: str) -> None:
        try:
            data = read_regular(self._item.folder.resolve(), path, limit=_MAX_BYTES)
        except OSError:
            return
        if path.endswith(".ipynb"):
            from mlready.facts.ipynb import Unreadable, read_ipynb

            try:
                cells = read_ipynb(data).cells
            except (Unreadable, RecursionError):
                return
            for number, cell in enumerate(cells, start=1):
                self._keep((path, number), cell.source)
            return
        text = data.decode("utf-8", "replace")
        self._keep((path, 0), text)
        self._keep_script_cells(path, text.splitlines())

    def _keep(self, source: _Source, text: str) -> None:
        lines = text.replace("\r\n", "\n").split("\n")
        self._sources[source] = lines
        self._secret |= {(*source, number) for number in _key_lines(lines)}

    def _keep_script_cells(self, path: str, lines: list[str]) -> None:
        """Cells of a script made of cells, as slices of the file."""
        file = self._item.project.by_path.get(path)
        notebook = file.facts.notebook if file else None
        for cell in notebook.cells if notebook else ():
            raw = [number for number in cell.raw_lines if 0 < number <= len(lines)]
            self._sources[(path, cell.number)] = [lines[number - 1] for number in raw]
            self._secret |= {
                (path, cell.number, i) for i, number in enumerate(raw, start=1) if (path, 0, number) in self._secret
            }


def _never(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.startswith(".env") or name.endswith(_NEVER)


def _secret_lines(item: Judged) -> set[tuple[str, int, int]]:
    """Places of everything that looks like a credential, where rules make no site of it (tests, docs) too."""
    found = {
        (site.where.path, site.where.cell or 0, site.where.line)
        for rule in item.report.main.rules
        if rule.id == SECRETS
        for site in rule.sites
        if site.where
    }
    for findings in item.project.external.values():
        for row in findings if isinstance(findings, Iterable) and not isinstance(findings, str) else ():
            if row.tool not in ("ruff", "hadolint", "zizmor"):
                found.add((row.path, row.cell, row.line))
    return found


def _key_lines(lines: list[str]) -> set[int]:
    """Lines of private keys in the text."""
    found: set[int] = set()
    inside = False
    for number, line in enumerate(lines, start=1):
        inside = inside or ("-----BEGIN" in line and "PRIVATE KEY" in line)
        if inside:
            found.add(number)
        if "-----END" in line:
            inside = False
    return found
