"""--verify with real kernels: verdicts, and packages that were broken on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.convert.helpers import converted

from mlready.convert import Conversion, Options
from mlready.convert.verify import Verification, verify_conversion

pytest.importorskip("ipykernel")
pytest.importorskip("nbclient")
pytestmark = pytest.mark.slow

CELLS = (
    "import math\nrates = [0.1, 0.2]\nrates = rates + [0.3]\nlimit = 3",
    "#md ## Total",
    "def total(xs):\n    return sum(x * limit for x in xs)\n\nvalue = total(rates)\nvalue",
    "table = {'a': value}\ntable['b'] = math.floor(value)\nprint(table['b'])",
    "with open('out.txt', 'w') as f:\n    f.write(str(value))",
    "value = value + 1\nhalves = [v / 2 for v in rates]\ntable['halves'] = halves",
)


def verified(done: Conversion, tmp_path: Path, *, once: bool = False) -> Verification:
    options = Options(into=tmp_path / "project", package="made", python=Path(sys.executable))
    return verify_conversion(done, options, once=once, timeout=120)


def test_a_faithful_package_is_verified_and_gets_recorded_tests(tmp_path: Path) -> None:
    verification = verified(converted(tmp_path, *CELLS), tmp_path)
    verdict = verification.verdicts[0]
    assert (verdict.name, verdict.equal, verdict.total) == ("verified", verdict.total, verdict.total), verdict.text
    assert verdict.files == {"out.txt": "equal"}
    assert {group["verdict"] for group in (*verdict.shown, *verdict.printed)} == {"equal"}
    record = json.loads((tmp_path / "project" / "conversion.json").read_text())
    assert record["verification"][0]["verdict"] == "verified"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "project" / "tests" / "test_recorded.py").exists()
    assert done.returncode == 0, done.stdout
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("limit: int = 3", "limit: int = 4"),
        ("x * limit", "x + limit"),
        ('table["b"] = math.floor(value)', 'table["b"] = 0'),
        ('table["halves"] = halves', "pass"),
        ("value = value + 1", "pass"),
        ('print(table["b"])', "pass"),
        ("f.write(str(value))", 'f.write("")'),
        ("rates = rates + [0.3]", "rates = [0.3] + rates"),
        ("show(value)", "pass"),
    ],
)
def test_a_package_broken_on_purpose_differs(tmp_path: Path, old: str, new: str) -> None:
    done = converted(tmp_path, *CELLS)
    touched = 0
    for path in (tmp_path / "project" / "src").rglob("*.py"):
        text = path.read_text()
        touched += text.count(old)
        path.write_text(text.replace(old, new))
    assert touched == 1, old
    verification = verified(done, tmp_path, once=True)
    assert verification.differs, verification.text


def test_a_notebook_that_fails_is_not_runnable(tmp_path: Path) -> None:
    verdict = verified(converted(tmp_path, "a = 1", "b = {}['k']", "c = 1"), tmp_path).verdicts[0]
    assert verdict.name == "not runnable"
    assert "cell 2: KeyError" in verdict.reason
    assert verdict.values["a"]["verdict"] == "equal"


def test_random_values_are_compared_under_seeds(tmp_path: Path) -> None:
    verdict = verified(converted(tmp_path, "import random\nx = random.random()", "y = [x]\nz = 1"), tmp_path).verdicts[
        0
    ]
    assert verdict.name == "verified under seeds"


def test_what_a_library_displays_is_compared(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text(
        "import IPython.display as front\n\ndef show(value):\n    front.display({'text/plain': value}, raw=True)\n"
    )
    cells = ("import lib", "x = [1]\nx = x + [2]\nlib.show(x)", "y = len(x)\ny")
    done = converted(tmp_path, *cells)
    verdict = verified(done, tmp_path, once=True).verdicts[0]
    assert (verdict.name, [group["count"] for group in verdict.shown]) == ("verified", [2]), verdict.text
    for path in (tmp_path / "project" / "src").rglob("*.py"):
        path.write_text(path.read_text().replace("lib.show(x)", "lib.show(x + [3])"))
    assert verified(done, tmp_path, once=True).differs


def test_showing_a_value_does_not_change_it(tmp_path: Path) -> None:
    lazy = "class Lazy:\n    cache = None\n    def fit(self):\n        return self\n"
    lazy += "    def __repr__(self):\n        self.cache = 1\n        return 'Lazy'"
    verdict = verified(converted(tmp_path, lazy, "m = Lazy()\nm.fit()", "n = [m]"), tmp_path, once=True).verdicts[0]
    assert verdict.name == "verified", verdict.text


def test_a_value_that_the_package_loses_is_a_difference(tmp_path: Path) -> None:
    done = converted(tmp_path, "x = 1\nx = x + 1", "y = [x]\nz = [x, 2]")
    for path in (tmp_path / "project" / "src").rglob("*.py"):
        path.write_text(path.read_text().replace("z = [x, 2]", "z = [x, 2]\n    del y").replace("y, z", "z"))
    verdict = verified(done, tmp_path, once=True).verdicts[0]
    assert verdict.name == "differs", verdict.text


def test_what_cannot_be_compared_is_named(tmp_path: Path) -> None:
    cells = ("import time\nnow = time.time()\nx = 1", "g = (i for i in [x])\ny = x")
    verdict = verified(converted(tmp_path, *cells), tmp_path).verdicts[0]
    assert verdict.name == "partly"
    assert verdict.values["now"]["verdict"] == "unstable"
    assert verdict.values["g"]["verdict"] == "not comparable"


# ------------------------------------------------------------------------------- the reference run corrects the plan

HOOKS = """
import weakref

