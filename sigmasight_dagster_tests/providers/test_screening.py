"""Screening: what is refused and why, what is kept, and that the rows keep the contract whatever comes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.calendar import sessions
from sigmasight_core.tables import DailyPrices, validate
from sigmasight_dagster.providers.rows.screening import screen_bars

DAYS = sessions("2022-10-03", "2022-10-07")


def bars(*rows: tuple[str, float], symbol: str = "AAA", currency: str = "USD") -> pd.DataFrame:
    """Rows of day of October and close."""
    dates = pd.to_datetime([f"2022-10-{day}" for day, _ in rows])
    return pd.DataFrame(
        {"symbol": symbol, "date": dates, "currency": currency, "close": [close for _, close in rows]}
    )


def outcome(given: pd.DataFrame) -> tuple[list[float], dict[str, str]]:
    """Closes, and refused statuses by day."""
    rows = validate(DailyPrices, screen_bars(given, "test").rows)
    refused = rows[rows["status"].str.startswith("refused: ")]
    return rows["close"].tolist(), {
        f"{day:%d}": status.removeprefix("refused: ")
        for day, status in zip(refused["date"], refused["status"], strict=True)
    }


@pytest.mark.parametrize(
    ("close", "reason"),
    [
        (np.nan, "no close"),
        (0.0, "the close is zero"),
        (-1.0, "the close is negative"),
        (np.inf, "the close is infinite"),
        (-np.inf, "the close is negative"),
    ],
)
def test_closes_that_cannot_be(close: float, reason: str) -> None:
    closes, refused = outcome(bars(("03", 10), ("04", close), ("05", 11)))
    assert closes == pytest.approx([10, np.nan, 11], nan_ok=True)
    assert refused == {"04": reason}


def test_repeated_rows_count_once_and_are_counted() -> None:
    given = bars(("03", 10), ("04", 11), ("04", 11), ("05", 12), ("04", 11))
    assert outcome(given) == ([10, 11, 12], {})
    (row,) = screen_bars(given, "test").refused.to_dict("records")
    assert (row["reason"], row["count"], row["first_date"]) == (
        "the same row twice",
        2,
        pd.Timestamp("2022-10-04"),
    )


def test_contradicting_rows_are_refused_wherever_they_are() -> None:
    closes, refused = outcome(bars(("03", 10), ("04", 11), ("05", 12), ("04", 22)))
    assert refused.keys() == {"04"}
    assert closes == pytest.approx([10, np.nan, 12], nan_ok=True)


def test_a_row_out_of_order_is_refused_and_the_others_stay() -> None:
    closes, refused = outcome(bars(("03", 10), ("05", 12), ("04", 11), ("06", 13)))
    assert refused == {"04": "the row is out of order"}
    assert closes == pytest.approx([10, np.nan, 12, 13], nan_ok=True)


def test_no_session_gives_no_row_but_is_counted() -> None:
    given = bars(("03", 10), ("08", 11))
    assert outcome(given) == ([10], {})
    assert screen_bars(given, "test").refused["reason"].tolist() == ["the date is no session"]


def test_currency() -> None:
    assert outcome(bars(("03", 10), currency="GBp"))[1] == {"03": "the prices are not in USD"}
    assert outcome(bars(("03", 10), currency=""))[1] == {}


def test_other_fields_that_cannot_be_are_null_and_named() -> None:
    given = bars(("03", 10)).assign(open=-1.0, high=np.inf, low=9.0, volume=-5.0, adjusted_close=10.0)
    (row,) = screen_bars(given, "test").rows.to_dict("records")
    assert row["status"] == "no open, high, volume from this source"
    assert (row["close"], row["low"]) == (10, 9)


def test_nothing_at_all() -> None:
    screened = screen_bars(bars().astype({"close": "float64"}), "test")
    assert validate(DailyPrices, screened.rows).empty
    assert screened.refused.empty


CLOSES = st.one_of(st.floats(0.01, 1e6), st.sampled_from([0.0, -1.0, np.nan, np.inf]))
ROWS = st.lists(st.tuples(st.sampled_from(["AAA", "BBB"]), st.integers(-3, 7), CLOSES), max_size=12)


@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_whatever_comes_rows_keep_the_contract(rows: list[tuple[str, int, float]]) -> None:
    """One row a session and symbol, good closes as they were given, and NULL exactly where refused."""
    given = pd.DataFrame(rows, columns=["symbol", "day", "close"]).astype(
        {"symbol": "str", "close": "float64"}
    )
    given["date"] = pd.Timestamp("2022-10-03") + pd.to_timedelta(given.pop("day").astype("int64"), unit="D")
    found = validate(DailyPrices, screen_bars(given.assign(currency="USD"), "test").rows)
    expected = given[given["date"].isin(sessions("2022-09-25", "2022-10-15"))]
    assert set(zip(found["date"], found["symbol"], strict=True)) == set(
        zip(expected["date"], expected["symbol"], strict=True)
    )
    refused = found["status"].str.startswith("refused: ")
    assert (found["close"].isna() == refused).all()
    given_closes = expected.groupby(["date", "symbol"])["close"].agg(set)
    for row in found[~refused].itertuples():
        assert given_closes[row.date, row.symbol] == {row.close}
