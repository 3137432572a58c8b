"""The measures that docs/accuracy.md rests on, against values worked out by hand or known from the literature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benchmarks.agreement import (
    Confusion,
    binned,
    confusion,
    kappa,
    leave_one_out,
    ranks,
    spearman,
    weighted_kappa,
    wilson,
)

LABELS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40)


def test_ties_share_their_mean_rank() -> None:
    assert ranks([10, 20, 20, 5]) == [2.0, 3.5, 3.5, 1.0]


def test_spearman_is_one_for_any_rising_relation() -> None:
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1.0)


def test_spearman_of_a_textbook_case() -> None:
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours) == pytest.approx(-29 / 165)


def test_spearman_with_ties_is_pearson_of_the_shared_ranks() -> None:
    assert spearman([1, 1, 2, 3], [1, 2, 2, 4]) == pytest.approx(0.8333333)


def test_spearman_without_spread_is_undefined() -> None:
    assert spearman([1, 1, 1], [1, 2, 3]) is None


def test_kappa_of_a_textbook_table() -> None:
    left = [1] * 25 + [0] * 25
    right = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert kappa(left, right) == pytest.approx(0.4)


def test_weighted_kappa_forgives_one_step_more_than_two() -> None:
    truth = [0, 0, 1, 1, 2, 2]
    near, far = [0, 1, 1, 1, 2, 2], [0, 2, 1, 1, 2, 2]
    assert weighted_kappa(truth, near, 3) == pytest.approx(1 - 6 * 1 / 42)
    assert (weighted_kappa(truth, near, 3) or 0) > (weighted_kappa(truth, far, 3) or 1)


def test_weighted_kappa_is_undefined_when_both_always_say_the_same() -> None:
    assert weighted_kappa([1, 1, 1], [1, 1, 1], 3) is None


def test_weighted_kappa_of_a_constant_tool_is_zero() -> None:
    assert weighted_kappa([0, 1, 2], [0, 0, 0], 3) == pytest.approx(0.0)


def test_wilson_interval_of_known_values() -> None:
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson(20, 20) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert wilson(0, 0) is None


def test_more_hits_than_cases_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


def test_precision_and_recall_count_what_was_said_and_what_is_true() -> None:
    counts = confusion([(True, True)] * 3 + [(True, False)] + [(False, True)] * 2 + [(False, False)] * 4)
    assert counts == Confusion(hits=3, false_alarms=1, misses=2, rejections=4)
    assert (counts.precision, counts.recall) == (0.75, 0.6)


def test_precision_of_a_silent_tool_is_undefined() -> None:
    assert confusion([(False, True)]).precision is None


def test_scores_are_binned_at_their_edges_and_a_missing_one_is_absent() -> None:
    assert [binned(score, (20, 60)) for score in (None, 0, 19.9, 20, 59.9, 60, 100)] == [0, 0, 0, 1, 1, 2, 2]


def test_leaving_one_out_keeps_the_order_of_what_is_left_out() -> None:
    assert leave_one_out([1, 2, 3], lambda rest: float(sum(rest))) == [5.0, 4.0, 3.0]


@given(LABELS)
def test_agreement_is_symmetric_and_never_above_one(pairs: list[tuple[int, int]]) -> None:
    left, right = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    value = weighted_kappa(left, right, 3)
    assert value == weighted_kappa(right, left, 3)
    assert value is None or value <= 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_interval_holds_the_share(hits: int, more: int) -> None:
    interval = wilson(hits, hits + more)
    assert (interval is None) == (hits + more == 0)
    if interval:
        assert 0 <= interval[0] <= hits / (hits + more) <= interval[1] <= 1
