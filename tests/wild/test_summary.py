"""The summary that the wild suite keeps of an audit, and what it complains about."""

from __future__ import annotations

from typing import Any

from tests.wild.sdists import sdists
from tests.wild.summary import complaints, differences, summary


def report(*credits: float, reason: str = "syntax error") -> dict[str, Any]:
    rule = {"id": "TST001", "status": "partial", "sites": [{"credit": credit} for credit in credits]}
    factors = [{"slug": "tests", "score": 50.0, "rules": [rule]}]
    not_read = [{"path": "a.py", "reason": reason}, {"path": "b.py", "reason": reason}]
    return {"project": {"kind": "library"}, "score": 50.0, "factors": factors, "not_read": not_read}


def test_the_summary_counts_sites_and_reasons() -> None:
    kept = summary(report(0.0, 0.5, 1.0), 0)
    assert kept["rules"] == {"TST001": "partial, 2 of 3 broken"}
    assert kept["factors"] == {"tests": 50.0}
    assert kept["not_read"] == {"syntax error": 2}


def test_a_changed_verdict_is_one_line() -> None:
    assert differences(summary(report(1.0), 0), summary(report(0.0), 0)) == [
        "rules.TST001: partial, 0 of 1 broken -> partial, 1 of 1 broken"
    ]


def test_a_new_and_a_lost_key_are_told() -> None:
    assert differences({"a": 1}, {"b": 2}) == ["a: 1 -> None", "b: None -> 2"]


def test_a_file_left_out_without_a_reason_is_a_complaint() -> None:
    assert complaints(report(reason=""), 0) == ["not read without a reason: a.py", "not read without a reason: b.py"]


def test_a_usage_error_is_a_complaint_and_nothing_to_judge_is_not() -> None:
    assert complaints(report(), 2) == ["exit code 2"]
    assert complaints(report(), 3) == []


def test_the_table_names_enough_distributions_once_each() -> None:
    names = [one.name for one in sdists()]
    assert len(names) == len(set(names)) >= 12
