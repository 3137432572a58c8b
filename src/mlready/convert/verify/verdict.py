"""From compared records to a verdict in words: verified, verified under seeds, partly, differs, not runnable."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlready.convert.model import Plan
from mlready.convert.verify.runs import NotebookRun

_KERNEL_DOC = "Automatically created module for IPython interactive environment\n"

Name = Literal["verified", "verified under seeds", "partly", "differs", "not runnable"]

_CLOCK = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}:\d\d(:\d\d)?|\d+(\.\d+)?\s*(ms|s|sec|seconds|minutes|min)\b|0x[0-9a-f]{6,}"
)


@dataclass(frozen=True)
class Verdict:
    """Of one notebook. `values` has a verdict for each final variable."""

    name: Name
    reason: str
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shown: Sequence[Mapping[str, Any]] = ()
    printed: Sequence[Mapping[str, Any]] = ()
    drawn: Sequence[Mapping[str, Any]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Small values that went into and came out of pure steps, as source."""
    results: Mapping[str, str] = field(default_factory=dict)
    """Small results of the pipeline, as source."""
    difference_count: int = 0
    """How much differs; a package that fails differs in all that it does not get to."""

    @property
    def differs(self) -> bool:
        return self.name == "differs"

    @property
    def stable(self) -> int:
        return sum(
            value["verdict"] not in ("skipped", "left out", "unstable", "not comparable")
            for value in self.values.values()
        )

    @property
    def equal(self) -> int:
        return sum(value["verdict"].startswith("equal") for value in self.values.values())

    @property
    def total(self) -> int:
        return sum(value["verdict"] != "skipped" for value in self.values.values())

    @property
    def text(self) -> str:
        counts = f"{self.equal} of {self.total} final values compared and equal, {self.stable} are stable"
        return f"{self.name}: {self.reason} ({counts})"

    @property
    def content(self) -> dict[str, Any]:
        return {
            "verdict": self.name,
            "summary": self.text,
            "reason": self.reason,
            "compared": {"equal": self.equal, "stable": self.stable, "total": self.total},
            "values": dict(self.values),
            "shown": list(self.shown),
            "printed": list(self.printed),
            "figures": list(self.drawn),
            "files": dict(self.files),
            "error": self.error,
        }


def judge(
    plan: Plan,
    plain: Sequence[NotebookRun],
    seeded: Sequence[NotebookRun],
    compared: Mapping[str, Any],
    package: tuple[Mapping[str, str], str] | None,
) -> Verdict:
    """The verdict on one notebook."""
    first = plain[0]
    if not compared or package is None:
        return Verdict("not runnable", f"the notebook fails at cell {first.failed_cell}: {first.failure}")
    values = compared["values"]
    files = _files(plain, seeded, package[0])
    printed = judge_printed(plan, plain, seeded, compared["texts"])
    error: Mapping[str, Any] | None = compared.get("error")
    told = {"shown values": compared["shown"], "printed text": printed, "figures": compared["drawn"]}
    differences = _differences(plan, values, told, files)
    rest: dict[str, Any] = {
        "values": values,
        "shown": compared["shown"],
        "printed": printed,
        "drawn": compared["drawn"],
        "files": files,
        "error": error,
        "examples": compared["examples"],
        "results": compared["results"],
        "extra": {"reference": compared["extra"], "candidate": compared["extra_candidate"]},
    }
    if first.failed_cell:
        return _not_runnable(first, error, values, rest)
    rest["difference_count"] = len(differences) + (1000 if package[1] or error else 0)
    if package[1] or error:
        why = f"{error['type']}: {error['message'][:200]}" if error else package[1]
        where = f" in step {error['step']}" if error and error.get("step") else ""
        return Verdict("differs", f"the package fails{where}: {why}", **rest)
    if differences:
        return Verdict("differs", "; ".join(differences[:3]), **rest)
    counts = Counter(value["verdict"] for value in values.values())
    open_values = [
        name for name, value in values.items() if value["verdict"] in ("unstable", "not comparable", "missing")
    ]
    if open_values:
        named = ", ".join(open_values[:6]) + (" …" if len(open_values) > 6 else "")
        total = sum(counts.values()) - counts["skipped"]
        return Verdict("partly", f"{total - len(open_values)} of {total} values; not compared: {named}", **rest)
    if any(value.get("stability") == "stable under seeds" for value in values.values()):
        return Verdict("verified under seeds", "every value is equal once the random generators are seeded", **rest)
    return Verdict("verified", "every value is equal", **rest)


