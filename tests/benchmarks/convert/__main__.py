"""Measures `mlready convert` on the notebooks of public source distributions and writes the figures to docs/conversion.md.

    python -m tests.benchmarks.convert [--python ENV/bin/python] [--only run] [--limit N] [--jobs N]

The distributions are fetched with pip into a folder outside the tree (--folder). `ENV` is an environment with what the
notebooks need; without it one is made from `requirements.txt` beside this file. Results and reference runs are kept in the folder, so an
interrupted measurement goes on where it stopped; `--again` converts and runs every package anew.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.convert.report import write_report
from tests.benchmarks.convert.thin import thin_outcome

HERE = Path(__file__).parent
FINGERPRINT = HERE / "fingerprint.py"


@dataclass(frozen=True)
class Row:
    """One notebook of the table."""

    runs: bool
    project: str
    version: str
    path: str
    seconds: float

    @property
    def id(self) -> str:
        return f"{self.project}-{hashlib.sha256(self.path.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Job:
    row: Row
    notebook: Path
    folder: Path
    python: Path
    timeout: int
    verify: bool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="only write the page from the kept results")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    options.python = options.python or environment(options.folder / "environment")
    jobs = list(prepare(options))
    for job in jobs if options.again else ():
        result_file(job).unlink(missing_ok=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        for number, result in enumerate(pool.map(measured, () if options.report else jobs), start=1):
            outcome = result.get("verdict", result["status"])
            say(number, len(jobs), result["project"], result["path"], outcome)
    results = [json.loads(path.read_text()) for job in jobs if (path := result_file(job)).exists()]
    write_report(results, write=not options.no_write)
    return 0


def say(number: int, count: int, project: str, path: str, outcome: str) -> None:
    """One line of progress, at once."""
    sys.stdout.write(f"{number}/{count} {project} {path}: {outcome}\n")
    sys.stdout.flush()


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the commands that measure conversions share."""
    parser.add_argument("--python", type=Path)
    parser.add_argument("--folder", type=Path, default=Path.home() / ".cache" / "mlready" / "wild-convert")
    parser.add_argument("--only", choices=("run", "all"), default="all")
    parser.add_argument("--project", default="", help="only notebooks of this distribution")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--timeout", type=int, default=240)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--no-write", action="store_true", help="do not touch docs/conversion.md")


