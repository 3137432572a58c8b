"""IPython's own transformer as the judge of which lines are no plain Python."""

from __future__ import annotations

import ast

import pytest

from mlready.flow.ipython import normalize

inputtransformer2 = pytest.importorskip("IPython.core.inputtransformer2")

CELLS = [
    "x = 1\ny = x % 2",
    "%matplotlib inline\nimport os",
    "if x:\n    %time f(x)\n    !ls\nelse:\n    pass",
    "a = !ls\nb = %pwd\nc = a != b",
    "text = '''\n%not a magic\n!nor this\n'''\n%time 1",
    'print("%d items"\n% n)',
    "f(a\n%b)\n%load_ext x",
    "df.head?\n?df\ndf??",
    "x = {\n'a': 1,  # comment {\n}\n!echo {x}",
    "!pip install a \\\n  b\nx = 1",
    "for i in x:\n\n    # %comment\n    %precision 3\n    y = i",
    "s = 'it''s'\n%who",
    "@decorator\ndef f():\n    %time g()\n    return '''a\n%b'''",
    "x = a if b else '?'\nz = [i for i in 'a?']",
    "lambda x: x\n%timeit -n 1 x\n",
    "x.y = !ls\nd['k'] = %pwd",
    "r = f'{x!r}'\nassert x != 1, '!'",
    "\n\n%reload_ext a\n\nx = 2",
    "x = 5; y = 6\n%env A=1",
    "# %%\n# comment\nx = '''%%bash'''",
]


def lines_of_ipython(source: str) -> set[int]:
    """Numbers of the lines that IPython turns into get_ipython() calls."""
    transformed = inputtransformer2.TransformerManager().transform_cell(source).split("\n")
    text = source.split("\n")
    offset = next((i for i, line in enumerate(text) if line.strip()), 0) if not text[0].strip() else 0
    return {number + offset for number, line in enumerate(transformed, start=1) if "get_ipython()" in line}


@pytest.mark.parametrize("source", CELLS)
def test_the_same_lines_are_no_plain_python(source: str) -> None:
    cell = normalize(source)
    ours = {magic.line for magic in cell.magics} | {command.line for command in cell.shell}
    if "\\\n" in source:
        ours = {min(ours)}
    assert ours == lines_of_ipython(source)
    ast.parse(cell.code)
