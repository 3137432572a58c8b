"""The page on magics says what the tables say."""

from __future__ import annotations

from pathlib import Path

from mlready.convert.magics_page import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "magics.md"


def test_the_page_on_magics_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m mlready.convert.magics_page"
