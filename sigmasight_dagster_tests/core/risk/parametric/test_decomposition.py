"""Parametric risk against the covariance matrix of the positions, finite differences and identities."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from sigmasight_core.errors import InputError
from sigmasight_core.risk.parametric.decomposition import ParametricRisk, parametric_risk
from sigmasight_core.risk.parametric.factor_risk import Euler, euler
from sigmasight_core.tables import RiskContributions, validate
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    SESSIONS,
    Holdings,
    factor_moves,
    history,
    mixed,
    panel,
)

FACTORS = ("market", "value", "rates")
COVARIANCE = np.array([[1.2e-4, 1e-5, 2e-4], [1e-5, 2e-5, -3e-5], [2e-4, -3e-5, 4e-3]])
BETAS = {"A": (1.2, 0.3, -0.01), "B": (0.7, -0.4, 0.02), "C": (1.6, 0.1, -0.03)}
SPECIFIC = {"A": 0.25, "B": 0.18, "C": 0.4}
Z95 = norm.ppf(0.95)
HISTORY = history("A", "B", "C")


def beta_rows(days: tuple = (DAY,), **changes: float) -> pd.DataFrame:
    rows = [
        (day, symbol, factor, beta, changes.get(symbol, SPECIFIC[symbol]), "ok")
        for day in days
        for symbol, loadings in BETAS.items()
        for factor, beta in zip(FACTORS, loadings, strict=True)
    ]
    columns = ["date", "symbol", "factor", "beta", "annualized_specific_volatility", "status"]
    return pd.DataFrame(rows, columns=columns).astype({"date": "datetime64[ns]"})


def covariance_rows(days: tuple = (DAY,), matrix: np.ndarray = COVARIANCE) -> pd.DataFrame:
    rows = [
        (day, first, second, matrix[i, j], 252, "ok" if np.isfinite(matrix[i, j]) else "no yields")
        for day in days
        for i, first in enumerate(FACTORS)
        for j, second in enumerate(FACTORS)
    ]
    columns = ["date", "factor_1", "factor_2", "covariance", "n_obs", "status"]
    return pd.DataFrame(rows, columns=columns).astype({"date": "datetime64[ns]"})


def decompose(holdings: Holdings, *partitions: tuple, **frames: pd.DataFrame) -> ParametricRisk:
    book = holdings.book(*partitions)
    returns = frames.get("returns", HISTORY)
    result = parametric_risk(
        book,
        panel(book, returns),
        betas=frames.get("betas", beta_rows()),
        covariance=frames.get("covariance", covariance_rows()),
        factor_returns=factor_moves(returns, *FACTORS),
        window=252,
    )
    validate(RiskContributions, result.contributions)
    return result


def naive_correlation(returns: pd.DataFrame = HISTORY, day: pd.Timestamp = DAY) -> pd.DataFrame:
    """Correlation of OLS residuals over 252 sessions, 2% of it independence."""
    window = returns.loc[:day].iloc[-252:]
    factors = sm.add_constant(factor_moves(returns, *FACTORS).loc[window.index].to_numpy())
    residuals = pd.DataFrame({name: sm.OLS(window[name].to_numpy(), factors).fit().resid for name in window})
    return 0.98 * residuals.corr() + 0.02 * np.eye(len(window.columns))


def naive_covariance(holdings: Holdings) -> np.ndarray:
    """Covariance of the positions' returns, one specific return an underlying."""
    names = [row["underlying"] for row in holdings.rows]
    loadings = np.array([BETAS[name] for name in names])
    deviation = np.array([SPECIFIC[name] for name in names]) / np.sqrt(252)
    specific = naive_correlation().loc[names, names].to_numpy() * np.outer(deviation, deviation)
    return loadings @ COVARIANCE @ loadings.T + specific


def kind(result: ParametricRisk, name: str) -> pd.DataFrame:
    return result.contributions[result.contributions["kind"] == name].set_index("item")