def environment(folder: Path) -> Path:
    """An environment with what the notebooks need, made once."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "-r", str(HERE / "requirements.txt")]
        subprocess.run(command, check=True)
    return python


def prepare(options: argparse.Namespace) -> Iterator[Job]:
    rows = list(read_rows())
    rows = [row for row in rows if (row.runs or options.only == "all") and options.project in ("", row.project)]
    chosen = sorted(rows, key=lambda row: row.seconds)
    for row in chosen[: options.limit or None]:
        root = fetched(row, options.folder)
        if root is None or not (root / row.path).exists():
            continue
        job = Job(row, root / row.path, options.folder, options.python.absolute(), options.timeout, row.runs)
        yield job


def read_rows() -> Iterator[Row]:
    with (HERE / "notebooks.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            yield Row(row["set"] == "run", row["repo"], row["version"], row["path"], float(row["seconds"] or 0))


def fetched(row: Row, folder: Path) -> Path | None:
    """The unpacked source distribution; pip leaves it even where its build fails."""
    place = folder / "sdists" / f"{row.project}-{row.version}"
    if not place.exists():
        place.mkdir(parents=True)
        command = [sys.executable, "-m", "pip", "download", "--no-binary", ":all:", "--no-deps", "--no-build-isolation"]
        command += ["--no-clean", "--quiet", "--dest", str(place), f"{row.project}=={row.version}"]
        subprocess.run(command, env={"TMPDIR": str(place), "PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
    found = sorted(path.parent for path in place.glob("pip-download-*/*/PKG-INFO"))
    return found[0] if found else None


def result_file(job: Job) -> Path:
    return job.folder / "results" / f"{job.row.id}.json"


def measured(job: Job) -> dict[str, Any]:
    """The kept result of a job, or a new one."""
    file = result_file(job)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        result = {"project": job.row.project, "path": job.row.path, "runs": job.row.runs, **measure(job)}
        file.write_text(json.dumps(result))
    return dict(json.loads(file.read_text()))


def measure(job: Job) -> dict[str, Any]:
    from mlready.convert import Options, convert
    from mlready.errors import MlreadyError

    into = job.folder / "packages" / job.row.id
    options = Options(into=into, package="package", python=job.python, force=True)
    start = time.process_time()
    try:
        done = convert([job.notebook], options)
        done.changes.apply(force=True)
    except MlreadyError as error:
        return {"status": "refused", "reason": error.message.split(": ", 1)[-1]}
    except Exception:
        return {"status": "traceback", "reason": traceback.format_exc()[-1500:]}
    result: dict[str, Any] = {"status": "converted", "cpu": time.process_time() - start, **structure(done.plans[0])}
    result["parses"] = parses(into / "src")
    if not job.verify:
        return result
    from mlready.convert.verify import verify_conversion

    try:
        verification = verify_conversion(
            done,
            options,
            once=False,
            timeout=job.timeout,
            extra=str(FINGERPRINT),
            references=job.folder / "references" / job.row.id,
        )
    except Exception:
        return {**result, "verdict": "traceback", "reason": traceback.format_exc()[-1500:]}
    verdict, plan = verification.verdicts[0], verification.done.plans[0]
    thin = "not run"
    if verdict.name != "not runnable":
        thin = thin_outcome(verification.done, job.python, job.timeout, job.folder / "references" / job.row.id)
    corrected = [note.message for note in plan.notes if note.kind == "corrected"]
    result = {**result, **structure(plan), "corrected": corrected, "thin": thin}
    return {**result, **verdict.content, "independent": independent(verdict.extra)}


def structure(plan: Any) -> dict[str, Any]:
    stages = plan.stages
    total = sum(s.weight for stage in stages for s in stage.statements)
    total += sum(d.statement.weight for d in plan.definitions.values()) + len(plan.imports) + len(plan.constants)
    return {
        "stages": len(stages),
        "modules": len({stage.module for stage in stages}),
        "activities": sorted({stage.module for stage in stages}),
        "largest": max((sum(s.weight for s in stage.statements) for stage in stages), default=0) / max(1, total),
        "parameters": [len(stage.parameters) for stage in stages],
        "statements": [len(stage.statements) for stage in stages],
        "lines": [sum(s.lines for s in stage.statements) + 3 for stage in stages],
        "settings": len(plan.settings),
        "long": [long_because(stage) for stage in stages if sum(s.lines for s in stage.statements) + 3 > 60],
    }


def long_because(stage: Any) -> str:
    """What makes a step longer than 60 lines."""
    largest = max(stage.statements, key=lambda statement: statement.lines)
    if largest.lines < 45:
        return "statements that share a closure"
    if isinstance(largest.node, ast.ClassDef | ast.FunctionDef):
        return "a class or function that reads variables or is defined twice"
    return "one loop" if isinstance(largest.node, ast.For | ast.While | ast.With | ast.If) else "one literal or call"


def parses(source: Path) -> bool:
    try:
        for path in source.rglob("*.py"):
            ast.parse(path.read_text())
    except SyntaxError:
        return False
    return True


def independent(extra: dict[str, Any]) -> dict[str, Any]:
    """The values that are stable by their own fingerprints, and the names of those that the package has equal."""
    first, second = [*(extra.get("reference") or []), {}, {}][:2]
    stable = {name: print_ for name, print_ in first.items() if print_ is not None and second.get(name) == print_}
    found = extra.get("candidate") or {}
    return {"stable": stable, "equal": [name for name, print_ in stable.items() if found.get(name) == print_]}


if __name__ == "__main__":
    sys.exit(main())
