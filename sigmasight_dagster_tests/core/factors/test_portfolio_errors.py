"""Standard errors of portfolio betas: the portfolio's own regression, one symbol, and true betas."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from sigmasight_core.factors import model
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.exposures import factor_exposures, position_factor_exposures
from sigmasight_core.factors.portfolio_errors import exposure_std_errors
from sigmasight_core.market import returns
from sigmasight_core.simulated.catalogue import KNOWN, PROXIES
from sigmasight_core.simulated.market import simulated_market
from sigmasight_core.tables import FactorExposures, validate
from sigmasight_dagster_tests.core.factors.factor_inputs import (
    CONFIG,
    IDS,
    factor_moves,
    reference,
    state,
    symbol_moves,
)

FLAT = replace(CONFIG, factors=tuple(replace(factor, prior_std=1e6) for factor in CONFIG.factors))
FACTORS = factor_moves(400)
SYMBOLS = symbol_moves(FACTORS, 12)
SYMBOLS = SYMBOLS.add(np.random.default_rng(5).normal(0, 0.01, len(SYMBOLS)), axis=0)
"""Residuals of all symbols have a part in common."""


def holdings(weights: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Values and Greeks of weights (date x portfolio, symbols), and the portfolios, of total value 1."""
    long = weights.stack().dropna().rename("delta_exposure").reset_index()  # noqa: PD013
    long = long.rename(columns={long.columns[2]: "underlying"})
    long = long.assign(position_id=long["underlying"] + "@2014-01-02", status="linear")
    portfolios = weights.index.to_frame(index=False).assign(total_value=1.0)
    return long, long, portfolios


def exposures_of(
    config: FactorModelConfig, weights: pd.DataFrame, symbols: pd.DataFrame, factors: pd.DataFrame
) -> pd.DataFrame:
    """Rows of factor_exposures of portfolios at weights, with their standard errors."""
    values, greeks, portfolios = holdings(weights)
    dates = pd.DatetimeIndex(portfolios["date"].unique())
    betas = model.estimate(config, symbol_log_returns=symbols, factor_log_returns=factors, dates=dates).betas
    errors = exposure_std_errors(
        config,
        position_values=values,
        position_greeks=greeks,
        betas=betas,
        portfolios=portfolios,
        symbol_log_returns=symbols,
        factor_log_returns=factors,
    )
    rows = factor_exposures(
        position_exposures=position_factor_exposures(
            position_values=values, position_greeks=greeks, betas=betas, factor_ids=config.factor_ids
        ),
        total_values=portfolios,
        factor_ids=config.factor_ids,
        std_errors=errors,
    )
    validate(FactorExposures, rows)
    return rows


