"""Adjusted closes: against returns worked out by hand, and against CRSP's formula on random series."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.calendar import sessions
from sigmasight_dagster.providers.base import action_rows
from sigmasight_dagster.providers.rows.adjustment import adjusted_closes, checked_actions

DAYS = sessions("2022-10-03", "2022-10-07")


def closes(values: list[float], symbol: str = "AAA") -> pd.DataFrame:
    return pd.DataFrame({"symbol": symbol, "date": DAYS[: len(values)], "close": np.array(values, float)})


def actions(*rows: tuple[int, str, float], symbol: str = "AAA") -> pd.DataFrame:
    day, kind, amount = (np.array(column) for column in zip(*rows, strict=True))
    return action_rows(np.full(len(rows), symbol, object), DAYS.to_numpy()[day], amount, "test", kind)


NONE = action_rows(np.array([]), np.array([]), np.array([]), "test")


def test_split_and_dividend_by_hand() -> None:
    """100, 50 after 2:1, 49 after a dividend of 1 from 50: nothing happened, so nothing moves."""
    found = adjusted_closes(closes([100, 50, 49]), actions((1, "split", 2.0), (2, "dividend", 1.0)))
    assert found.tolist() == pytest.approx([49, 49, 49])


def test_dividend_per_new_share_on_the_day_of_a_split() -> None:
    found = adjusted_closes(closes([100, 48]), actions((1, "split", 2.0), (1, "dividend", 2.0)))
    assert found.tolist() == pytest.approx([48, 48])


def test_what_is_not_known_reaches_back_and_no_further() -> None:
    history = closes([100, 101, np.nan, 103, 104])
    assert (
        adjusted_closes(history, actions((3, "dividend", np.nan))).isna().tolist() == [True] * 3 + [False] * 2
    )
    assert adjusted_closes(history, actions((1, "dividend", 200.0))).isna().tolist() == [
        True, False, True, False, False,
    ]  # fmt: skip
    assert adjusted_closes(history, NONE).equals(history["close"])


def test_declared_for_later_and_other_symbols_do_not_count() -> None:
    history = closes([100, 101, 102])
    assert adjusted_closes(history, actions((4, "dividend", 5.0))).equals(history["close"])
    assert adjusted_closes(history, actions((1, "split", 2.0), symbol="BBB")).equals(history["close"])


def test_the_close_before_a_gap_counts() -> None:
    found = adjusted_closes(closes([100, np.nan, 99]), actions((2, "dividend", 1.0)))
    assert found.tolist() == pytest.approx([99, np.nan, 99], nan_ok=True)


@given(
    st.lists(st.floats(10, 1000), min_size=5, max_size=5),
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["split", "dividend"]), st.floats(0.1, 4)), max_size=4
    ),
)
@settings(max_examples=60, deadline=None)
def test_returns_are_crsps(values: list[float], events: list[tuple[int, str, float]]) -> None:
    """(close * ratio) / (close before - dividend * ratio): shares bought at the ex-dividend price."""
    unique = {(day, kind): (day, kind, amount) for day, kind, amount in events}
    rows = list(unique.values())
    found = adjusted_closes(closes(values), actions(*rows) if rows else NONE).to_numpy()
    for day in range(1, 5):
        ratio = next((amount for at, kind, amount in rows if (at, kind) == (day, "split")), 1.0)
        paid = next((amount for at, kind, amount in rows if (at, kind) == (day, "dividend")), 0.0)
        expected = values[day] * ratio / (values[day - 1] - paid * ratio)
        assert found[day] / found[day - 1] == pytest.approx(expected, rel=1e-9)


def test_amounts_that_cannot_be_used_are_null_with_the_reason() -> None:
    dates = pd.Series(["2022-10-03", "2022-10-04", "2022-10-05", None])
    found = checked_actions("AAA", dates, pd.Series([1.0, 0.0, 2.0, 1.0]), "dividend", "x",
                            pd.Series([False, False, True, False]))  # fmt: skip
    assert found["amount"].tolist() == pytest.approx([1.0, np.nan, np.nan], nan_ok=True)
    assert found["status"].tolist() == [
        "ok", "refused: the dividend is not positive", "refused: the dividend is not in USD",
    ]  # fmt: skip
