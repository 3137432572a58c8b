"""Hard constructs that only a notebook has: shell, %run, await, displays, files beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.convert.helpers import all_source, converted, notes, run_package


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_output_of_a_shell_command(here: Path) -> None:
    values, _ = run_package(converted(here, "lines = !echo one; echo two", "n = len(lines)"))
    assert values == {"lines": ["one", "two"], "n": 2}


def test_a_kept_command_runs_in_its_place(here: Path) -> None:
    done = converted(here, "import os\nname = 'made'\nname += '.txt'", "!touch {name}", "there = os.path.exists(name)")
    assert run_package(done)[0]["there"] is True
    assert (2, "kept", "!touch {name}: kept as subprocess.run") in notes(done)


def test_bash_and_writefile_cells(here: Path) -> None:
    done = converted(here, "%%writefile a.txt\none\n", "%%bash\ncp a.txt b.txt\n", "text = open('b.txt').read()")
    assert run_package(done)[0]["text"] == "one\n"


def test_cd_and_env(here: Path) -> None:
    (here / "sub").mkdir()
    done = converted(
        here, "%env MLREADY_TEST_VALUE=3\n%cd sub", "import os\na = os.getcwd()\nb = os.environ['MLREADY_TEST_VALUE']"
    )
    values, _ = run_package(done)
    os.environ.pop("MLREADY_TEST_VALUE")
    assert (Path(str(values["a"])).name, values["b"]) == ("sub", "3")


def test_run_of_a_script_gives_its_names(here: Path) -> None:
    (here / "other.py").write_text("answer = 6 * 7\n\n\ndef twice(x):\n    return 2 * x\n")
    values, _ = run_package(converted(here, "%run other.py", "b = answer + 1\nc = twice(b)"))
    assert (values["b"], values["c"]) == (43, 86)


def test_await_at_the_top_level(here: Path) -> None:
    done = converted(
        here,
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x + 1",
        "a = await f(1)",
        "b = a + 1",
    )
    assert run_package(done)[0]["b"] == 3


def test_displayed_values_are_printed(here: Path) -> None:
    done = converted(here, "a = 3\na + 1", "display(a)\nb = [a]\nb", "a;", "None", "b.append(1)", "'text'")
    assert run_package(done)[1] == "4\n3\n[3]\n"


def test_a_module_beside_the_notebook(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(here))
    (here / "local_tools_x.py").write_text("def up(x):\n    return x + 1\n\n\nLIMIT = 3\n")
    cells = (
        "import sys\nsys.path.append('.')",
        "from local_tools_x import up\nimport local_tools_x as t",
        "a = up(1)\nb = t.LIMIT",
    )
    done = converted(here, *cells)
    assert run_package(done)[0]["a"] == 2
    for text in all_source(done).split("\n\n\n"):
        assert "from local_tools_x" not in text or text.startswith("def ") or "    from local" in text


def test_a_star_import_of_a_module_beside_the_notebook(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(here))
    (here / "local_stars_x.py").write_text("def up(x):\n    return x + 1\n\n\nLIMIT = 3\n_hidden = 1\n")
    assert run_package(converted(here, "from local_stars_x import *", "a = up(LIMIT)"))[0]["a"] == 4


def test_cells_that_are_no_python_are_left_out_and_named(here: Path) -> None:
    done = converted(here, "a = 1", "print 'x'", "%%R\nx <- 1", "b = a + 1", "def broken(:")
    assert run_package(done)[0]["b"] == 2
    assert [cell for cell, kind, _ in notes(done) if kind == "refused"] == [2, 3, 5]


def test_names_in_formulas_stay_in_reach(here: Path) -> None:
    done = converted(here, "limit = 3\nlimit = 4", "x = 2", "ok = eval('x < limit')\nx = ok")
    assert run_package(done)[0]["ok"] is True
