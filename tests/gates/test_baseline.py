"""The ratchet: only what is new or lost fails, moved code is not new, and nothing comes in silently."""

from __future__ import annotations

import json
import os
import random
import string
from pathlib import Path

import pytest

from .conftest import Run, Write
from .samples import TRAIN, notebook

BASE = "baseline.json"


def secret() -> str:
    return "ghp_" + "".join(random.Random(4).choices(string.ascii_letters + string.digits, k=36))


@pytest.fixture
def recorded(write: Write, run: Run) -> Path:
    folder = write({"train.py": TRAIN})
    assert run("audit", "--write-baseline", BASE).code == 0
    return folder


def entries(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / BASE).read_text())["findings"]
    return found


def test_what_was_there_passes(recorded: Path, run: Run) -> None:
    done = run("audit", "--baseline", BASE, "--format", "json")
    assert done.code == 0
    assert done.json["baseline"]["new"] == []
    assert done.json["baseline"]["known"] == sum(int(str(e["count"])) for e in entries(recorded)) > 3


def test_a_new_finding_fails_and_is_named(recorded: Path, write: Write, run: Run) -> None:
    write({"train.py": TRAIN.replace("model.fit(", "other = RandomForestClassifier()\n    model.fit(")})
    done = run("audit", "--baseline", BASE)
    assert done.code == 1
    assert "gate: new: REP004" in done.err


@pytest.mark.parametrize(
    "moved",
    [
        "# a comment above\n\n\n" + TRAIN,
        TRAIN.replace("train_test_split(features, data", "train_test_split(\n        features,\n        data"),
        TRAIN.replace("    ", "        "),
        TRAIN.replace('if __name__ == "__main__":\n', 'def main():\n    pass\n\n\nif __name__ == "__main__":\n    main()\n'),
        TRAIN.replace("model", "forest").replace("sklearn.forest_selection", "sklearn.model_selection").replace("forest.pkl", "model.pkl"),
    ],
    ids=["lines", "reformatted", "indented", "more code", "renamed variable"],
)  # fmt: skip
def test_moved_code_is_not_new(recorded: Path, write: Write, run: Run, moved: str) -> None:
    write({"train.py": moved})
    done = run("audit", "--baseline", BASE, "--format", "json")
    assert done.json["baseline"]["new"] == []
    assert done.code == 0


CELLS = (
    "import pandas as pd\nfrom sklearn.svm import SVC\nfrom sklearn.model_selection import train_test_split",
    "data = pd.read_csv('/home/ann/data.csv')",
    "a, b, c, d = train_test_split(data, data.target)\nSVC().fit(a, c)",
)


def test_cells_can_be_moved_and_renamed(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "notebooks/a.ipynb": notebook(*CELLS)})
    run("audit", "--write-baseline", BASE)
    write({"notebooks/a.ipynb": notebook("1 + 1", *CELLS, "2 + 2", ids=("v", "w", "x", "y", "z"))})
    done = run("audit", "--baseline", BASE, "--format", "json")
    assert done.sites("DES007")[0]["cell"] == 3, "the cell has moved"
    assert [f"{s['id']} {s['message']}" for s in done.json["baseline"]["new"]] == []


def test_a_lost_practice_fails(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "tests/test_train.py": "from train import train\n\ndef test_it():\n    assert train\n"})
    run("audit", "--write-baseline", BASE)
    (write({}) / "tests/test_train.py").unlink()
    done = run("audit", "--baseline", BASE)
    assert done.code == 1
    assert "gate: lost: TST001" in done.err


def test_an_update_never_takes_a_new_finding_in(recorded: Path, write: Write, run: Run) -> None:
    before = entries(recorded)
    write({"train.py": TRAIN.replace("model.fit(", "other = RandomForestClassifier()\n    model.fit(")})
    for _ in range(2):
        done = run("audit", "--write-baseline", BASE)
        assert done.code == 1
        assert "NOT taken in" in done.err
        assert "gate: new: REP004" in done.err
        assert entries(recorded) == before


def test_what_is_gone_is_reported_and_removed_on_rewrite(recorded: Path, write: Write, run: Run) -> None:
    write({"train.py": TRAIN.replace("RandomForestClassifier()", "RandomForestClassifier(random_state=0)")})
    assert "in the baseline, but gone: 1 x REP004 train.py" in run("audit", "--baseline", BASE).err
    count = len(entries(recorded))
    assert "removed from the baseline: 1 x REP004 train.py" in run("audit", "--write-baseline", BASE).err
    assert len(entries(recorded)) == count - 1
    assert "gone" not in run("audit", "--baseline", BASE).err
    write({"train.py": TRAIN})
    assert run("audit", "--baseline", BASE).code == 1, "what was mended may not come back"


