"""What a statement reads, binds, changes and does."""

from __future__ import annotations

import ast
import symtable
import textwrap

import pytest

from mlready.flow.ipython import normalize
from mlready.flow.scopes import outer_names
from mlready.flow.sharing import changed_by, shared_groups
from mlready.flow.statements import StatementFlow, analyze, free_reads
from mlready.flow.undefined import undefined_names


def flow(source: str) -> StatementFlow:
    """Of the last statement, after all the others."""
    return analyze(ast.parse(textwrap.dedent(source)).body)[-1]


@pytest.mark.parametrize(
    ("source", "reads", "binds", "certain"),
    [
        ("x = a + b", "a b", "x", "x"),
        ("x = x + 1", "x", "x", "x"),
        ("x += y", "x y", "x", "x"),
        ("a, (b, *c) = d", "d", "a b c", "a b c"),
        ("x: int = y", "int y", "x", "x"),
        ("x: int", "int", "", ""),
        ("df['a'] = df['b'] * k", "df k", "", ""),
        ("obj.field.x = 1", "obj", "", ""),
        ("for i in xs:\n    t = i\n    u = t + w", "xs w", "i t u", ""),
        ("for i in xs:\n    total = total + i", "xs total", "i total", ""),
        ("if c:\n    x = 1\nelse:\n    x = 2", "c", "x", "x"),
        ("if c:\n    x = 1", "c", "x", ""),
        ("if c:\n    raise E\nelse:\n    x = 2", "c E", "x", "x"),
        ("try:\n    import a\nexcept ImportError:\n    a = None", "ImportError", "a", "a"),
        ("try:\n    x = f()\nexcept E as e:\n    print(e)", "f E print", "x e", ""),
        ("try:\n    x = f()\nfinally:\n    g(x)", "f g x", "x", "x"),
        ("with open(p) as f:\n    t = f.read()", "open p", "f t", "f t"),
        ("while True:\n    x = 1\n    break", "", "x", "x"),
        ("y = [i * k for i in xs if i > t]", "k xs t", "y", "y"),
        ("y = [j for i in xs for j in i]", "xs", "y", "y"),
        ("y = {i: i for i in i}", "i", "y", "y"),
        ("if (n := len(xs)) > 1:\n    y = n", "len xs", "n y", "n"),
        ("f = lambda a, b=c: a + b + d", "c", "f", "f"),
        ("def f(a, b=c) -> r:\n    return a + d", "c r", "f", "f"),
        ("@dec\ndef f(): pass", "dec", "f", "f"),
        ("class C(B):\n    k = z\n    def m(self):\n        return k + q", "B z", "C", "C"),
        ("class C:\n    x = x", "x", "C", "C"),
        ("import a.b, c as d", "", "a d", "a d"),
        ("from a import b as c", "", "c", "c"),
        ("del x", "x", "", ""),
        ("match p:\n    case K(a=1) as q if g:\n        r = q", "p K g", "q r", ""),
        ("await f(x)", "f x", "", ""),
        ("print(f'{x:{w}}')", "print x w", "", ""),
        ("global q", "", "", ""),
    ],
)
def test_reads_and_bindings(source: str, reads: str, binds: str, certain: str) -> None:
    found = flow(source)
    assert (set(found.reads), set(found.binds), set(found.certain)) == (
        set(reads.split()),
        set(binds.split()),
        set(certain.split()),
    )


@pytest.mark.parametrize(
    ("source", "mutates", "may_mutate"),
    [
        ("df['a'] = 1", "df", ""),
        ("df.loc[0, 'a'] = 1", "df", ""),
        ("a[0], b.x = 1, 2", "a b", ""),
        ("del d['k']", "d", ""),
        ("xs += [1]", "xs", ""),
        ("xs.append(y)", "xs", ""),
        ("model.fit(X, y)", "model", ""),
        ("df.drop('a', inplace=True)", "df", ""),
        ("df.drop('a')", "", ""),
        ("df.drop('a', inplace=False)", "", ""),
        ("z = mystery(a, [b])", "", "a b"),
        ("z = obj.mystery(a)", "", "obj a"),
        ("print(a)", "", ""),
        ("import numpy as np\nz = np.mean(a)", "", ""),
        ("import numpy as np\nnp.random.shuffle(a)", "a", ""),
        ("df.apply(f)", "", "f"),
        ("z = [g(x) for x in xs]", "", ""),
    ],
)
def test_in_place_changes(source: str, mutates: str, may_mutate: str) -> None:
    found = flow(source)
    assert (set(found.mutates), set(found.may_mutate)) == (set(mutates.split()), set(may_mutate.split()))


