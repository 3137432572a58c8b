"""A converted package computes what the cells computed: fixtures for hard constructs, then generated programs."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.convert.helpers import converted, run_cells, run_package

LINES = "\n".join(f"    [{n}, 'a']," for n in range(50))

PROGRAMS = {
    "straight": ["a = 1\nb = a + 1", "c = a * b", "print(c)"],
    "rebound": ["x = 1", "y = x + 1\nx = 5", "z = x + y\nx = x + 1"],
    "augmented": ["total = 0\nxs = [1, 2]", "for x in xs:\n    total += x", "xs += [3]\ntotal += len(xs)"],
    "alias": ["a = [1]\nb = a", "b.append(2)", "c = len(a)\nprint(a)"],
    "in place": ["d = {}", "d['k'] = 1", "d.update(z=2)\nprint(sorted(d))"],
    "function reads a variable": [
        "k = [2]\nk = [3]",
        "def f(x):\n    return x * k[0]",
        "y = f(4)",
        "k = [5]\nz = f(4)",
    ],
    "function passed by value": [
        "k = 2\nk = 3",
        "def f(x):\n    return x * k",
        "ys = list(map(f, [1, 2]))",
        "k = 7\nz = f(1)",
    ],
    "function in a lambda": [
        "k = 2\nk = 3",
        "def f(x):\n    return x * k",
        "g = lambda x: f(x) + 1",
        "k = 9\nz = g(1)",
    ],
    "functions that call each other": [
        "k = 2\nk = 3",
        "def f(x):\n    return x * k",
        "def g(x):\n    return f(x) + k",
        "z = g(1)\nk = 4",
        "w = g(1)",
    ],
    "function reads a loop variable": [
        "names = ['a', 'b']\nseen = {}\nname = 'none'",
        "def mark(x):\n    return f'{name} {x}'",
        "for name in names:\n    for value in [1, 2]:\n        seen[name, value] = mark(value)",
        "for other in names:\n    if other == 'b':\n        name = other\n        seen[other] = mark(0)\nlast = mark(9)",
    ],
    "function reads a loop variable before the loop has it": [
        "names = ['a', 'b']\nseen = []",
        "def mark():\n    return key",
        "try:\n    seen.append(mark())\nexcept NameError:\n    seen.append('no')",
        "for key in names:\n    seen.append(mark())",
    ],
    "long list changed in place": [
        f"values = [\n{LINES}\n]\nvalues.append([3])",
        "values[0] = 7\nn = len(values)",
        f"def total(xs):\n    return len(xs)\nm = total([\n{LINES}\n])\nprint(m, n)",
    ],
    "long text": [f"text = '''\n{LINES}\n'''", "n = len(text)\ntext += 'a'"],
    "recursion": ["step = 1\nstep = 2", "def f(n):\n    return 0 if n <= 0 else 1 + f(n - step)", "z = f(7)"],
    "global": [
        "count = 0",
        "def bump():\n    global count\n    count += 1",
        "bump()\nbump()",
        "print(count)\nlast = count",
    ],
    "global that is only read": [
        "k = [1]\nk = [2]\nC = 4",
        "def f():\n    global k, C\n    return k[0] + C",
        "a = f()\nk = [3]",
        "b = f()",
    ],
    "global of two names, one written": [
        "k = [1]\nk = [2]\nn = 0",
        "def f():\n    global k, n\n    n += k[0]",
        "f()",
        "print(n)\nk = [3]",
        "f()\nm = n",
    ],
    "global of a name that is not there yet": [
        "def init():\n    global state\n    state = 3",
        "init()",
        "print(state)",
    ],
    "function changes an object": ["cache = {}", "def put(k):\n    cache[k] = 1", "put('a')", "n = len(cache)"],
    "closure that calls a function that reads a variable": [
        "k = 1\nk = 2",
        "def f(x):\n    return x * k",
        "def g(x):\n    return f(x) + 1\na = g(1)\nprint(a)\nb = a + k\nprint(b)",
        "def g(x):\n    return f(x) + 2\nc = g(1)\nprint(c)\nd = c + k\nprint(d)",
        "k = 9\ne = g(1)\nprint(e)\nh = e + k\nprint(h)",
    ],
    "defined again": ["def f():\n    return 1", "a = f()", "def f():\n    return 2", "b = f()"],
    "late binding": ["def f():\n    return later", "later = 1", "a = f()", "later = 2\nb = f()"],
    "closures in a loop": [
        "fs = []",
        "for i in range(3):\n    fs.append(lambda: i)",
        "vs = [f() for f in fs]",
        "i = 9\nw = fs[0]()",
    ],
    "closure in a container": [
        "k = 1\nk = 2\nfs = []\ndef f(x):\n    return x * k\nfs.append(f)\nn = len(fs)\nprint(n)",
        "k = 9\nm = k + 1\nprint(m)\nq = [m]\nr = q * 2",
        "z = [g(1) for g in fs]\nprint(z)",
    ],
    "closure in an attribute": [
        "class Box:\n    pass\n\nk = 1\nk = 2\nbox = Box()\ndef f(x):\n    return x * k\nbox.f = f\nn = 1\nprint(n)",
        "k = 9\nm = k + 1\nprint(m)\nq = [m]\nr = q * 2",
        "z = box.f(1)\nprint(z)",
    ],
    "builtin re-bound": ["a = sum([1, 2])", "sum = 5", "b = sum + 1"],
    "builtin re-bound in one cell": ["a = max(1, 2)\nmax = 7\nb = max"],
    "conditional": ["flag = False", "if flag:\n    x = 1", "y = 2", "if flag:\n    print(x)"],
    "conditional re-bound": ["x = 0\nflag = True\nx = 1", "if flag:\n    x = 2", "y = x"],
    "try": ["try:\n    v = int('a')\nexcept ValueError as e:\n    v = -1\nfinally:\n    done = True", "w = v"],
    "with": ["import io", "with io.StringIO('ab') as f:\n    t = f.read()", "n = len(t)"],
    "del": ["a = 1\nb = [a]", "del a", "c = b\ndel b[0]", "n = len(c)"],
    "comprehension scope": ["i = 5\ni = 6", "xs = [i for i in range(3)]", "z = i\nys = [j * i for j in xs]"],
    "walrus": ["xs = [1, 2]", "if (n := len(xs)) > 1:\n    m = n", "print(n)"],
    "class": [
        "base = 2\nbase = 3",
        "class C:\n    def m(self):\n        return base",
        "c = C()\nz = c.m()",
        "base = 4\nw = c.m()",
    ],
    "class and helper": ["def h():\n    return 1", "class C:\n    def m(self):\n        return h()", "z = C().m()"],
    "main guard": ["x = 1\nx = 2", "if __name__ == '__main__':\n    y = x + 1\n    # why\n    print(y)", "z = y"],
    "exec of a literal": ["exec('a = 1\\nb = a + 1')", "c = b"],
    "late import": [
        "import math\na = math.pi",
        "from math import floor\nb = floor(a)",
        "import os.path, os\nc = os.path.basename('a/b')",
    ],
    "import re-bound": ["from math import floor as f\na = f(1.5)", "from math import ceil as f\nb = f(1.5)"],
    "import under try": ["try:\n    import nothing_like_it as n\nexcept ImportError:\n    n = None", "a = n is None"],
    "star import": ["from math import *", "a = floor(2.5) + 0", "def g(x):\n    return ceil(x)", "b = g(a + 0.5)"],
    "future import": [
        "from __future__ import annotations, print_function",
        "def f(x: Unknown) -> int:\n    return 1",
        "a = f(0)",
    ],
    "multi-line string": [
        "text = '''one\n  two\nthree'''\ntext = text + ''",
        "def f():\n    return '''a\n b'''",
        "n = len(text + f())",
    ],
    "string in a block": ["if True:\n    s = '''x\ny'''", "print(s)", "n = len(f'''{s}\n z''')"],
    "semicolons": ["a = 1; b = 2; c = a + b;", "a += 1; print(a)"],
    "unicode columns": ["s = 'äöü'; import random; random.seed(3)", "v = ('ß', random.Random(4).random()); w = 'é'"],
    "backslash": ["a = 1 + \\\n    2\na = a \\\n  + 1", "b = a"],
    "decorator": ["import functools", "@functools.lru_cache(maxsize=None)\ndef f(n):\n    return n + 1", "a = f(2)"],
    "default reads a variable": ["n = 1\nn = 2", "def f(x=n):\n    return x", "n = 5", "a = f()"],
    "generator argument": ["k = 1\nk = 2", "def f(xs):\n    return sum(xs) * k", "a = f(x for x in [1, 2])"],
    "keyword and star arguments": ["k = 1\nk = 2", "def f(*a, **b):\n    return (k, a, b)", "v = f(1, *[2], c=3)"],
    "comments everywhere": [
        "# one\nimport math  # two\n\n# three\nK = [  # four\n    1,  # five\n]  # six",
        "def f(x):\n  # seven\n  return x * K[0]  # eight\n  # nine\n\n# ten",
        "if K:\n\ta = f(2)\n\t# eleven\nelse:  # twelve\n\ta = math.pi\n# thirteen",
    ],
    "call in an f-string": ["k = 1\nk = 2", "def f():\n    return k", "s = f'{f()}'"],
    "constants": ["ALPHA = 0.5\nNAMES = ['a', 'b']", "x = ALPHA * 2\nfor n in NAMES:\n    print(n)"],
    "many settings": [
        "A = 1\nB = 2\nC = 3\nD = 4\nE = 5\nF = [6]",
        "def f(x):\n    def g(y):\n        return y * A + B\n    return g(x) + C + D * E + len(F)",
        "def h(x):\n    return f(x) + A",
        "x = h(A) + f(x=B)\nprint(f'{x} {A}')",
        "class Box:\n    K = A\n    def get(self, b=B):\n        return [A, b, C, D, E, self.K]",
        "box = Box()\ny = box.get()\nprint(y)",
        "z = [C for C in (A, D)] + [B, C, E, F]\nprint(f'{A=}', z)",
        "def k(x):\n    global A\n    return x + A + B + C + D + E\nw = k(1) + sum(map(lambda A: A + B, [C, D, E]))",
    ],
    "constant of several strings": ["text = (\n    'a '\n    'b'\n)\nn = len(text)", "m = text + 'c'"],
    "constant that changes": ["names = ['a']", "names.append('b')", "n = len(names)"],
    "constant through an alias": ["names = ['a']\nother = names", "other.append('b')", "n = len(names)"],
    "comment only cells": ["# nothing", "a = 1  # one\n# after", "# more\n\nb = a + 1"],
    "nested function": [
        "k = [1]\nk = [2]",
        "def outer():\n    def inner():\n        return k[0]\n    return inner",
        "g = outer()\na = g()",
    ],
    "annotated": ["x: int = 3\ny: float\nx = x + 1", "z = x"],
    "unpacking": ["(a, b), *c = [(1, 2), 3, 4]", "a, b = b, a", "d = [a, b, *c]"],
    "while": [
        "n = 5\nsteps = 0",
        "while n > 1:\n    n -= 2\n    steps += 1\nelse:\n    ended = True",
        "r = (n, steps)",
    ],
    "loop variable after the loop": ["for i, x in enumerate('abc'):\n    last = x", "r = (i, x, last)"],
    "name of a module of the package": [
        "data = [1]\ndata = data + [2]",
        "config = {'a': 1}\nconfig['b'] = 2",
        "plots = data",
        "r = (data, config)",
    ],
    "names that conversion brings in": [
        "def show(x):\n    return x\n\nsave_figures = 1\noutput_dir = 'mine'\nconfig = {'a': 1}",
        "class Config:\n    pass\n\nResults = show(3)\nrun = 5\nlimit = 2",
        "config['b'] = limit\nc = Config()\nprint(output_dir, show(save_figures))",
        "d = limit + run\nprint(config, d)",
    ],
    "underscore": ["_ = 3\na, _ = (1, 2)", "b = a"],
}


def same(before: dict[str, object], after: dict[str, object]) -> None:
    for name, value in before.items():
        if not callable(value) and type(value).__name__ != "module" and name in after:
            assert anonymous(after[name]) == anonymous(value), name


def anonymous(value: object) -> str:
    """What a value looks like, without where its functions and classes stand."""
    return re.sub(r"[\w.]*<locals>\.| at 0x[0-9a-f]+|made\.\w+\.|__main__\.", "", repr(value))


@pytest.mark.parametrize("cells", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_package_computes_what_the_cells_computed(tmp_path: Path, cells: list[str]) -> None:
    before, printed = run_cells(cells)
    done = converted(tmp_path, *cells)
    after, out = run_package(done)
    same(before, after)
    assert out == printed
    values = {
        n for n, v in before.items() if not callable(v) and type(v).__name__ != "module" and n in done.plans[0].where
    }
    assert values - {"_"} <= after.keys() | {"_"}


def test_a_failing_cell_fails_in_the_package_too(tmp_path: Path) -> None:
    done = converted(tmp_path, "a = 1\nb = {}", "c = b['missing']", "d = 2")
    with pytest.raises(KeyError):
        run_package(done)


# ------------------------------------------------------------------------------------------------- generated programs

NAMES = ("a", "b", "c", "d")
name = st.sampled_from(NAMES)
number = st.integers(0, 3).map(str)
expression = st.one_of(
    number,
    name.map("num({})".format),
    st.tuples(name, name).map("num({0[0]}) + num({0[1]})".format),
    name.map("[num({}), 1]".format),
    name.map("lst({})".format),
    st.tuples(name, name).map("[num(i) + num({0[0]}) for i in lst({0[1]})]".format),
    name.map("(lambda q: num(q) + num({}))(2)".format),
)
simple = st.one_of(
    st.tuples(name, expression).map("{0[0]} = {0[1]}".format),
    st.tuples(name, name).map("{0[0]} = {0[1]}".format),
    name.map("lst({}).append(1)".format),
    st.tuples(name, number).map("{0[0]} = [{0[1]}]".format),
    name.map("print(num({}))".format),
    st.tuples(name, name).map("{0[0]}, {0[1]} = num({0[1]}), lst({0[0]})".format),
    name.map("f = lambda: num({})".format),
    name.map("{} = f()".format),
    name.map("def g(x):\n    return num(x) + num({})".format),
    st.tuples(name, name).map("{0[0]} = g({0[1]})".format),
    name.map("def h():\n    lst({}).append(2)".format),
    st.just("h()"),
    name.map("def s():\n    global {0}\n    {0} = num({0}) + 1".format),
    st.just("s()"),
)


def block(statements: list[str], head: str) -> str:
    return head + ":\n" + "\n".join("    " + line for s in statements for line in s.split("\n"))


bodies = st.lists(simple, min_size=1, max_size=3)
statement = st.one_of(
    simple,
    simple,
    st.tuples(bodies, name).map(lambda t: block(t[0], f"if num({t[1]}) > 2")),
    st.tuples(bodies, name).map(lambda t: block(t[0], f"for i in lst({t[1]})[:2]")),
    bodies.map(lambda b: block(b, "try") + "\nexcept KeyError:\n    a = 0"),
)
START = (
    "def num(x):\n    return x if isinstance(x, int) else sum(map(num, x[:3]))\n"
    "def lst(x):\n    return x if isinstance(x, list) else [x]",
    "a = 1\nb = [2]\nc = b\nd = 0",
    "f = lambda: 1\ndef g(x):\n    return num(x)\ndef h():\n    pass\ndef s():\n    pass",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(statement, min_size=1, max_size=4).map("\n".join), min_size=1, max_size=8))
def test_generated_programs_behave_the_same(cells: list[str]) -> None:
    program = [*START, *cells]
    before, printed = run_cells(program)
    folder = Path(tempfile.mkdtemp())
    try:
        after, out = run_package(converted(folder, *program))
    finally:
        shutil.rmtree(folder)
    same(before, after)
    assert out == printed
