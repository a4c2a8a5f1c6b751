"""Splits, stock dividends, spin-offs and cash dividends: what each is, and what cannot be."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.market.plausibility.ratios import in_words, is_common, is_stock_dividend
from sigmasight_dagster_tests.support.market_rows import actions, judged, prices, sessions, walk

N, AT = 120, 60
DAY = str(sessions(N)[AT].date())
SPLITS = [2, 3, 4, 5, 7, 10, 15, 20, 50, 1.5, 1.25, 4 / 3, 1.3333, 1.33333, 1.4, 1.2, 1 / 2, 1 / 3, 0.3333]
SPLITS += [1 / 4, 0.125, 1 / 8, 0.1, 1 / 15, 0.0667, 1 / 20, 0.05, 1 / 25, 1 / 30, 0.0333, 1 / 100, 2 / 3]


@pytest.mark.parametrize("ratio", SPLITS)
def test_ratios_of_splits(ratio: float) -> None:
    assert is_common(np.array([ratio]))[0]


@pytest.mark.parametrize(
    "ratio", [1.253, 0.9523, 1.046, 1.0, 1.111, 1.281, 2.0135, 0.7813, 3.3721, 1.05, np.nan, -2]
)
def test_ratios_that_are_no_splits(ratio: float) -> None:
    assert not is_common(np.array([ratio]))[0]


@pytest.mark.parametrize(
    ("ratio", "paid"), [(1.05, True), (1.1, True), (1.03, True), (1.01, True), (1.046, False), (1.2, False)]
)
def test_ratios_of_stock_dividends(ratio: float, paid: bool) -> None:
    assert is_stock_dividend(np.array([ratio]))[0] == (paid and not is_common(np.array([ratio]))[0])


@pytest.mark.parametrize(
    ("ratio", "words"), [(4.0, "4:1"), (1.5, "3:2"), (0.1, "1:10"), (1.3333, "4:3"), (1.253, "1253:1000")]
)
def test_ratios_in_words(ratio: float, words: str) -> None:
    assert in_words(ratio) == words


def world(ratio: float, volatility: float = 0.01) -> pd.DataFrame:
    """Closes that fall by the ratio on the session AT; adjusted closes that do not."""
    growth = walk(N, volatility, seed=31, start=200)
    return prices(np.where(np.arange(N) >= AT, growth / ratio, growth), adjusted_close=growth)


class TestWhatASourceCallsASplit:
    @pytest.mark.parametrize("ratio", [1.253, 0.9523, 1.0467, 2.0135, 1.8712])
    def test_an_odd_ratio_is_a_distribution(self, ratio: float) -> None:
        found = judged(world(ratio), actions((DAY, "AAA", "split", ratio)))
        assert found.kinds.tolist() == ["distribution"]
        (row,) = found.doubts.to_dict("records")
        assert (row["table_name"], row["kind"], row["value"]) == ("corporate_actions", "split", ratio)
        assert "no split's: a spin-off or a stock dividend" in row["reason"]

    def test_unless_a_user_confirms_it(self) -> None:
        sure = pd.DataFrame(
            {"table_name": ["corporate_actions"], "date": [sessions(N)[AT]], "symbol": ["AAA"]}
        )
        told = actions((DAY, "AAA", "split", 1.253))
        found = judged(world(1.253), told, confirmed=sure.assign(kind="split"))
        assert found.kinds.tolist() == ["split"]
        assert found.doubts.empty

    @pytest.mark.parametrize(("fell", "kind"), [(True, "split"), (False, "distribution")])
    @pytest.mark.parametrize("ratio", [1.05, 1.08, 1.15])
    def test_a_whole_percent_is_a_split_if_the_close_fell_by_it(
        self, ratio: float, fell: bool, kind: str
    ) -> None:
        rows = world(ratio if fell else 1.0, volatility=0.008)
        assert judged(rows, actions((DAY, "AAA", "split", ratio))).kinds.tolist() == [kind]

    def test_a_percent_that_is_lost_in_the_noise_is_a_distribution(self) -> None:
        rows = world(1.03, volatility=0.06)
        assert judged(rows, actions((DAY, "AAA", "split", 1.03))).kinds.tolist() == ["distribution"]

    @pytest.mark.parametrize("ratio", [4.0, 1.5, 0.1, 20.0, 7.0])
    def test_a_split_that_shows_in_the_closes(self, ratio: float) -> None:
        found = judged(world(ratio), actions((DAY, "AAA", "split", ratio)))
        assert found.kinds.tolist() == ["split"]
        assert found.doubts.empty

    @pytest.mark.parametrize("ratio", [4.0, 2.0, 0.1])
    def test_a_split_that_does_not_is_doubted(self, ratio: float) -> None:
        found = judged(world(1.0), actions((DAY, "AAA", "split", ratio)))
        (row,) = found.doubts.to_dict("records")
        assert (row["kind"], row["value"]) == ("split", ratio)
        assert f"no {in_words(ratio)} split" in row["reason"]

    @pytest.mark.parametrize(("ratio", "jump"), [(4.0, 400.0), (40.0, 400.0), (10.0, 4.0), (0.1, 1 / 30)])
    def test_a_split_is_doubted_where_the_close_says_another_ratio(self, ratio: float, jump: float) -> None:
        found = judged(world(jump), actions((DAY, "AAA", "split", ratio))).doubts
        assert "split" in set(found["kind"])

    def test_a_wrong_ratio_beside_a_wrong_row(self) -> None:
        rows = world(4.0)
        rows.loc[rows["date"] == sessions(N)[AT], "close"] /= 100
        found = judged(rows, actions((DAY, "AAA", "split", 40.0))).doubts
        assert {"split", "close"} <= set(found["kind"])

    @pytest.mark.parametrize(("ratio", "own"), [(1.5, 0.8), (4.0, 1.15), (0.05, 0.6)])
    def test_a_split_on_a_day_of_news(self, ratio: float, own: float) -> None:
        rows = world(ratio)
        rows.loc[rows["date"] >= sessions(N)[AT], ["close", "adjusted_close"]] *= own
        assert judged(rows, actions((DAY, "AAA", "split", ratio))).doubts.empty

    def test_without_prices_nothing_is_said_of_its_jump(self) -> None:
        found = judged(world(1.0).iloc[: AT - 1], actions((DAY, "AAA", "split", 4.0)))
        assert found.doubts.empty


class TestDividends:
    def fallen(self, share: float) -> pd.DataFrame:
        growth = walk(N, 0.01, seed=32, start=100)
        paid = np.where(np.arange(N) >= AT, growth * (1 - share), growth)
        return prices(paid, adjusted_close=growth)

    def before(self, rows: pd.DataFrame) -> float:
        return float(rows["close"].iloc[AT - 1])

    @pytest.mark.parametrize("share", [0.005, 0.1, 0.3, 0.6])
    def test_one_by_which_the_close_falls(self, share: float) -> None:
        rows = self.fallen(share)
        assert judged(rows, actions((DAY, "AAA", "dividend", share * self.before(rows)))).doubts.empty

    @pytest.mark.parametrize(
        ("share", "reason"),
        [(0.25, "25% of the close before"), (0.9, "90%"), (1.0, "not less"), (40, "not less")],
    )
    def test_one_that_cannot_be(self, share: float, reason: str) -> None:
        rows = prices(walk(N, 0.01, seed=33, start=100))
        (row,) = judged(rows, actions((DAY, "AAA", "dividend", share * self.before(rows)))).doubts.to_dict(
            "records"
        )
        assert (row["table_name"], row["kind"]) == ("corporate_actions", "dividend")
        assert row["reason"].startswith(reason)

    def test_a_small_one_without_a_fall_is_believed(self) -> None:
        rows = prices(walk(N, 0.01, seed=33, start=100))
        assert judged(rows, actions((DAY, "AAA", "dividend", 5.0))).doubts.empty


class TestAdjustedCloses:
    @pytest.mark.parametrize("factor", [1.1, 0.9, 100.0, 0.5])
    def test_one_that_leaves_its_close(self, factor: float) -> None:
        closes = walk(N, 0.01, seed=34)
        adjusted = closes * 0.9
        adjusted[AT] *= factor
        (row,) = judged(prices(closes, adjusted_close=adjusted)).doubts.to_dict("records")
        assert (row["kind"], row["date"]) == ("adjusted_close", sessions(N)[AT])
        assert row["held_against"] == pytest.approx(adjusted[AT] / factor)

    def test_a_step_that_no_action_explains(self) -> None:
        closes = walk(N, 0.01, seed=34)
        adjusted = closes * np.where(np.arange(N) >= AT, 0.93, 1.0)
        found = judged(prices(closes, adjusted_close=adjusted)).doubts
        assert found[["kind", "date"]].to_numpy().tolist() == [["adjusted_close", sessions(N)[AT]]]
        assert "-7.0%" in found["reason"].iloc[0]

    @pytest.mark.parametrize("dividend", [0.01, 0.1])
    def test_a_dividend_that_is_not_told(self, dividend: float) -> None:
        growth = walk(N, 0.01, seed=35)
        closes = growth * np.where(np.arange(N) >= AT, 1 - dividend, 1.0)
        assert judged(prices(closes, adjusted_close=growth)).doubts.empty

    def test_rounding_of_small_prices(self) -> None:
        closes = walk(N, 0.01, seed=36, start=0.8)
        assert judged(prices(closes, adjusted_close=np.round(closes * 0.7, 2))).doubts.empty


class TestRanges:
    def test_a_close_outside_of_its_range(self) -> None:
        closes = walk(N, 0.01, seed=37)
        high, low = closes * 1.01, closes * 0.99
        high[AT], low[AT] = high[AT] / 2, low[AT] / 2
        (row,) = judged(prices(closes, open=closes, high=high, low=low)).doubts.to_dict("records")
        assert (row["kind"], row["reason"]) == ("range", "the close is outside of the day's range")

    def test_upside_down(self) -> None:
        closes = walk(N, 0.01, seed=37)
        high, low = closes * 1.01, closes * 0.99
        high[AT], low[AT] = low[AT], high[AT]
        found = judged(prices(closes, open=closes, high=high, low=low)).doubts
        assert found["reason"].tolist() == ["the day's high is below its low"]

    @pytest.mark.parametrize("wrong", ["volume", "cents", "another share"])
    def test_closes_that_are_of_another_column_than_their_ranges(self, wrong: str) -> None:
        true = walk(N, 0.01, seed=38)
        volume = np.random.default_rng(39).uniform(1e5, 9e7, N)
        closes = {"volume": volume, "cents": true * 100, "another share": walk(N, 0.02, seed=40) / 9}[wrong]
        bar = {"open": true, "high": true * 1.01, "low": true * 0.99, "adjusted_close": np.full(N, np.nan)}
        found = judged(prices(closes, **bar)).doubts
        assert found["kind"].tolist() == ["close"] * N

    def test_ranges_of_some_days_that_are_of_another_unit(self) -> None:
        closes = walk(N, 0.01, seed=38)
        unit = np.where(np.arange(N) % 3 == 1, 100.0, 1.0)
        bar = {"open": closes * unit, "high": closes * unit * 1.01, "low": closes * unit * 0.99}
        assert set(judged(prices(closes, **bar)).doubts["kind"]) == {"range"}
