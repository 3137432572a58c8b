"""Reading notebooks: cells become one module, every line finds its way back to the file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlready.facts import cache
from mlready.facts.notebook import read_notebook
from mlready.facts.rows import FileFacts, NotebookFacts, PythonFacts
from mlready.vocabulary import load


def code(*lines: str, outputs: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    source = [line + "\n" for line in lines[:-1]] + list(lines[-1:])
    return {
        "cell_type": "code",
        "source": source,
        "outputs": outputs or [],
        "metadata": {},
        "execution_count": None,
    } | more


def markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": text.splitlines(keepends=True), "metadata": {}}


def ipynb(*cells: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more, indent=1).encode()


def read(data: bytes, path: str = "n.ipynb") -> FileFacts:
    return read_notebook(path, data, load())


def parts(data: bytes, path: str = "n.ipynb") -> tuple[NotebookFacts, PythonFacts]:
    found = read(data, path)
    assert found.problem == ""
    assert found.notebook is not None
    assert found.python is not None
    return found.notebook, found.python


# ------------------------------------------------------------------------------------------------------------ .ipynb


def test_cells_share_their_names() -> None:
    _, python = parts(ipynb(code("import pandas as pd"), code("df = pd.read_csv('a')"), code("df.merge(x)")))
    assert [call.name for call in python.calls] == ["pandas.read_csv", "pandas.DataFrame.merge"]


def test_a_line_is_found_in_its_cell_and_in_the_file() -> None:
    data = ipynb(markdown("# Title"), code("import joblib", "", "x = 1"), code("y = 2", "joblib.load('m')"))
    notebook, python = parts(data)
    place = notebook.locate(python.calls[0].line)
    assert place is not None
    cell, line, raw = place
    assert (cell.number, line) == (3, 2)
    assert "joblib.load('m')" in data.decode().splitlines()[raw - 1]


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_every_line_of_code_knows_its_line_in_the_file(indent: int | None, newline: bytes) -> None:
    cells = [code("a = 1", "", "b = 'source'"), markdown("text"), code("c = 3"), code("a = 1", "", "b = 'source'")]
    data = json.dumps({"cells": cells, "nbformat": 4}, indent=indent).encode().replace(b"\n", newline)
    notebook, _ = parts(data)
    lines = data.decode().split("\n")
    for cell, source in zip(notebook.cells, cells, strict=True):
        for raw, text in zip(cell.raw_lines, source["source"], strict=True):
            assert json.dumps(text)[1:-1] in lines[raw - 1]


def test_source_as_one_string_is_read_too() -> None:
    notebook, python = parts(ipynb({"cell_type": "code", "source": "import os\nos.getenv('A')\n", "outputs": []}))
    assert python.calls[0].line == 2
    assert len(set(notebook.cells[0].raw_lines)) == 1


def test_what_a_cell_says() -> None:
    outputs = [
        {"output_type": "stream", "text": ["hi"]},
        {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": []},
    ]
    cell = code(
        "x = 1", "if x:", "    y = 2", outputs=outputs, execution_count=7, id="abc", metadata={"tags": ["slow", "x"]}
    )
    notebook, _ = parts(ipynb(cell))
    row = notebook.cells[0]
    assert (row.id, row.execution_count, row.tags, row.statements) == ("abc", 7, ("slow", "x"), 3)
    assert (row.outputs, row.error) == (2, "KeyError")
    assert 50 < row.output_bytes < 400


def test_headings() -> None:
    text = "# Load & *clean*\ntext\n\n```\n# no heading\n```\nSecond\n------\n<h2 id='x'>Third</h2>\n#hashtag"
    notebook, _ = parts(ipynb(markdown(text), code("1")))
    assert notebook.cells[0].headings == ("Load & *clean*", "Third", "Second")


def test_magics_and_shell_lines_are_listed_and_leave_the_code_whole() -> None:
    notebook, python = parts(
        ipynb(
            code("%matplotlib inline", "!pip install pandas", "x = 1"),
            code("%%bash", "ls", "rm -r y"),
            code("%pip install z"),
        )
    )
    assert [cell.magics for cell in notebook.cells] == [("%matplotlib",), ("%%bash",), ("%pip",)]
    assert notebook.cells[0].shell == ((2, "pip install pandas"),)
    assert [command for _, command in notebook.cells[1].shell] == ["ls", "rm -r y"]
    assert [row.name for row in python.assigns] == ["x"]
    assert python.assigns[0].line == 3


def test_one_broken_cell_does_not_cost_the_others() -> None:
    found = read(ipynb(code("import os"), code("x = (", "os.getenv("), code("os.getenv('A')")))
    assert found.problem.startswith("1 of 3 cells not read: cell 2: line")
    assert found.python is not None
    assert found.notebook is not None
    assert [cell.problem != "" for cell in found.notebook.cells] == [False, True, False]
    assert [call.line for call in found.python.calls] == [4]


def test_python_2_is_named() -> None:
    assert "Python 2" in read(ipynb(code("print 'x'"))).problem


def test_names_that_only_hidden_state_defines() -> None:
    notebook, _ = parts(ipynb(code("import os", "y = x + 1"), code("z = w"), code("w = 1")))
    assert [(row.name, row.line, row.defined_later) for row in notebook.undefined] == [("x", 2, False), ("w", 3, True)]


def test_suppressions_in_cells() -> None:
    found = read(
        ipynb(
            code("x = 1"), code("# mlready: ignore-cell[DES004] plots", "y = 2"), code("z  # mlready: ignore[EXP008] w")
        )
    )
    assert [(row.rules, row.line, row.cell) for row in found.suppressions] == [(("DES004",), 2, 2), (("EXP008",), 4, 0)]


def test_a_notebook_of_another_language_has_cells_but_no_python() -> None:
    found = read(ipynb(code("x <- 1"), metadata={"kernelspec": {"language": "R", "name": "ir"}}))
    assert found.problem == ""
    assert found.python is None
    assert found.notebook is not None
    assert found.notebook.language == "r"


def test_nbformat_3() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Intro"]},
        {"cell_type": "code", "input": ["import os\n", "os.getenv('A')"], "prompt_number": 4, "language": "python",
         "outputs": [{"output_type": "pyerr", "ename": "E"}]},
    ]  # fmt: skip
    notebook, python = parts(
        json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}], "metadata": {}}, indent=1).encode()
    )
    assert notebook.nbformat == 3
    assert notebook.cells[0].headings == ("Intro",)
    assert (notebook.cells[1].execution_count, notebook.cells[1].error) == (4, "E")
    assert python.calls[0].line == 2


def test_personal_data_in_a_printed_table_is_named_by_its_kind() -> None:
    rows = "".join(f"<tr><th>{i}</th><td>p{i}.smith@firm{i}.de</td></tr>" for i in range(5))
    table = f"<table><thead><tr><th></th><th>email</th></tr></thead><tbody>{rows}</tbody></table>"
    output = {"output_type": "execute_result", "data": {"text/html": [table], "text/plain": ["x"]}, "metadata": {}}
    notebook, _ = parts(ipynb(code("df", outputs=[output])))
    assert notebook.cells[0].personal == ("e-mail",)
    assert "smith" not in repr(notebook)


def test_commands_hold_no_credentials() -> None:
    notebook, _ = parts(ipynb(code("!curl -H 'token=hunter2hunter2' x", "!git clone https://me:hunter2hunter2@h/x")))
    assert "hunter2" not in repr(notebook)


# ----------------------------------------------------------------------------------------------------- cell scripts


def test_percent_scripts() -> None:
    source = b"import os\n\n# %% [markdown]\n# # Load\n# text\n\n# %% Read it\n%matplotlib inline\nos.getenv('A')\n!ls\n# %%\nx = 1\n"
    notebook, python = parts(source, "n.py")
    assert notebook.format == "percent"
    assert [(cell.kind, cell.start, cell.headings) for cell in notebook.cells] == [
        ("code", 1, ()), ("markdown", 0, ("Load",)), ("code", 8, ("Read it",)), ("code", 12, ()),
    ]  # fmt: skip
    assert python.calls[0].line == 9
    assert notebook.locate(9) == (notebook.cells[2], 2, 9)
    assert notebook.cells[2].shell == ((10, "ls"),)


def test_databricks_notebooks() -> None:
    source = (
        b"# Databricks notebook source\n# MAGIC %md\n# MAGIC # Train\n\n# COMMAND ----------\n\nimport mlflow\n"
        b"# COMMAND ----------\n\n# MAGIC %pip install lightgbm\n\n# COMMAND ----------\n\ndisplay(df)\n"
    )
    notebook, _ = parts(source, "n.py")
    assert notebook.format == "databricks"
    assert [cell.kind for cell in notebook.cells] == ["markdown", "code", "code", "code"]
    assert notebook.cells[0].headings == ("Train",)
    assert notebook.cells[2].magics == ("%pip",)
    assert [command for _, command in notebook.cells[2].shell] == ["pip install lightgbm"]


def test_marimo_notebooks() -> None:
    source = b"import marimo\n\napp = marimo.App()\n\n@app.cell\ndef _():\n    import os\n    return (os,)\n\n@app.cell\ndef _(os):\n    os.getenv('A')\n    return\n\nif __name__ == '__main__':\n    app.run()\n"
    notebook, python = parts(source, "n.py")
    assert (notebook.format, len(notebook.cells)) == ("marimo", 2)
    assert python.main_guard == 15


def test_one_marker_does_not_make_a_notebook() -> None:
    from mlready.facts.cells import is_cell_script

    assert not is_cell_script(b"# %% only once\nx = 1\n")
    assert not is_cell_script(b"'%%' % 1\nx = '# %%'\n")
    assert is_cell_script(b"#%%\nx\n#%%\ny\n")


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "an empty file"),
        (b"  \n", "an empty file"),
        (b"{", "no valid JSON"),
        (ipynb(code("x = 1"))[:60], "no valid JSON"),
        (b"[]", "no notebook"),
        (b"null", "no notebook"),
        (b"{}", "no notebook: it has no cells"),
        (b'{"cells": {}}', "no notebook"),
        (b'{"cells": [1]}', "1 of 1 cells not read"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "1 of 1 cells not read"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "1 of 1 cells not read"),
        (b"\xff\xfa{}", "no"),
        (b"[" * 100_000, "no"),
        (b'{"cells": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "n"),
    ],
)
def test_what_is_no_notebook_has_a_reason(data: bytes, problem: str) -> None:
    assert read(data).problem.startswith(problem)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_byte_order_are_understood(encoding: str) -> None:
    _, python = parts(ipynb(code("x = 'é'")).decode().encode(encoding))
    assert python.assigns[0].value.scalar == "é"


def test_json_with_nan_in_an_output_is_read() -> None:
    data = ipynb(code("x = 1", outputs=[{"output_type": "display_data", "data": {"application/json": float("nan")}}]))
    assert b"NaN" in data
    assert len(parts(data)[1].assigns) == 1


def test_a_large_notebook_is_read_in_bounded_time_and_a_huge_one_refused() -> None:
    image = {"output_type": "display_data", "data": {"image/png": "A" * 20_000_000}, "metadata": {}}
    notebook, _ = parts(ipynb(code("x = 1", outputs=[image])))
    assert notebook.cells[0].output_bytes > 20_000_000
    assert read(b" " * 100_000_001).problem == "larger than 100 MB"


def test_odd_texts_survive_the_cache() -> None:
    data = ipynb(
        code("x = '\\ud800'"), markdown("# \ud800"), code("!echo \ud800", id="\ud800"), metadata={"kernelspec": 3}
    )
    found = read(data)
    assert cache.decode(cache.encode(found)) == found


SAMPLE = ipynb(
    markdown("# Title\ntext"),
    code("%matplotlib inline", "import pandas as pd", id="a", execution_count=1),
    code("df = pd.read_csv('a.csv')", "df.head()", outputs=[{"output_type": "stream", "text": ["x"]}]),
    code("!ls", "model.fit(df)  # mlready: ignore[REP004] why", metadata={"tags": ["t"]}),
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_mutated_notebooks_give_facts_or_a_problem_and_the_same_each_time(data: st.DataObject) -> None:
    source = SAMPLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(source)))
        end = data.draw(st.integers(start, min(len(source), start + 60)))
        marks = [b"", b'"', b"[", b"null", b"{", b"-1", b"\\ud800", b"\xff", b"\n", b"1e999", source[start:end] * 2]
        source = source[:start] + data.draw(st.sampled_from(marks)) + source[end:]
    found = read(source)
    assert found.problem or found.notebook is not None
    assert "please report" not in found.problem
    assert read(source) == found
    assert cache.decode(cache.encode(found)) == found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["# %%", "# %% [markdown]", "x = 1", "%magic", "!ls", "# text", "def f(", "", "    y", "'''"]),
        max_size=12,
    )
)
def test_scripts_of_any_cells_are_answered(lines: list[str]) -> None:
    found = read("\n".join(["# %%", *lines, "# %%", "z = 1"]).encode(), "n.py")
    assert found.problem or found.notebook is not None
    assert cache.decode(cache.encode(found)) == found


def test_marks_that_only_head_the_sections_of_a_module_make_no_notebook() -> None:
    module = b"# %% IMPORTS\nimport os\n\n# %% CLASSES\nclass Store:\n    root = os.curdir\n"
    script = b"# %%\nimport sys\n\n# %%\nprint(sys.path)\nif __name__ == '__main__':\n    print(1)\n"
    notebook = b"# %%\nimport sys\n\n# %%\ndef show(): ...\nshow()\n"
    assert read(module, "store.py").notebook is None
    assert read(script, "run.py").notebook is None
    assert read(notebook, "look.py").notebook is not None


def test_cells_of_python_2_are_read_for_what_they_do() -> None:
    found = read(
        ipynb(
            code("import os", "print 'made', os.getcwd()"),
            code("try:", "    os.remove('a')", "except OSError, e:", "    print >>log, e"),
            code("print 'no' no"),
        )
    )
    assert found.python is not None
    assert [call.name for call in found.python.calls if call.name.startswith("os.")] == ["os.getcwd", "os.remove"]
