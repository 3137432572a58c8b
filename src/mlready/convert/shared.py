"""Several notebooks in one project: functions and classes that are the same in two of them are written once."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mlready.convert.codemods.source import code_of
from mlready.convert.model import Definition, Plan
from mlready.convert.tokens import SHOW


def with_shared(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The plans, each knowing which of its definitions stand in the project's `shared` module."""
    if len(plans) < 2:
        return tuple(plans)
    keys = [{name: _key(plan, definition) for name, definition in plan.definitions.items()} for plan in plans]
    counts = Counter(key for found in keys for key in found.items())
    common = {name for (name, _), count in counts.items() if count > 1}
    for name in list(common):
        if len({found[name] for found in keys if name in found}) > 1:
            common.discard(name)
    narrowed = True
    while narrowed:
        needy = {n for plan in plans for n, d in plan.definitions.items() if n in common and _needs_more(d, common)}
        common, narrowed = common - needy, bool(needy)
    return tuple(replace(plan, shared=frozenset(common & plan.definitions.keys())) for plan in plans)


def _needs_more(definition: Definition, common: set[str]) -> bool:
    """True where a definition takes variables, uses what is not shared, or shows values as one package does."""
    return bool(definition.extra or definition.uses - common) or SHOW in code_of(definition.statement.code)


def _key(plan: Plan, definition: Definition) -> str:
    """Equal for definitions that do the same: their code, and what the names in it are imported as."""
    needs = plan.needs[definition.statement.index]
    imports = sorted(line.text for line in plan.imports if line.name in needs or line.name == "*")
    return ast.dump(definition.statement.node) + "\n".join(imports)