registered = {}


def register(name, function):
    registered[name] = function


def fire(value):
    return [function(value) for function in registered.values()]


class Model:
    callback = None

    def run(self, value):
        return self.callback(value)


def install(function):
    Model.callback = staticmethod(function)


class Hub:
    def __init__(self):
        self.listeners = weakref.WeakSet()

    def subscribe(self, listener):
        self.listeners.add(listener)

    def publish(self, value):
        for listener in self.listeners:
            listener.heard.append(value)
        return len(self.listeners)
"""

SHARED_STATE = {
    "a closure in a lazy container": [
        "#md ## Prepare",
        "factor = 2\nfactor = factor + 1\nxs = [1, 2, 3]\nscaled = map(lambda x: x * factor, xs)\nsize = len(xs)",
        "#md ## Change",
        "factor = 10\nother = factor + 1\nprint(other)\nlimit = [other]",
        "#md ## Use",
        "result = list(scaled)\ntotal = sum(result)\nprint(total)\nlast = total + limit[0]",
    ],
    "a generator": [
        "#md ## Prepare",
        "factor = 2\nfactor = factor + 1\nxs = [1, 2, 3]\nscaled = (x * factor for x in xs)\nsize = len(xs)",
        "#md ## Change",
        "factor = 10\nother = factor + 1\nprint(other)\nlimit = [other]",
        "#md ## Use",
        "result = list(scaled)\ntotal = sum(result)\nprint(total)\nlast = total + limit[0]",
    ],
    "a function that a library keeps": [
        "import hooks",
        "#md ## Prepare",
        "factor = 2\nfactor = factor + 1\nfor power in [1, 2]:\n"
        "    def scale(x, power=power):\n        return (x * factor) ** power\n    hooks.register(power, scale)\nxs = [1, 2, 3]",
        "#md ## Change",
        "factor = 10\nother = factor + 1\nprint(other)\nlimit = [other]",
        "#md ## Use",
        "result = hooks.fire(2)\ntotal = sum(result)\nprint(total)\nlast = total + limit[0]",
    ],
    "an attribute set by a library call": [
        "import hooks",
        "#md ## Prepare",
        "factor = 2\nfactor = factor + 1\nmodel = hooks.Model()\n"
        "def scale(x):\n    return x * factor\n\nhooks.install(scale)\nxs = [1, 2, 3]",
        "#md ## Change",
        "factor = 10\nother = factor + 1\nprint(other)\nlimit = [other]",
        "#md ## Use",
        "result = [model.run(x) for x in xs]\ntotal = sum(result)\nprint(total)\nlast = total + limit[0]",
    ],
    "an object that another only refers to": [
        "import hooks\n\nclass Listener:\n    def __init__(self):\n        self.heard = []",
        "#md ## Prepare",
        "hub = hooks.Hub()\nlistener = Listener()\nhub.subscribe(listener)\nxs = [1, 2, 3]\nsize = len(xs)",
        "#md ## Publish",
        "counts = [hub.publish(x) for x in xs]\ntotal = sum(counts)\nprint(total)\nlast = total + 1",
    ],
}


@pytest.mark.parametrize("cells", SHARED_STATE.values(), ids=SHARED_STATE.keys())
def test_shared_state_that_only_the_run_shows_corrects_the_plan(tmp_path: Path, cells: list[str]) -> None:
    (tmp_path / "hooks.py").write_text(HOOKS)
    done = converted(tmp_path, *cells)
    assert len(done.plans[0].stages) > 1
    verification = verified(done, tmp_path, once=True)
    verdict = verification.verdicts[0]
    assert verdict.name in ("verified", "partly"), verification.text
    notes = [note.message for note in verification.done.plans[0].notes if note.kind == "corrected"]
    assert len(notes) == 1
    assert notes[0] in verification.text
    record = json.loads((tmp_path / "project" / "conversion.json").read_text())
    told = [note["message"] for cell in record["notebooks"][0]["cells"] for note in cell["notes"]]
    assert notes[0] in told
    assert notes[0] in (tmp_path / "project" / "CONVERSION.md").read_text()
    again = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stdout


def test_a_difference_without_shared_state_stays_one(tmp_path: Path) -> None:
    done = converted(tmp_path, *CELLS)
    path = next(p for p in (tmp_path / "project" / "src").rglob("*.py") if "value = value + 1" in p.read_text())
    path.write_text(path.read_text().replace("value = value + 1", "value = value + 2"))
    verification = verified(done, tmp_path, once=True)
    assert verification.differs
    assert not [note for note in verification.done.plans[0].notes if note.kind == "corrected"]


# --------------------------------------------------------------------------------------------------- what is compared


def described(value: object) -> object:
    from mlready.convert.verify.inside.describe import Describer

    return Describer()(value)


def equal(left: object, right: object, *, strict: bool = False) -> bool:
    from mlready.convert.verify.inside.trees import EQUAL, compare

    return compare(described(left), described(right), strict=strict)[0] == EQUAL


def test_an_object_met_twice_is_compared_with_what_stands_there() -> None:
    row, other = [1, 2], [1, 3]
    assert equal([row, row], [row, [1, 2]])
    assert not equal([row, row], [row, other])
    assert not equal([row, other, row], [row, other, other])
    circle: list[object] = [1]
    circle.append(circle)
    assert equal(circle, circle)


def test_keys_that_look_like_a_clock_count_only_where_the_notebook_has_them_stable() -> None:
    assert equal({"time": 1, "a": 2}, {"time": 3, "a": 2})
    assert not equal({"time": 1, "a": 2}, {"time": 3, "a": 2}, strict=True)


def test_long_lists_are_compared_to_their_end() -> None:
    assert not equal(["a"] * 50_000, ["a"] * 49_999 + ["b"])
    assert equal(["a"] * 50_000, ["a"] * 50_000)


@pytest.mark.parametrize("new", ["plt.bar(heights, [3, 5])", "plt.bar(heights, heights)\n    plt.xlim(0, 9)", "pass"])
def test_figures_are_compared_by_what_they_draw(tmp_path: Path, new: str) -> None:
    pytest.importorskip("matplotlib")
    cells = (
        "import matplotlib.pyplot as plt\nheights = [3, 4]",
        "plt.bar(heights, heights)\nplt.show()",
        "y = len(heights)",
    )
    done = converted(tmp_path, *cells)
    verdict = verified(done, tmp_path, once=True).verdicts[0]
    assert (verdict.name, [group["verdict"] for group in verdict.drawn]) == ("verified", ["equal"]), verdict.text
    for path in (tmp_path / "project" / "src").rglob("*.py"):
        path.write_text(path.read_text().replace("plt.bar(heights, heights)", new))
    verdict = verified(done, tmp_path, once=True).verdicts[0]
    assert "figures of cells 2" in verdict.text


def test_figures_of_a_function_that_is_not_known_to_draw_are_saved_after_the_reference_run(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "lib.py").write_text(
        "import matplotlib.pyplot as plt\n\ndef paint(values):\n    plt.bar(values, values)\n"
    )
    cells = ("import lib\nheights = [3, 4]", "lib.paint(heights)", "y = len(heights)", "lib.paint([y])")
    verification = verified(converted(tmp_path, *cells), tmp_path, once=True)
    assert verification.verdicts[0].name == "verified", verification.text
    assert verification.text.count("saves its figures") == 2


def test_figures_that_a_backend_keeps_open_are_compared_cell_by_cell(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    cells = (
        "import matplotlib.pyplot as plt\nplt.switch_backend('agg')\nheights = [3, 4]",
        "fig = plt.figure()\nplt.bar(heights, heights)",
        "y = len(heights)",
        "fig = plt.figure()\nplt.plot(heights)",
    )
    done = converted(tmp_path, *cells)
    verdict = verified(done, tmp_path, once=True).verdicts[0]
    assert verdict.name == "verified", verdict.text
    assert [group["drawing_cells"] for group in verdict.drawn] == [[2, 4]]
    for path in (tmp_path / "project" / "src").rglob("*.py"):
        path.write_text(path.read_text().replace("plt.plot(heights)", "plt.plot([1, 2])"))
    assert verified(done, tmp_path, once=True).differs


def test_what_is_the_same_twice_by_chance_is_no_difference(tmp_path: Path) -> None:
    """The third run is that of the package."""
    count = tmp_path / "count"
    cells = (
        f"from pathlib import Path\nfile = Path({str(count)!r})\ntext = file.read_text() if file.exists() else ''",
        "file.write_text(text + '.');",
        "pairs = len(text) // 2\ntext = ''\nlimit = 3",
    )
    verdict = verified(converted(tmp_path, *cells), tmp_path).verdicts[0]
    assert count.read_text().count(".") >= 5
    assert (verdict.name, verdict.values["pairs"]["verdict"]) == ("partly", "unstable"), verdict.text


def test_drawing_changes_nothing_of_a_figure_in_space() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from mlready.convert.verify.inside.trees import EQUAL, compare

    figure = Figure()
    axes = figure.add_subplot(projection="3d")
    axes.scatter([1, 2, 3], [3, 1, 4], [5, 9, 6])
    axes.plot([1, 2], [3, 4], [5, 6])
    before = described(figure)
    FigureCanvasAgg(figure).draw()
    assert compare(before, described(figure)) == (EQUAL, "")
