"""The figures of a measurement, written between two markers of docs/conversion.md."""

from __future__ import annotations

import re
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "conversion.md"


def write_report(results: Sequence[dict[str, Any]], *, write: bool) -> None:
    write_block("measured", "\n".join([*overview(results), "", *unequal(results)]), write=write)


def write_block(name: str, text: str, *, write: bool) -> None:
    """Prints a text and puts it between the two lines of the page that carry the name."""
    sys.stdout.write(text + "\n")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = PAGE.read_text(encoding="utf-8") if write else ""
    if begin in page:
        block = f"{begin}\n\n{text.strip()}\n\n{end}"
        PAGE.write_text(re.sub(f"{begin}.*{end}", lambda _: block, page, flags=re.S), encoding="utf-8")


def overview(results: Sequence[dict[str, Any]]) -> list[str]:
    converted = [r for r in results if r["status"] == "converted"]
    ran = [r for r in converted if r["runs"] and r.get("verdict") not in (None, "traceback")]
    able = [r for r in ran if r["verdict"] != "not runnable"]
    complete = [r for r in able if not r.get("error") and "fails" not in r["reason"]]
    equal = [r for r in complete if r["verdict"] != "differs" and not missing(r)]
    stable = sum(len(r["independent"]["stable"]) for r in able)
    same = sum(len(r["independent"]["equal"]) for r in able)
    compared = sum(len(compared_names(r)) for r in able)
    lines = [n for r in converted for n in r["lines"]]
    rows = [
        ("notebooks measured, of those in the table", f"{len(results)} of {table_rows()}"),
        ("converted", len(converted)),
        ("refused with a reason", sum(r["status"] == "refused" for r in results)),
        ("tracebacks", sum(r["status"] == "traceback" or r.get("verdict") == "traceback" for r in results)),
        ("every module parses", sum(bool(r["parses"]) for r in converted)),
        ("marked as running; run here to the end", f"{len(ran)}; {len(able)}"),
        ("packages that run to the end", f"{len(complete)} ({percent(len(complete), len(able))})"),
        ("packages with every stable value, output and file equal", f"{len(equal)} ({percent(len(equal), len(able))})"),
        ("verdicts", ", ".join(f"{name} {n}" for name, n in Counter(r["verdict"] for r in ran).most_common())),
        (
            "thin notebooks that run to the end; that show, draw and print the same",
            f"{sum('fails' not in r['thin'] for r in able)}; {sum(r['thin'] == 'equal' for r in able)} of {len(able)}",
        ),
        ("plans corrected after the reference run", sum(bool(r.get("corrected")) for r in ran)),
        ("final values stable by independent fingerprints", stable),
        ("- compared by mlready", f"{compared} ({percent(compared, stable)})"),
        ("- equal by the independent fingerprints too", f"{same} ({percent(same, stable)})"),
        ("largest step, share of statements, median", f"{100 * median([r['largest'] for r in converted]):.0f} %"),
        (
            "lines of a step, median; steps over 60",
            f"{median(lines):.0f}; {sum(n > 60 for n in lines)} of {len(lines)}",
        ),
        (
            "- what those are",
            ", ".join(f"{why} {n}" for why, n in Counter(w for r in converted for w in r.get("long", ())).items()),
        ),
        ("parameters of a step, median; most", spread([n for r in converted for n in r["parameters"]])),
        ("statements of a step, median", f"{median([n for r in converted for n in r['statements']]):.0f}"),
    ]
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def table_rows() -> int:
    return len((Path(__file__).parent / "notebooks.tsv").read_text(encoding="utf-8").splitlines()) - 1


def compared_names(result: dict[str, Any]) -> list[str]:
    verdicts = {name: value["verdict"] for name, value in result["values"].items()}
    done = ("equal", "differs")
    return [name for name in result["independent"]["stable"] if verdicts.get(name, "").startswith(done)]


def missing(result: dict[str, Any]) -> list[str]:
    return [name for name, value in result["values"].items() if value["verdict"] == "missing"]


def unequal(results: Sequence[dict[str, Any]]) -> list[str]:
    """Each notebook that is not fully equal, with the reason."""
    rows = []
    for result in results:
        verdict = result.get("verdict")
        thin = result.get("thin", "equal")
        if verdict in ("differs", "not runnable", "traceback") or (verdict and missing(result)) or thin != "equal":
            told = result["reason"] if thin in ("equal", "not run") else f"{result['reason']}; thin notebook: {thin}"
            reason = str(told).replace("|", "/").replace("\n", " ")[:200]
            rows.append(f"| {result['project']} | {result['path']} | {verdict} | {reason} |")
    return ["| distribution | notebook | verdict | reason |", "|---|---|---|---|", *rows] if rows else []


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0


def spread(values: Sequence[int]) -> str:
    return f"{median(values):.0f}; {max(values, default=0)}"
