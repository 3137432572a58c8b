"""What the process returns and prints: a contract that hooks and pipelines rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Run, Write
from .samples import TRAIN, notebook


def test_0_the_gate_holds(write: Write, run: Run) -> None:
    write({"train.py": TRAIN})
    done = run("audit", "--fail-under", "1")
    assert (done.code, done.err) == (0, "")
    assert "of 100" in done.out


def test_1_the_gate_fails(write: Write, run: Run) -> None:
    write({"train.py": TRAIN})
    done = run("audit", "--fail-under", "99")
    assert done.code == 1
    assert "gate: score" in done.err
    assert run("audit", "--fail-under-factor", "99").code == 1
    assert run("audit", "--fail-on", "warning").code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "--no-such-option"], "No such option"),
        (["audit", "no-such-folder"], "no such file or folder"),
        (["audit", "--format", "pdf"], "pdf"),
        (["audit", "--profile", "prod"], "did you mean 'production'?"),
        (["audit", "--fail-under", "low"], 'no score from 0 to 100, nor "baseline"'),
        (["audit", "--config", "no.toml"], "no such configuration file"),
        (["audit", "--select", "NOPE"], "unknown rule or factor 'NOPE'\nhint: mlready rules lists them"),
        (["audit", "--select", "rep04"], "did you mean 'REP004'"),
        (["audit", "--nope"], "hint: mlready audit --help"),
        (["explain", "rep04"], "did you mean 'REP004'"),
        (["explain", "evidenty"], "did you mean 'evidently'"),
        (["audit", "notes.txt"], ".py or .ipynb"),
        (["audit", "--previous", "notes.txt", "--format", "markdown"], "not a JSON report"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_2_what_was_asked_cannot_be_done(write: Write, run: Run, words: list[str], said: str) -> None:
    write({"train.py": TRAIN, "notes.txt": "x"})
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("tool = {mlready = 3}", "tool.mlready is no table: 3"),
        ("[tool.mlready\nfail-under = 60", "pyproject.toml: Expected ']'"),
        ("[tool.mlready]\nfail_under = 3", "did you mean 'fail-under'?"),
        ("[tool.mlready]\nfail-under = 300", "fail-under: a score from 0 to 100; not 300"),
        ("[tool.mlready]\nignore = ['REP04']", "pyproject.toml [tool.mlready]: unknown rule or factor 'REP04'"),
        ("[tool.mlready.elsewhere]\nMON005 = ''", "elsewhere: MON005 says no place"),
        (
            "[[tool.mlready.suppress]]\npath = 'a'\nrule = ['REP']",
            "suppress: unknown key 'rule'; allowed: path, reason",
        ),
        ("[[tool.mlready.suppress]]\npath = 'a'\nrules = ['RPE']", "did you mean 'REP'?"),
    ],
)
def test_2_a_broken_configuration(write: Write, run: Run, toml: str, said: str) -> None:
    write({"train.py": TRAIN, "pyproject.toml": toml})
    done = run("audit")
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_broken_manifest_without_our_table_is_not_read(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "pyproject.toml": "[project\n"})
    done = run("audit")
    assert done.code == 0
    assert "pyproject.toml: not valid TOML" in done.out


def test_3_nothing_to_judge(write: Write, run: Run) -> None:
    write({"hello.py": "print('hello')\n"})
    done = run("audit")
    assert (done.code, done.out) == (3, "")
    assert "no machine-learning code found" in done.err


def test_3_says_which_code_could_not_be_read(write: Write, run: Run) -> None:
    write({"hello.py": "print('hello')\n", "old.py": "print 'hello'\n"})
    done = run("audit")
    assert done.code == 3
    assert "code that could not be read: 1 (old.py: " in done.err


def test_3_a_project_that_says_it_is_none(write: Write, run: Run) -> None:
    write({"train.py": TRAIN, "mlready.toml": 'kind = "not-ml"\n'})
    done = run("audit")
    assert (done.code, done.err) == (3, "error: .: mlready.toml says that it is no machine learning\n")


def test_0_nothing_to_judge_for_hooks(write: Write, run: Run) -> None:
    write({"hello.py": "print('hello')\n"})
    done = run("audit", "--allow-nothing")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == ["nothing to judge: .: no machine-learning code found"]


def test_4_a_bug_says_what_to_report(write: Write, run: Run) -> None:
    folder = write({"sitecustomize.py": "import sys\nsys.modules['mlready.audit'] = None\n", "train.py": TRAIN})
    command = [sys.executable, "-m", "mlready", "audit", "."]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert done.stdout == ""
    assert "This is a bug in mlready" in done.stderr
    assert "Python 3" in done.stderr


INTERRUPT = """\
import os, signal, sys, threading, time

def wait():
    while "mlready.project.inventory" not in sys.modules:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=wait, daemon=True).start()
