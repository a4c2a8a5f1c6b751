"""Spans of changes against a plain loop over every session."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.market.staleness import latest_change, sessions_to_next

SPANS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-3, 25), st.integers(-3, 40), st.integers(1, 9)), max_size=12
)


@settings(max_examples=100, deadline=None)
@given(SPANS, st.integers(1, 21))
def test_latest_change_equals_a_loop_over_sessions(spans, n_sessions):
    expected = np.zeros((3, n_sessions), dtype=np.int64)
    for group, first, last, moment in spans:
        for session in range(max(first, 0), min(last, n_sessions - 1) + 1):
            expected[group, session] = max(expected[group, session], moment)
    group, first, last, moment = np.array(spans, dtype=np.int64).reshape(-1, 4).T
    found = latest_change(
        group=group, first=first, last=last, moment=moment, n_groups=3, n_sessions=n_sessions
    )
    np.testing.assert_array_equal(found, expected)


def test_sessions_to_the_next_price_of_the_same_symbol():
    gaps = sessions_to_next(
        np.array([5, 1, 9, 2]),
        ["a", "a", "b", "b"],
        np.array([1, 5, 2, 0, 4, 0]),
        ["a", "a", "b", "a", "", "z"],
        7,
    )
    assert gaps.tolist() == [4, 7, 7, 1, 7, 7]
