"""`mlready new` against plain `copier copy` of the same template: processor time of the two commands, as a ratio.

    python -m tests.benchmarks.new [ROUNDS]

The project is made inside of a repository, so that neither `git init` nor the first commit is part of it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from mlready.scaffold.template import shipped

AIM = 1.2


def used(*command: str, cwd: Path) -> float:
    """Seconds of processor time of a command that has to succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", *command], cwd=cwd, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def measure(rounds: int) -> tuple[float, float]:
    """The least time of `mlready new` and of `copier copy` over some rounds, in turns."""
    template = str(shipped().folder)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        ours, plain = [], []
        for number in range(rounds + 1):
            ours.append(used("mlready", "new", f"ours{number}", "--defaults", cwd=folder))
            plain.append(used("copier", "copy", "--defaults", "--quiet", template, f"plain{number}", cwd=folder))
    return min(ours[1:]), min(plain[1:])


def main() -> None:
    """Print both times and their ratio; exit 1 above the aim."""
    ours, plain = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    print(f"mlready new {ours:.2f} s, copier copy {plain:.2f} s, ratio {ours / plain:.2f} (aim {AIM})")  # noqa: T201 - a command's result
    sys.exit(ours / plain > AIM)


if __name__ == "__main__":
    main()
