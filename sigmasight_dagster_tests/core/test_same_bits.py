"""One symbol's, date's or portfolio's result is the same to the last bit, whatever is computed with it.

A table is computed in batches of dates, and a date that is late or repaired is computed alone: what it says
must not depend on that. Random parts of one input give exactly what the whole gives.
"""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.correlation.pairwise import pairwise_correlations
from sigmasight_core.correlation.portfolios import (
    CorrelationConfig,
    CorrelationResult,
    portfolio_correlations,
)
from sigmasight_core.factors import collinearity, covariance, model, rates
from sigmasight_core.market.returns import realized_volatility
from sigmasight_core.reverse_stress.reverse_stress import reverse_stress
from sigmasight_dagster_tests.core.correlation.test_correlation import (
    SESSIONS,
    log_returns,
    position,
    tables,
)
from sigmasight_dagster_tests.core.correlation.test_correlation import SYMBOLS as HELD
from sigmasight_dagster_tests.core.factors.factor_inputs import SMALL, factor_moves, symbol_moves
from sigmasight_dagster_tests.core.stress.stress_inputs import DAY, Inputs, betas, scenario

COUNT = 200
FACTORS = factor_moves(COUNT)
FACTORS.iloc[:90, 2] = np.nan
FACTORS.iloc[150, 7] = np.nan
SYMBOLS = symbol_moves(FACTORS.fillna(0.0), 70)
GAPS = np.random.default_rng(3).random(SYMBOLS.shape) < 0.004
GAPS[:, ::3] = False
SYMBOLS = SYMBOLS.mask(GAPS)
SYMBOLS.iloc[:110, 7] = np.nan
SYMBOLS.iloc[:, 9] = np.nan
SYMBOLS.iloc[:, 11] = 0.0
SYMBOLS.iloc[120:125] = np.nan  # sessions that no symbol has
DATES = SYMBOLS.index[60:]
PARTS = range(8)


