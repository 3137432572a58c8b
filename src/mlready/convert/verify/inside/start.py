"""The script that starts what runs inside the notebook's interpreter.

start.py launch MEGABYTES COMMAND...     limit memory, then become the command
start.py candidate JOB.json              run a package, write its record
start.py compare JOB.json                compare records, print JSON
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def launch(megabytes: int, command: list[str]) -> None:
    """Limits memory where the platform can, then becomes the command."""
    try:
        import resource

        limit = megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    except (ImportError, ValueError, OSError):
        pass
    os.execvp(command[0], command)


def main(arguments: list[str]) -> int:
    if arguments[0] == "launch":
        launch(int(arguments[1]), arguments[2:])
    from mlready.convert.verify.inside.judge import compare_records
    from mlready.convert.verify.inside.package import candidate

    job = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
    if arguments[0] == "candidate":
        return candidate(job)
    sys.stdout.write(json.dumps(compare_records(job)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
