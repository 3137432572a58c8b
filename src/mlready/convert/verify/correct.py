"""What a traced reference run says about a difference, as corrections of the plan to try, the smallest first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mlready.convert.corrections import Correction
from mlready.convert.model import Plan, Stage, Statement
from mlready.convert.tokens import OUTPUT_DIR
from mlready.convert.verify.verdict import Verdict
from mlready.flow.sharing import changed_by, shared_groups

How = Literal["shares", "watches", "reads"]


@dataclass(frozen=True)
class Moment:
    """The variables in question after one cell."""

    cell: int
    identities: Mapping[str, int]
    digests: Mapping[str, str]
    relations: frozenset[tuple[str, str, How]]
    """(variable, other variable, how): one object in both, a weak reference to it, or a function that reads the other."""


def moments(content: Sequence[Mapping[str, Any]]) -> tuple[Moment, ...]:
    """What tracing.py wrote."""
    return tuple(
        Moment(
            step["cell"], step["identities"], step["digests"], frozenset((a, b, how) for a, b, how in step["relations"])
        )
        for step in content
    )


def suspects(plan: Plan, verdict: Verdict) -> frozenset[str]:
    """Variables to trace: what differs, all that the steps concerned take in, and what may share objects with these."""
    steps = set(_steps(plan, verdict))
    statements = [s for stage in plan.stages if stage.name in steps for s in stage.statements]
    names = set(_differing(verdict)).union(*(plan.needs[s.index] | s.flow.binds for s in statements))
    for group in shared_groups(s.flow for stage in plan.stages for s in stage.statements):
        names |= group if group & names else frozenset()
    local = {line.name for line in plan.imports if line.local}
    variables = {name for stage in plan.stages for s in stage.statements for name in s.flow.binds}
    return frozenset(names & (variables | local | plan.definitions.keys()))


def _differing(verdict: Verdict) -> list[str]:
    return [name for name, value in verdict.values.items() if value["verdict"] in ("differs", "missing")]


def _steps(plan: Plan, verdict: Verdict) -> Iterator[str]:
    """Steps at whose end something is not as it was in the notebook."""
    for name in _differing(verdict):
        yield plan.where.get(name, "")
    for group in (*verdict.shown, *verdict.printed, *verdict.drawn):
        if group["verdict"] == "differs":
            yield from group["steps"]
    if verdict.error and verdict.error.get("step"):
        yield str(verdict.error["step"])


# ------------------------------------------------------------------------------------------------------------ corrections


def candidates(plan: Plan, verdict: Verdict, trace: Sequence[Moment]) -> list[tuple[Correction, ...]]:
    """Corrections in the order in which to try them: figures saved, all at once; values given back; then steps held
    together, the shortest first."""
    steps = set(_steps(plan, verdict))
    ends = [position for position, stage in enumerate(plan.stages) if stage.name in steps] or [len(plan.stages) - 1]
    starts = dict([*_rebound(plan, trace), *_changed_unseen(plan, trace)][::-1])
    spans = sorted((end - start, start, end, why) for start, why in starts.items() for end in ends if start < end)
    drawn = tuple(_drawn(plan, verdict))
    single = [*_watched(plan, trace), *(_together(plan, start, end, why) for _, start, end, why in spans)]
    return [*([drawn] if drawn else []), *((correction,) for correction in single)]


def _drawn(plan: Plan, verdict: Verdict) -> Iterator[Correction]:
    """What draws by a function that is not known to draw."""
    cells = [cell for group in verdict.drawn if group["verdict"] == "differs" for cell in group["drawing_cells"]]
    for cell in cells:
        here = [s.index for s in _statements(plan.stages) if s.cell == cell]
        if here and not any(OUTPUT_DIR in plan.needs[index] for index in here):
            yield Correction("draw", (), "a figure was open at its end", min(here), max(here))


def _watched(plan: Plan, trace: Sequence[Moment]) -> Iterator[Correction]:
    """What is only watched by another object dies with the step that made it, unless the step gives it back."""
    returned = {name for stage in plan.stages for name in stage.outputs}
    for moment in trace:
        for name, other, how in sorted(moment.relations):
            for mortal, holder in ((other, name), (name, other)) if how == "watches" else ():
                if mortal not in returned and plan.where.get(mortal, "config") != "config":
                    returned.add(mortal)
                    yield Correction("return", (mortal,), f"{holder} refers to it without keeping it alive")


def _rebound(plan: Plan, trace: Sequence[Moment]) -> Iterator[tuple[int, str]]:
    """The step that makes a function where a variable that it reads is bound anew later."""
    for position, moment in enumerate(trace):
        known = trace[position - 1].relations if position else frozenset()
        for name, other, how in sorted(moment.relations - known):
            values = {later.identities.get(other) for later in trace[position:]}
            first = _position(plan, moment.cell)
            if how == "reads" and len(values) > 1 and first is not None:
                yield first, f"{name} holds a function that reads {other}, which is bound anew later"


def _changed_unseen(plan: Plan, trace: Sequence[Moment]) -> Iterator[tuple[int, str]]:
    """The step that binds a variable which a later cell changes in place without a sign of that."""
    statements = list(_statements(plan.stages))
    groups = shared_groups(s.flow for s in statements)
    positions = {stage.name: position for position, stage in enumerate(plan.stages)}
    for before, after in itertools.pairwise(trace):
        here = [s.flow for s in statements if s.cell == after.cell]
        expected = frozenset().union(*(changed_by(flow, groups) | flow.may_mutate for flow in here))
        for name in sorted(before.digests.keys() & after.digests.keys() - expected):
            through = sorted(other for one, other, how in after.relations if one == name and how == "shares")
            if before.digests[name] != after.digests[name] and through and plan.where.get(name) in positions:
                yield positions[plan.where[name]], f"cell {after.cell} changes {name} through {', '.join(through[:3])}"


def _position(plan: Plan, cell: int) -> int | None:
    """The last step that holds statements of a cell."""
    return max((n for n, stage in enumerate(plan.stages) if cell in stage.cells), default=None)


def _together(plan: Plan, first: int, last: int, why: str) -> Correction:
    indices = [s.index for s in _statements(plan.stages[first : last + 1])]
    return Correction("merge" if last == first + 1 else "flat", (), why, min(indices), max(indices))


def _statements(stages: Iterable[Stage]) -> Iterator[Statement]:
    for stage in stages:
        yield from stage.statements
