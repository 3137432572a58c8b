"""Small notebooks in, packages out; and both run in one process by plain `exec`."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlready.convert import Conversion, Options, convert


def notebook(path: Path, *cells: str, **metadata: Any) -> Path:
    """Writes a notebook; a cell that starts with "#md " is markdown."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": metadata,
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": cell[4:]}
            if cell.startswith("#md ")
            else {"cell_type": "code", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
            for cell in cells
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def converted(folder: Path, *cells: str, package: str = "made") -> Conversion:
    """Converts and writes."""
    done = convert([notebook(folder / "book.ipynb", *cells)], Options(into=folder / "project", package=package))
    done.changes.apply()
    return done


def run_cells(cells: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Final namespace and printed text of plain Python cells, run one after the other."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for cell in cells:
            exec(compile(cell, "cell", "exec"), namespace)
    return {name: value for name, value in namespace.items() if not name.startswith("__")}, out.getvalue()


def run_package(done: Conversion) -> tuple[dict[str, Any], str]:
    """Last local variable of each step by name, and printed text, of a written package run through its pipeline."""
    from mlready.convert.verify.inside import package as watched

    plan = done.plans[0]
    source = done.changes.root / "src"
    steps = {stage.name for stage in plan.stages}
    finder = watched.Finder(source, plan.package, steps)
    forget(plan.package)
    watched.LOCALS.values.clear()
    sys.modules["_mlready_watch"] = watched
    sys.meta_path.insert(0, finder)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            config = importlib.import_module(f"{plan.package}.config").Config()
            importlib.import_module(f"{plan.package}.pipeline").run(config)
    finally:
        sys.meta_path.remove(finder)
        forget(plan.package)
    values = {n: getattr(config, n) for n, where in plan.where.items() if where == "config"}
    for name, step in plan.where.items():
        if name in watched.LOCALS.values.get(step, {}):
            values[name] = watched.LOCALS.values[step][name].value()
    return values, out.getvalue() + watched.LOCALS.out.getvalue()


def forget(package: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def source_of(done: Conversion, module: str) -> str:
    package = done.plans[0].package
    return done.changes.files[f"src/{package}/{module}.py"]


def all_source(done: Conversion) -> str:
    return "\n".join(text for path, text in done.changes.files.items() if path.startswith("src/"))


def notes(done: Conversion) -> list[tuple[int, str, str]]:
    return [(note.cell, note.kind, note.message) for note in done.plans[0].notes]
