"""Where the comments and blank lines of a notebook go."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.convert.helpers import all_source, converted, notes, source_of

from mlready.convert.codemods.source import comments_of
from mlready.convert.model import PlainCell
from mlready.convert.statements import read_statements
from mlready.flow.statements import Imports


def above(*cells: str) -> list[tuple[str, ...]]:
    """Comment lines above each statement, the blank line at the start of each cell left out."""
    plain = [PlainCell(number, code, code) for number, code in enumerate(cells, start=1)]
    found = (comments_of(statement.code)[0] for statement in read_statements(plain, Imports()).statements)
    return [lines[1:] if lines[:1] == ("",) else lines for lines in found]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["# one\na = 1\n\n# two\nb = 2"], [("# one",), ("# two",)]),
        (["a = 1\n# below", "b = 2"], [(), ("# below", "")]),
        (["# alone", "b = 2"], [("# alone", "")]),
        (["# plots inline\npass\na = 1"], [()]),
        (["# License: mine\n\n# plots inline\npass\na = 1"], [("# License: mine", "")]),
        (["# the model\nimport m\nfrom n import k\n\na = k"], [(), (), ("# the model",)]),
        (["# the model\nimport m\n\n# fit it\na = m.fit()"], [(), ("# the model", "", "# fit it")]),
        (["# Import libraries\nimport m\n\na = 1"], [("# Import libraries",), ()]),
        (["# tools\nimport m", "a = m"], [("# tools",), ()]),
    ],
)
def test_comments_stay_with_what_they_speak_of(cells: list[str], expected: list[tuple[str, ...]]) -> None:
    assert above(*cells) == expected


def test_comments_at_the_end_are_kept(tmp_path: Path) -> None:
    done = converted(tmp_path, "a = [1]\na.append(2)", "print(a)\n# done", "# really")
    assert "    print(a)\n    # done\n\n    # really\n" in all_source(done)


def test_comments_of_imports_stand_once_and_those_beside_them_wherever_they_are(tmp_path: Path) -> None:
    done = converted(
        tmp_path,
        "# License: mine\n\n# numbers\nimport numpy as np  # fast\nimport pandas as pd\nimport matplotlib.pyplot as plt",
        "#md ## Load",
        "df = pd.read_csv('a.csv')\nx = np.array(df['a'])\ny = np.array(df['b'])\nz = x + y\nw = np.sum(z)",
        "#md ## Figures",
        "plt.figure()\nplt.plot(np.sort(x))\nplt.plot(y)\nplt.title(str(w))\nplt.legend()\nplt.show()",
    )
    data, plots = source_of(done, "data"), source_of(done, "plots")
    assert '"""Reading the data."""\n\n# License: mine\n' in data
    assert "# numbers\nimport numpy as np  # fast\n" in data
    assert "import numpy as np  # fast\n" in plots
    assert "# numbers" not in plots


def test_comments_of_constants_move_to_the_configuration(tmp_path: Path) -> None:
    config = source_of(
        converted(tmp_path, "# how many\nN = 3  # few\nNAMES = [\n    'a',  # first\n    'b',\n]\nx = NAMES * N"),
        "config",
    )
    assert "    # how many\n    # few\n    N: int = 3\n" in config
    assert '"a",  # first' in config


def test_blank_lines_inside_a_cell_are_kept(tmp_path: Path) -> None:
    assert "    a = [1]\n\n    b = a\n    b.append(2)\n\n    print(a)\n" in all_source(
        converted(tmp_path, "a = [1]\n\n\nb = a\nb.append(2)", "print(a)")
    )


def test_a_cell_that_cannot_be_rewritten_is_kept_as_text(tmp_path: Path) -> None:
    deep = "total = " + " + ".join(["1"] * 200)
    done = converted(tmp_path, "a = [1]", deep, "b = len(a)")
    assert (2, "refused") in [(cell, kind) for cell, kind, _ in notes(done)]
    assert done.content["notebooks"][0]["cells"][1]["text"] == deep
    assert "b = len(a)" in all_source(done)