def _not_runnable(first: NotebookRun, error: Any, values: Mapping[str, Any], rest: dict[str, Any]) -> Verdict:
    """The notebook itself fails; up to there, the package must agree and fail in the same way."""
    kind = first.failure.split(":")[0]
    same = error is not None and error["type"] == kind
    differing = [name for name, value in values.items() if value["verdict"] == "differs"]
    if differing and same:
        return Verdict("differs", f"before the failing cell {first.failed_cell}: {', '.join(differing[:4])}", **rest)
    agreed = "the package fails in the same way" if same else "the package was not compared beyond"
    return Verdict("not runnable", f"the notebook fails at cell {first.failed_cell}: {first.failure}; {agreed}", **rest)


def _differences(
    plan: Plan,
    values: Mapping[str, Mapping[str, Any]],
    told: Mapping[str, Sequence[Mapping[str, Any]]],
    files: Mapping[str, str],
) -> list[str]:
    found = [
        f"{name} ({value.get('why', 'missing')}), step {plan.where.get(name, '?')}"
        for name, value in values.items()
        if value["verdict"] == "differs" or (value["verdict"] == "missing" and name in plan.where)
    ]
    for what, groups in told.items():
        for group in groups:
            if group["verdict"] == "differs":
                found.append(f"{what} of cells {', '.join(map(str, group['cells']))}, step {', '.join(group['steps'])}")
    return found + [f"file {path}: {verdict}" for path, verdict in files.items() if verdict in ("differs", "missing")]


def judge_printed(
    plan: Plan, plain: Sequence[NotebookRun], seeded: Sequence[NotebookRun], printed: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """What a package printed, as (step, text), by group of cells that share steps."""
    from mlready.convert.verify import groups

    found: list[dict[str, Any]] = []
    for group in groups(plan):
        texts = {_text(run, group["cells"]) for run in seeded or plain}
        if len(texts) > 1:
            texts = {_text(run, group["cells"]) for run in plain}
        got = masked("".join(text for step, text in printed if step in group["steps"]))
        if not any(texts) and not got:
            continue
        verdict = "unstable" if len(texts) > 1 else "equal" if texts == {got} else "differs"
        found.append({"cells": group["cells"], "steps": group["steps"], "verdict": verdict})
    return found


def _text(run: NotebookRun, cells: Sequence[int]) -> str:
    return masked("".join(run.texts.get(cell, "") for cell in cells))


def masked(text: str) -> str:
    """Text without dates, times, durations and addresses."""
    return _CLOCK.sub("#", text.replace(_KERNEL_DOC, ""))


def _files(plain: Sequence[NotebookRun], seeded: Sequence[NotebookRun], package: Mapping[str, str]) -> dict[str, str]:
    """Verdict for each file that the notebook wrote."""
    runs = list(plain) if len({tuple(sorted(run.files.items())) for run in plain}) == 1 or not seeded else list(seeded)
    found: dict[str, str] = {}
    for path, digest in runs[0].files.items():
        if any(run.files.get(path) != digest for run in runs):
            found[path] = "unstable"
        elif path not in package:
            found[path] = "missing"
        elif path.endswith((".png", ".pdf", ".svg", ".jpg", ".pkl", ".joblib", ".pickle", ".xlsx", ".h5")):
            found[path] = "written"
        else:
            found[path] = "equal" if package[path] == digest else "differs"
    return found
