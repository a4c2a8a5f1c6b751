"""Backtests against published tables and examples, loops over sessions, and real prices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2

import sigmasight_dagster
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.historical_simulation import simulated_risk
from sigmasight_core.risk.portfolio_backtest import var_backtests
from sigmasight_core.risk.var_backtest import (
    BacktestStatistics,
    Breaches,
    backtest,
    independence_ratio,
    kupiec_ratio,
    rolling_breaches,
    traffic_zone,
)
from sigmasight_core.tables import VarBacktests, validate
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    SESSIONS,
    Holdings,
    history,
    mixed,
    naive_volatility,
    panel,
)

PACKAGE = Path(sigmasight_dagster.__file__).parent
CRITICAL_95 = 3.841458820694124
"""95% quantile of chi-squared with 1 degree of freedom."""


@pytest.mark.parametrize(
    ("tail", "n_obs", "low", "high"),
    [
        (0.01, 255, None, 7), (0.01, 510, 1, 11), (0.01, 1000, 4, 17),
        (0.025, 255, 2, 12), (0.025, 510, 6, 21), (0.025, 1000, 15, 36),
        (0.05, 255, 6, 21), (0.05, 510, 16, 36), (0.05, 1000, 37, 65),
        (0.075, 255, 11, 28), (0.075, 510, 27, 51), (0.075, 1000, 59, 92),
        (0.1, 255, 16, 36), (0.1, 510, 38, 65), (0.1, 1000, 81, 120),
    ],
)  # fmt: skip
def test_non_rejection_regions_of_kupiec(tail: float, n_obs: int, low: int | None, high: int) -> None:
    """Kupiec (1995), as printed in Jorion, Value at Risk: low < N < high is not rejected at 95%.

    Where the table prints no lower bound, the ratio itself rejects N = 0 alone (2 x 255 x 0.01005 = 5.13).
    """
    breaches = np.arange(n_obs // 2)
    accepted = breaches[kupiec_ratio(breaches, n_obs, tail) < CRITICAL_95]
    assert accepted[0] == (1 if low is None else low + 1)
    assert accepted[-1] == high - 1


def test_the_worked_example_of_jorion() -> None:
    """JP Morgan 1998 (Jorion, Value at Risk, 3rd edition, 6.2): LR_uc 3.91, LR_ind 9.53."""
    assert kupiec_ratio(20, 252, 0.05) == pytest.approx(3.91, abs=0.005)
    assert independence_ratio(218, 14, 14, 6) == pytest.approx(9.53, abs=0.005)


def test_basel_zones_of_250_sessions() -> None:
    """Basel Committee (1996), table 2: green 0-4, yellow 5-9, red from 10."""
    zones = traffic_zone(np.arange(15), 250, 0.01)
    np.testing.assert_array_equal(zones, [0] * 5 + [1] * 5 + [2] * 5)


def test_zones_at_95_percent_are_those_of_the_binomial() -> None:
    breaches = np.arange(60)
    cumulative = binom.cdf(breaches, 250, 0.05)
    expected = (cumulative >= 0.95).astype(int) + (cumulative >= 0.9999)
    np.testing.assert_array_equal(traffic_zone(breaches, 250, 0.05), expected)


def test_no_breach_and_only_breaches_have_defined_ratios() -> None:
    assert kupiec_ratio(0, 252, 0.01) == pytest.approx(-2 * 252 * np.log(0.99))
    assert kupiec_ratio(252, 252, 0.01) == pytest.approx(-2 * 252 * np.log(0.01))
    assert kupiec_ratio(0, 0, 0.01) == 0
    assert independence_ratio(251, 0, 0, 0) == 0
    assert independence_ratio(0, 0, 0, 251) == 0


def outcome(breached: list[int], tested: list[int] | None = None) -> Breaches:
    hits = np.array([[breached]], dtype=bool)
    known = np.ones(hits.shape[2], bool) if tested is None else np.array(tested, bool)
    return Breaches(known[None, :], hits)


def test_tests_of_a_series_in_full() -> None:
    hits = np.random.default_rng(5).random(300) < 0.04
    result = backtest(outcome(hits.tolist()), (0.95,))
    n, k = 300, int(hits.sum())
    before, after = hits[:-1], hits[1:]
    counts = {(a, b): int(((before == a) & (after == b)).sum()) for a in (0, 1) for b in (0, 1)}
    likelihood = {
        "claimed": (n - k) * np.log(0.95) + k * np.log(0.05),
        "found": (n - k) * np.log(1 - k / n) + k * np.log(k / n),
    }
    ratio = 2 * (likelihood["found"] - likelihood["claimed"])
    p01, p11 = (counts[a, 1] / (counts[a, 0] + counts[a, 1]) for a in (0, 1))
    p = after.sum() / len(after)
    chain = sum(
        count * np.log([1 - q, q][b]) for (a, b), count in counts.items() for q in [(p01, p11)[a]] if count
    )
    flat = (len(after) - after.sum()) * np.log(1 - p) + after.sum() * np.log(p)
    assert result.breaches[0, 0] == k
    assert result.expected[0, 0] == pytest.approx(15.0)
    assert result.kupiec[0, 0] == pytest.approx(chi2.sf(ratio, 1), rel=1e-10)
    assert result.independence[0, 0] == pytest.approx(chi2.sf(2 * (chain - flat), 1), rel=1e-10)
    assert result.conditional_coverage[0, 0] == pytest.approx(
        chi2.sf(ratio + 2 * (chain - flat), 2), rel=1e-10
    )


def test_the_traffic_light_looks_at_the_last_250_tested_sessions() -> None:
    hits = [1] * 30 + [0] * 250
    assert backtest(outcome(hits), (0.99,)).zone[0, 0] == 0
    assert backtest(outcome(hits[::-1]), (0.99,)).zone[0, 0] == 2


def test_untested_sessions_are_no_neighbours() -> None:
    with_gap = backtest(outcome([1, 0, 1] * 40, [1, 0, 1] * 40), (0.95,))
    assert with_gap.n_obs[0] == 80
    assert with_gap.breaches[0, 0] == 80


def test_nothing_tested_has_no_p_value() -> None:
    result = backtest(outcome([0] * 10, [0] * 10), (0.95,))
    assert result.n_obs[0] == 0
    assert np.isnan([result.kupiec, result.independence, result.conditional_coverage]).all()


@pytest.mark.parametrize("gaps", [(), (900, 901, 1090, *range(600, 650))])
def test_breaches_equal_a_loop_over_sessions(gaps: tuple[int, ...]) -> None:
    returns = history("A").to_numpy(copy=True)[:, 0]
    returns[list(gaps)] = np.nan
    result = rolling_breaches(returns[None, :], (0.95, 0.99))
    length = len(returns)
    scaled = np.array([returns[t] / naive_volatility(returns[:t]) for t in range(length)])
    for place, t in enumerate(range(length - 252, length)):
        window = scaled[t - 504 : t]
        window = np.sort(window[np.isfinite(window)])
        assert result.tested[0, place] == np.isfinite(returns[t])
        for level, tail in enumerate((0.05, 0.01)):
            var = -naive_volatility(returns[:t]) * window[int(np.ceil(round(len(window) * tail, 9))) - 1]
            assert result.breached[0, level, place] == (returns[t] < -var)


def test_a_session_is_judged_by_what_came_before_it_only() -> None:
    returns = history("A").to_numpy(copy=True).T
    before = rolling_breaches(returns)
    returns[0, -1] = -10.0
    after = rolling_breaches(returns)
    np.testing.assert_array_equal(before.breached[..., :-1], after.breached[..., :-1])
    assert after.breached[0, :, -1].all()


def test_breaches_do_not_depend_on_scale_or_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = history("A", "B", "C").to_numpy().T
    expected = rolling_breaches(returns)
    np.testing.assert_array_equal(rolling_breaches(returns * 4).breached, expected.breached)
    monkeypatch.setattr("sigmasight_core.risk.var_backtest._CELLS", 1)
    np.testing.assert_array_equal(rolling_breaches(returns).breached, expected.breached)


def test_too_few_scenarios_are_not_tested() -> None:
    returns = history("A", count=300).to_numpy().T
    assert rolling_breaches(returns).tested.sum() == 300 - 20 - 252


def sample_stocks() -> pd.DataFrame:
    """Log returns of the 20 stocks of the sample, 2014-2022."""
    prices = pd.read_parquet(PACKAGE / "providers/sample_data/prices.parquet").set_index("date")
    securities = pd.read_csv(PACKAGE / "providers/sample_data/securities.csv")
    stocks = securities.loc[securities["security_type"] == "stock", "symbol"]
    moves = np.log(prices[list(stocks)]).diff().iloc[1:]
    moves.index = pd.DatetimeIndex(moves.index)
    return moves


@pytest.fixture(scope="module")
def stocks() -> pd.DataFrame:
    return sample_stocks()


def basket_tests(stocks: pd.DataFrame, min_scenarios: int) -> BacktestStatistics:
    """Backtest of the equal-weight basket, rebalanced daily, over every session that can be tested."""
    basket = np.expm1(stocks.to_numpy()).mean(axis=1)[None, :]
    return backtest(rolling_breaches(basket, tested=2013, min_scenarios=min_scenarios))


def test_the_equal_weight_basket_passes_at_both_levels(stocks: pd.DataFrame) -> None:
    """2016-2022 with 504 scenarios: number of breaches, independence and both together."""
    result = basket_tests(stocks, 504)
    assert len(stocks.columns) == 20
    assert result.n_obs[0] > 1700
    for p_values in (result.kupiec, result.independence, result.conditional_coverage):
        assert (p_values[0] > 0.05).all()


def test_the_basket_passes_from_2015_on_with_the_scenarios_that_there_are(stocks: pd.DataFrame) -> None:
    """From 252 scenarios on: 1,991 sessions pass Kupiec and conditional coverage."""
    result = basket_tests(stocks, 252)
    assert result.n_obs[0] > 1950
    for p_values in (result.kupiec, result.conditional_coverage):
        assert (p_values[0] > 0.05).all()


def test_the_basket_is_never_in_the_red_zone(stocks: pd.DataFrame) -> None:
    basket = np.expm1(stocks.to_numpy()).mean(axis=1)[None, :]
    breached = rolling_breaches(basket, tested=2013).breached[0]
    most = [pd.Series(row).rolling(250).sum().max() for row in breached]
    assert (traffic_zone(np.array(most), 250, np.array([0.05, 0.01])) < 2).all()


def test_the_headline_value_at_risk_of_the_basket_passes_kupiec(stocks: pd.DataFrame) -> None:
    """The product's own path, symbol by symbol, for a book of 1 dollar a stock on every date since 2016."""
    dates = stocks.index[520:-1]
    symbols = stocks.columns
    rows = pd.MultiIndex.from_product([dates, symbols], names=["date", "symbol"]).to_frame(index=False)
    rows = rows.assign(portfolio="basket", position_id=rows["symbol"], underlying=rows["symbol"])
    values = rows.assign(position_type="LONG", multiplier=1, quantity=1.0, exposure=1.0)
    empty = ["strike", "implied_volatility", "risk_free_rate", "dividend_yield"]
    greeks = rows.assign(underlying_price=1.0, delta_exposure=1.0, **dict.fromkeys(empty, np.nan))
    greeks["days_to_expiry"] = pd.array([pd.NA] * len(rows), dtype="Int64")
    from sigmasight_core.risk.book import RiskBook

    book = RiskBook.of(values[["date", "portfolio"]], values, greeks)
    losses = simulated_risk(book, ReturnPanel.of(stocks, book.symbols)).value_at_risk
    realised = np.expm1(stocks).sum(axis=1).shift(-1).loc[dates].to_numpy()
    breached = realised[:, None] < -losses
    result = backtest(Breaches(np.ones((1, len(dates)), bool), breached.T[None]))
    assert (result.kupiec[0] > 0.05).all()
    assert (result.zone[0] < 2).all()


