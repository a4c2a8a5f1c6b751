"""The simulated market: the same numbers however it is asked, made forward, and its prices add up."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sigmasight_core.factors.config import DEFAULT_PRIORS
from sigmasight_core.simulated.bars import bars
from sigmasight_core.simulated.catalogue import KNOWN
from sigmasight_core.simulated.factors import STYLE_CORRELATION, STYLE_VOLATILITY, YIELD_SHOCK
from sigmasight_core.simulated.market import SimulatedMarket, simulated_market
from sigmasight_core.simulated.streams import Purpose, stream, uniforms

FIRST, END = pd.Timestamp("2014-01-02"), pd.Timestamp("2025-12-31")
STOCKS = [f"S{number:03d}" for number in range(300)]


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    return simulated_market(1)


def asked(seed: int, symbols: list[str], end: str) -> dict[str, np.ndarray]:
    """Bars by field, in a market of which nothing else was asked."""
    made = bars(SimulatedMarket(seed), symbols, FIRST, pd.Timestamp(end))
    return {field: values[:, symbols.index("AAPL")] for field, values in made.fields.items()}


def test_more_symbols_another_order_or_a_later_end_change_no_earlier_number() -> None:
    alone = asked(1, ["AAPL"], "2016-05-13")
    for symbols, end in ((["AAPL"], "2033-06-30"), ([*STOCKS[:70], "SPY", "AAPL", "VIX"], "2019-02-01")):
        other = asked(1, symbols, end)
        for field, values in alone.items():
            assert_array_equal(other[field][: len(values)], values, err_msg=field)


def test_any_part_of_the_range_has_the_same_bars(market: SimulatedMarket) -> None:
    whole = bars(market, ["AAPL", "S003"], FIRST, END)
    part = bars(market, ["S003"], pd.Timestamp("2020-02-03"), pd.Timestamp("2020-02-14"))
    chosen = whole.sessions.isin(part.sessions)
    for field, values in part.fields.items():
        assert_array_equal(values[:, 0], whole.fields[field][chosen, 1], err_msg=field)


def test_asking_later_in_the_same_market_restates_nothing(market: SimulatedMarket) -> None:
    fresh = SimulatedMarket(1)
    before = fresh.closes(STOCKS[:20], FIRST, pd.Timestamp("2015-12-31"))
    actions = fresh.actions(STOCKS[:20], FIRST, pd.Timestamp("2015-12-31"))
    fresh.closes(STOCKS[10:40], FIRST, pd.Timestamp("2030-12-31"))
    after = fresh.closes(STOCKS[:20], FIRST, pd.Timestamp("2015-12-31"))
    assert_array_equal(before.close, after.close)
    assert_array_equal(before.adjusted, after.adjusted)
    pd.testing.assert_frame_equal(
        actions, fresh.actions(STOCKS[:20], FIRST, pd.Timestamp("2015-12-31")), check_exact=True
    )


def test_another_seed_is_another_market() -> None:
    assert (
        asked(1, ["AAPL"], "2014-03-03")["close"][1:] != asked(2, ["AAPL"], "2014-03-03")["close"][1:]
    ).all()
    assert stream(1, "AAPL", Purpose.NOISE).random() != stream(1, "AAPL", Purpose.BARS).random()


def test_a_stream_is_entered_anywhere() -> None:
    whole = uniforms(1, ["A", "B"], Purpose.BARS, (0, 50), 4)
    assert_array_equal(uniforms(1, ["B"], Purpose.BARS, (17, 29), 4)[:, 0], whole[17:29, 1])
    assert ((whole > 0) & (whole < 1)).all()


def test_numbers_are_these_on_every_machine(market: SimulatedMarket) -> None:
    assert stream(1, "AAPL", Purpose.NOISE).random() == 0.8522826218650663


def test_price_return_and_dividend_make_the_total_return(market: SimulatedMarket) -> None:
    closes = market.closes(STOCKS, FIRST, END)
    actions = market.actions(STOCKS, FIRST, END)
    at = closes.sessions.get_indexer(actions["date"]), pd.Index(STOCKS).get_indexer(actions["symbol"])
    is_split = (actions["kind"] == "split").to_numpy()
    ratio, cash = np.ones(closes.close.shape), np.zeros(closes.close.shape)
    ratio[at[0][is_split], at[1][is_split]] = actions["amount"].to_numpy()[is_split]
    cash[at[0][~is_split], at[1][~is_split]] = actions["amount"].to_numpy()[~is_split]
    total = (closes.close + cash)[1:] * ratio[1:] / closes.close[:-1]
    known = np.isfinite(total)
    assert known.mean() > 0.97
    assert_allclose(total[known], (closes.adjusted[1:] / closes.adjusted[:-1])[known], rtol=1e-11)
    first = np.isfinite(closes.close).argmax(axis=0), np.arange(len(STOCKS))
    assert_allclose(closes.adjusted[first], closes.close[first])


def test_splits_are_rare_and_follow_a_price_that_ran_away(market: SimulatedMarket) -> None:
    splits = market.actions(STOCKS, FIRST, END).query("kind == 'split'")
    assert 20 < len(splits) < 0.5 * len(STOCKS)
    assert set(splits["amount"]) <= {2.0, 3.0, 4.0, 5.0, 10.0}
    closes = market.closes(STOCKS, FIRST, END)
    at, column = closes.sessions.get_indexer(splits["date"]), pd.Index(STOCKS).get_indexer(splits["symbol"])
    before = closes.close[at - 1, column]
    limits = market.parameters(STOCKS).split_above[column]
    assert (before[np.isfinite(before)] >= limits[np.isfinite(before)] * (1 - 1e-12)).all()


def test_dividends_are_quarterly(market: SimulatedMarket) -> None:
    paid = market.actions(["SPY"], FIRST, END).query("kind == 'dividend'")
    assert len(paid) == 4 * 12
    assert paid["date"].dt.to_period("Q").is_unique
    close = market.closes(["SPY"], FIRST, END)
    before = close.close[close.sessions.get_indexer(paid["date"]) - 1, 0]
    assert_allclose(paid["amount"] / before, market.parameters(["SPY"]).dividend_yield[0] / 4)


def test_some_symbols_have_gaps_or_come_late_and_known_ones_do_not(market: SimulatedMarket) -> None:
    known = sorted(KNOWN)
    assert np.isfinite(market.closes(known, FIRST, END).close).all()
    drawn, closes = market.parameters(STOCKS), market.closes(STOCKS, FIRST, END).close
    assert 3 < drawn.gappy.sum() < 30
    assert 3 < (drawn.listed > 0).sum() < 35
    missing = np.isnan(closes)
    assert not missing[:, ~drawn.gappy & (drawn.listed == 0)].any()
    begun = np.arange(len(closes))[:, None] >= drawn.listed
    share = (missing & begun).sum(axis=0) / begun.sum(axis=0)
    assert (share[drawn.gappy] > 0).all()
    assert (share[~drawn.gappy] == 0).all()
    assert share.max() < 0.03


def test_bars_are_bars(market: SimulatedMarket) -> None:
    names = ["AAPL", "FCNTX", "VIX", "SPY", "S001"]
    made = bars(market, names, FIRST, END).fields
    inside = (
        np.minimum(made["open"], made["close"]) - made["low"],
        made["high"] - np.maximum(made["open"], made["close"]),
    )
    for column, name in enumerate(names):
        fund = name == "FCNTX"
        assert np.isnan(made["open"][:, column]).all() == fund
        assert np.isnan(made["volume"][:, column]).all() == (name in ("FCNTX", "VIX"))
        assert fund or all((part[:, column] >= 0).all() for part in inside)


def test_the_volatility_index_reverts_and_moves_against_the_market(market: SimulatedMarket) -> None:
    closes = market.closes(["VIX", "SPY"], FIRST, pd.Timestamp("2035-12-31")).adjusted
    level, moves = closes[:, 0], np.diff(np.log(closes), axis=0)
    assert 5 < level.min() < 12 < np.median(level) < 20 < level.max() < 90
    assert np.corrcoef(moves.T)[0, 1] < -0.4
    assert np.isnan(market.true_betas(["VIX"])["beta"]).all()


def test_factors_have_the_stated_moments(market: SimulatedMarket) -> None:
    factors = market.factors
    count = len(factors.sessions)
    assert_allclose(factors.styles[1:].std(axis=0) * np.sqrt(252), STYLE_VOLATILITY, rtol=0.05)
    assert_allclose(np.corrcoef(factors.styles[1:].T), STYLE_CORRELATION, atol=4 / np.sqrt(count))
    assert factors.rates[1:].std() == pytest.approx(YIELD_SHOCK, rel=0.05)
    assert abs(np.corrcoef(factors.rates, factors.market)[0, 1]) < 3 / np.sqrt(count)
    assert 0.12 < factors.market.std() * np.sqrt(252) < 0.20
    for percent in factors.yields.values():
        assert percent.min() > 0
        assert percent.max() < 8


def test_true_betas_of_stocks_are_draws_of_the_priors(market: SimulatedMarket) -> None:
    names = [f"N{number}" for number in range(2000)]
    betas = market.true_betas(names).pivot_table(index="symbol", columns="factor", values="beta")
    for factor, kind in (("market", "market"), ("momentum", "style"), ("rates", "rates")):
        mean, std = DEFAULT_PRIORS[kind]
        assert betas[factor].mean() == pytest.approx(mean, abs=4 * std / np.sqrt(len(names)))
        assert betas[factor].std() == pytest.approx(std, rel=0.07)


def test_nothing_exists_before_the_first_session(market: SimulatedMarket) -> None:
    assert market.closes(["AAPL"], pd.Timestamp("2013-01-02"), pd.Timestamp("2013-12-31")).close.shape == (
        0,
        1,
    )
    both = market.closes(["AAPL"], pd.Timestamp("2013-12-30"), pd.Timestamp("2014-01-03"))
    assert list(both.sessions) == [FIRST, pd.Timestamp("2014-01-03")]
