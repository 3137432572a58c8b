"""`%run script.py`: the script runs, and the names of it that the notebook uses later are taken from it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlready.convert.model import PlainCell
from mlready.flow.ipython import parse
from mlready.flow.statements import analyze

MAX_BYTES = 1_000_000

_RUN = re.compile(
    r"^(?P<indent>[ \t]*)(?P<call>runpy\.run_path\((?P<path>'[^']+'|\"[^\"]+\"), run_name=\"__main__\"\))$", re.M
)


def expand_runs(cells: Sequence[PlainCell], folder: Path) -> tuple[PlainCell, ...]:
    """Cells whose `runpy.run_path` calls hand over what later code reads."""
    found: list[PlainCell] = []
    for place, cell in enumerate(cells):
        later = "\n".join([cell.code, *(other.code for other in cells[place + 1 :])])
        words = frozenset(re.findall(r"[A-Za-z_]\w*", later))

        def expanded(match: re.Match[str], words: frozenset[str] = words) -> str:
            names = sorted(script_names(folder / ast.literal_eval(match["path"])) & words)
            if not names:
                return match[0]
            values = ", ".join(f"script[{name!r}]" for name in names)
            return f"{match['indent']}script = {match['call']}\n{match['indent']}{', '.join(names)} = {values}"

        found.append(replace(cell, code=_RUN.sub(expanded, cell.code)) if "runpy" in cell.code else cell)
    return tuple(found)


def script_names(path: Path) -> frozenset[str]:
    """Names that a script is sure to bind at its top level; none where it cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return frozenset()
        flows = analyze(parse(path.read_text(encoding="utf-8")).body)
    except (OSError, UnicodeDecodeError, SyntaxError):
        return frozenset()
    return frozenset().union(*(flow.certain - flow.imports for flow in flows))
