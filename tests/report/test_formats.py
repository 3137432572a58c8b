"""Every machine-read format: valid by its own schema or read by a real consumer, and landing on the right line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sarif.loader import load_sarif_file  # type: ignore[import-untyped]

from gates.samples import TRAIN, notebook
from mlready.findings import Location
from mlready.report import render
from mlready.report.github import escape_data, escape_property
from mlready.report.markdown import code
from mlready.report.shield import color_of
from mlready.report.text import to_do

from .conftest import Audit, shown

ROOT = Path(__file__).resolve().parents[2]
SECRETS_LINE = "open('/home/ann/a.csv')"
PROJECT = {
    "train.py": TRAIN.replace("RandomForestClassifier()", "RandomForestClassifier()  # mlready: ignore[REP004] by the caller"),
    "notebooks/a.ipynb": notebook("import pandas as pd\nx = 1", "y = 2\npd.read_csv('/home/ann/a.csv')"),
    "a folder/wéird %20[x].py": "open('/home/ann/a.csv')\n",
    "broken.py": "def (:\n",
}  # fmt: skip


def raw_line(path: str, text: str) -> int:
    return next(i for i, line in enumerate(PROJECT[path].splitlines(), start=1) if text in line)


# ------------------------------------------------------------------------------------------------------------------ text


def test_what_waits_for_another_practice_stands_last(audit: Audit) -> None:
    todo = to_do(audit(PROJECT).report)
    waiting = [rule.waits for rule in todo]
    assert True in waiting
    assert waiting == sorted(waiting)


def test_bars_begin_in_one_column(audit: Audit) -> None:
    bars = [line for line in shown("text", audit(PROJECT)).splitlines() if re.match(r"[ \d]\d .*[█░·]", line)]
    assert len(bars) == 12
    assert len({min(line.index(char) for char in "█░·" if char in line) for line in bars}) == 1


def test_a_practice_that_holds_in_part_says_how_far(audit: Audit) -> None:
    judged = audit({"train.py": TRAIN, "requirements.txt": "pandas==2.2.3\nscikit-learn==1.5.2\n"})
    rule = next(rule for rule in judged.report.main.rules if rule.id == "REP002")
    assert 0 < (rule.credit or 0) < 1
    assert f"REP002 dependencies-locked  met to {rule.credit:.0%}" in render("text", [judged], verbose=True)


def test_a_path_is_said_once(audit: Audit) -> None:
    judged = audit({"train.py": TRAIN, "README.md": "# Shop\n\nData comes from https://example.org/orders.csv\n"})
    messages = [s.message for rule in judged.report.main.rules for s in rule.sites if s.where]
    assert any(message.startswith("README.md ") for message in messages)
    for report in (render("text", [judged], verbose=True), shown("html", judged)):
        assert "README.md: README.md" not in report
        assert "README.md</code>: README.md" not in report


def test_one_is_no_plural(audit: Audit) -> None:
    text = shown("text", audit({"train.py": TRAIN}))
    assert "training, 1 file, profile" in text


def test_a_place_that_is_a_whole_cell() -> None:
    assert str(Location("a.ipynb", cell=3)) == "a.ipynb cell 3"
    assert str(Location("a.ipynb", line=2, cell=3)) == "a.ipynb cell 3 line 2"


# ------------------------------------------------------------------------------------------------------------------ JSON


def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((ROOT / "docs" / "reference" / "audit.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_json_follows_its_schema(audit: Audit, tmp_path: Path) -> None:
    base = tmp_path / "base.json"
    audit(PROJECT, write_baseline=base)
    whole = audit({"more.py": "open('/home/ann/a.csv')\n"}, baseline=base)
    assert whole.report.ratchet
    assert whole.report.ratchet.new
    single = audit({}, "notebooks/a.ipynb")
    for judged in ([whole], [single], [whole, single]):
        validator().validate(json.loads(shown("json", *judged)))


def test_the_schema_is_closed(audit: Audit) -> None:
    table = json.loads(shown("json", audit(PROJECT)))
    table["surprise"] = 1
    assert not validator().is_valid(table)
    del table["surprise"], table["score"]
    assert not validator().is_valid(table)


@pytest.mark.parametrize("project", ["churn"])
def test_json_of_the_example_follows_the_schema(project: str, audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples" / project)
    validator().validate(json.loads(shown("json", audit({}))))


# ----------------------------------------------------------------------------------------------------------------- SARIF


def sarif(audit: Audit) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(shown("sarif", audit(PROJECT)))
    return log


def results(log: dict[str, Any], rule: str) -> list[dict[str, Any]]:
    return [row for row in log["runs"][0]["results"] if row["ruleId"] == rule]


def place(result: dict[str, Any]) -> tuple[str, int]:
    where = result["locations"][0]["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def test_sarif_lands_on_the_line_of_the_notebook_file(audit: Audit) -> None:
    found = {place(row): row for row in results(sarif(audit), "DES007")}
    spot = ("notebooks/a.ipynb", raw_line("notebooks/a.ipynb", "/home/ann"))
    assert spot in found
    assert found[spot]["message"]["text"].startswith("cell 2 line 2: ")


def test_sarif_paths_are_uris(audit: Audit) -> None:
    assert ("a%20folder/w%C3%A9ird%20%2520%5Bx%5D.py", 1) in {place(row) for row in results(sarif(audit), "DES007")}


def test_sarif_keeps_suppressed_findings_with_the_reason(audit: Audit) -> None:
    said = {place(row)[1]: row["suppressions"] for row in results(sarif(audit), "REP004")}
    assert said[10] == []
    assert [entry["justification"] for entry in said[11]] == ["by the caller"]


def test_sarif_names_what_was_not_read(audit: Audit) -> None:
    notes = sarif(audit)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert any("broken.py" in note["message"]["text"] for note in notes)


def test_sarif_paths_start_where_the_command_was_started(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    audit(PROJECT)
    monkeypatch.chdir("..")
    log = json.loads(shown("sarif", audit({}, "project")))
    assert ("project/notebooks/a.ipynb", raw_line("notebooks/a.ipynb", "/home/ann")) in {
        place(row) for row in results(log, "DES007")
    }


def test_sarif_is_read_by_sarif_tools(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "log.sarif"
    path.write_text(shown("sarif", audit(PROJECT)))
    (run,) = load_sarif_file(str(path)).runs
    assert run.get_tool_name() == "mlready"
    assert any(row["Location"] == "notebooks/a.ipynb" for row in run.get_records())


def npm_package(name: str, folder: Path) -> Path:
    """A package of the npm registry, unpacked. What it holds is used by the test and never copied here."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    done = subprocess.run(["npm", "pack", "--silent", name], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the npm registry cannot be reached: {done.stderr[-200:]}")
    with tarfile.open(folder / done.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def test_sarif_follows_the_official_schema(audit: Audit, tmp_path: Path) -> None:
    package = npm_package("@microsoft/jest-sarif@1.0.0-beta.0", tmp_path)
    schema = json.loads((package / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text())
    log = sarif(audit)
    check = jsonschema.Draft7Validator(schema)
    assert [error.message for error in check.iter_errors(log)] == []
    log["runs"][0]["results"][0]["level"] = "terrible"
    assert not check.is_valid(log)


@pytest.mark.slow
def test_sarif_passes_the_validator_of_code_scanning(audit: Audit, tmp_path: Path) -> None:
    program = npm_package("@microsoft/sarif-multitool-linux@5.7.0", tmp_path) / "Sarif.Multitool"
    program.chmod(0o755)
    log, found = tmp_path / "log.sarif", tmp_path / "found.sarif"
    log.write_text(shown("sarif", audit(PROJECT)))
    command = [str(program), "validate", str(log), "--output", str(found), "--rule-kind", "Sarif;Ghas"]
    env = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, env=env)
    rows = json.loads(found.read_text())["runs"][0]["results"]
    assert {row["ruleId"] for row in rows} <= {"SARIF2005"}, "it only misses the address of a home page"


# ----------------------------------------------------------------------------------------------------------------- JUnit


def test_junit_is_read_by_a_parser(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    judged = audit(PROJECT)
    path.write_text(shown("junit", judged))
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert len(suites) == 12
    for suite in suites:
        cases = list(suite)
        assert suite.tests == len(cases)
        assert suite.failures == sum(isinstance(r, junitparser.Failure) for case in cases for r in case.result)
        assert suite.skipped == sum(isinstance(r, junitparser.Skipped) for case in cases for r in case.result)
    cases = {case.name.split()[0]: case for suite in suites for case in suite}
    assert len(cases) == len(judged.report.main.rules)
    (failure,) = cases["DES007"].result
    assert "notebooks/a.ipynb cell 2 line 2" in failure.text
    assert "by the caller" in cases["REP004"].system_out


# ---------------------------------------------------------------------------------------------------------------- GitLab

CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^[^./]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""What GitLab's documentation asks of a Code Quality report."""


def test_gitlab(audit: Audit) -> None:
    rows = json.loads(shown("gitlab", audit(PROJECT)))
    jsonschema.validate(rows, CODE_QUALITY)
    assert len({row["fingerprint"] for row in rows}) == len(rows) > 3
    places = {(row["location"]["path"], row["location"]["lines"]["begin"]) for row in rows}
    assert ("notebooks/a.ipynb", raw_line("notebooks/a.ipynb", "/home/ann")) in places
    assert ("train.py", 11) not in {
        p for p, row in zip(places, rows, strict=False) if row["check_name"] == "mlready/REP004"
    }


# ---------------------------------------------------------------------------------------------------------------- GitHub

_COMMAND = re.compile(r"::(?P<command>[a-z-]+) (?P<properties>[^:]*)::(?P<data>.*)")


def parsed(line: str) -> tuple[str, dict[str, str], str] | None:
    """A workflow command as the runner reads it."""
    match = _COMMAND.fullmatch(line)
    if match is None:
        return None
    pairs = (pair.split("=", 1) for pair in match["properties"].split(","))

    def plain(text: str) -> str:
        for escaped, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            text = text.replace(escaped, char)
        return text

    return match["command"], {key: plain(value) for key, value in pairs}, plain(match["data"])


def test_github(audit: Audit) -> None:
    lines = shown("github", audit(PROJECT)).splitlines()
    commands = [parsed(line) for line in lines[:-1]]
    assert lines[-1].startswith("mlready: ")
    assert all(command and command[0] in ("error", "warning", "notice") for command in commands)
    places = {(c[1]["file"], int(c[1]["line"])) for c in commands if c}
    assert ("notebooks/a.ipynb", raw_line("notebooks/a.ipynb", "/home/ann")) in places
    assert ("a folder/wéird %20[x].py", 1) in places


@given(st.text())
def test_nothing_breaks_out_of_a_workflow_command(text: str) -> None:
    line = f"::error file={escape_property(text)}::{escape_data(text)}"
    assert "\n" not in line
    assert "\r" not in line
    read = parsed(line) if line.isprintable() else None
    if read is not None:
        assert read == ("error", {"file": text}, text)


# -------------------------------------------------------------------------------------------------------------- Markdown


def test_markdown_fits_one_screen_and_shows_the_difference(audit: Audit, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    before.write_text(shown("json", audit(PROJECT)))
    judged = audit({"requirements.txt": "pandas==2.2.0\n", "broken.py": "open('/home/bob/b.csv')\n"}, fail_under=99.0)
    text = shown("markdown", judged, previous=before)
    assert text.startswith("<!-- mlready-audit -->\n### ❌ mlready: ")
    assert re.search(r"of 100 \(\+\d", text)
    assert re.search(r"\*\*\d+ new, \d+ gone\*\* since", text)
    assert "`broken.py:1`" in text
    unfolded = re.sub(r"<details>.*?</details>", "", text, flags=re.S)
    assert len(unfolded.splitlines()) <= 40


def test_markdown_of_the_same_audit_has_no_difference(audit: Audit, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    judged = audit(PROJECT)
    before.write_text(shown("json", judged))
    text = shown("markdown", judged, previous=before)
    assert "(±0)" in text
    assert "**0 new, 0 gone**" in text


@given(st.text(max_size=300))
def test_code_spans_hold_anything(text: str) -> None:
    from markdown_it import MarkdownIt

    (block,) = (token for token in MarkdownIt("commonmark").parse(f"x {code(text)} y") if token.type == "inline")
    assert [child.type for child in block.children or ()] == ["text", "code_inline", "text"]


# ---------------------------------------------------------------------------------------------------------------- badges


def test_badges(audit: Audit) -> None:
    import xml.etree.ElementTree as ET

    judged = audit(PROJECT)
    score = f"{judged.report.main.score or 0:.0f} of 100"
    shield = json.loads(shown("shield", judged))
    assert shield == {"schemaVersion": 1, "label": "mlready", "message": score, "color": shield["color"]}
    picture = ET.fromstring(shown("badge", judged))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert score in "".join(picture.itertext())
    single = audit({}, "train.py")
    assert json.loads(shown("shield", single))["message"] == "no score"


def test_badge_colors() -> None:
    assert [color_of(score) for score in (None, 0, 39, 95)] == ["lightgrey", "red", "orange", "brightgreen"]
