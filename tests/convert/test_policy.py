"""What becomes of magics and shell calls."""

from __future__ import annotations

import pytest

from mlready.convert.model import Cell
from mlready.convert.policy import plain_cell


def plain(source: str) -> tuple[str, list[str]]:
    cell = plain_cell(Cell(1, "code", source))
    return cell.code, [note.kind for note in cell.notes]


@pytest.mark.parametrize(
    ("source", "code", "kinds"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1", ["dropped"]),
        ("%time x = f()", "x = f()", ["translated"]),
        ("%timeit f(x)", "pass", ["dropped"]),
        ("%%time\nx = 1", "\nx = 1", ["translated"]),
        ("%cd data", "os.chdir(os.path.expanduser('data'))", ["translated"]),
        ("%env A=b", "os.environ['A'] = 'b'", ["translated"]),
        ("%run other.py", "runpy.run_path('other.py', run_name=\"__main__\")", ["translated"]),
        ("!pip install x", "pass", ["dropped"]),
        ("%pip install x", "pass", ["dropped"]),
        ("!ls -l", "pass", ["dropped"]),
        ("!ls -l 2>/dev/null | wc -l", "pass", ["dropped"]),
        ("!ls > files.txt", "subprocess.run('ls > files.txt', shell=True, check=False)", ["kept"]),
        ("!ls; rm -r a", "subprocess.run('ls; rm -r a', shell=True, check=False)", ["kept"]),
        (
            "if a:\n    !unzip {name}.zip",
            'if a:\n    subprocess.run(f"unzip {name}.zip", shell=True, check=False)',
            ["kept"],
        ),
        ("%%html\n<b>", "", ["dropped"]),
        ("%%bash\npip install x\nls", "", ["dropped"]),
        ("%%bash\nmake", "subprocess.run(['bash'], input='make', text=True, check=False)", ["kept"]),
        ("%%writefile a.txt\nhi", "pathlib.Path('a.txt').write_text('hi\\n', encoding=\"utf-8\")", ["translated"]),
        ("%%R\nx <- 1", "", ["refused"]),
        ("%sql select 1", "pass", ["refused"]),
        ("%load_ext autoreload\n%autoreload 2", "pass\npass", ["dropped", "dropped"]),
        ("df?", "pass", ["dropped"]),
        ("get_ipython().run_line_magic('matplotlib', 'inline')\nx = 1", "pass\nx = 1", ["dropped"]),
        ("if a:\n    get_ipython().system('pip install x')", "if a:\n    pass", ["dropped"]),
        ("print(__doc__)", "pass", ["dropped"]),
    ],
)
def test_each_has_its_policy(source: str, code: str, kinds: list[str]) -> None:
    assert plain(source) == (code, kinds)


def test_output_of_a_command_is_kept_as_lines() -> None:
    code, kinds = plain("files = !ls")
    assert (
        code
        == "files = subprocess.run('ls', shell=True, check=False, capture_output=True, text=True).stdout.splitlines()"
    )
    assert kinds == ["kept"]


@pytest.mark.parametrize("source", ["print 'a'", "return 3", "x = = 1", "def f(:", "nonlocal x", "break"])
def test_what_cannot_run_is_kept_as_text(source: str) -> None:
    cell = plain_cell(Cell(1, "code", source))
    assert cell.problem
    assert [note.kind for note in cell.notes] == ["refused"]
