"""Backtests against published tables and examples, loops over sessions, and real prices."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vartests
from scipy.stats import binom, chi2

import sigmasight_dagster
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.historical_simulation import simulated_risk
from sigmasight_core.risk.past_sessions import past_breaches
from sigmasight_core.risk.portfolio_backtest import var_backtests
from sigmasight_core.risk.revaluation import Options
from sigmasight_core.risk.var_backtest import (
    Breaches,
    backtest,
    independence_ratio,
    kupiec_ratio,
    traffic_zone,
)
from sigmasight_core.tables import VarBacktests, validate
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    DAYS_TO_NEXT,
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


def linear_frames(dates: pd.DatetimeIndex, symbols: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """1 dollar of each symbol on every date."""
    rows = pd.MultiIndex.from_product([dates, symbols], names=["date", "symbol"]).to_frame(index=False)
    rows = rows.assign(portfolio="basket", position_id=rows["symbol"], underlying=rows["symbol"])
    values = rows.assign(position_type="LONG", multiplier=1, quantity=1.0, exposure=1.0)
    empty = ["strike", "implied_volatility", "risk_free_rate", "dividend_yield"]
    greeks = rows.assign(underlying_price=1.0, delta_exposure=1.0, **dict.fromkeys(empty, np.nan))
    greeks["days_to_expiry"] = pd.array([pd.NA] * len(rows), dtype="Int64")
    return values, greeks


@pytest.fixture(scope="module")
def basket(stocks: pd.DataFrame) -> Breaches:
    """The product's own path for the equal-weight basket on every date since 2016, against the next day."""
    dates = stocks.index[520:-1]
    values, greeks = linear_frames(dates, stocks.columns)
    book = RiskBook.of(values[["date", "portfolio"]], values, greeks)
    losses = simulated_risk(book, ReturnPanel.of(stocks, book.symbols)).value_at_risk
    realised = np.expm1(stocks).sum(axis=1).shift(-1).loc[dates].to_numpy()
    breached = realised[:, None] < -losses
    return Breaches(np.ones((1, len(dates)), bool), breached.T[None])


def test_the_headline_value_at_risk_of_the_basket_passes(stocks: pd.DataFrame, basket: Breaches) -> None:
    """2016-2022 at both levels: the number of breaches, and together with their independence.

    Independence alone is 0.03 at 99%: 22 breaches, of which some are next to each other in 2020.
    """
    result = backtest(basket)
    assert len(stocks.columns) == 20
    assert result.n_obs[0] > 1700
    for p_values in (result.kupiec, result.conditional_coverage):
        assert (p_values[0] > 0.05).all()
    assert (result.zone[0] < 2).all()


def test_the_basket_is_never_in_the_red_zone(basket: Breaches) -> None:
    most = [pd.Series(row).rolling(250).sum().max() for row in basket.breached[0]]
    assert (traffic_zone(np.array(most), 250, np.array([0.05, 0.01])) < 2).all()


@pytest.mark.parametrize(("breaches", "n_obs"), [(0, 252), (1, 252), (7, 250), (30, 1000), (252, 252)])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_kupiec_is_that_of_vartests(breaches: int, n_obs: int, level: float) -> None:
    expected = vartests.kupiec_test(x=breaches, n=n_obs, risk_conf_level=level)
    ratio = kupiec_ratio(breaches, n_obs, 1 - level)
    assert ratio == pytest.approx(expected["statistic"], rel=1e-10)
    assert chi2.sf(ratio, 1) == pytest.approx(expected["p-value"], rel=1e-10)


