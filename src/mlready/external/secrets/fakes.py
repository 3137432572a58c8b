"""Telling real values from placeholders, examples and templates."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

_FAKE_WORDS = re.compile(
    r"example|sample|dummy|fake|placeholder|your|change[_-]?me|random[_-]|s3cr3t|replace|insert|redacted|removed|hidden|secret[_-]?here|"
    r"Eby8vdM02xNOcqF|my[_-]?(?:secret|token|key|pass)|foobar|deadbeef|lorem|abcdef|0123456|1234567|7654321|qwerty|asdf|"
    r"(?:^|[_-])(?:test|todo|none|null|demo|mock|fixme)(?:$|[_-])|x{4,}|\*{3,}|\.{3}|0{6,}|_{4,}",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\$\{|\{\{|\}\}|<[^>]{1,60}>|%\(|\{[A-Za-z_][\w.]*\}|\$[A-Za-z_(]|^\[.*\]$")


def is_fake(value: str) -> bool:
    """Whether a value is an example (of Azure's storage emulator too), a mask or a template, not something random."""
    return bool(_FAKE_WORDS.search(value) or _TEMPLATE.search(value)) or _is_dull(value)


def entropy(value: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0


def _is_dull(value: str) -> bool:
    """Few different characters, or a run along the alphabet: typed by hand, never made at random."""
    if len(value) < 16:
        return False
    body = value[-32:]
    steps = sum(1 for left, right in itertools.pairwise(body) if ord(right) - ord(left) in (0, 1, -1))
    return len(set(body.lower())) < 6 or entropy(body) < 2.6 or steps > len(body) * 0.5
