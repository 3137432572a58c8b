"""Changes inside a statement: small text in, text out."""

from __future__ import annotations

import ast

import pytest

from mlready.convert.codemods import expressions
from mlready.convert.codemods.source import Origin, code_of, pieces


def changed(text: str, change: str, *arguments: object) -> str:
    (piece,), _ = pieces(text)
    return code_of(getattr(expressions, change)(piece.code, *arguments))


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("df = read('a.csv')  # all", "a.csv", "df = read(path)  # all"),
        ("m = Model(C=1, n=1.5)", 1.5, "m = Model(C=1, n=path)"),
        ("m = Model(\n    flag=True,  # on\n)", True, "m = Model(\n    flag=path,  # on\n)"),
        ("s = 'ä'; t = f('ö', 3)", 3, "t = f('ö', path)"),
        ("f('one '\n  'string')", "one string", "f(path)"),
        ("f(('a'))", "a", "f((path))"),
    ],
)
def test_a_literal_becomes_a_setting(text: str, value: object, expected: str) -> None:
    piece = pieces(text)[0][-1]
    nodes = [node for node in ast.walk(piece.node) if isinstance(node, ast.Constant) and node.value == value]
    (literal,) = [node for node in nodes if type(node.value) is type(value)]
    found = piece.origin.literal(literal)
    assert found is not None
    assert code_of(expressions.with_literals_replaced(piece.code, {found: "path"})) == expected


def test_only_the_literal_at_the_place_is_replaced() -> None:
    (piece,), _ = pieces("f(1, 1)")
    assert isinstance(piece.node, ast.Expr)
    assert isinstance(piece.node.value, ast.Call)
    second = piece.node.value.args[1]
    assert isinstance(second, ast.Constant)
    found = piece.origin.literal(second)
    assert found is not None
    assert code_of(expressions.with_literals_replaced(piece.code, {found: "n"})) == "f(1, n)"


def test_a_place_without_a_literal_is_nothing() -> None:
    node = ast.parse("[1]").body[0]
    assert isinstance(node, ast.Expr)
    assert isinstance(node.value, ast.List)
    constant = node.value.elts[0]
    assert isinstance(constant, ast.Constant)
    assert Origin("abc").literal(constant) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("display(a)  # look", "show(a)  # look"),
        ("for x in xs:\n    display(x)\n", "for x in xs:\n    show(x)"),
        ("o.display(a)", "o.display(a)"),
        ("f = display", "f = display"),
    ],
)
def test_calls_are_renamed_by_plain_name(text: str, expected: str) -> None:
    assert changed(text, "with_calls_renamed", {"display": "show"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plt.show()  # done", "save(d, 'x')  # done"),
        ("if a:\n    plt.show(block=False)", "if a:\n    save(d, 'x')"),
        ("other.plt.show()", "other.plt.show()"),
        ("make().show()", "make().show()"),
        ("_ = (plt.show())", "_ = (save(d, 'x'))"),
    ],
)
def test_showing_figures_becomes_saving_them(text: str, expected: str) -> None:
    assert changed(text, "with_figures_saved", frozenset({"plt.show"}), "save(d, 'x')") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = f()", "y = f(a, b)"),
        ("y = f(x, *xs, k=1)", "y = f(a, b, x, *xs, k=1)"),
        ("y = f(\n    x,  # one\n)", "y = f(\n    a, b, x,  # one\n)"),
        ("y = f(f(x))", "y = f(a, b, f(a, b, x))"),
        ("y = o.f(x)", "y = o.f(x)"),
        ("y = f(x for x in xs)", "y = f(a, b, (x for x in xs))"),
        ("y = f((x for x in xs))", "y = f(a, b, (x for x in xs))"),
        ("s = f'{f(1)}'", "s = f'{f(a, b, 1)}'"),
    ],
)
def test_calls_pass_what_the_function_now_takes(text: str, expected: str) -> None:
    assert changed(text, "with_leading_arguments", {"f": ("a", "b")}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = __name__", 'a = "__main__"'),
        ("a = x.__name__", "a = x.__name__"),
        ("f(__name__=__name__)", 'f(__name__="__main__")'),
        ('s = f"{__name__}"', "s = f\"{'__main__'}\""),
        ("s = f'{__name__}'", "s = f'{\"__main__\"}'"),
        ("a = (__name__)  # who", 'a = ("__main__")  # who'),
    ],
)
def test_the_name_of_the_module_is_main(text: str, expected: str) -> None:
    assert changed(text, "with_main_name") == expected
    ast.parse(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = k + a.k + f(k=k)", "y = c.k + a.k + f(k=c.k)"),
        ("s = f'{k} {x[k]:{k}}'", "s = f'{c.k} {x[c.k]:{c.k}}'"),
        ("z = (k)[0]  # k", "z = (c.k)[0]  # k"),
        ("def f(x=k):\n    global k\n    return k", "def f(x=c.k):\n    global k\n    return c.k"),
    ],
)
def test_names_become_attributes_where_they_are_read(text: str, expected: str) -> None:
    assert changed(text, "with_names_replaced", {"k": "c.k"}) == expected
