"""The thin notebook: the old prose, and for each run of cells one call of the package that shows what those showed."""

from __future__ import annotations

import builtins
import json
from typing import Any

from mlready.convert.model import Plan, Stage
from mlready.convert.tokens import CONFIG, CONFIG_CLASS, OUTPUT_DIR, setting


def thin_notebook(plan: Plan) -> str:
    """JSON of a notebook that runs the steps one by one, between the markdown cells of the original."""
    calls: dict[int, list[str]] = {}
    known: set[str] = set()
    for number, stages in calls_by_cell(plan).items():
        for stage in stages:
            calls.setdefault(number, []).append(_call(stage, known))
            known.update(stage.outputs)
    cells = [_code(_header(plan), "setup")]
    for cell in plan.notebook.cells:
        if cell.kind != "code":
            cells.append(_markdown(cell.source, f"prose-{cell.number}"))
        elif cell.number in calls:
            cells.append(_code("\n".join(calls[cell.number]), f"cell-{cell.number}"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def calls_by_cell(plan: Plan) -> dict[int, list[Stage]]:
    """The steps that are called in place of each cell: where a step begins. One that begins inside of a cell that draws is
    called with the step before: a notebook closes figures at the end of each cell."""
    statements = [statement for stage in plan.stages for statement in stage.statements]
    drawing = {statement.cell for statement in statements if OUTPUT_DIR in plan.needs[statement.index]}
    found: dict[int, list[Stage]] = {}
    cell, before = 0, None
    for stage in plan.stages:
        goes_on = before is not None and before.cells[-1] == stage.cells[0] in drawing
        cell = cell if goes_on else stage.cells[0]
        found.setdefault(cell, []).append(stage)
        before = stage
    return found


def _header(plan: Plan) -> str:
    lines = [f"from {plan.package}.config import Config as {CONFIG_CLASS}"]
    for module in dict.fromkeys(stage.module for stage in plan.stages):
        names = ", ".join(sorted(stage.name for stage in plan.stages if stage.module == module))
        lines.append(f"from {plan.package}.{module} import {names}")
    return "\n".join([*sorted(lines), "", f"{CONFIG} = {CONFIG_CLASS}()"])


def _call(stage: Stage, known: set[str]) -> str:
    arguments = [n for n in stage.inputs if n in known or hasattr(builtins, n)]
    arguments += map(setting, stage.settings)
    call = f"{'await ' if stage.is_async else ''}{stage.name}({', '.join(arguments)})"
    return f"{', '.join(stage.outputs)} = {call}" if stage.outputs else call


def _code(source: str, identity: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": identity,
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def _markdown(source: str, identity: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": source.splitlines(keepends=True)}
