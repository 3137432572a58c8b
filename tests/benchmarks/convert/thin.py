"""Runs the thin notebook of a conversion, and compares what it shows, draws and prints with the notebook it came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mlready.convert import Conversion
from mlready.convert.read import read_notebook
from mlready.convert.thin import calls_by_cell
from mlready.convert.verify import comparison_job, groups
from mlready.convert.verify.runs import NotebookRun, Setup, compare_records, kept, run_notebook, work_folder
from mlready.convert.verify.verdict import judge_printed


def thin_outcome(done: Conversion, python: Path, timeout: int, references: Path) -> str:
    """ "equal", or what is not; the runs of the notebook itself are those kept in `references`."""
    root, plan = done.changes.root.resolve(), done.plans[0]
    with work_folder() as work:
        setup = Setup(python, timeout, work, environment={"PYTHONPATH": str(root / "src")})
        thin = read_notebook(root / "notebooks" / f"{plan.notebook.name}.ipynb")
        plain, seeded = (_kept_runs(plan.notebook, setup, references, name) for name in ("plain", "seeded"))
        run = run_notebook(replace(thin, path=plan.notebook.path), setup, seeded=bool(seeded), name="thin")
        if run.failed_cell or not run.record.exists():
            return f"fails at cell {run.failed_cell}: {run.failure}"
        numbers = {cell.id: cell.number for cell in thin.cells}
        calls = calls_by_cell(plan).items()
        places = {stage.name: numbers[f"cell-{cell}"] for cell, stages in calls for stage in stages}
        found = [{**group, "steps": sorted({places[step] for step in group["steps"]})} for group in groups(plan)]
        job = {**comparison_job(plan, root / "src", plain, seeded), "groups": found, "candidate": str(run.record)}
        compared = compare_records(setup, job, "thin")
        steps = {number: step for step, number in places.items()}
        texts = [(steps[number], text) for number, text in run.texts.items() if number in steps]
        printed = judge_printed(plan, plain, seeded, texts)
    told = {"shown values": compared["shown"], "figures": compared["drawn"], "printed text": printed}
    wrong = [
        f"{what} of cells {', '.join(map(str, group['cells']))}"
        for what, judged in told.items()
        for group in judged
        if group["verdict"] == "differs"
    ]
    return "; ".join(wrong) or "equal"


def _kept_runs(notebook: Any, setup: Setup, references: Path, name: str) -> list[NotebookRun]:
    count = len(list(references.glob(f"{name}[0-9].json")))
    load = kept(run_notebook, references)
    return [load(notebook, setup, seeded=name == "seeded", name=f"{name}{n}") for n in range(count)]
