import numpy as np
import pandas as pd
import pytest

from sigmasight_core.arrays.windows import blocks, pad_windows, product, session_positions, trailing_windows
from sigmasight_core.errors import InputError


@pytest.mark.parametrize("ends", [[0, 1, 2], [2, 3, 4, 5], [5], [0, 3, 5], [4, 1]])
def test_windows_hold_the_last_rows_up_to_each_end(ends):
    values = np.arange(12.0).reshape(6, 2)
    found = trailing_windows(pad_windows(values, 4, np.nan), np.array(ends), 4)
    for window, end in zip(found, ends, strict=True):
        rows = values[max(end - 3, 0) : end + 1]
        np.testing.assert_array_equal(window[4 - len(rows) :], rows)
        assert np.isnan(window[: 4 - len(rows)]).all()


def test_adjacent_ends_are_a_view():
    padded = pad_windows(np.zeros((10, 3)), 4, 0.0)
    assert np.shares_memory(trailing_windows(padded, np.arange(4, 8), 4), padded)


def test_no_ends_give_no_windows():
    assert trailing_windows(pad_windows(np.zeros((5, 2)), 3, 0.0), np.array([], dtype=int), 3).shape == (
        0,
        3,
        2,
    )


def test_blocks_cover_all_rows_in_order():
    parts = list(blocks(np.arange(10), cells_per_row=4, budget=12))
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(10))


@pytest.mark.parametrize(("rows", "symbols"), [(1, 0), (3, 5), (40, 700)])
def test_product_is_the_matrix_product(rows, symbols):
    rng = np.random.default_rng(0)
    windows = trailing_windows(
        pad_windows(rng.normal(size=(60, symbols)), 50, 0.0), np.array([48, 49, 50]), 50
    )
    left = rng.normal(size=(3, rows, 50))
    np.testing.assert_allclose(product(left, windows), left @ windows, rtol=1e-12, atol=1e-12)


class TestSessionPositions:
    sessions = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04"])

    def test_rows_of_the_dates(self):
        assert session_positions(self.sessions, self.sessions[[2, 0]]).tolist() == [2, 0]

    def test_unknown_date_is_named(self):
        with pytest.raises(InputError, match="2024-01-06"):
            session_positions(self.sessions, pd.DatetimeIndex(["2024-01-03", "2024-01-06"]))

    @pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 1]])
    def test_sessions_out_of_order_or_repeated_are_refused(self, order):
        with pytest.raises(InputError, match="rising order"):
            session_positions(self.sessions[order], self.sessions[:1])
