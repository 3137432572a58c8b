"""Audit public source distributions twice and compare with what is recorded.

    python -m tests.wild [--update] [NAME]...

The first audit reads everything, the second uses the cache; both must say the same. `--update` records what
is said now under tests/wild/golden/, for review in the diff.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks.audits import AuditFailedError, audit
from tests.wild.sdists import FetchError, Sdist, cache, sdists, unpacked
from tests.wild.summary import complaints, differences, summary

GOLDEN = Path(__file__).parent / "golden"


def main(arguments: list[str] | None = None) -> int:
    """0 when every distribution is audited cleanly and as recorded, else 1 with what differs on stdout."""
    parser = argparse.ArgumentParser(description="Audit public source distributions.")
    parser.add_argument("names", nargs="*", help="distributions of tests/benchmarks/sdists.tsv; all by default")
    parser.add_argument("--update", action="store_true", help="record what the audits say now")
    given = parser.parse_args(arguments)
    chosen = [one for one in sdists() if not given.names or one.name in given.names]
    return max((_checked(one, update=given.update) for one in chosen), default=1)


def _checked(one: Sdist, *, update: bool) -> int:
    try:
        found = _complaints(one, update=update)
    except (FetchError, AuditFailedError) as error:
        found = [str(error)]
    sys.stdout.write(f"{one.folder}: {'ok' if not found else ''}\n" + "".join(f"    {line}\n" for line in found))
    return 1 if found else 0


def _complaints(one: Sdist, *, update: bool) -> list[str]:
    tree = unpacked(one, cache())
    cold, warm = audit(tree, "--no-cache"), audit(tree)
    found = complaints(cold.data, cold.exit_code)
    found += [f"differs between runs: {line}" for line in differences(cold.data, warm.data)]
    now, golden = summary(cold.data, cold.exit_code), GOLDEN / f"{one.name}.json"
    if update:
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return found
    if not golden.is_file():
        return [*found, "nothing is recorded: run with --update"]
    return found + differences(json.loads(golden.read_text(encoding="utf-8")), now)


if __name__ == "__main__":
    sys.exit(main())
