"""IPython cells become plain Python, line for line."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.flow.ipython import PYLAB, Magic, Shell, normalize


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\ny = x % 2\n",
        "print('''\n%matplotlib inline\n!ls\n''')",
        "message = ('%d items'\n%\ncount)",
        "text = (\n    'a %s'\n    % name\n)\n",
        "if a != b:\n    pass",
        "# %matplotlib inline\nx = 1  # what?",
        "value = {\n  'a': 1,\n}\n",
        "await fetch()",
    ],
)
def test_plain_python_is_left_alone(source: str) -> None:
    assert normalize(source).code == source
    assert normalize(source).magics == ()
    assert normalize(source).problem == ""


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls\nx = 1", "if a:\n    pass\nx = 1"),
        ("x = 1\ndf.head?\n?df\nlen??", "x = 1\npass\npass\npass"),
        ("files = !ls *.csv\nn = len(files)", "files = None\nn = len(files)"),
        ("here = %pwd", "here = None"),
        ("%time model.fit(X, y)", "model.fit(X, y)"),
        ("%timeit -n 10 -r 3 f(x)", "f(x)"),
        ("%timeit y = f(x)", "pass"),
        ("%pylab inline", PYLAB),
        ("cd ..\nx = 1", "pass\nx = 1"),
        ("!pip install \\\n    pandas\nx = 1", "pass\n\nx = 1"),
        ("x = '''\n%time\n'''\n%time y = (x)", "x = '''\n%time\n'''\ny = (x)"),
        ("f(1\n%2)\n%matplotlib", "f(1\n%2)\npass"),
        ("x = 'it''s (' # ( '\n%matplotlib", "x = 'it''s (' # ( '\npass"),
        ("%%time\nx = 1", "\nx = 1"),
        ("\n%%capture out\nprint(1)\n%ls", "\n\nprint(1)\npass"),
        ("%%bash\nls\n# no\necho hi", "\n\n\n"),
        ("run = 3\nrun", "run = 3\nrun"),
        ("!echo 'an open quote\nx = [\n1]", "pass\nx = [\n1]"),
    ],
)
def test_other_lines_become_python_in_place(source: str, code: str) -> None:
    cell = normalize(source)
    assert cell.code == code
    assert cell.problem == ""


def test_magics_and_shell_commands_are_listed_with_their_lines() -> None:
    cell = normalize("%load_ext autoreload\nx = !ls -l\n%pip install pandas")
    assert cell.magics == (Magic("%load_ext", "autoreload", 1), Magic("%pip", "install pandas", 3))
    assert cell.shell == (Shell("ls -l", 2, "x"), Shell("pip install pandas", 3))


def test_a_shell_cell_lists_its_commands() -> None:
    cell = normalize("%%bash\nls\n# no\necho hi")
    assert cell.language == "bash"
    assert cell.shell == (Shell("ls", 2), Shell("echo hi", 4))


def test_capture_binds_its_argument() -> None:
    assert normalize("%%capture out\nf()").magics == (Magic("%%capture", "out", 1, "out"),)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("print 'hello'", "line 1: Python 2 syntax"),
        ("x = 1\ny = (", "line 2: '(' was never closed"),
        ("%matplotlib inline\nx = = 1", "line 2: invalid syntax"),
        ("a\0b", "source code string cannot contain null bytes"),
    ],
)
def test_what_is_no_python_has_a_problem(source: str, problem: str) -> None:
    assert normalize(source).problem == problem or problem in normalize(source).problem


@given(st.text(alphabet="ab=%!?'\"#([{}]) \\\n:x1", max_size=80))
def test_lines_are_kept_whatever_comes(source: str) -> None:
    cell = normalize(source)
    assert cell.code.count("\n") == source.count("\n")
    if not cell.problem:
        ast.parse(cell.code)
