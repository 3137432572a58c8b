"""What is kept of an audit in the repository, so that a change in verdicts is seen in review."""

from __future__ import annotations

from collections import Counter
from typing import Any

Summary = dict[str, Any]


def summary(report: dict[str, Any], exit_code: int) -> Summary:
    """Kind, scores, the status of each rule that applies with its broken and all sites, what was not read and why."""
    return {
        "exit_code": exit_code,
        "kind": report["project"]["kind"],
        "score": report["score"],
        "factors": {factor["slug"]: factor["score"] for factor in report["factors"]},
        "rules": {rule["id"]: _rule(rule) for factor in report["factors"] for rule in factor["rules"] if _judged(rule)},
        "not_read": dict(sorted(Counter(entry["reason"] for entry in report["not_read"]).items())),
    }


def _judged(rule: dict[str, Any]) -> bool:
    return bool(rule["status"] != "not-applicable")


def _rule(rule: dict[str, Any]) -> str:
    broken = sum(site["credit"] < 1 for site in rule["sites"])
    return f"{rule['status']}, {broken} of {len(rule['sites'])} broken"


def complaints(report: dict[str, Any], exit_code: int) -> list[str]:
    """What no audit may show, whatever the project: a bad exit code or a file left out without a reason."""
    found = [] if exit_code in (0, 1, 3) else [f"exit code {exit_code}"]
    return found + [
        f"not read without a reason: {entry['path']}" for entry in report["not_read"] if not entry["reason"]
    ]


def differences(kept: Summary, now: Summary, where: str = "") -> list[str]:
    """One line for each value that is not what it was, in the order of the summary that is kept."""
    lines: list[str] = []
    for key in dict.fromkeys([*kept, *now]):
        old, new, name = kept.get(key), now.get(key), f"{where}{key}"
        if isinstance(old, dict) and isinstance(new, dict):
            lines += differences(old, new, f"{name}.")
        elif old != new:
            lines.append(f"{name}: {old} -> {new}")
    return lines
