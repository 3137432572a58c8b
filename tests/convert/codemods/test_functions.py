"""Steps as functions, and functions that take what was global."""

from __future__ import annotations

import pytest

from mlready.convert.codemods import functions
from mlready.convert.codemods.source import code_of, pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    return k", "def f(k):\n    return k"),
        ("def f(x, *, y=1): return k", "def f(k, x, *, y=1): return k"),
        ("def f(x, /, y): return k", "def f(k, x, /, y): return k"),
        ("def f(*xs): return k", "def f(k, *xs): return k"),
        ("async def f(\n    x,  # one\n):\n    return k", "async def f(\n    k, x,  # one\n):\n    return k"),
        ("def f():\n    global k\n    return k", "def f(k):\n    pass\n    return k"),
        ("def f():\n    global k, n\n    return k", "def f(k):\n    global n\n    return k"),
        ("# why\n@d\ndef f(): return k", "# why\n@d\ndef f(k): return k"),
    ],
)
def test_a_function_takes_what_it_read(text: str, expected: str) -> None:
    (piece,), _ = pieces(text)
    assert code_of(functions.with_parameters(piece.code, ("k",), {})) == expected


def test_a_parameter_may_be_annotated() -> None:
    (piece,), _ = pieces("def f(x): return k")
    assert code_of(functions.with_parameters(piece.code, ("c", "k"), {"c": "C"})) == "def f(c: C, k, x): return k"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    global a  # mine\n    a = 1", "def f():\n    nonlocal a  # mine\n    a = 1"),
        ("def f():\n    global a, x\n    a = 1", "def f():\n    nonlocal a\n    a = 1"),
        ("def f():\n    global x", "def f():\n    pass"),
        ("if x:\n    global a\n    a = 1", "if x:\n    pass\n    a = 1"),
        (
            "class C:\n    def m(self):\n        global a; a = 1",
            "class C:\n    def m(self):\n        nonlocal a; a = 1",
        ),
        ("def f():\n    '''\n    global a\n    '''", "def f():\n    '''\n    global a\n    '''"),
    ],
)
def test_global_names_of_the_step_are_nonlocal(text: str, expected: str) -> None:
    (piece,), _ = pieces(text)
    assert code_of(functions.with_nonlocal(piece.code, frozenset({"a"}))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  # look", "show(a)  # look"),
        ("a, b", "show((a, b))"),
        ("(a), (b)", "show(((a), (b)))"),
        ("(a, b)", "show((a, b))"),
        ("(\n    df\n    .head()  # few\n)", "show((\n    df\n    .head()  # few\n))"),
        ("x if y else z", "show(x if y else z)"),
        ("lambda: 1", "show(lambda: 1)"),
        ("(yield_ := 2)", "show((yield_ := 2))"),
    ],
)
def test_a_last_expression_is_shown(text: str, expected: str) -> None:
    (piece,), _ = pieces(text)
    assert code_of(functions.shown(piece.code, "show")) == expected


def test_a_step_holds_statements_as_they_were() -> None:
    cell = (
        "\n# first\na = [\n  1,  # one\n]\n\n\nfor x in a:\n  # two blanks\n  print('''x\n y''')\n  # end\n"
        "# below\nb = 1; c = 2  # both\n"
    )
    found, after = pieces(cell + "# last\n")
    function = functions.step("def f(n: int):", '"""Do it."""', [piece.code for piece in found], after)
    assert code_of(function) == (
        'def f(n: int):\n    """Do it."""\n    # first\n    a = [\n      1,  # one\n    ]\n\n    for x in a:\n'
        "        # two blanks\n        print('''x\n y''')\n        # end\n    # below\n    b = 1\n    c = 2  # both\n"
        "    # last"
    )


def test_comments_are_put_above_what_is_made() -> None:
    code = functions.with_comments_above(functions.parsed("return a"), ("# b",))
    assert code_of(code) == "# b\nreturn a"
