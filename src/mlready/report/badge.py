"""A badge as a picture (SVG) of its own, without any service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlready.report.shield import color_of, lowest_score, message_of

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style

_LABEL = "mlready"
_LABEL_WIDTH = 59
_FILLS = {
    "brightgreen": "#2f7d0e", "green": "#4a7c10", "yellowgreen": "#6b7410", "yellow": "#8a6a00", "orange": "#a5530a",
    "red": "#b3261e", "lightgrey": "#5f6368",
}  # fmt: skip
"""Dark enough for white text to be read on them."""


def render(judged: Sequence[Judged], _style: Style) -> str:
    """The badge of the lowest score; its width follows its words, which are ours and need no escaping."""
    score = lowest_score(judged)
    words, fill = message_of(score), _FILLS[color_of(score)]
    right = 12 + 7 * len(words)
    width = _LABEL_WIDTH + right
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{_LABEL}: {words}">
<title>{_LABEL}: {words}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{_LABEL_WIDTH}" height="20" fill="#444"/>
<rect x="{_LABEL_WIDTH}" width="{right}" height="20" fill="{fill}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">
<text x="{_LABEL_WIDTH / 2:g}" y="14">{_LABEL}</text>
<text x="{_LABEL_WIDTH + right / 2:g}" y="14">{words}</text></g>
</svg>
"""
