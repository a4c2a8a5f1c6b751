"""Distinct rows against a loop over tuples."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core.arrays.distinct import distinct_rows


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.2, -1.0])), max_size=40))
def test_each_kind_once_and_every_row_of_its_kind(rows: list[tuple[int, float]]) -> None:
    columns = [np.array([row[n] for row in rows], dtype=float) for n in (0, 1)]
    first, kind = distinct_rows(*columns)
    assert len(first) == len(set(rows))
    assert all(rows[i] not in rows[:i] for i in first)
    for column in columns:
        np.testing.assert_array_equal(column[first][kind], column)


def test_a_missing_value_is_like_no_other() -> None:
    first, kind = distinct_rows(np.array([np.nan, np.nan, 1.0, 1.0]), np.zeros(4))
    assert len(first) == 3
    assert kind[2] == kind[3] != kind[0] != kind[1]
