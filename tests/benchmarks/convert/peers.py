"""Other converters on the same running notebooks, with the same checks; writes a table into docs/conversion.md.

    python -m tests.benchmarks.convert.peers [--python ENV/bin/python] [--folder FOLDER] [--notebooks N] [--no-write]

Each tool is installed from PyPI into its own environment in FOLDER/peers, and converts in a process of its own. What it made
runs like mlready's packages: in a copy of the notebook's folder, in the notebook's interpreter, without a network, under seeds
where the notebook needs them. Works on what `python -m tests.benchmarks.convert` left in the folder.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.convert.__main__ import FINGERPRINT, Job, add_options, environment, prepare, result_file, say
from tests.benchmarks.convert.mutations import sample
from tests.benchmarks.convert.report import percent, write_block

RUNNER = Path(__file__).with_name("peer_run.py")
OURS = "mlready"


@dataclass(frozen=True)
class Peer:
    """A converter: what to install, how to call it ({book} is the notebook, {out} an empty folder), how to run the result."""

    name: str
    version: str
    command: tuple[str, ...]
    result: str
    kind: str
    needs: tuple[str, ...] = ()


PEERS = (
    Peer(
        "nbconvert",
        "7.17.2",
        ("jupyter-nbconvert", "--to", "script", "--output", "{out}/flat", "{book}"),
        "flat.py",
        "ipython",
        ("ipython", "jupyter-core"),
    ),
    Peer(
        "jupytext", "1.19.6", ("jupytext", "--to", "py:percent", "-o", "{out}/flat.py", "{book}"), "flat.py", "script"
    ),
    Peer("marimo", "0.25.2", ("marimo", "-q", "convert", "{book}", "-o", "{out}/flat.py"), "flat.py", "marimo"),
    Peer("soorgeon", "0.0.20", ("soorgeon", "refactor", "{book}", "-f", "py"), ".", "tasks"),
    Peer("notebook-to-pipeline", "0.2.1", ("nb2p", "scaffold", "{book}", "--out", "{out}/made"), "made", "stages"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--notebooks", type=int, default=100)
    parser.add_argument("--report", action="store_true", help="only write the page from the kept results")
    parser.add_argument("--seconds", type=float, default=15, help="leave out notebooks that take longer")
    options = parser.parse_args()
    options.python = options.python or environment(options.folder / "environment")
    able = [job for job in prepare(options) if job.verify and job.row.seconds <= options.seconds and reference(job)]
    jobs = sample(able, options.notebooks)
    results: list[dict[str, Any]] = []
    for number, job in enumerate(jobs, start=1):
        if options.report and not all(result(job, peer.name).exists() for peer in PEERS):
            continue
        found = {peer.name: kept(job, peer, again=options.again) for peer in PEERS} | {OURS: ours(job, options.again)}
        wanted = stable(job)
        results.append({"stable": wanted, **found})
        told = ", ".join(f"{name} {grade(found[name], wanted)}" for name in found)
        say(number, len(jobs), job.row.project, job.row.path, told)
    write_block("peers", "\n".join(page(results)), write=not options.no_write)
    return 0


def reference(job: Job) -> bool:
    """True where the notebook has run to its end and left values to compare."""
    file = result_file(job)
    verified = json.loads(file.read_text()) if file.exists() else {}
    return bool(verified.get("independent", {}).get("stable")) and verified.get("verdict") != "not runnable"


def stable(job: Job) -> dict[str, str]:
    """Fingerprints of the final values that were the same in both kept reference runs, imports left out."""
    folder = job.folder / "references" / job.row.id
    command = [str(job.python), "-c", READ, *(str(folder / f"plain{n}.record") for n in range(2))]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    values = json.loads(result_file(job).read_text())["values"]
    return {name: print_ for name, print_ in found.items() if values.get(name, {}).get("verdict") != "skipped"}


READ = """
import json, pickle, sys
first, second = (pickle.load(open(path, "rb"))["extra"] for path in sys.argv[1:])
print(json.dumps({name: print_ for name, print_ in first.items() if print_ is not None and second.get(name) == print_}))
"""


def grade(found: dict[str, Any], wanted: dict[str, str]) -> str:
    if not found["converts"]:
        return "refuses"
    if found["error"]:
        return f"fails ({found['error'][:60]})"
    return f"{len(equal(found, wanted))}/{len(wanted)}"


def equal(found: dict[str, Any], wanted: dict[str, str]) -> list[str]:
    return [name for name, print_ in wanted.items() if found["prints"].get(name) == print_]


# ------------------------------------------------------------------------------------------------------------- one notebook


def result(job: Job, tool: str) -> Path:
    return job.folder / "peers" / "results" / f"{job.row.id}-{tool}.json"


def kept(job: Job, peer: Peer, *, again: bool) -> dict[str, Any]:
    file = result(job, peer.name)
    if again or not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(measured(job, peer)))
    return dict(json.loads(file.read_text()))


def measured(job: Job, peer: Peer) -> dict[str, Any]:
    """One tool on one notebook: converts, parses, runs, values."""
    tool = installed(peer, job.folder / "peers")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        book = out / "notebook.ipynb"
        book.write_text(json.dumps(as_notebook(job)))
        command = [str(tool / "bin" / peer.command[0]), *peer.command[1:]]
        cpu, code = timed([part.format(book=book, out=out) for part in command], out)
        files = [path for path in out.rglob("*.py") if "tests" not in path.relative_to(out).parts]
        if code or not files:
            return {"converts": False, "parses": False, "error": "", "prints": {}, "cpu": cpu, "largest": None}
        parses, largest = structure(files)
        run = executed(job, peer, out / peer.result, tool) if parses else {"prints": {}, "error": "does not parse"}
        return {"converts": True, "parses": parses, "cpu": cpu, "largest": largest, **run}


def ours(job: Job, again: bool) -> dict[str, Any]:
    """mlready on the same notebook: converted anew as a process; values are those of the kept result."""
    verified = json.loads(result_file(job).read_text())
    file = result(job, OURS)
    if again or not file.exists():
        with tempfile.TemporaryDirectory() as folder:
            book = Path(folder) / "notebook.ipynb"
            book.write_text(json.dumps(as_notebook(job)))
            into = Path(folder) / "made"
            command = [
                sys.executable,
                "-m",
                "mlready",
                "convert",
                str(book),
                "--into",
                str(into),
                "--python",
                str(job.python),
            ]
            cpu, _ = timed(command, Path(folder))
            files = [path for path in (into / "src").rglob("*.py") if path.name not in ("outputs.py", "__main__.py")]
            parses, largest = structure(files)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"cpu": cpu, "parses": parses, "largest": largest, "converts": bool(files)}))
    error = "" if verified["verdict"] != "differs" or not verified.get("error") else str(verified["reason"])
    wanted = stable(job)
    prints = {name: wanted[name] for name in verified["independent"]["equal"] if name in wanted}
    return {**json.loads(file.read_text()), "error": error, "prints": prints}


def as_notebook(job: Job) -> dict[str, Any]:
    """The notebook, or the script with cells, as all tools can read it."""
    from mlready.convert.read import read_notebook

    if job.notebook.suffix == ".ipynb":
        return dict(json.loads(job.notebook.read_text(encoding="utf-8")))
    cells: list[dict[str, Any]] = []
    for cell in read_notebook(job.notebook).cells:
        made: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": f"cell-{cell.number}",
            "metadata": {},
            "source": cell.source,
        }
        cells.append(made | ({"outputs": [], "execution_count": None} if cell.kind == "code" else {}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": kernel, "language_info": {"name": "python", "file_extension": ".py"}}
    return {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def installed(peer: Peer, folder: Path) -> Path:
    """The tool's own environment, made once."""
    place = folder / peer.name
    if not (place / "bin" / peer.command[0]).exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        wanted = [f"{peer.name}=={peer.version}", *peer.needs]
        subprocess.run([str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted], check=True)
    return place