def part_of(names: pd.Index, seed: int) -> pd.Index:
    """One name, a few, or most of them, in order."""
    rng = np.random.default_rng(seed)
    size = [1, 2, 3, 17, len(names) // 2, len(names) - 1][seed % 6]
    return names[np.sort(rng.choice(len(names), min(size, len(names)), replace=False))]


def assert_same(whole: pd.DataFrame, part: pd.DataFrame, keys: list[str]) -> None:
    """The rows of `part` are rows of `whole`, bit for bit."""
    assert len(part)
    wanted = pd.MultiIndex.from_frame(part[keys].astype(dict.fromkeys(keys[1:], "str")))
    rows = whole.set_axis(pd.MultiIndex.from_frame(whole[keys].astype(dict.fromkeys(keys[1:], "str"))))
    expected = rows.loc[wanted].reset_index(drop=True)
    for column in part.columns:
        one, other = (frame[column].to_numpy() for frame in (part, expected))
        if one.dtype.kind == "f":
            np.testing.assert_array_equal(one.view(np.int64), other.view(np.int64), err_msg=column)
        else:
            assert (one == other).all(), column


def estimates(symbols: pd.DataFrame, dates: pd.DatetimeIndex) -> model.FactorEstimates:
    return model.estimate(SMALL, symbol_log_returns=symbols, factor_log_returns=FACTORS, dates=dates)


WHOLE = estimates(SYMBOLS, DATES)


@pytest.mark.parametrize("seed", PARTS)
def test_betas_and_state(seed: int) -> None:
    symbols, dates = part_of(SYMBOLS.columns, seed), part_of(DATES, seed + 1)
    found = estimates(SYMBOLS[symbols], pd.DatetimeIndex(dates))
    assert_same(WHOLE.betas, found.betas, ["date", "symbol", "factor"])
    assert_same(WHOLE.state, found.state, ["date", "factor"])


@pytest.mark.parametrize("seed", PARTS)
def test_betas_of_prices_that_end_at_the_date(seed: int) -> None:
    """Later prices, of symbols or factors, are no part of it."""
    end = int(SYMBOLS.index.get_loc(part_of(DATES, 6 * seed)[0]))
    found = model.estimate(
        SMALL,
        symbol_log_returns=SYMBOLS.iloc[: end + 1],
        factor_log_returns=FACTORS.iloc[: end + 1],
        dates=SYMBOLS.index[[end]],
    )
    assert_same(WHOLE.betas, found.betas, ["date", "symbol", "factor"])


def rate_rows(symbols: pd.DataFrame, dates: pd.DatetimeIndex) -> pd.DataFrame:
    yields = pd.DataFrame({"10Y": FACTORS["rates"].fillna(0.0).cumsum() + 4, "2Y": np.nan})
    return rates.rate_betas(
        symbol_log_returns=symbols,
        market_log_returns=FACTORS["market"],
        yields=yields,
        dates=dates,
        window=80,
        min_obs=30,
    )


@pytest.mark.parametrize("seed", PARTS)
def test_rate_betas(seed: int) -> None:
    symbols, dates = part_of(SYMBOLS.columns, seed), part_of(DATES, seed + 2)
    found = rate_rows(SYMBOLS[symbols], pd.DatetimeIndex(dates))
    assert_same(rate_rows(SYMBOLS, DATES), found, ["date", "symbol", "series"])


@pytest.mark.parametrize("seed", PARTS)
def test_covariance_and_collinearity_of_factors(seed: int) -> None:
    dates = pd.DatetimeIndex(part_of(DATES, seed))
    assert_same(
        covariance.factor_covariance(SMALL, FACTORS, DATES),
        covariance.factor_covariance(SMALL, FACTORS, dates),
        ["date", "factor_1", "factor_2"],
    )
    whole, part = (collinearity.factor_collinearity(SMALL, FACTORS, days) for days in (DATES, dates))
    assert_same(whole.correlations, part.correlations, ["date", "factor_1", "factor_2"])
    assert_same(whole.diagnostics, part.diagnostics, ["date"])


@pytest.mark.parametrize("seed", PARTS)
def test_realized_volatility(seed: int) -> None:
    symbols, dates = part_of(SYMBOLS.columns, seed), pd.DatetimeIndex(part_of(DATES, seed + 3))
    found = realized_volatility(SYMBOLS[symbols], dates)
    assert_same(realized_volatility(SYMBOLS, DATES), found, ["date", "symbol"])


@pytest.mark.parametrize("seed", PARTS)
def test_pairwise_correlations_of_dates(seed: int) -> None:
    values = SYMBOLS.to_numpy()
    ends = np.arange(60, COUNT)
    chosen = np.sort(np.random.default_rng(seed).choice(len(ends), [1, 2, 40][seed % 3], replace=False))
    whole, n_whole = pairwise_correlations(values, ends, 60, 20)
    part, n_part = pairwise_correlations(values, ends[chosen], 60, 20)
    np.testing.assert_array_equal(part.view(np.int64), whole[chosen].view(np.int64))
    np.testing.assert_array_equal(n_part, n_whole[chosen])


def correlation_rows(dates: pd.DatetimeIndex, portfolios: list[str], gaps: float) -> CorrelationResult:
    """Portfolios of one to twenty holdings, others every day."""
    rows = []
    for date, name in ((d, p) for d in dates for p in portfolios):
        rng = np.random.default_rng([ord(name[0]), date.dayofyear])
        held = rng.permutation(HELD)[: int(rng.integers(1, 21))]
        rows += [
            position(symbol, float(rng.normal(0, 5e4)), portfolio=name, date=date) for symbol in sorted(held)
        ]
    values, greeks = tables(rows)
    return portfolio_correlations(
        CorrelationConfig(min_exposure_usd=0, min_weight=0),
        position_values=values,
        position_greeks=greeks,
        log_returns=log_returns(gaps),
        dates=dates,
        portfolios=portfolios,
    )


@pytest.mark.parametrize("gaps", [0.0, 0.002, 0.1])
def test_correlations_of_portfolios(gaps: float) -> None:
    names = list("abcdefg")
    days = SESSIONS[-12:]
    whole = correlation_rows(days, names, gaps)
    for dates, portfolios in (
        (days[[-1]], ["c"]),
        (days[[2, 5]], ["a", "b", "g"]),
        (days[[0]], names),
        (days, ["f"]),
    ):
        part = correlation_rows(dates, portfolios, gaps)
        assert_same(whole.correlations, part.correlations, ["date", "portfolio", "symbol_1", "symbol_2"])
        assert_same(whole.summary, part.summary, ["date", "portfolio"])
        assert_same(whole.clusters, part.clusters, ["date", "portfolio", "symbol"])


def books(names: str) -> Inputs:
    """Portfolios of stocks and options, each with symbols of its own and of the others."""
    inputs = Inputs(partitions=[(DAY, name) for name in names])
    for name in names:
        rng = np.random.default_rng(ord(name))
        for symbol in rng.permutation([f"S{n:02d}" for n in range(30)])[: int(rng.integers(1, 25))]:
            inputs.betas[symbol] = betas(*np.random.default_rng(int(symbol[1:])).normal([1, 0, 0, 0], 0.4))
            inputs.hold(symbol, float(rng.integers(-99, 99)), 50.0, portfolio=name)
            if rng.random() < 0.3:
                strike = float(rng.integers(40, 60))
                inputs.hold_option(symbol, 3, 50.0, strike, 45, 0.3, is_call=True, portfolio=name)
    inputs.betas = dict(sorted(inputs.betas.items()))
    for row in inputs.rows:
        row["position_id"] = f"{row['symbol']}@2022-01-03"
    return inputs


SCENARIOS = [
    scenario("crash", market=-35.0),
    scenario("rotation", value=20.0, growth=-10.0),
    scenario("rates", category="rates", rates=100.0),
]


@pytest.mark.parametrize("names", ["a", "b", "c", "bd", "aefg", "bcdefg"])
def test_stress(names: str) -> None:
    whole, part = books("abcdefg").run(*SCENARIOS), books(names).run(*SCENARIOS)
    assert_same(whole.results, part.results, ["date", "portfolio", "scenario"])
    assert_same(whole.positions, part.positions, ["date", "portfolio", "position_id", "scenario"])


def reverse_rows(names: str) -> pd.DataFrame:
    frames = books(names).frames()
    totals = frames["partitions"].assign(total_value=3e5)
    return reverse_stress(total_values=totals, loss_percents=[5.0, 10.0], **frames)


@pytest.mark.parametrize("names", [*"abcdefg", "bd", "acf", "bcdefg"])
def test_reverse_stress(names: str) -> None:
    keys = ["date", "portfolio", "loss_percent", "factor"]
    assert_same(reverse_rows("abcdefg"), reverse_rows(names), keys)