@pytest.mark.parametrize(
    ("source", "effects"),
    [
        ("import numpy as np\nx = np.random.rand(3)", {"random"}),
        ("import random\nrandom.seed(1)", {"random"}),
        ("from numpy.random import rand\nrand(3)", {"random"}),
        ("import matplotlib.pyplot as plt\nplt.plot(x)", {"plot"}),
        ("df['a'].plot()", {"plot"}),
        ("import pandas as pd\npd.read_csv('a.csv').to_csv('b.csv')", {"read", "write"}),
        ("open('a', 'w').write(x)", {"write"}),
        ("import os\nos.environ['A'] = '1'", {"environment"}),
        ("exec(code)", {"dynamic"}),
        ("print(x)", {"print"}),
        ("y = x + 1", set()),
    ],
)
def test_global_effects(source: str, effects: set[str]) -> None:
    assert flow(source).effects == effects


def test_functions_defer_their_reads_and_name_what_they_write() -> None:
    found = flow(
        """
        def f(a):
            global count
            count = count + step
            cache[a] = 1
            def g(): return a + inner
            return [a * k for k in keys]
        """
    )
    assert found.deferred == {"count", "step", "cache", "inner", "keys"}
    assert found.global_writes == {"count"}
    assert found.global_mutates == {"cache"}


def test_a_method_does_not_see_the_names_of_its_class() -> None:
    assert flow("class C:\n    k = 1\n    def m(self): return k").deferred == {"k"}


def test_a_run_of_statements_needs_what_it_does_not_bind_first() -> None:
    tree = ast.parse("a = b\nc = a + d\ndef f(): return e + c\nb = 2")
    assert free_reads(tree.body) == {"b", "d", "e"}


FUNCTION_SOURCES = [
    "def f(a, *b, c=1, **d):\n    x = a\n    for y in z: pass\n    return lambda q: q + x + w",
    "def f():\n    global g\n    g = h\n    def inner():\n        nonlocal x\n        x = g\n    x = 1",
    "def f():\n    class C(B):\n        k = m\n        def n(self): return k + o\n    return C",
    "def f():\n    try:\n        import a.b\n    except E as e:\n        print(e)\n    with u as v: pass\n    return [v for i in j if (p := i)]",
    "def f(x):\n    def g():\n        global x\n        return x\n    return g, x",
    "def f():\n    return (lambda a=b: a)(), {k: v for k, v in r.items()}",
    "async def f():\n    async for a in b:\n        async with c as d: await e\n    x += 1",
]


@pytest.mark.parametrize("source", FUNCTION_SOURCES)
def test_free_names_are_those_of_the_compiler(source: str) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    found = outer_names(function)
    assert found.reads | found.writes == compiler_globals(symtable.symtable(source, "x", "exec").get_children()[0])


def compiler_globals(table: symtable.SymbolTable) -> set[str]:
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return names.union(*(compiler_globals(child) for child in table.get_children()))


def test_names_that_share_objects_are_one_unit() -> None:
    flows = analyze(ast.parse("b = a\nc = a.copy()\np = Pipeline([s, m])\nb.append(1)").body)
    assert shared_groups(flows) == (frozenset({"a", "b"}), frozenset({"m", "p", "s"}))
    assert changed_by(flows[3], shared_groups(flows)) == {"a", "b"}


def undefined(*cells: str) -> list[tuple[str, int, int, bool]]:
    return [(u.name, u.cell, u.line, u.defined_later) for u in undefined_names([normalize(cell) for cell in cells])]


def test_a_name_read_before_it_is_defined() -> None:
    assert undefined("x = 1\ny = z", "z = 2\nprint(w)") == [("z", 0, 2, True), ("w", 1, 2, False)]


@pytest.mark.parametrize(
    "cells",
    [
        ("def f(): return later", "later = 1", "f()"),
        ("from m import *", "x = y"),
        ("%pylab inline", "plot(x)"),
        ("%run setup.py", "x = y"),
        ("files = !ls", "len(files)"),
        ("get_ipython().system('ls')",),
        ("display(_)", "Out[1]"),
        ("print 'a'", "x = y"),
        ("try:\n    x\nexcept NameError:\n    x = 1",),
        ("%%capture out\nf = 1", "out.show()"),
        ("exec('a = 1')", "a"),
        ("def f():\n    global g\n    g = 1", "f()", "g"),
        ("for i in []: pass", "i"),
    ],
)
def test_what_may_be_defined_is_not_reported(cells: tuple[str, ...]) -> None:
    assert undefined(*cells) == []