def test_volatility_is_that_of_the_covariance_matrix_of_the_positions() -> None:
    holdings = mixed()
    delta = np.array([row["delta_exposure"] for row in holdings.rows])
    result = decompose(holdings)
    assert result.volatility[0] == pytest.approx(
        np.sqrt(delta @ naive_covariance(holdings) @ delta), rel=1e-12
    )
    assert (result.n_obs[0], result.status[0]) == (252, "ok")


def test_components_sum_to_the_total_by_factor_and_by_position() -> None:
    result = decompose(mixed())
    for name in ("factor", "position"):
        rows = kind(result, name)
        assert rows["component_var_usd"].sum() == pytest.approx(Z95 * result.volatility[0], rel=1e-10)
        assert rows["share"].sum() == pytest.approx(1.0, rel=1e-10)
        np.testing.assert_allclose(
            rows["component_var_usd"], rows["exposure"] * rows["marginal_var"], rtol=1e-12
        )


def test_position_components_are_those_of_the_covariance_matrix() -> None:
    holdings = mixed()
    delta = np.array([row["delta_exposure"] for row in holdings.rows])
    result = decompose(holdings)
    expected = Z95 * delta * (naive_covariance(holdings) @ delta) / result.volatility[0]
    np.testing.assert_allclose(kind(result, "position")["component_var_usd"], expected, rtol=1e-11)


def test_a_component_is_exposure_times_volatility_times_correlation() -> None:
    holdings = mixed()
    result = decompose(holdings)
    for name in ("factor", "position"):
        rows = kind(result, name)
        product = Z95 * rows["exposure"] * rows["volatility"] * rows["correlation"]
        np.testing.assert_allclose(product, rows["component_var_usd"], rtol=1e-12)
    delta = np.array([row["delta_exposure"] for row in holdings.rows])
    covariance = naive_covariance(holdings)
    own = np.sqrt(np.diag(covariance))
    rows = kind(result, "position")
    np.testing.assert_allclose(rows["volatility"], own, rtol=1e-12)
    expected = covariance @ delta / (own * result.volatility[0])
    np.testing.assert_allclose(rows["correlation"], expected, rtol=1e-11)
    factors = kind(result, "factor").drop(index="specific")
    np.testing.assert_allclose(factors["volatility"], np.sqrt(np.diag(COVARIANCE)), rtol=1e-12)


def test_marginal_is_the_change_for_one_more_dollar() -> None:
    rows = kind(decompose(mixed()), "position")
    step = 1e-3
    for place, marginal in enumerate(rows["marginal_var"]):
        totals = []
        for sign in (1, -1):
            moved = mixed()
            moved.rows[place]["delta_exposure"] += sign * step
            totals.append(Z95 * decompose(moved).volatility[0])
        assert marginal == pytest.approx((totals[0] - totals[1]) / (2 * step), rel=1e-5)


def test_an_option_hedged_at_its_delta_has_no_risk() -> None:
    option = Holdings().hold_option("A", 5, 50.0, 55.0, 45, 0.3, True)
    hedged = option.hold("A", -option.rows[0]["delta_exposure"] / 50.0, 50.0)
    result = decompose(hedged)
    assert result.volatility[0] == pytest.approx(0.0, abs=1e-9)
    assert kind(result, "position")["component_var_usd"].abs().max() < 1e-6


def test_one_stock_in_closed_form() -> None:
    loadings = np.array(BETAS["B"])
    daily = np.sqrt(loadings @ COVARIANCE @ loadings + SPECIFIC["B"] ** 2 / 252)
    result = decompose(Holdings().hold("B", -10, 100.0))
    assert result.volatility[0] == pytest.approx(1000 * daily, rel=1e-12)
    assert kind(result, "position")["share"].item() == pytest.approx(1.0)
    assert kind(result, "factor").loc["rates", "exposure"] == pytest.approx(-1000 * BETAS["B"][2])
    assert kind(result, "factor").loc["specific", "exposure"] == pytest.approx(
        1000 * SPECIFIC["B"] / 252**0.5
    )


