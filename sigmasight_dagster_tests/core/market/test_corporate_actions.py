"""Split ratios: Apple's real history, the ex-date rule, and composition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.market.corporate_actions import split_factors
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN, ledger, position, splits

APPLE = splits(("2014-06-09", "AAPL", 7.0), ("2020-08-31", "AAPL", 4.0), ("2021-07-20", "NVDA", 4.0))


def factors(entry: str, dates: list[str], actions: pd.DataFrame = APPLE, symbol: str = "AAPL") -> list[float]:
    return split_factors(
        positions=ledger(position(symbol, 1, 1.0, entry)), splits=actions, dates=pd.DatetimeIndex(dates)
    )[:, 0].tolist()


class TestSplitFactors:
    def test_apple_since_2014(self) -> None:
        dates = ["2014-06-06", "2014-06-09", "2020-08-28", "2020-08-31", "2024-01-02"]
        assert factors("2014-01-02", dates) == [1, 7, 7, 28, 28]

    def test_an_entry_on_the_ex_date_is_after_the_split(self) -> None:
        assert factors("2020-08-31", ["2020-08-31", "2020-09-01"]) == [1, 1]
        assert factors("2020-08-28", ["2020-08-28", "2020-08-31"]) == [1, 4]

    def test_options_follow_their_underlying(self) -> None:
        assert factors("2020-01-02", ["2020-12-31"], symbol="AAPL210115C00300000") == [4]

    def test_other_symbols_and_dividends_do_nothing(self) -> None:
        dividend = APPLE.assign(kind="dividend")
        assert factors("2014-01-02", ["2024-01-02"], dividend) == [1]
        assert factors("2014-01-02", ["2024-01-02"], symbol="MSFT") == [1]

    def test_before_entry_and_without_splits_it_is_one(self) -> None:
        assert factors("2021-01-04", ["2014-01-02"]) == [1]
        assert factors("2014-01-02", ["2024-01-02"], splits()) == [1]

    def test_an_unknown_ratio_spoils_only_what_spans_it(self) -> None:
        actions = splits(("2020-08-31", "AAPL", NAN), ("2022-06-06", "AAPL", 2.0))
        dates = ["2020-08-28", "2020-08-31", "2022-06-06"]
        np.testing.assert_equal(factors("2020-01-02", dates, actions), [1, np.nan, np.nan])
        assert factors("2020-08-31", dates, actions) == [1, 1, 2]

    def test_many_dates_and_positions_at_once(self) -> None:
        book = ledger(position("AAPL", 1, 1.0, "2014-01-02"), position("NVDA", 1, 1.0, "2014-01-02"))
        found = split_factors(
            positions=book, splits=APPLE, dates=pd.DatetimeIndex(["2015-01-02", "2024-01-02"])
        )
        np.testing.assert_array_equal(found, [[7, 1], [28, 4]])

    @given(
        days=st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True),
        ratios=st.lists(st.sampled_from([2.0, 3.0, 1.5, 0.1, 20.0]), min_size=6, max_size=6),
        cut=st.integers(1, 399),
    )
    @settings(max_examples=15, deadline=None)
    def test_ratios_compose(self, days: list[int], ratios: list[float], cut: int) -> None:
        start = pd.Timestamp("2020-01-01")
        date = [(start + pd.Timedelta(days=n)).strftime("%Y-%m-%d") for n in range(402)]
        actions = splits(*((date[day], "A", ratio) for day, ratio in zip(days, ratios, strict=False)))
        whole = factors(date[0], [date[cut], date[401]], actions, "A")
        rest = factors(date[cut], [date[401]], actions, "A")
        expected = np.prod([ratio for day, ratio in zip(days, ratios, strict=False) if day > 0])
        assert whole[1] == pytest.approx(expected, rel=1e-12)
        assert whole[0] * rest[0] == pytest.approx(expected, rel=1e-12)
