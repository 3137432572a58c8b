"""Leaks between the parts of a split, cuts of training data, and what becomes of a language model's answers.

A light interpretation over abstract values, run at extraction time: statements in order, functions where they are
called. It says only what it can follow; a file too large or too deep is followed as far as it goes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mlready.facts.rows import Flow

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk
    from mlready.facts.rows import Call, Scope
    from mlready.vocabulary import Vocabulary

_JUDGED = frozenset({"split", "tune", "evaluate", "call-llm"})
_TRAINED = frozenset({"fit", "train"})


def flows_of(
    tree: ast.Module,
    call_names: Mapping[int, str],
    calls: Iterable[Call],
    scopes: Sequence[Scope],
    vocabulary: Vocabulary,
) -> tuple[Flow, ...]:
    """The flows of a parsed module; `call_names` are the resolved names of its calls by the identity of their nodes."""
    activities = {activity for call in calls for activity in call.activities}
    if activities.isdisjoint(_JUDGED) and ("read-data" not in activities or activities.isdisjoint(_TRAINED)):
        return ()
    from mlready.facts import leak_llm
    from mlready.facts.leak_walk import OutOfBudget, Walk

    walk = Walk(vocabulary, call_names, tree)
    with suppress(OutOfBudget, RecursionError):
        walk.run(tree)
    _truncations(walk)
    leak_llm.finish(walk)
    rows = sorted(walk.found.values(), key=lambda found: (found.line, found.kind, found.other_line))
    return tuple(
        Flow(found.kind, found.line, _scope_at(scopes, found.line), found.other_line, found.message, found.certain)
        for found in rows
    )


def _truncations(walk: Walk) -> None:
    """A cut counts when nothing is ever trained on the same data whole."""
    for mark, line, data in walk.cut_fits:
        if not data.roots & walk.fitted_whole:
            message = f"{mark.name} cuts the data that is trained on"
            walk.report("truncation", mark.line, line, message)


def _scope_at(scopes: Sequence[Scope], line: int) -> int:
    """The innermost scope that a line stands in."""
    best, start = 0, -1
    for number, scope in enumerate(scopes):
        if scope.line <= line <= scope.end_line and scope.line >= start and number:
            best, start = number, scope.line
    return best
