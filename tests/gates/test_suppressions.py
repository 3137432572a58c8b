"""Suppressions: by line, cell, file and path; shown everywhere, never for nothing."""

from __future__ import annotations

import random
import string

import pytest

from .conftest import Run, Write
from .samples import TRAIN, notebook

FORMATS = ("text", "json", "sarif", "junit", "markdown", "html")


def marked(mark: str) -> str:
    return TRAIN.replace("model = RandomForestClassifier()", f"model = RandomForestClassifier()  {mark}")


def states(run: Run, rule: str = "REP004") -> dict[int, str | None]:
    return {site["line"]: site["suppressed"] for site in run("audit", "--format", "json").sites(rule)}


def test_a_line(write: Write, run: Run) -> None:
    write({"train.py": marked("# mlready: ignore[REP004] seeded by the caller")})
    assert states(run) == {10: None, 11: "seeded by the caller"}


def test_a_prefix_of_rules(write: Write, run: Run) -> None:
    write({"train.py": marked("# mlready: ignore[REP] legacy")})
    assert states(run)[11] == "legacy"


def test_a_whole_file(write: Write, run: Run) -> None:
    write({"train.py": "# mlready: ignore-file[REP004] legacy\n" + TRAIN})
    assert set(states(run).values()) == {"legacy"}


def test_a_path_pattern(write: Write, run: Run) -> None:
    config = '[[suppress]]\npath = "old/**"\nrules = ["REP004"]\nreason = "to be deleted"\n'
    write({"old/train.py": TRAIN, "mlready.toml": config})
    assert set(states(run).values()) == {"to be deleted"}


def test_a_cell(write: Write, run: Run) -> None:
    cells = (
        "import pandas as pd",
        "# mlready: ignore-cell[DES007] the shared disk\nx = 1\npd.read_csv('/home/ann/a.csv')",
    )
    write({"train.py": TRAIN, "notebooks/a.ipynb": notebook(*cells)})
    done = run("audit", "--format", "json")
    assert [site["suppressed"] for site in done.sites("DES007")] == ["the shared disk"]


def test_the_score_without_suppressions_stands_beside_the_score(write: Write, run: Run) -> None:
    write({"train.py": "# mlready: ignore-file[REP004] legacy\n" + TRAIN})
    report = run("audit", "--format", "json").json
    assert report["score"] > report["score_unsuppressed"]
    for format_ in ("text", "markdown", "html"):
        assert "without suppressions" in run("audit", "--format", format_).out


@pytest.mark.parametrize("format_", FORMATS)
def test_suppressed_sites_are_shown(write: Write, run: Run, format_: str) -> None:
    write({"train.py": marked("# mlready: ignore[REP004] seeded by the caller")})
    assert "seeded by the caller" in run("audit", "--format", format_).out


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("# mlready: ignore[DES007] why not", "suppresses nothing"),
        ("# mlready: ignore why not", "names no rule"),
        ("# mlready: ignore[XYZ123] why not", "does not exist: XYZ123"),
    ],
)
def test_a_suppression_for_nothing_is_reported(write: Write, run: Run, mark: str, said: str) -> None:
    write({"train.py": marked(mark)})
    (entry,) = run("audit", "--format", "json").json["unused_suppressions"]
    assert said in entry["why"]
    assert (entry["path"], entry["line"]) == ("train.py", 11)
    for format_ in ("text", "markdown", "html"):
        assert said in run("audit", "--format", format_).out


def test_a_pattern_for_nothing_is_reported(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "mlready.toml": '[[suppress]]\npath = "gone/**"\nrules = ["REP004"]\nreason = "x"\n'})
    (entry,) = run("audit", "--format", "json").json["unused_suppressions"]
    assert (entry["path"], entry["why"]) == ("gone/**", "suppresses nothing")


def test_what_was_not_judged_is_not_unused(write: Write, run: Run) -> None:
    write({"train.py": marked("# mlready: ignore[REP004] seeded by the caller")})
    assert run("audit", "--select", "DES", "--format", "json").json["unused_suppressions"] == []
    assert run("audit", "train.py", "--format", "json").json["unused_suppressions"] == []


def test_a_reason_can_be_required(write: Write, run: Run) -> None:
    write({"train.py": marked("# mlready: ignore[REP004]"), "mlready.toml": "require-reason = true\n"})
    assert states(run)[11] is None
    (entry,) = run("audit", "--format", "json").json["unused_suppressions"]
    assert "no reason" in entry["why"]


def test_a_credential_is_lifted_by_a_reason_only(write: Write, run: Run) -> None:
    token = "ghp_" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=36))
    for mark, code in (("", 1), ("  # mlready: ignore[DES008]", 1), ("  # mlready: ignore[DES008] revoked in May", 0)):
        write({"train.py": TRAIN, "keys.py": f'TOKEN = "{token}"{mark}\n'})
        assert run("audit").code == code, mark


def test_what_configuration_loosened_is_listed(write: Write, run: Run) -> None:
    config = 'ignore = ["DES003"]\nexclude = ["old/"]\nkind = "training"\nprofile = "prototype"\n[elsewhere]\nMON005 = "platform/alerts"\n'
    write({"train.py": TRAIN, "mlready.toml": config})
    said = "\n".join(run("audit", "--format", "json").json["loosened"])
    for word in ("DES003", "old/", "kind stated", "prototype", "platform/alerts"):
        assert word in said
    assert "platform/alerts" in run("audit").out


def test_another_configuration_replaces_the_project_s_own(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "mlready.toml": 'ignore = ["REP004"]\n', "ours.toml": 'ignore = ["DES"]\n'})
    done = run("audit", "--config", "ours.toml", "--format", "json")
    assert done.json["loosened"] == ["ignored by configuration: DES"]
    assert len(done.sites("REP004")) == 2
