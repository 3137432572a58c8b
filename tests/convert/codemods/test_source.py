"""Cells as pieces: each statement of both trees side by side, with its comments."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.convert.test_behavior import statement

from mlready.convert.codemods.source import assigned_value, code_of, comments, comments_of, pieces


def texts(cell: str) -> list[str]:
    return [code_of(piece.code) for piece in pieces(cell)[0]]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", []),
        ("# nothing", []),
        ("a = 1; b = 2; c = 3  # all", ["a = 1", "b = 2", "c = 3  # all"]),
        ("# one\n\n# two\na = 1", ["# one\n\n# two\na = 1"]),
        ("if x: y = 1  # c\nelse:\n    z = 2", ["if x: y = 1  # c\nelse:\n    z = 2"]),
        ("import a, b.c as d  # both", ["import a", "import b.c as d  # both"]),
        (
            "# tools\nfrom m import (\n    a,  # first\n    b as c,\n    d  # last\n)",
            ["# tools\nfrom m import a  # first", "from m import b as c", "from m import d  # last"],
        ),
        (
            "if __name__ == '__main__':\n    a = '''x\n  y'''\n    # why\n    b = 2",
            ["a = '''x\n  y'''", "# why\nb = 2"],
        ),
        ("# run\nif '__main__' == __name__: a = 1; b = 2", ["# run\na = 1", "b = 2"]),
        ("if __name__ == '__main__':\n    a = 1\nelse:\n    b = 2", None),
        ("exec('a = 1\\n# two\\nb = 2')", ["a = 1", "# two\nb = 2"]),
        ("exec('a = (')", None),
        ("@d\nclass A:\n\tx = 1", ["@d\nclass A:\n    x = 1"]),
        ("x = 1 + \\\n    2", None),
        ("x = 1 \\\n\n", ["x = 1"]),
        ("x = 1  # C:\\", None),
        ("a = 1\rb = 2\r\nc = 3", ["a = 1", "b = 2", "c = 3"]),
    ],
)
def test_statements_stand_alone(cell: str, expected: list[str] | None) -> None:
    assert texts(cell) == ([cell] if expected is None else expected)


def test_comments_below_the_last_statement_are_given_apart() -> None:
    found, after = pieces("a = 1\n\n# one\n# two\n")
    assert [code_of(piece.code) for piece in found] == ["a = 1"]
    assert after == ("", "# one", "# two")
    assert pieces("# alone\n")[1] == ("# alone",)


def test_comments_of_a_dissolved_block_are_kept() -> None:
    found, _ = pieces("if __name__ == '__main__':\n    a = 1\n    # end\nb = 2")
    assert found[0].after == ("# end",)


def test_a_semicolon_mutes() -> None:
    assert [piece.muted for piece in pieces("a; b")[0]] == [True, False]
    assert [piece.muted for piece in pieces("a; b;")[0]] == [True, True]


def test_comments_above_and_behind() -> None:
    (piece,), _ = pieces("\n\n# x\n\n# y\na = 1  # z")
    assert comments_of(piece.code) == (("", "# x", "", "# y"), "# z")
    (loop,), _ = pieces("# x\nfor a in b:  # head\n    pass")
    assert comments_of(loop.code) == (("# x",), "")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a = [\n  1,  # one\n]", "[\n  1,  # one\n]"),
        ("a = ('b'\n  'c')", "('b'\n  'c')"),
        ("a = 'b' \\\n  'c'", "('b' \\\n  'c')"),
        ("a = -1  # b", "-1"),
    ],
)
def test_the_value_of_a_constant_keeps_its_form(cell: str, expected: str) -> None:
    (piece,), _ = pieces(cell)
    assert assigned_value(piece.code) == expected


def deep_sum(terms: int) -> str:
    return "a = " + " + ".join(["1"] * terms)


@pytest.mark.parametrize(
    "cell",
    [deep_sum(5000), deep_sum(300), "a = " + "-" * 3000 + "1", "a = 1\x00", "a =", "for a in b:\n    a\n\\\nb"],
    ids=lambda cell: cell[:12],
)
def test_what_cannot_be_changed_is_a_syntax_error(cell: str) -> None:
    with pytest.raises(SyntaxError):
        pieces(cell)


FRAGMENTS = (
    *("a = 1", "\n", "\r", "\x0c", "\t", "  ", "# c", "'é'", "\\\n", '"""', "if a:", "\n    b = f('ö', 2)", ";", "("),
    *(")", "\ufeff", "\u2028", "f'{a!r:>{b}}'", "exec('c = 1\\rd = 2')", "match x:\n    case 1: pass", "\x00", "@d\n"),
    *("import a as b, c", "from . import (d, # e\n f)", "if __name__ == '__main__':\n    # k\n    pass\n    # l"),
)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join))
def test_whatever_the_text_it_is_read_or_refused(cell: str) -> None:
    try:
        found, _ = pieces(cell)
    except SyntaxError:
        return
    for piece in found:
        assert ast.dump(ast.parse(code_of(piece.code))) == ast.dump(ast.Module([piece.node], []))
        for node in ast.walk(piece.node):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | str):
                piece.origin.literal(node)


@given(st.lists(statement, min_size=1, max_size=6).map("\n# note\n\n".join))
def test_both_trees_agree_and_nothing_is_lost(cell: str) -> None:
    found, after = pieces(cell)
    assert [ast.dump(piece.node) for piece in found] == [ast.dump(node) for node in ast.parse(cell).body]
    for piece in found:
        assert ast.dump(ast.parse(code_of(piece.code))) == ast.dump(ast.Module([piece.node], []))
    kept = sum(comments(piece.code.leading_lines).count("# note") for piece in found) + after.count("# note")
    assert kept == cell.count("# note")
