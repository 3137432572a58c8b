"""Checks of what the flow analysis finds about splits: leaks from held-out rows into training."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.facts.rows import Flow
from mlready.findings import Site, Verdict, hazard
from mlready.project.project import Project, ProjectFile
from mlready.rules.checks.skew import with_service

_LINE = re.compile(r"(on line|\(line) (\d+)")


def split_before_fit(project: Project) -> Verdict:
    """SKW005: nothing that learns from data is fitted before the data is split."""
    return _judged(project, "preprocessing-leakage")


def test_data_untouched(project: Project) -> Verdict:
    """SKW006: nothing is fitted on, chosen by or shared with the test part."""
    return _judged(project, "overlap-leakage", "test-fitted", "multi-test")


def time_and_group_aware_split(project: Project) -> Verdict:
    """SKW009: rows that follow each other in time or belong together are not shuffled apart."""
    return _judged(project, "time-split")


def _judged(project: Project, *kinds: str) -> Verdict:
    files = [file for file in project.work_files if _splits(file)]
    broken = [site for file in files for site in _sites(project, file, kinds)]
    return hazard(broken, units=max(len(files), len(broken)))


def _splits(file: ProjectFile) -> bool:
    python = file.python
    return python is not None and (
        bool(python.flows) or any({"split", "tune", "evaluate"} & set(call.activities) for call in python.calls)
    )


def _sites(project: Project, file: ProjectFile, kinds: tuple[str, ...]) -> Iterator[Site]:
    """One site for each place, the surest connection of it."""
    flows = [flow for flow in (file.python.flows if file.python else ()) if flow.kind in kinds]
    by_line: dict[int, Flow] = {}
    for flow in sorted(flows, key=lambda flow: (not flow.certain, flow.line, flow.other_line)):
        by_line.setdefault(flow.line, flow)
    for flow in sorted(by_line.values(), key=lambda flow: flow.line):
        if not _runs(project, file, flow):
            continue
        credit = 0.0 if flow.certain else 0.5
        message = in_cells(file, flow.message)
        key = _LINE.sub("", flow.message)
        yield with_service(project, file, Site(credit, message, file.at(flow.line), key=key, certain=flow.certain))


def _runs(project: Project, file: ProjectFile, flow: Flow) -> bool:
    return file.facts.notebook is not None or project.reaches((file.path, flow.scope), "any")


def in_cells(file: ProjectFile, message: str) -> str:
    """A message with flat lines, told in cells where the file is a notebook."""
    if file.facts.notebook is None:
        return message

    def place(match: re.Match[str]) -> str:
        cell = file.at(int(match[2])).cell
        if cell is None:
            return match[0]
        return f"in cell {cell}" if match[1] == "on line" else f"(cell {cell}"

    return _LINE.sub(place, message)
