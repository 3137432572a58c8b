"""Audit score of a notebook alone and of the project that it becomes, for notebooks that train a model and for the rest.

python -m tests.benchmarks.convert.audits --folder FOLDER --python ENV/bin/python [--limit N]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.convert.__main__ import fetched, read_rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=16)
    options = parser.parse_args()
    scores: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    lower: list[str] = []
    rows = [row for row in read_rows() if row.runs]
    for row in rows[:: max(1, len(rows) // options.limit)][: options.limit]:
        root = fetched(row, options.folder)
        if root is None:
            continue
        found = before_and_after(root / row.path, options.python)
        if found:
            trains, before, after = found
            scores[trains].append((before, after))
            if after < before:
                lower.append(row.path)
    for trains, pairs in scores.items():
        if pairs:
            before, after = (statistics.median(values) for values in zip(*pairs, strict=True))
            kind = "train a model" if trains else "do not"
            sys.stdout.write(
                f"{len(pairs)} notebooks that {kind}: median score {before:.1f} before, {after:.1f} after\n"
            )
    sys.stdout.write(f"lower after: {', '.join(lower) or 'none'}\n")
    return 0


def before_and_after(notebook: Path, python: Path) -> tuple[bool, float, float] | None:
    with tempfile.TemporaryDirectory() as folder:
        alone, project = Path(folder) / "alone", Path(folder) / "project"
        alone.mkdir()
        shutil.copy(notebook, alone)
        command = [
            sys.executable,
            "-m",
            "mlready",
            "convert",
            str(notebook),
            "--into",
            str(project),
            "--python",
            str(python),
        ]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        before, after = audited(alone), audited(project)
        if before is None or after is None:
            return None
        return "train" in after["project"]["activities"], before["score"] or 0.0, after["score"] or 0.0


def audited(folder: Path) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "mlready", "audit", str(folder), "--format", "json", "--no-cache", "--jobs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())
