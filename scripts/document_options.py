"""Write the table of docs/options.md that says what was run, from the results that `make test-slow` leaves in build/options/."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "options.md"
RESULTS = ROOT / "build" / "options"
START, END = "<!-- what was run -->\n", "<!-- end -->\n"


def row(result: dict[str, Any]) -> str:
    """One line of the table."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(result["versions"].items()))
    return f"| {result['name']} | `make {' '.join(result['ran'])}` | {result['cpu_seconds']} | {versions} |\n"


def table(results: list[dict[str, Any]]) -> str:
    """The whole table; the seconds are of processor time, setup left out."""
    head = "| option set | run, offline but for setup | CPU seconds | versions |\n| --- | --- | --- | --- |\n"
    return head + "".join(row(result) for result in results)


def main() -> None:
    """Replace the table between the two marks."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    if not results:
        raise SystemExit(f"{RESULTS} is empty: `make test-slow` fills it")
    text = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(START) + ".*?" + re.escape(END), re.DOTALL)
    assert pattern.search(text)
    PAGE.write_text(pattern.sub(lambda _: START + table(results) + END, text), encoding="utf-8")


if __name__ == "__main__":
    main()
