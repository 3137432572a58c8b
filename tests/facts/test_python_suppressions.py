"""Comments that ask mlready to leave something alone."""

from __future__ import annotations

from mlready.facts.rows import Suppression
from mlready.facts.syntax.comments import suppressions_of


def test_a_comment_covers_its_line() -> None:
    assert suppressions_of("x = 1\ny = 2  # mlready: ignore[REP004, DES007] seeded in main\n") == (
        Suppression(("REP004", "DES007"), "seeded in main", 2),
    )


def test_a_comment_on_its_own_line_covers_the_next_line_of_code() -> None:
    assert suppressions_of("# mlready: ignore[REP004] because\n\n# more\nx = 1\n") == (
        Suppression(("REP004",), "because", 4),
    )


def test_a_whole_file() -> None:
    assert suppressions_of("# mlready: ignore-file[DES007]: paths of the cluster\n")[0] == Suppression(
        ("DES007",), "paths of the cluster", 0
    )


def test_without_rules_none_is_named() -> None:
    assert suppressions_of("x  # mlready: ignore\n") == (Suppression((), "", 1),)


def test_text_in_strings_is_no_comment() -> None:
    assert suppressions_of('x = "# mlready: ignore[REP004] no"\n"""\n# mlready: ignore[REP004] no\n"""\n') == ()


def test_broken_code_keeps_what_came_before() -> None:
    assert suppressions_of("x = 1  # mlready: ignore[REP004] a\ny = (\n")[0].line == 1
