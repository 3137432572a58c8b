"""The path that a call is given, followed through constants, parameters and other modules."""

from __future__ import annotations

import pytest
from tests.project.trees import project

from mlready.rules.checks.artifacts import Place
from mlready.rules.checks.paths import path_at, pattern_at


def told(files: dict[str, str]) -> tuple[str, str]:
    """What is said of the one `joblib.load` of a project: its fixed path, and its pattern."""
    tree = project(files)
    use = next(use for use in tree.calls("joblib.load"))
    place = Place(use.file, use.call.scope)
    return path_at(tree, place, use.call), pattern_at(tree, place, use.call)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ('load("models/m.pkl")', "models/m.pkl"),
        ('A = "models/m.pkl"\nload(A)', "models/m.pkl"),
        ('A = os.path.join("models", "m.pkl")\nload(A)', "models/m.pkl"),
        ('A = Path("models")\nload(A / "m.pkl")', "models/m.pkl"),
        ('A = Path(__file__).parent\nload(A / "models" / "m.pkl")', "models/m.pkl"),
        ('A = "models"\nload(f"{A}/m.pkl")', "models/m.pkl"),
        ('def f(path="m.pkl"):\n    return load(path)\nf()', "m.pkl"),
        ('def f(path):\n    return load(path)\nf("m.pkl")\nf("m.pkl")', "m.pkl"),
    ],
)
def test_a_path_that_only_code_decides(code: str, path: str) -> None:
    head = "import os\nfrom pathlib import Path\nfrom joblib import load\n"
    assert told({"a.py": head + code + "\n"}) == (path, path)


@pytest.mark.parametrize(
    ("code", "pattern"),
    [
        ('load(os.environ["MODEL"])', ""),
        ('load(os.path.join(sys.argv[1], "m.pkl"))', "{argv}/m.pkl"),
        ('def f(run):\n    return load(f"models/{run}.pkl")', "models/{run}.pkl"),
        ('def f(path):\n    return load(path)\nf("a.pkl")\nf("b.pkl")', ""),
        ('@app.command()\ndef f(path="m.pkl"):\n    return load(path)', ""),
    ],
)
def test_what_is_told_elsewhere_is_a_hole(code: str, pattern: str) -> None:
    assert told({"a.py": "import os, sys\nfrom joblib import load\nfrom x import app\n" + code + "\n"}) == ("", pattern)


def test_a_constant_of_another_module() -> None:
    files = {
        "settings.py": 'A = "models"\nB = A + "/m.pkl"\n',
        "a.py": "import joblib\nimport settings\njoblib.load(settings.B)\n",
    }
    assert told(files)[0] == "models/m.pkl"


def test_names_that_are_made_from_each_other_end() -> None:
    turns = "".join(f'n{i} = f"{{n{i + 1}}}{{n{i + 1}}}{{n{i + 1}}}"\n' for i in range(60))
    loop = 'a = b + "x"\nb = a + "y"\n'
    assert told({"a.py": f"import joblib\n{loop}{turns}joblib.load(n0 + a)\n"})[0] == ""