def test_a_portfolio_is_tested_on_its_past_at_todays_deltas() -> None:
    returns = history("A", "B", "C")
    book = mixed().book()
    rows = validate(VarBacktests, var_backtests(book, panel(book, returns)))
    pnl = sum(
        row["delta_exposure"] * np.expm1(returns[row["underlying"]].to_numpy()[-1008:])
        for row in mixed().rows
    )
    expected = backtest(rolling_breaches(pnl[None, :]))
    np.testing.assert_array_equal(rows["breaches"], expected.breaches[0])
    np.testing.assert_allclose(rows["kupiec_p_value"], expected.kupiec[0], rtol=1e-12)
    np.testing.assert_allclose(rows["christoffersen_p_value"], expected.conditional_coverage[0], rtol=1e-12)
    assert list(rows["confidence"]) == ["95", "99"]
    assert (rows["status"] == "ok").all()
    assert (rows["n_obs"] == 252).all()


def test_dates_and_portfolios_in_one_call_equal_each_alone() -> None:
    returns, days = history("A", "B", "C"), SESSIONS[[-30, -1]]
    together = Holdings([row for day in days for row in mixed(date=day).rows])
    together.hold("B", -5, 90.0, portfolio="short")
    book = together.book()
    rows = var_backtests(book, panel(book, returns)).set_index(["date", "portfolio"])
    for day in days:
        alone = mixed(date=day).book()
        one = var_backtests(alone, panel(alone, returns.loc[:day])).set_index(["date", "portfolio"])
        pd.testing.assert_frame_equal(rows.loc[[(day, "book")]], one, rtol=1e-12)