def test_an_unavailable_factor_is_said_and_left_out() -> None:
    matrix = COVARIANCE.copy()
    matrix[2], matrix[:, 2] = np.nan, np.nan
    result = decompose(mixed(), covariance=covariance_rows(matrix=matrix))
    rates = kind(result, "factor").loc["rates"]
    assert np.isnan(rates["component_var_usd"])
    assert rates["status"] == "no yields"
    assert result.status[0] == "ok"
    assert kind(result, "factor")["component_var_usd"].sum() == pytest.approx(
        Z95 * result.volatility[0], rel=1e-10
    )


def test_a_symbol_without_betas_is_left_out_and_named() -> None:
    result = decompose(mixed(), betas=beta_rows()[lambda rows: rows["symbol"] != "C"])
    rest = decompose(Holdings([row for row in mixed().rows if row["underlying"] != "C"]))
    assert result.volatility[0] == pytest.approx(rest.volatility[0], rel=1e-12)
    assert result.status[0] == "partial: no beta for C"
    lost = kind(result, "position")[lambda rows: rows.index.str.startswith("C-")]
    assert lost["component_var_usd"].isna().all()
    assert (lost["status"] == "no beta for C").all()


def test_a_position_without_a_price_is_left_out_and_named() -> None:
    result = decompose(mixed().hold("D", 5, np.nan))
    assert result.status[0] == "partial: no price for D"
    assert result.volatility[0] == pytest.approx(decompose(mixed()).volatility[0], rel=1e-12)


def test_without_any_covariance_everything_is_unavailable() -> None:
    result = decompose(mixed(), covariance=covariance_rows(matrix=COVARIANCE * np.nan))
    assert np.isnan(result.volatility[0])
    assert result.status[0] == "unavailable: no factor covariance"
    assert result.contributions["component_var_usd"].isna().all()


def test_an_empty_portfolio_has_no_risk_to_share() -> None:
    result = decompose(mixed(), (DAY, "book"), (DAY, "empty"))
    empty = result.contributions[result.contributions["portfolio"] == "empty"]
    assert list(empty["component_var_usd"]) == [0.0] * 4
    assert empty["share"].isna().all()
    assert set(empty["status"]) == {"no risk to share"}
    assert result.volatility[1] == 0.0


def test_dates_do_not_mix() -> None:
    days = (SESSIONS[-2], DAY)
    calm = COVARIANCE / 4
    both = Holdings([*mixed(date=days[0]).rows, *mixed().rows])
    covariance = pd.concat([covariance_rows((days[0],), calm), covariance_rows((DAY,))])
    result = decompose(both, betas=beta_rows(days), covariance=covariance)
    assert result.volatility[1] == pytest.approx(decompose(mixed()).volatility[0], rel=1e-12)
    assert result.volatility[0] < result.volatility[1]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(1e-3, 1e3))
def test_euler_holds_for_any_book(seed: int, count: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    delta, partition = rng.normal(0, 1e4, count), np.sort(rng.integers(0, 3, count))
    symbol = rng.integers(0, 6, count)
    betas = rng.normal(0, 1, (6, 3))[symbol]
    half = rng.normal(0, 0.02, (6, 6))
    specific = (half @ half.T)[np.ix_(symbol, symbol)] * (partition[:, None] == partition)
    root = rng.normal(0, 0.01, (3, 3, 3))
    sigma = root @ root.swapaxes(1, 2)

    def decomposed(size: float) -> Euler:
        return euler(
            delta=size * delta,
            partition=partition,
            betas=betas,
            specific_pull=specific @ (size * delta),
            covariance=sigma,
        )

    result = decomposed(1.0)
    factors = (result.factors.exposure * result.factors.marginal).sum(axis=1)
    positions = np.bincount(partition, result.positions.exposure * result.positions.marginal, minlength=3)
    np.testing.assert_allclose(factors, result.volatility, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(positions, result.volatility, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(
        decomposed(scale).volatility, scale * result.volatility, rtol=1e-10, atol=1e-300
    )


def test_returns_of_other_sessions_are_refused() -> None:
    book = mixed().book()
    moves = factor_moves(HISTORY, *FACTORS).iloc[1:]
    with pytest.raises(InputError, match="different sessions"):
        parametric_risk(
            book,
            panel(book, HISTORY),
            betas=beta_rows(),
            covariance=covariance_rows(),
            factor_returns=moves,
            window=252,
        )
