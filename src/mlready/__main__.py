"""`mlready` and `python -m mlready`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from mlready.cli import run

    if sys.argv[1:2] == ["audit"]:
        gc.disable()  # what it reads lives until it ends: looking for garbage among it is a seventh of a warm audit
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