def test_a_short_history_is_left_out_of_the_backtest_and_named() -> None:
    returns = history("A", "B", "C")
    returns.iloc[:-300, 2] = np.nan
    book = mixed().book()
    rows = validate(VarBacktests, var_backtests(book, panel(book, returns)))
    assert (rows["status"] == "partial: fewer than 372 returns for C").all()
    assert (rows["n_obs"] == 252).all()


def test_young_books_and_empty_ones_say_why_there_is_no_backtest() -> None:
    returns = history("A")
    returns.iloc[:-371] = np.nan
    book = Holdings().hold("A", 10, 50.0).book((DAY, "book"), (DAY, "empty"))
    rows = validate(VarBacktests, var_backtests(book, panel(book, returns))).set_index("portfolio")
    assert rows.loc["book", "status"].str.startswith("unavailable: fewer than 372 returns for A").all()
    assert (rows.loc["empty", "status"] == "nothing is held").all()
    assert (rows["traffic_light"] == "unavailable").all()
    assert (rows["n_obs"] == 0).all()
    assert rows[["breaches", "kupiec_p_value"]].isna().all(axis=None)


def test_gaps_on_different_sessions_leave_too_few_to_test() -> None:
    returns = history("A", "B")
    returns.iloc[::3, 0] = np.nan
    returns.iloc[1::3, 1] = np.nan
    book = Holdings().hold("A", 10, 50.0).hold("B", 10, 50.0).book()
    rows = validate(VarBacktests, var_backtests(book, panel(book, returns)))
    n_obs = rows["n_obs"].unique().item()
    assert 0 <= n_obs < 100
    assert (rows["status"] == f"insufficient: {n_obs} of 100 tested sessions").all()
    assert rows["kupiec_p_value"].isna().all()