"""
"""Presses Ctrl-C on itself as soon as files are read."""


def hear_ctrl_c() -> None:
    """As in a terminal: what runs in the background of a shell is started deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_130_interrupted(write: Write, cache: Path) -> None:
    folder = write({"sitecustomize.py": INTERRUPT, **{f"m{i}.py": TRAIN * 100 for i in range(20)}})
    done = subprocess.run(
        [sys.executable, "-m", "mlready", "audit", "--no-cache", "--jobs", "1"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "MLREADY_CACHE_DIR": str(cache), "PYTHONPATH": str(folder)}, preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert done.stdout == ""
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr


def test_130_with_workers_says_one_word(write: Write, cache: Path) -> None:
    folder = write({f"m{i}.py": TRAIN * 200 for i in range(60)})
    audit = subprocess.Popen(
        [sys.executable, "-m", "mlready", "audit", "--no-cache", "--jobs", "2"],
        cwd=folder, env={**os.environ, "MLREADY_CACHE_DIR": str(cache)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    children = Path(f"/proc/{audit.pid}/task/{audit.pid}/children")
    while len(children.read_text().split()) < 2:
        time.sleep(0.005)
    time.sleep(0.1)
    os.killpg(audit.pid, signal.SIGINT)
    out, err = audit.communicate(timeout=60)
    assert (out, err.strip(), audit.returncode) == ("", "interrupted", 130)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_report_is_utf8_wherever_it_goes(write: Write, cache: Path, encoding: str) -> None:
    folder = write({"train.py": TRAIN, "ünï.py": TRAIN})
    done = subprocess.run(
        [sys.executable, "-m", "mlready", "audit"], cwd=folder, capture_output=True, check=False,
        env={**os.environ, "MLREADY_CACHE_DIR": str(cache), "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert done.returncode == 0
    assert "░" in done.stdout.decode()


def test_2_a_full_disk(write: Write, cache: Path) -> None:
    folder = write({"train.py": TRAIN})
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mlready", "audit"], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, env={**os.environ, "MLREADY_CACHE_DIR": str(cache)},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "error: cannot write the report: No space left on device\n")


def test_a_dash_is_stdout(write: Write, run: Run) -> None:
    folder = write({"train.py": TRAIN})
    assert "of 100" in run("audit", "--output", "-").out
    assert not (folder / "-").exists()


def test_rules_that_give_no_score(write: Write, run: Run) -> None:
    write({"train.py": TRAIN})
    done = run("audit", "--select", "REP004")
    assert done.out.startswith("no score  .  training, 1 file, profile production")
    assert "not asked" not in done.out


def test_a_report_is_written_whole_or_not_at_all(write: Write, run: Run) -> None:
    folder = write({"train.py": TRAIN})
    done = run("audit", "-o", "out/report.txt")
    assert (done.code, done.out, done.err) == (0, "", "wrote out/report.txt\n")
    assert "of 100" in (folder / "out" / "report.txt").read_text()
    assert [path.name for path in (folder / "out").iterdir()] == ["report.txt"]


def test_one_file_has_findings_and_no_score(write: Write, run: Run) -> None:
    write({"notebooks/a.ipynb": notebook("open('/home/ann/a.csv')", "print(undefined_name)"), "mlready.toml": ""})
    done = run("audit", "notebooks/a.ipynb", "--format", "json")
    assert done.code == 0
    assert (done.json["score"], done.json["single_file"]) == (None, True)
    (site,) = done.sites("DES007")
    assert (site["path"], site["cell"]) == ("notebooks/a.ipynb", 1)
    assert run("audit", "notebooks/a.ipynb", "--fail-on", "error").code == 1
    assert run("audit", "notebooks/a.ipynb", "--fail-under", "90").code == 0, "there is no score to be under"


def test_one_file_is_of_no_kind(write: Write, run: Run) -> None:
    write({"train.py": TRAIN})
    assert "Taken for" not in run("audit", "train.py", "-v").out
    assert "Taken for: training" in run("audit", "-v").out


def test_one_file_is_judged_as_in_its_project(write: Write, run: Run) -> None:
    cells = ("import pandas as pd", "pd.read_csv('/home/ann/a.csv')")
    write({"notebooks/a.ipynb": notebook(*cells), "train.py": TRAIN, "pyproject.toml": "[tool.mlready]\n"})
    alone, whole = (run("audit", *words, "--format", "json") for words in (["notebooks/a.ipynb"], []))
    assert [s["fingerprint"] for s in alone.sites("DES007")] == [s["fingerprint"] for s in whole.sites("DES007")]


def test_a_credential_in_one_file_fails(write: Write, run: Run) -> None:
    token = "AKIA" + "Q7XK2MPLD4RT9WZC"
    write({"a.py": f"import boto3\nboto3.client('s3', aws_access_key_id='{token}')\n"})
    done = run("audit", "a.py")
    assert done.code == 1
    assert token not in done.out + done.err
