"""What the code of a notebook says about its models: the facts of the model card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mlready.convert.inputs import inputs
from mlready.convert.keep import saved_models
from mlready.convert.model import Plan, Stage
from mlready.convert.sections import first_paragraph

CARD = "docs/model-card.md"
MAX_PROSE = 600


def card_facts(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """For each notebook that fits a model of a library that mlready knows: what is fitted, on what, and how it is measured."""
    return [facts for plan in plans if any(_calls_of(plan)) and (facts := _facts(plan))["models"]]


def _facts(plan: Plan) -> dict[str, Any]:
    from mlready import vocabulary

    words = vocabulary.load()
    models: dict[str, list[str]] = {}
    found: dict[str, dict[str, None]] = {"read-data": {}, "split": {}, "evaluate": {}}
    for stage, name in _calls_of(plan):
        fits = words.meaning(f"{name}.fit") if _is_class(name) else None
        if fits and "train" in fits.activities:
            models.setdefault(name, []).append(f"{stage.module}.{stage.name}")
        meaning = words.meaning(name) or (words.meaning(f".{name.rpartition('.')[2]}") if "." in name else None)
        for activity in found.keys() & set(meaning.activities if meaning else ()):
            found[activity][name] = None
    settings = {what: [s for s in plan.settings if s.what == what] for what in ("seed", "final estimator")}
    return {
        "notebook": plan.notebook.path.name,
        "prose": _prose(plan),
        "models": {name: list(dict.fromkeys(places)) for name, places in models.items()},
        "saved": saved_models(plan),
        "below": f"{plan.package.partition('.')[2]}/".lstrip("/"),
        "parameters": [(s.name, s.default) for s in settings["final estimator"]],
        "inputs": inputs(plan),
        "loaders": _resolved(found["read-data"]),
        "splits": _resolved(found["split"]),
        "seeds": [(s.name, s.default) for s in settings["seed"]],
        "metrics": _resolved(found["evaluate"]),
    }


def _calls_of(plan: Plan) -> Iterator[tuple[Stage, str]]:
    for stage in plan.stages:
        for statement in stage.statements:
            yield from ((stage, name) for name in statement.flow.calls)


def _is_class(name: str) -> bool:
    return "." in name and name.rpartition(".")[2][:1].isupper()


def _resolved(names: Iterable[str]) -> list[str]:
    """Full names only: a builtin says nothing to a reader."""
    return [name for name in names if "." in name]


def _prose(plan: Plan) -> str:
    """The first paragraph of the notebook's text: what its author said that it is for."""
    texts = (first_paragraph(cell.source) for cell in plan.notebook.cells if cell.kind == "markdown")
    return next(filter(None, texts), "")[:MAX_PROSE]
