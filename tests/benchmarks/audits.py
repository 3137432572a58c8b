"""Run the audit the way a user does, as a subprocess, and look at its JSON through small typed windows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTHING_TO_JUDGE = 3
_FINE = (0, 1, NOTHING_TO_JUDGE)
_TIMEOUT_S = 900


class AuditFailedError(RuntimeError):
    """The audit did not end with an exit code that stands for a result."""


@dataclass(frozen=True, slots=True)
class Site:
    """One place that a rule judged; `credit` 1 is met, 0 is broken."""

    path: str
    line: int
    credit: float
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The JSON of one audit."""

    data: dict[str, Any]
    exit_code: int

    @property
    def score(self) -> float | None:
        """The project's score, None when there was nothing to judge."""
        return self.data.get("score")

    @property
    def judged(self) -> bool:
        """False when the audit found no machine learning and so judged nothing."""
        return bool(self.data) and self.exit_code != NOTHING_TO_JUDGE

    @property
    def activities(self) -> frozenset[str]:
        """Names of the activities that the audit saw in the project."""
        return frozenset(self.data.get("project", {}).get("activities", ()))

    def factor_scores(self) -> dict[int, float | None]:
        """Factor number to its score; None where the factor is not asked of this kind of project."""
        scores = {factor["number"]: factor["score"] for factor in self.data.get("factors", ())}
        return {number: scores.get(number) for number in range(1, 13)}

    def rule(self, rule: str) -> dict[str, Any] | None:
        """The entry of one rule, None when this version has no such rule."""
        rules = (entry for factor in self.data.get("factors", ()) for entry in factor["rules"])
        return next((entry for entry in rules if entry["id"] == rule), None)

    def crashed(self) -> list[str]:
        """Ids of the rules that could not be evaluated because of a bug."""
        rules = (entry for factor in self.data.get("factors", ()) for entry in factor["rules"])
        return [entry["id"] for entry in rules if "crashed" in (entry.get("reason") or "")]

    def sites(self, rule: str, path: str | None = None) -> Iterator[Site]:
        """The rule's sites that no suppression lifts, of one file when `path` is given."""
        for site in (self.rule(rule) or {"sites": []})["sites"]:
            if site["suppressed"] is None and path in (None, site["path"]):
                yield Site(site["path"] or "", site["line"] or 0, site["credit"], site["message"])


def audit(path: Path, *options: str) -> Audit:
    """Audit one path with nothing cached from elsewhere; raises AuditFailedError on exit codes without a result."""
    command = [sys.executable, "-m", "mlready", "audit", str(path), "--format", "json", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    if run.returncode not in _FINE:
        raise AuditFailedError(f"{path.name}: exit code {run.returncode}: {run.stderr.strip()[-500:]}")
    return Audit(json.loads(run.stdout or "{}"), run.returncode)


def audits(paths: dict[str, Path], workers: int, reports: Path | None = None) -> dict[str, Audit | str]:
    """Audit many paths at once; what fails is kept as the text of its failure. `reports` keeps each JSON."""
    with ThreadPoolExecutor(workers) as pool:
        found = dict(zip(paths, pool.map(_audit_or_reason, paths.values()), strict=True))
    for repo, one in found.items() if reports else ():
        if reports and isinstance(one, Audit) and one.data:
            reports.mkdir(parents=True, exist_ok=True)
            (reports / f"{repo.replace('/', '__')}.json").write_text(json.dumps(one.data), encoding="utf-8")
    return found


def _audit_or_reason(path: Path) -> Audit | str:
    try:
        return audit(path)
    except (AuditFailedError, subprocess.TimeoutExpired, ValueError) as error:
        return str(error)
