"""conversion.json and CONVERSION.md: where every cell went, and what a person should look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlready import __version__
from mlready.convert.emit import definition_homes
from mlready.convert.model import Plan
from mlready.convert.tokens import CONFIG

if TYPE_CHECKING:
    from mlready.convert.skeleton import Skeleton

SCHEMA = 1


def conversion(
    plans: Sequence[Plan], dependencies: Sequence[str], around: Skeleton | None, verification: Any = None
) -> dict[str, Any]:
    """Everything about a conversion as plain values; `around` is None where only modules are written."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "mlready", "version": __version__},
        "notebooks": [_notebook(plan) for plan in plans],
        "dependencies": list(dependencies),
        "skeleton": {
            "written": sorted(around.files) if around else [],
            "left_out": [part.record for part in around.left_out] if around else [],
        },
        "verification": verification,
    }


def _notebook(plan: Plan) -> dict[str, Any]:
    return {
        "path": plan.notebook.path.name,
        "package": plan.package,
        "cells": [_cell(plan, number) for number in (cell.number for cell in plan.notebook.cells)],
        "steps": [
            {
                "function": stage.name,
                "module": stage.module,
                "cells": list(stage.cells),
                "inputs": list(stage.inputs),
                "settings": [*(name for name in stage.settings if name != CONFIG), *stage.from_config],
                "outputs": list(stage.outputs),
                "statements": sum(s.weight for s in stage.statements),
            }
            for stage in plan.stages
        ],
        "settings": [
            {"name": s.name, "type": s.annotation, "default": s.default, "cell": s.cell or None, "what": s.what}
            for s in plan.settings
        ],
        "variables": plan.where,
        "results": list(plan.results),
    }


def _cell(plan: Plan, number: int) -> dict[str, Any]:
    cell = next(cell for cell in plan.notebook.cells if cell.number == number)
    return {
        "number": number,
        "id": cell.id,
        "kind": cell.kind,
        "to": destinations(plan).get(number, []) if cell.kind == "code" else ["notebook"],
        "notes": [{"line": n.line, "kind": n.kind, "message": n.message} for n in plan.notes if n.cell == number],
        **({"text": cell.source} if _is_left_out(plan, number) else {}),
    }


def _is_left_out(plan: Plan, number: int) -> bool:
    return any(cell.number == number and cell.problem for cell in plan.cells)


def destinations(plan: Plan) -> dict[int, list[str]]:
    """Cell -> "module.name" of all that its code became."""
    found: dict[int, dict[str, None]] = {}
    homes = definition_homes(plan)
    for stage in plan.stages:
        for cell in stage.cells:
            found.setdefault(cell, {})[f"{stage.module}.{stage.name}"] = None
    for name, definition in plan.definitions.items():
        found.setdefault(definition.statement.cell, {})[f"{homes[name]}.{name}"] = None
    for line in plan.imports:
        found.setdefault(line.cell, {})["imports"] = None
    for setting in plan.settings:
        if setting.cell:
            found.setdefault(setting.cell, {})[f"config.{setting.name}"] = None
    return {cell: list(names) for cell, names in found.items()}


def conversion_page(
    plans: Sequence[Plan], content: Mapping[str, Any], verification: Mapping[str, Any] | None = None
) -> str:
    """The page for people; `content` is what conversion.json says."""
    lines = ["# Conversion", ""]
    for plan in plans:
        lines += _page_of(plan)
    if verification:
        lines += ["## Verification", "", verification["summary"], ""]
    return "\n".join([*lines, *_left_out(content["skeleton"]["left_out"])])


def _left_out(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["## Left out", "", "Of what `mlready new` writes, this project does not have:", ""]
    lines += [f"- {', '.join(f'`{name}`' for name in part['parts'])}: {part['reason']}" for part in parts]
    return [*lines, ""]


def _page_of(plan: Plan) -> list[str]:
    lines = [f"## `{plan.notebook.path.name}`", "", "| cell | became |", "|---|---|"]
    where = destinations(plan)
    for cell in plan.notebook.cells:
        if cell.kind == "code" and cell.source.strip():
            names = ", ".join(f"`{name}`" for name in where.get(cell.number, ())) or "nothing: see below"
            lines.append(f"| {cell.number} | {names} |")
    lines += ["", "### To look at", ""]
    lines += [f"- cell {note.cell}, {note.kind}: {note.message}".replace("\n", " ") for note in plan.notes] or [
        "- nothing"
    ]
    return [*lines, ""]


def conversion_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
