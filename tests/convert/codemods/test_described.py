"""Words above a function become its docstring; other comments stay what they are."""

from __future__ import annotations

import pytest

from mlready.convert.codemods.functions import described, parsed
from mlready.convert.codemods.source import code_of

BODY = "def f(x):\n    # first\n    return x"


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ("# share of the right answers", '"""Share of the right answers."""'),
        ("# Compute the score.\n# Lower is better", '"""Compute the score.\n    Lower is better.\n    """'),
        ("## Plot it in two colors!", '"""Plot it in two colors!"""'),
    ],
)
def test_words_directly_above_a_function_are_its_docstring(above: str, expected: str) -> None:
    text = code_of(described(parsed(f"{above}\n{BODY}")))
    assert text == f"def f(x):\n    {expected}\n    # first\n    return x"


@pytest.mark.parametrize(
    "above",
    [
        "# helpers",
        "# -----------------",
        "# y = f(x) + 1",
        "# TODO: make this faster one day",
        "# noqa: E501 because it is long",
        '# says "hello" to the world',
        "# Load the data and look\n\n# helpers",
    ],
)
def test_other_comments_stay(above: str) -> None:
    assert code_of(described(parsed(f"{above}\n{BODY}"))) == f"{above}\n{BODY}"


def test_a_docstring_stays_alone() -> None:
    text = '# share of the right answers\ndef f(x):\n    """Its own."""\n    return x'
    assert code_of(described(parsed(text))) == text