def timed(command: Sequence[str], folder: Path) -> tuple[float, int]:
    """Processor seconds of a command with its children, and its exit code."""
    before = os.times()
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
        code = done.returncode
    except subprocess.TimeoutExpired:
        code = 1
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, code


def executed(job: Job, peer: Peer, made: Path, tool: Path) -> dict[str, Any]:
    """Runs what was made as mlready's packages are run."""
    from mlready.convert.read import read_notebook
    from mlready.convert.verify.runs import MEMORY_MB, START, Setup, offline, run_variables, scratch

    with tempfile.TemporaryDirectory() as work:
        setup = Setup(job.python, job.timeout, Path(work))
        folder, _ = scratch(read_notebook(job.notebook), Path(work) / "copy")
        record = Path(work) / "record.json"
        seeded = (job.folder / "references" / job.row.id / "seeded0.json").exists()
        site = next((tool / "lib").glob("python*/site-packages"))
        command = [*offline(), str(job.python), str(START), "launch", str(MEMORY_MB), str(job.python), str(RUNNER)]
        command += [peer.kind, str(made), str(record), str(FINGERPRINT), str(seeded)]
        command += [str(site)] if peer.kind == "marimo" else []
        variables = {**os.environ, **run_variables(setup, seeded), "MPLBACKEND": "Agg"}
        try:
            done = subprocess.run(
                command, cwd=folder, env=variables, capture_output=True, timeout=job.timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return {"prints": {}, "error": f"took longer than {job.timeout} s"}
        if not record.exists():
            return {"prints": {}, "error": done.stderr.decode(errors="replace")[-200:] or f"code {done.returncode}"}
        return dict(json.loads(record.read_text()))


def structure(files: Sequence[Path]) -> tuple[bool, float | None]:
    """Whether all files parse, and the share of statements in the largest function; code of a module is a function too."""
    try:
        sizes = [size for path in files for size in units(ast.parse(path.read_text(encoding="utf-8")))]
    except SyntaxError:
        return False, None
    return True, max(sizes, default=0) / max(1, sum(sizes))


def units(tree: ast.Module) -> Iterator[int]:
    """Statements of each function and class, and of what a module runs itself."""
    own = 0
    for node in tree.body:
        count = sum(isinstance(inner, ast.stmt) for inner in ast.walk(node))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield count
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            own += count
    yield own


# ------------------------------------------------------------------------------------------------------------------ the page


def page(results: Sequence[dict[str, Any]]) -> list[str]:
    values = sum(len(found["stable"]) for found in results)
    lines = [
        f"{len(results)} of the notebooks that run, with {values} final values stable by independent fingerprints.",
        "",
        "| tool | converts | all files parse | runs to the end | every stable value there and equal | values there and equal "
        "| largest function, median | CPU of nbconvert's |",
        "|---|---|---|---|---|---|---|---|",
    ]
    floor = sum(found["nbconvert"]["cpu"] for found in results)
    for name in (OURS, *(peer.name for peer in PEERS)):
        found = [(each[name], each["stable"]) for each in results]
        complete = sum(len(equal(one, wanted)) == len(wanted) and not one["error"] for one, wanted in found)
        shares = [one["largest"] for one, _ in found if one["largest"] is not None]
        cells = [
            name,
            count(sum(one["converts"] for one, _ in found), len(found)),
            count(sum(one["parses"] for one, _ in found), len(found)),
            count(sum(one["parses"] and not one["error"] for one, _ in found), len(found)),
            count(complete, len(found)),
            count(sum(len(equal(one, wanted)) for one, wanted in found), values),
            f"{100 * statistics.median(shares):.0f} %" if shares else "-",
            f"{sum(one['cpu'] for one, _ in found) / floor:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def count(part: int, whole: int) -> str:
    return f"{part} ({percent(part, whole)})"


if __name__ == "__main__":
    sys.exit(main())
