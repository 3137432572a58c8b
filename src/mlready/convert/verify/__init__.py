"""--verify: the notebook and the package are run, and everything that is stable is compared by value."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlready.convert.corrections import Correction
from mlready.convert.display import is_display, is_shown
from mlready.convert.emit import definition_homes
from mlready.convert.environment import default_python
from mlready.convert.model import Plan, Stage
from mlready.convert.verify.correct import Moment, candidates, moments, suspects
from mlready.convert.verify.recorded import write_recorded
from mlready.convert.verify.runs import (
    NotebookRun,
    Setup,
    compare_records,
    kept,
    run_notebook,
    run_package,
    work_folder,
)
from mlready.convert.verify.verdict import Verdict, judge
from mlready.flow.statements import Imports

if TYPE_CHECKING:
    from mlready.convert import Conversion, Options


MAX_TRIALS = 8
"""Corrected packages that are made and run for one notebook."""


@dataclass(frozen=True)
class Verification:
    """Of all notebooks of one conversion. `done` is the conversion as it was verified, corrections included."""

    done: Conversion
    verdicts: tuple[Verdict, ...]
    content: dict[str, Any]

    @property
    def differs(self) -> bool:
        return any(verdict.differs for verdict in self.verdicts)

    @property
    def text(self) -> str:
        lines: list[str] = []
        for plan, verdict in zip(self.done.plans, self.verdicts, strict=True):
            notes = [note for note in plan.notes if note.kind == "corrected"]
            lines += [f"corrected after the reference run: cell {note.cell}: {note.message}" for note in notes]
            lines.append(verdict.text)
        return "\n".join(lines)


def verify_conversion(
    done: Conversion,
    options: Options,
    *,
    once: bool,
    timeout: int,
    extra: str = "",
    references: Path | None = None,
) -> Verification:
    """Verifies every notebook of a conversion that has been written, and corrects the plan where that helps.

    `references` is a folder that keeps the reference runs between calls, for measuring.
    """
    python = (options.python or default_python()).absolute()
    verdicts: list[Verdict] = []
    corrections: list[tuple[Correction, ...]] = []
    for number, plan in enumerate(done.plans):
        with work_folder() as work:
            setup = Setup(python, timeout, work, extra)
            reference = Reference(plan, setup, once=once, keep=references)
            verdict = reference.judge(plan, _source(done))
            if verdict.differs and not verdict.error and not once:
                reference.run_again(plan)
                verdict = reference.judge(plan, _source(done))
            found = _Corrector(done, options, number, reference, verdict).corrected()
        verdicts.append(found[1])
        corrections.append(found[0])
    if any(corrections):
        done = rewritten(done, _again(done, options, corrections))
    content = {**done.content, "verification": [verdict.content for verdict in verdicts]}
    write_recorded(done, verdicts, content)
    return Verification(done, tuple(verdicts), content)


def _source(done: Conversion) -> Path:
    package = done.plans[0].package.split(".")[0]
    below = "src" if any(path.startswith(f"src/{package}/") for path in done.changes.files) else "."
    return done.changes.root.resolve() / below


class Reference:
    """The runs of one notebook: as it is; where values differ between those, two more under seeds."""

    def __init__(self, plan: Plan, setup: Setup, *, once: bool = False, keep: Path | None = None) -> None:
        self.notebook, self.setup = plan.notebook, setup
        self.run = kept(run_notebook, keep) if keep else run_notebook
        self.plain: list[NotebookRun] = []
        self.seeded: list[NotebookRun] = []
        self._run(plan, 1 if once else 2)

    def _run(self, plan: Plan, count: int) -> None:
        """So many more runs as it is, and as many under seeds where values differ between those."""
        self.plain += self._runs(range(len(self.plain), len(self.plain) + count), seeded=False)
        self.ran = all(found.record.exists() for found in self.plain)
        if self.ran and (self.seeded or self._is_unstable(plan)):
            runs = self._runs(range(len(self.seeded), len(self.plain)), seeded=True)
            self.seeded += [found for found in runs if found.record.exists()]

    def _runs(self, numbers: range, *, seeded: bool) -> list[NotebookRun]:
        name = "seeded" if seeded else "plain"
        return [self.run(self.notebook, self.setup, seeded=seeded, name=f"{name}{n}") for n in numbers]

    def run_again(self, plan: Plan) -> None:
        """Two more runs: what a notebook has the same twice by chance, such as the order of a set of objects, is no
        difference."""
        self._run(plan, 2)

    def _is_unstable(self, plan: Plan) -> bool:
        compared = compare_records(self.setup, comparison_job(plan, Path(), self.plain, []), "stability")
        values = (value["verdict"] == "unstable" for value in compared["values"].values())
        shown = (group["verdict"] == "unstable" for group in compared["shown"])
        return any(values) or any(shown) or len({tuple(run.texts.items()) for run in self.plain}) > 1

    def judge(self, plan: Plan, source: Path) -> Verdict:
        """Runs a package of the notebook once and compares."""
        if not self.ran:
            return judge(plan, self.plain, [], {}, None)
        job = comparison_job(plan, source, self.plain, self.seeded)
        record, files, problem = run_package(self.notebook, self.setup, {**job, "seeded": bool(self.seeded)}, "package")
        if not problem:
            job["candidate"] = str(record)
        compared = compare_records(self.setup, job, "comparison")
        record.unlink(missing_ok=True)
        return judge(plan, self.plain, self.seeded, compared, (files, problem))

    def trace(self, names: frozenset[str]) -> tuple[Moment, ...]:
        """One more run that tells which of these variables share objects with others, and when they change."""
        found = run_notebook(
            self.notebook, self.setup, seeded=bool(self.seeded), name="traced", traced=sorted(names)
        ).record.with_suffix(".trace")
        return moments(json.loads(found.read_text(encoding="utf-8"))) if found.exists() else ()


class _Corrector:
    """Tries what the traced reference run suggests and keeps what leaves fewer differences."""

    def __init__(self, done: Conversion, options: Options, number: int, reference: Reference, verdict: Verdict) -> None:
        self.done, self.options, self.number, self.reference = done, options, number, reference
        self.plan, self.verdict = done.plans[number], verdict
        self.corrections: tuple[Correction, ...] = ()
        self.tried: set[tuple[Correction, ...]] = set()

    def corrected(self) -> tuple[tuple[Correction, ...], Verdict]:
        trace: tuple[Moment, ...] = ()
        while self.verdict.differs and (trace or not self.tried):
            trace = trace or self.reference.trace(suspects(self.plan, self.verdict))
            if not any(self._helps(found) for found in candidates(self.plan, self.verdict, trace)):
                break
        return self.corrections, self.verdict

    def _helps(self, found: tuple[Correction, ...]) -> bool:
        corrections = (*self.corrections, *found)
        if corrections in self.tried or len(self.tried) >= MAX_TRIALS:
            return False
        self.tried.add(corrections)
        every: list[tuple[Correction, ...]] = [()] * len(self.done.plans)
        every[self.number] = corrections
        with tempfile.TemporaryDirectory(prefix="mlready-trial-") as folder:
            trial = _again(self.done, replace(self.options, into=Path(folder)), every)
            trial.changes.apply(force=True)
            plan = trial.plans[self.number]
            verdict = self.reference.judge(plan, _source(trial))
        if verdict.difference_count >= self.verdict.difference_count:
            return False
        self.plan, self.verdict, self.corrections = plan, verdict, corrections
        return True


def _again(done: Conversion, options: Options, corrections: Sequence[tuple[Correction, ...]]) -> Conversion:
    from mlready.convert import convert

    package = done.plans[0].package.split(".")[0]
    notebooks = [plan.notebook.path for plan in done.plans]
    return convert(notebooks, replace(options, package=package, ours=frozenset(done.changes.files)), corrections)


def rewritten(old: Conversion, new: Conversion) -> Conversion:
    """Writes a corrected conversion over the first one; modules that it no longer has go."""
    package = old.plans[0].package.split(".")[0]
    below = tuple(f"{folder}{package}/" for folder in ("src/", ""))
    gone = [path for path in old.changes.files if path.startswith(below) and path not in new.changes.files]
    files = {path: text for path, text in {**old.changes.files, **new.changes.files}.items() if path not in gone}
    changes = replace(old.changes, files=files)
    changes.apply(force=True)
    for path in gone:
        (changes.root / path).unlink(missing_ok=True)
    return replace(new, changes=changes)


def comparison_job(
    plan: Plan, source: Path, plain: Sequence[NotebookRun], seeded: Sequence[NotebookRun]
) -> dict[str, Any]:
    """What running a package and comparing its record with those of the notebook needs to know."""
    homes = definition_homes(plan)
    return {
        "plain": [str(run.record) for run in plain],
        "seeded": [str(run.record) for run in seeded],
        "package": plan.package,
        "source": str(source),
        "steps": [stage.name for stage in plan.stages],
        "variables": {name: step for name, step in plan.where.items() if not name.startswith("_")},
        "definitions": homes,
        "returned": {stage.name: list(stage.outputs) for stage in plan.stages},
        "pure": {stage.name: list(stage.outputs) for stage in plan.stages if is_pure(stage)},
        "imported": sorted(plan.imported),
        "stars": any(line.name == "*" for line in plan.imports),
        "groups": groups(plan),
    }


def is_pure(stage: Stage) -> bool:
    """True for a step that only computes: a value in, a value out, nothing else."""
    return bool(stage.outputs) and not stage.is_async and not any(s.flow.effects for s in stage.statements)


def groups(plan: Plan) -> list[dict[str, list[Any]]]:
    """Cells and steps that belong together because a step holds parts of several cells, or a cell of several steps."""
    imports = Imports()
    for line in plan.imports:
        import ast

        node = ast.parse(line.text).body[0]
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.add(node)
    found: list[tuple[set[int], set[str], set[int]]] = []
    for stage in plan.stages:
        cells, steps = set(stage.cells), {stage.name}
        shown = {s.cell for s in stage.statements if is_shown(s, imports) or _displays(s.flow.calls)}
        joined = [group for group in found if group[0] & cells]
        for group in joined:
            cells |= group[0]
            steps |= group[1]
            shown |= group[2]
            found.remove(group)
        found.append((cells, steps, shown))
    return [{"cells": sorted(c), "steps": sorted(s), "shown_cells": sorted(shown)} for c, s, shown in found]


def _displays(calls: tuple[str, ...]) -> bool:
    return any(is_display(call) for call in calls)
