"""The JSON that a shields.io endpoint badge reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style


def render(judged: Sequence[Judged], _style: Style) -> str:
    """A badge for all audited paths: the lowest score."""
    score = lowest_score(judged)
    badge = {"schemaVersion": 1, "label": "mlready", "message": message_of(score), "color": color_of(score)}
    return json.dumps(badge) + "\n"


def lowest_score(judged: Sequence[Judged]) -> float | None:
    """The score that a badge shows: a chain is as strong as its weakest project."""
    scores = [item.report.main.score for item in judged if item.report.main.score is not None]
    return min(scores, default=None)


def message_of(score: float | None) -> str:
    """The words on the right of the badge."""
    return "no score" if score is None else f"{score:.0f} of 100"


def color_of(score: float | None) -> str:
    """The color name that shields.io knows."""
    if score is None:
        return "lightgrey"
    for least, color in ((90, "brightgreen"), (75, "green"), (60, "yellowgreen"), (40, "yellow"), (20, "orange")):
        if score >= least:
            return color
    return "red"
