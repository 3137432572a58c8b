"""Write the present numbers into the goldens: `python -m tests.goldens`. Read the difference before you commit it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tomlkit
from tests.goldens.loader import FOLDER, NAMES, audit, outcome_of, read_golden, write_project


def update(name: str) -> bool:
    """Whether the numbers of a golden changed."""
    golden = read_golden(name)
    with tempfile.TemporaryDirectory() as folder:
        found = outcome_of(audit(write_project(golden, Path(folder))))
    if (found.kind, found.score, found.factors, found.subprojects) == (
        golden.kind, golden.score, golden.factors, golden.subprojects,
    ):  # fmt: skip
        return False
    path = FOLDER / f"{name}.toml"
    table = tomlkit.parse(path.read_text())
    table["kind"], table["score"], table["factors"] = found.kind, found.score, found.factors
    if found.subprojects or golden.subprojects:
        table["subprojects"] = found.subprojects
    path.write_text(tomlkit.dumps(table))
    return True


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}: {'written' if update(name) else 'the same'}\n" for name in NAMES))