def naive_breaches(holdings: Holdings, returns: pd.DataFrame, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Breaches (2, count) of today's book by a loop over its last sessions, and which were tested."""
    end, hits, tested = len(returns), np.zeros((2, count), bool), np.zeros(count, bool)
    values = {name: returns[name].to_numpy() for name in returns}
    sigma = {
        name: np.array([naive_volatility(column[:t]) for t in range(end + 1)])
        for name, column in values.items()
    }

    def gain(row: dict[str, Any], move: Any, growth: Any) -> Any:
        if row["position_type"] in ("LONG", "SHORT"):
            return row["exposure"] * np.expm1(move)
        spot, strike, days = row["underlying_price"], row["strike"], row["days_to_expiry"]
        terms = (row["risk_free_rate"], row["dividend_yield"])
        call = row["position_type"][1] == "C"
        now = option_price(spot, strike, days / 365, *terms, row["implied_volatility"], call)
        left = (days - DAYS_TO_NEXT) / 365
        moved = option_price(
            spot * np.exp(move), strike, left, *terms, row["implied_volatility"] * growth, call
        )
        return 100 * row["quantity"] * (moved - now)

    for place, session in enumerate(range(end - count, end)):
        past = np.arange(session - 504, session)
        simulated, came = np.zeros(504), 0.0
        for row in holdings.rows:
            column, forecast = values[row["underlying"]], sigma[row["underlying"]]
            growth = forecast[1:] / forecast[:-1]
            simulated += gain(row, column[past] / forecast[past] * forecast[session], growth[past])
            came += float(gain(row, column[session], growth[session]))
        known = np.sort(simulated[np.isfinite(simulated)])
        tested[place] = np.isfinite(came) and len(known) >= 252
        for level, tail in enumerate((0.05, 0.01)):
            hits[level, place] = tested[place] and came < known[int(np.ceil(round(len(known) * tail, 9))) - 1]
    return hits, tested


@pytest.mark.parametrize("gaps", [(), (900, 901, 1090, *range(600, 650))])
def test_todays_book_is_tested_by_a_loop_over_past_sessions(gaps: tuple[int, ...]) -> None:
    returns = history("A", "B", "C", seed=3)
    returns.iloc[list(gaps), 1] = np.nan
    book = mixed().book()
    used = np.arange(len(book.rows))
    found = past_breaches(book, used, panel(book, returns))
    hits, tested = naive_breaches(mixed(), returns, 252)
    np.testing.assert_array_equal(found.tested[0], tested)
    np.testing.assert_array_equal(found.breached[0], hits)
    assert hits.sum() > 5
    rows = validate(VarBacktests, var_backtests(book, panel(book, returns)))
    expected = backtest(Breaches(tested[None], hits[None]))
    np.testing.assert_array_equal(rows["breaches"], expected.breaches[0])
    np.testing.assert_allclose(rows["kupiec_p_value"], expected.kupiec[0], rtol=1e-12)
    np.testing.assert_allclose(rows["christoffersen_p_value"], expected.conditional_coverage[0], rtol=1e-12)
    assert list(rows["confidence"]) == ["95", "99"]
    assert (rows["status"] == "ok").all()


def test_a_session_is_judged_by_what_came_before_it_only() -> None:
    returns = history("A", "B", "C")
    book = mixed().book()
    used = np.arange(len(book.rows))
    earlier = past_breaches(book, used, panel(book, returns))
    returns.iloc[-1] = -10.0
    later = past_breaches(book, used, panel(book, returns))
    np.testing.assert_array_equal(earlier.breached[..., :-1], later.breached[..., :-1])


def test_a_crash_of_today_breaches_the_value_at_risk_of_yesterday() -> None:
    returns = history("A")
    returns.iloc[-1] = -1.0
    book = Holdings().hold("A", 100, 50.0).book()
    assert past_breaches(book, np.array([0]), panel(book, returns)).breached[0, :, -1].all()


def test_breaches_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = history("A", "B", "C")
    days = SESSIONS[[-30, -1]]
    book = Holdings([row for day in days for row in mixed(date=day).rows]).book()
    used = np.arange(len(book.rows))
    expected = past_breaches(book, used, panel(book, returns))
    monkeypatch.setattr("sigmasight_core.risk.past_sessions.CELLS", 20_000)
    found = past_breaches(book, used, panel(book, returns))
    np.testing.assert_array_equal(found.tested, expected.tested)
    np.testing.assert_array_equal(found.breached, expected.breached)


def test_the_headline_of_today_is_that_which_tomorrow_is_tested_by() -> None:
    """What `simulated_risk` says at the close before is what the backtest holds against the session."""
    returns = history("A", "B", "C")
    book = mixed().book()
    yesterday = mixed(date=SESSIONS[-2])
    var = simulated_risk(yesterday.book(), panel(yesterday.book(), returns)).value_at_risk[0]
    last = panel(book, returns)
    hits = past_breaches(book, np.arange(len(book.rows)), last).breached[0, :, -1]
    came = -simulated_loss(book, returns)
    np.testing.assert_array_equal(hits, came < -var)


def simulated_loss(book: RiskBook, returns: pd.DataFrame) -> float:
    """Loss of a book over the last session, revalued position by position."""
    total = 0.0
    now = ReturnPanel.of(returns, book.symbols)
    for place, row in enumerate(book.rows.itertuples()):
        symbol = book.symbol[place]
        move = np.expm1(now.returns[symbol, -1])
        if not book.is_option[place]:
            total -= row.exposure * move
            continue
        options = Options.of(book, np.array([place]))
        growth = now.growth[symbol, -1]
        total -= float(options.pnl(np.array([0]), np.array([[np.log1p(move)]]), np.array([[growth]]))[0, 0])
    return total


def test_a_book_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Holdings().hold("A", 10, 50.0).book()
    returns = history("A")
    tame = returns.copy()
    # Crashes that come out of nowhere: ten times as many as 1%.
    tame.iloc[-252::10] = -0.2
    rows = validate(VarBacktests, var_backtests(book, panel(book, tame))).set_index("confidence")
    assert rows.loc["99", "verdict"] == "too many breaches"
    assert rows.loc["99", "kupiec_p_value"] < 0.05
    calm = returns.copy()
    calm.iloc[-252:] *= 0.999 ** np.arange(252)[:, None] ** 1.5
    rows = validate(VarBacktests, var_backtests(book, panel(book, calm))).set_index("confidence")
    assert rows.loc["95", "verdict"] == "too few breaches"
    assert validate(VarBacktests, var_backtests(book, panel(book, returns)))["verdict"].eq("passes").all()


def test_dates_and_portfolios_in_one_call_equal_each_alone() -> None:
    returns, days = history("A", "B", "C"), SESSIONS[[-30, -1]]
    together = Holdings([row for day in days for row in mixed(date=day).rows])
    together.hold("B", -5, 90.0, portfolio="short")
    book = together.book()
    rows = var_backtests(book, panel(book, returns)).set_index(["date", "portfolio"])
    for day in days:
        alone = mixed(date=day).book()
        one = var_backtests(alone, panel(alone, returns.loc[:day])).set_index(["date", "portfolio"])
        pd.testing.assert_frame_equal(rows.loc[[(day, "book")]], one, check_exact=True)


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
    assert (rows["verdict"] == "not tested").all()
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
