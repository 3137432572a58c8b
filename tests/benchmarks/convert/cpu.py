"""CPU of `mlready convert` against `jupyter nbconvert --to script`, as whole processes, on the same notebooks in turn.

    python -m tests.benchmarks.convert.cpu --folder FOLDER --python ENV/bin/python [--limit N]

ENV holds nbconvert and, where jupytext is there too, measures it beside. Prints the ratios of the sums and their medians.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.convert.__main__ import fetched, read_rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    parsed: dict[str, int] = {}
    for notebook in notebooks(options.folder, options.limit):
        for name, command in commands(notebook, options.python).items():
            spent, ok = measured(command)
            seconds.setdefault(name, []).append(spent)
            parsed[name] = parsed.get(name, 0) + ok
    floor = seconds["nbconvert"]
    for name, found in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(found, floor, strict=True))
        sys.stdout.write(
            f"{name}: {sum(found) / sum(floor):.2f} of nbconvert's CPU in sum, {ratio:.2f} in the median; "
            f"{parsed[name]} of {len(found)} give only files that parse\n"
        )
    return 0


def notebooks(folder: Path, limit: int) -> list[Path]:
    """Notebooks in .ipynb, taken evenly from the table."""
    rows = [row for row in read_rows() if row.path.endswith(".ipynb")]
    found = [root / row.path for row in rows if (root := fetched(row, folder)) and (root / row.path).exists()]
    return found[:: max(1, len(found) // limit)][:limit]


def commands(notebook: Path, python: Path) -> dict[str, list[str]]:
    found = {
        "nbconvert": [
            str(python),
            "-m",
            "nbconvert",
            "--to",
            "script",
            "--log-level",
            "ERROR",
            "--output-dir",
            "{out}",
            str(notebook),
        ],
        "mlready": [
            sys.executable,
            "-m",
            "mlready",
            "convert",
            str(notebook),
            "--into",
            "{out}/p",
            "--python",
            str(python),
        ],
    }
    if subprocess.run([str(python), "-c", "import jupytext"], capture_output=True, check=False).returncode == 0:
        found["jupytext"] = [str(python), "-m", "jupytext", "--to", "py:percent", "-o", "{out}/out.py", str(notebook)]
    return found


def measured(command: Sequence[str]) -> tuple[float, bool]:
    """Processor seconds of a command with its children, and whether all Python that it wrote parses."""
    out = tempfile.mkdtemp()
    try:
        before = os.times()
        subprocess.run([part.replace("{out}", out) for part in command], capture_output=True, check=False)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        files = list(Path(out).rglob("*.py"))
        return spent, bool(files) and all(map(parses, files))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def parses(path: Path) -> bool:
    try:
        ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
