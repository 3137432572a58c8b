"""A notebook becomes a package: cells -> statements -> steps -> modules -> files, and the change is proven by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlready.convert.changes import Changes
from mlready.convert.corrections import Correction
from mlready.convert.model import Plan
from mlready.errors import UsageError


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    into: Path
    package: str = ""
    package_only: bool = False
    force: bool = False
    python: Path | None = None
    ours: frozenset[str] = frozenset()
    """Files that an earlier conversion of the same run wrote, and that this one may replace."""


@dataclass(frozen=True)
class Conversion:
    """A conversion before it is written."""

    plans: tuple[Plan, ...]
    changes: Changes
    content: dict[str, Any]
    """What conversion.json says."""


def convert(
    notebooks: Sequence[Path], options: Options, corrections: Sequence[tuple[Correction, ...]] = ()
) -> Conversion:
    """Reads, plans and renders; nothing is written and nothing of the notebook is executed.

    `corrections` of the plan of each notebook come from reference runs.
    """
    from mlready.convert.beside import local_modules, outside_roots
    from mlready.convert.environment import environment
    from mlready.convert.keep import saved_models
    from mlready.convert.names import package_name, unique
    from mlready.convert.plan import make_plan
    from mlready.convert.project import project_files
    from mlready.convert.read import read_notebook

    read = [read_notebook(path) for path in notebooks]
    package = options.package or package_name(options.into.resolve().name)
    plans: list[Plan] = []
    for notebook in read:
        name = package
        if len(read) > 1:
            taken = {plan.package.rsplit(".", 1)[-1] for plan in plans}
            name = f"{package}.{unique(package_name(notebook.name), taken)}"
        plans.append(make_plan(notebook, name, corrections[len(plans)] if corrections else ()))
    roots = {line.root for plan in plans for line in plan.imports if not line.local}
    if package in roots:
        raise UsageError(
            f"the package cannot be called {package}: the notebook imports {package}", hint="--package NAME"
        )
    if not options.package_only:
        roots |= outside_roots({path: text for plan in plans for path, text in local_modules(plan).items()})
    roots |= {"joblib"} if any(map(saved_models, plans)) else set()
    plots = any(plan.figures for plan in plans)
    return project_files(plans, package, environment(roots, options.python, plots=plots), options)
