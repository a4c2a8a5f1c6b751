"""History of held symbols on a book that is counted by hand."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.market.coverage import by_portfolio, by_symbol, history_lengths, recent, shares

DATE = pd.Timestamp("2024-03-15")


def test_lengths_count_known_prices_only_and_shares_what_can_be_had():
    sessions = pd.bdate_range(end=DATE, periods=100)
    prices = pd.DataFrame(
        {
            "date": sessions.append(sessions[-40:]),
            "symbol": ["a"] * 100 + ["b"] * 40,
            "adjusted_close": [1.0] * 99 + [np.nan] + [2.0] * 40,
        }
    )
    lengths = history_lengths(prices, pd.Index(["a", "b", "c"]))
    assert lengths.to_dict() == {"c": 0, "b": 40, "a": 99}
    assert shares(lengths, 252) == {252: 0.0, 150: 0.0, 60: 1 / 3}
    assert shares(lengths, 99) == {252: 1 / 3, 150: 1 / 3, 60: 1 / 3}
    assert np.isnan(shares(lengths.head(0), 252)[60])


def test_gaps_and_staleness_by_symbol_counted_by_hand():
    sessions = pd.bdate_range("2024-01-01", periods=10)
    have = {"whole": range(10), "holes": [1, 2, 5, 8], "old": [0, 1, 2, 3], "mark": [0, 6]}
    rows = [
        (sessions[at], symbol, 1.0, pd.NaT, f"source {at}") for symbol, days in have.items() for at in days
    ]
    rows += [(sessions[at], "mark", 1.0, sessions[0], "carried") for at in (1, 2, 3)]
    rows += [(sessions[4], "holes", np.nan, pd.NaT, "a row of NULLs")]
    prices = pd.DataFrame(rows, columns=["date", "symbol", "close", "price_date", "source"])
    prices["price_date"] = pd.to_datetime(prices["price_date"])
    found = by_symbol(prices, pd.Index(["holes", "mark", "never", "old", "whole"]), sessions)
    assert found["symbol"].tolist() == ["never", "old", "mark", "holes", "whole"]
    assert found["sessions"].tolist() == [0, 4, 2, 4, 10]
    assert found["gaps"].tolist() == [0, 0, 5, 4, 0]
    assert found["stale_sessions"].tolist() == [pd.NA, 6, 3, 1, 0]
    assert found["source"].tolist() == ["", "source 3", "source 6", "source 8", "source 9"]
    assert found["first"].tolist() == [pd.NaT, *sessions[[0, 0, 1, 0]]]
    assert found["last"].tolist() == [pd.NaT, *sessions[[3, 6, 8, 9]]]
    assert by_symbol(prices, pd.Index([], dtype="str"), sessions).empty


def test_what_each_portfolio_holds_counted_by_hand():
    lengths = pd.Series({"a": 100, "b": 60, "c": 0}, name="n_sessions")
    held = pd.DataFrame({"portfolio": ["q", "p", "p", "p"], "symbol": ["a", "b", "c", "unknown"]})
    found = by_portfolio(lengths, held, 100).set_index("portfolio")
    assert found.loc["q"].to_dict() == {
        "n_symbols": 1, "coverage": 1.0, "lowest_coverage": 1.0,
        "with_252_sessions": 1.0, "with_150_sessions": 1.0, "with_60_sessions": 1.0,
    }  # fmt: skip
    assert found.loc["p"].to_dict() == {
        "n_symbols": 3, "coverage": pytest.approx(0.2), "lowest_coverage": 0.0,
        "with_252_sessions": 0.0, "with_150_sessions": 0.0, "with_60_sessions": 1 / 3,
    }  # fmt: skip
    assert by_portfolio(lengths, held.head(0), 100).empty


def test_a_symbol_without_a_price_is_stale_for_all_sessions():
    sessions = pd.bdate_range(end=DATE, periods=10)
    days = sessions[[0, 1, 4]]
    prices = pd.DataFrame({"date": days, "symbol": "a", "close": 1.0, "adjusted_close": [1.0, np.nan, 1.0]})
    prices = prices.assign(price_date=pd.NaT, source="x")
    found = recent(prices, pd.Index(["a", "never"]), sessions).set_index("symbol")
    assert found.loc["a"].to_dict() == {"gaps": 2, "stale_sessions": 5, "n_sessions": 2, "coverage": 0.2}
    assert found.loc["never"].to_dict() == {"gaps": 0, "stale_sessions": 10, "n_sessions": 0, "coverage": 0.0}