def weights_of(*rows: dict[str, float], dates: list[pd.Timestamp] | None = None) -> pd.DataFrame:
    """Weights of portfolios p0, p1, ... at the last session."""
    index = pd.MultiIndex.from_product(
        [dates or [SYMBOLS.index[-1]], [f"p{number}" for number in range(len(rows))]],
        names=["date", "portfolio"],
    )
    return pd.DataFrame([dict(row) for _ in range(len(index) // len(rows)) for row in rows], index=index)


def own_return(weights: dict[str, float]) -> np.ndarray:
    return (SYMBOLS.iloc[-252:][list(weights)] @ np.array(list(weights.values()))).to_numpy()


BOOKS = [
    {"S0": 0.25, "S1": 0.25, "S2": 0.5},
    {"S3": 1.5, "S4": -0.7, "S5": 0.01},
    dict.fromkeys(SYMBOLS.columns, 1 / 12),
]


def test_without_shrinkage_it_is_the_error_of_the_portfolios_own_regression() -> None:
    rows = exposures_of(FLAT, weights_of(*BOOKS), SYMBOLS, FACTORS).set_index(["portfolio", "factor"])
    moves = FACTORS.iloc[-252:].to_numpy()
    for number, book in enumerate(BOOKS):
        y = own_return(book)
        fit = sm.OLS(y, sm.add_constant(state(moves, FLAT))).fit()
        found = rows.loc[f"p{number}"]["std_error"]
        np.testing.assert_allclose(found[list(IDS[1:])], fit.bse[2:], rtol=1e-8)
        np.testing.assert_allclose(found, reference(y, moves, FLAT).std_error, rtol=1e-8)
        alone = sm.OLS(y, sm.add_constant(moves[:, 0])).fit()
        assert found["market"] == pytest.approx(alone.bse[1], rel=0.04)


def test_with_shrinkage_it_is_near_the_portfolios_own_regression() -> None:
    rows = exposures_of(CONFIG, weights_of(*BOOKS), SYMBOLS, FACTORS).set_index(["portfolio", "factor"])
    moves = FACTORS.iloc[-252:].to_numpy()
    for number, book in enumerate(BOOKS):
        expected = reference(own_return(book), moves, FLAT).std_error
        found = rows.loc[f"p{number}"]["std_error"].to_numpy()
        assert (found < 1.1 * expected).all()
        np.testing.assert_allclose(found[[0, -1]], expected[[0, -1]], rtol=0.1)


def test_one_symbol_has_the_error_of_its_beta_whatever_its_sign_and_lots() -> None:
    gappy = SYMBOLS.copy()
    gappy.iloc[-200:-20:3, 1] = np.nan
    gappy["S2"] = np.log1p(-3 * np.expm1(FACTORS["market"])) + 0.1 * SYMBOLS["S2"]  # beyond the prior
    books = [{"S0": 1.0}, {"S1": -0.4}, {"S2": 2.0}]
    rows = exposures_of(CONFIG, weights_of(*books), gappy, FACTORS)
    betas = model.estimate(
        CONFIG, symbol_log_returns=gappy, factor_log_returns=FACTORS, dates=gappy.index[-1:]
    ).betas.set_index("symbol")
    for number, book in enumerate(books):
        ((symbol, weight),) = book.items()
        found = rows[rows["portfolio"] == f"p{number}"]["std_error"]
        np.testing.assert_allclose(found, abs(weight) * betas.loc[symbol, "std_error"], rtol=1e-9)


def test_a_symbol_without_betas_and_an_empty_portfolio() -> None:
    short = SYMBOLS.assign(NEW=np.nan)
    rows = exposures_of(
        CONFIG, weights_of({"S0": 0.5, "NEW": 0.5}, {"S0": 0.5}, {"NEW": 1.0}), short, FACTORS
    ).set_index(["portfolio", "factor"])["std_error"]
    np.testing.assert_array_equal(rows["p0"], rows["p1"])
    assert rows["p2"].isna().all()


def test_without_total_value_there_is_none() -> None:
    values, greeks, portfolios = holdings(weights_of({"S0": 1.0}))
    rows = factor_exposures(
        position_exposures=position_factor_exposures(
            position_values=values,
            position_greeks=greeks,
            betas=model.estimate(
                CONFIG, symbol_log_returns=SYMBOLS, factor_log_returns=FACTORS, dates=SYMBOLS.index[-1:]
            ).betas,
            factor_ids=CONFIG.factor_ids,
        ),
        total_values=portfolios.assign(total_value=-1.0),
        factor_ids=CONFIG.factor_ids,
        std_errors=np.ones((1, len(IDS))),
    )
    assert rows["std_error"].isna().all()


def books_of(rng: np.random.Generator, stocks: list[str]) -> list[dict[str, float]]:
    """Ten stocks, fifty, a long-short book, stocks and bonds, and a few of the names that people hold."""
    ten, fifty, longs, shorts, funds = (rng.permutation(stocks)[:size] for size in (10, 50, 10, 10, 12))
    return [
        dict.fromkeys(ten, 0.1),
        dict.fromkeys(fifty, 0.02),
        {**dict.fromkeys(longs, 0.1), **dict.fromkeys(shorts, -0.1)},
        {**dict.fromkeys(funds, 0.05), "TLT": 0.2, "IEF": 0.2},
        {"AAPL": 0.3, "MSFT": 0.3, "KO": 0.2, "XOM": 0.2},
    ]


def test_true_betas_of_portfolios_lie_within_two_standard_errors() -> None:
    """Two simulated markets of twelve years, five kinds of books, others on every date."""
    config = FactorModelConfig.default({**PROXIES, "rates": "10Y"})
    stocks = [f"S{number:03d}" for number in range(120)]
    names = [*stocks, *sorted(set(KNOWN) & {"AAPL", "MSFT", "KO", "XOM", "TLT", "IEF"})]
    near, kinds = [], []
    for seed in (1, 2):
        market = simulated_market(seed)
        closes = market.closes(
            [*names, *PROXIES.values()], pd.Timestamp("2014-01-02"), pd.Timestamp("2025-12-31")
        )
        prices = pd.DataFrame(
            closes.adjusted, index=closes.sessions, columns=pd.Index([*names, *PROXIES.values()])
        )
        symbols = returns.log_returns(prices[names])
        ten_year = pd.Series(market.factors.yields["10Y"][: len(prices)], index=prices.index)
        moves = model.factor_log_returns(config, prices, ten_year)
        rng = np.random.default_rng(seed)
        frames = [
            weights_of(*books_of(rng, stocks), dates=[date]) for date in prices.index[config.window :: 126]
        ]
        weights = pd.concat(frames).reindex(columns=names)
        rows = exposures_of(config, weights, symbols, moves)
        true = market.true_betas(names).pivot_table(index="symbol", columns="factor", values="beta")
        of_books = weights.fillna(0.0) @ true.reindex(index=names, columns=list(config.factor_ids))
        expected = of_books.stack().rename("true").reset_index()  # noqa: PD013
        joined = rows.merge(
            expected.set_axis(["date", "portfolio", "factor", "true"], axis=1),
            on=["date", "portfolio", "factor"],
        )
        joined = joined[joined["status"] == "ok"]
        near.append((joined["beta"] - joined["true"]).abs() <= 2 * joined["std_error"])
        kinds.append(joined[["portfolio", "factor"]])
    hit, of = pd.concat(near, ignore_index=True), pd.concat(kinds, ignore_index=True)
    assert len(hit) > 1000
    assert hit.mean() >= 0.93  # 0.966
    assert (hit.groupby(of["portfolio"]).mean() >= 0.93).all()
    assert (hit.groupby(of["factor"]).mean() >= 0.9).all()
