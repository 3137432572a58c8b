"""What is read as a notebook, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.convert.helpers import notebook

from mlready.convert.read import percent_cells, read_notebook
from mlready.errors import UsageError


def read(tmp_path: Path, content: object, name: str = "book.ipynb") -> list[tuple[str, str]]:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return [(cell.kind, cell.source) for cell in read_notebook(path).cells]


def test_format_4_without_ids_outputs_and_metadata(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": ["a = 1\n", "b = 2"]}, {"cell_type": "markdown", "source": "# T"}]
    assert read(tmp_path, {"cells": cells}) == [("code", "a = 1\nb = 2"), ("markdown", "# T")]


def test_format_3_with_sheets_headings_and_input(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Load"]},
        {"cell_type": "code", "language": "python", "input": "x = 1", "prompt_number": 3},
    ]
    content = {"nbformat": 3, "worksheets": [{"cells": cells}]}
    assert read(tmp_path, content) == [("markdown", "## Load"), ("code", "x = 1")]
    assert read_notebook(tmp_path / "book.ipynb").cells[1].execution_count == 3


def test_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps({"cells": [{"cell_type": "code", "source": "a = 1\r\nb = 2"}]})
    assert read(tmp_path, text) == [("code", "a = 1\nb = 2")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<html>", "not JSON"),
        ("[1]", "no list of cells"),
        ({"cells": []}, "no code"),
        (
            {"cells": [{"cell_type": "code", "source": "1"}], "metadata": {"kernelspec": {"language": "R"}}},
            "language is R",
        ),
        ({"cells": [{"cell_type": "code", "source": "1"}], "metadata": {"language_info": {"name": "julia"}}}, "julia"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_python_notebook_is_refused(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, content)


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_notebook(tmp_path / "none.ipynb")


def test_broken_cells_are_no_reason_to_stop(tmp_path: Path) -> None:
    cells = [None, 3, {"cell_type": "code"}, {"cell_type": "code", "source": "a = 1", "execution_count": "x"}]
    assert read(tmp_path, {"cells": cells, "metadata": 7}) == [("code", ""), ("code", "a = 1")]


def test_percent_scripts() -> None:
    text = '"""\n=====\nTitle\n=====\n\nProse.\n"""\n# License\n\n# %%\n# Load\n# ----\n# More.\nx = 1\n\n# %% [markdown] Note\n# text\n\n# %%\ny = 2\n'
    assert [(cell.kind, cell.source) for cell in percent_cells(text)] == [
        ("markdown", "# Title\n\nProse."),
        ("code", "# License"),
        ("markdown", "## Load\nMore."),
        ("code", "x = 1"),
        ("markdown", "## Note\ntext"),
        ("code", "y = 2"),
    ]


def test_a_line_of_number_signs_between_statements_is_a_marker() -> None:
    banner = "#" * 40
    text = f'"""Title."""\n\n{banner}\n# Load\n# ----\nx = 1\n\ndef f():\n    y = 2\n{banner}\n    return y\n\n# %%\nz = f()\n'
    assert [(cell.kind, cell.source) for cell in percent_cells(text)] == [
        ("markdown", "Title."),
        ("markdown", "## Load"),
        ("code", f"x = 1\n\ndef f():\n    y = 2\n{banner}\n    return y"),
        ("code", "z = f()"),
    ]


def test_the_helper_writes_what_is_read(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "#md # T", "x = 1")
    assert [cell.kind for cell in read_notebook(path).cells] == ["markdown", "code"]
