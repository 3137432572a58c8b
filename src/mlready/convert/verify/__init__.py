"""--verify: the notebook and the package are run, and everything that is stable is compared by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlready.convert.display import is_display, is_shown
from mlready.convert.emit import definition_homes
from mlready.convert.environment import default_python
from mlready.convert.model import Plan, Stage
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


@dataclass(frozen=True)
class Verification:
    """Of all notebooks of one conversion."""

    verdicts: tuple[Verdict, ...]
    content: dict[str, Any]

    @property
    def differs(self) -> bool:
        return any(verdict.differs for verdict in self.verdicts)

    @property
    def text(self) -> str:
        return "\n".join(verdict.text for verdict in self.verdicts)


def verify_conversion(done: Conversion, options: Options, *, once: bool, timeout: int, extra: str = "") -> Verification:
    """Verifies every notebook of a conversion that has been written."""
    python = (options.python or default_python()).absolute()
    source = done.changes.root.resolve() / _source_folder(done)
    verdicts = tuple(verify(plan, source, python, once=once, timeout=timeout, extra=extra) for plan in done.plans)
    content = {**done.content, "verification": [verdict.content for verdict in verdicts]}
    write_recorded(done, verdicts, content)
    return Verification(verdicts, content)


def _source_folder(done: Conversion) -> str:
    package = done.plans[0].package.split(".")[0]
    return "src" if any(path.startswith(f"src/{package}/") for path in done.changes.files) else "."


def verify(
    plan: Plan,
    source: Path,
    python: Path,
    *,
    once: bool = False,
    timeout: int = 600,
    extra: str = "",
    references: Path | None = None,
) -> Verdict:
    """Reference runs as they are; where values differ between them, two more under seeds; then the package once.

    `references` is a folder that keeps the reference runs between calls, for measuring.
    """
    with work_folder() as work:
        setup = Setup(python, timeout, work, extra)
        run = kept(run_notebook, references) if references else run_notebook
        plain = [run(plan.notebook, setup, seeded=False, name=f"plain{n}") for n in range(1 if once else 2)]
        if not all(found.record.exists() for found in plain):
            return judge(plan, plain, [], {}, None)
        job = _job(plan, source)
        compared = compare_records(setup, {**job, **_records(plain, [])}, "stability")
        seeded: list[NotebookRun] = []
        if _is_unstable(compared, plain):
            seeded = [run(plan.notebook, setup, seeded=True, name=f"seeded{n}") for n in range(2)]
            seeded = [found for found in seeded if found.record.exists()]
        record, files, problem = run_package(plan.notebook, setup, {**job, "seeded": bool(seeded)}, "package")
        paths = _records(plain, seeded)
        if not problem:
            paths["candidate"] = str(record)
        compared = compare_records(setup, {**job, **paths}, "comparison")
        return judge(plan, plain, seeded, compared, (files, problem))


def _records(plain: list[NotebookRun], seeded: list[NotebookRun]) -> dict[str, Any]:
    return {"plain": [str(run.record) for run in plain], "seeded": [str(run.record) for run in seeded]}


def _is_unstable(compared: Mapping[str, Any], plain: list[NotebookRun]) -> bool:
    values = (value["verdict"] == "unstable" for value in compared["values"].values())
    shown = (group["verdict"] == "unstable" for group in compared["shown"])
    return any(values) or any(shown) or len({tuple(run.texts.items()) for run in plain}) > 1


def _job(plan: Plan, source: Path) -> dict[str, Any]:
    homes = definition_homes(plan)
    return {
        "package": plan.package,
        "source": str(source),
        "steps": [stage.name for stage in plan.stages],
        "variables": {name: step for name, step in plan.where.items() if not name.startswith("_")},
        "definitions": homes,
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