def test_a_baseline_never_lifts_a_credential(write: Write, run: Run) -> None:
    folder = write({"train.py": TRAIN, "keys.py": f'TOKEN = "{secret()}"\n'})
    done = run("audit", "--write-baseline", BASE)
    assert done.code == 1
    assert "DES008" in done.err
    assert run("audit", "--baseline", BASE).code == 1
    assert secret() not in (folder / BASE).read_text()
    assert "DES008" not in {entry["rule"] for entry in entries(folder)}


def test_the_floor_only_rises(recorded: Path, write: Write, run: Run) -> None:
    def floor() -> float:
        return float(json.loads((recorded / BASE).read_text())["floor"])

    low = floor()
    write({"requirements.txt": "pandas==2.2.0\nscikit-learn==1.5.0\n", ".gitignore": "*.pkl\n.env\n.venv\n"})
    assert run("audit", "--write-baseline", BASE).code == 0
    high = floor()
    assert high > low
    (recorded / "requirements.txt").unlink()
    done = run("audit", "--baseline", BASE, "--fail-under", "baseline")
    assert done.code == 1
    assert "the score that the baseline recorded" in done.err
    run("audit", "--write-baseline", BASE)
    assert floor() == high


def test_the_floor_of_the_baseline_in_configuration(recorded: Path, write: Write, run: Run) -> None:
    write({"mlready.toml": f'fail-under = "baseline"\nbaseline = "{BASE}"\n'})
    assert run("audit").code == 0
    write({"train.py": TRAIN + "\nimport pickle\n\npickle.load(open('x.pkl', 'rb'))\n"})
    assert run("audit").code == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not a baseline"),
        ("[]", "not a baseline"),
        ('{"schema": 9, "tool": "", "profile": "production", "floor": 1, "credits": {}}', "schema 9"),
        ('{"schema": 1, "tool": "", "profile": "prototype", "floor": 1, "credits": {}}', "prototype profile"),
        ("[" * 100_000, "not a baseline"),
    ],
)
def test_a_broken_baseline_is_an_error(write: Write, run: Run, content: str, said: str) -> None:
    write({"train.py": TRAIN, BASE: content})
    done = run("audit", "--baseline", BASE)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--baseline", "no.json"], "cannot read the baseline"),
        (["--fail-under", "baseline"], "needs a baseline"),
        (["--write-baseline", "x.json", "--select", "REP"], "cannot be narrowed"),
        (["--write-baseline", "x.json", ".", "train.py"], "give one PATH"),
        (["--write-baseline", "x.json", "train.py"], "whole project"),
        (["--fail-under", "high"], "high"),
    ],
)
def test_options_that_cannot_be(write: Write, run: Run, words: list[str], said: str) -> None:
    write({"train.py": TRAIN})
    done = run("audit", *words)
    assert done.code == 2
    assert said in done.err


def test_a_pipe_is_no_baseline(write: Write, run: Run) -> None:
    folder = write({"train.py": TRAIN, "mlready.toml": f'baseline = "{BASE}"\n'})
    os.mkfifo(folder / BASE)
    done = run("audit")
    assert done.code == 2
    assert "is not a file" in done.err


def test_a_configured_baseline_stays_inside_the_project(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "mlready.toml": 'baseline = "../../etc/passwd"\n'})
    done = run("audit")
    assert done.code == 2
    assert "out of the project" in done.err


def test_rules_of_a_newer_version_are_not_compared(recorded: Path, run: Run) -> None:
    text = json.loads((recorded / BASE).read_text())
    del text["credits"]["REP004"]
    text["findings"] = [entry for entry in text["findings"] if entry["rule"] != "REP004"]
    (recorded / BASE).write_text(json.dumps(text))
    done = run("audit", "--baseline", BASE, "--format", "json")
    assert done.code == 0
    assert done.json["baseline"]["not_compared"] == ["REP004"]
    assert run("audit", "--write-baseline", BASE).code == 0
    assert "REP004" in {entry["rule"] for entry in entries(recorded)}


def test_a_practice_that_is_newly_asked_is_named_and_fails_nothing(recorded: Path, write: Write, run: Run) -> None:
    write({"helpers.py": "x = 1\n", "more.py": "from helpers import x\n\nprint(x)\n"})
    done = run("audit", "--baseline", BASE, "--format", "json")
    assert done.code == 0
    assert [text.split()[0] for text in done.json["baseline"]["newly_asked"]] == ["DEP009"]
    assert "newly asked: DEP009" in done.err
    assert run("audit", "--write-baseline", BASE).code == 0
    assert "newly asked" not in run("audit", "--baseline", BASE).err
