"""Ex-ante tracking error against w' S w of the positions and the benchmark, and cases that are known."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.risk.parametric.active import NO_VALUE, ActiveRisk, tracking_error
from sigmasight_core.risk.parametric.factor_risk import model_risk
from sigmasight_dagster_tests.core.risk.parametric.test_decomposition import (
    BETAS,
    FACTORS,
    HISTORY,
    SPECIFIC,
    beta_rows,
    covariance_rows,
    naive_correlation,
)
from sigmasight_dagster_tests.core.risk.parametric.test_decomposition import COVARIANCE as FACTOR_COVARIANCE
from sigmasight_dagster_tests.core.risk.risk_inputs import DAY, Holdings, factor_moves, mixed

NAMES = list(BETAS)


@cache
def covariance() -> np.ndarray:
    """Of the returns of A, B and C: loadings, and specific variances with their correlation."""
    loadings = np.array([BETAS[name] for name in NAMES])
    deviation = np.array([SPECIFIC[name] for name in NAMES]) / np.sqrt(252)
    correlation = naive_correlation().loc[NAMES, NAMES].to_numpy()
    return loadings @ FACTOR_COVARIANCE @ loadings.T + correlation * np.outer(deviation, deviation)


def forecast(holdings: Holdings, value: float, benchmark: str, *partitions: tuple) -> ActiveRisk:
    book = holdings.book(*partitions)
    return tracking_error(
        book,
        total_value=np.full(len(book.partitions), value),
        benchmarks=pd.Series(benchmark, index=book.partitions["portfolio"].unique()),
        log_returns=HISTORY,
        betas=beta_rows(),
        covariance=covariance_rows(),
        factor_returns=factor_moves(HISTORY, *FACTORS),
        window=252,
    )


@given(exposures=st.lists(st.floats(-5e3, 2e4), min_size=3, max_size=3), cash=st.floats(0, 1e5))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_it_is_that_of_the_covariance_matrix_of_active_weights(exposures: list[float], cash: float) -> None:
    value = sum(exposures) + cash
    if value < 1:
        return
    holdings = Holdings()
    for name, exposure in zip(NAMES, exposures, strict=True):
        holdings.hold(name, exposure, 1.0)
    weights = np.array(exposures) / value - np.array([0.0, 1.0, 0.0])
    expected = np.sqrt(252 * weights @ covariance() @ weights)
    found = forecast(holdings, value, "B")
    assert found.tracking_error[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert (found.n_obs[0], found.status[0]) == (252, "ok")


def test_a_portfolio_of_its_benchmark_alone_has_none_and_cash_beside_it_has_its_share() -> None:
    # two lots and a short one of the same symbol net to the value
    alone = Holdings().hold("A", 150, 50.0).hold("A", 80, 50.0).hold("A", -30, 50.0)
    assert forecast(alone, 10_000.0, "A").tracking_error[0] == pytest.approx(0.0, abs=1e-9)
    half = forecast(alone, 20_000.0, "A").tracking_error[0]
    assert half == pytest.approx(0.5 * np.sqrt(252 * covariance()[0, 0]), rel=1e-10)
    nothing = forecast(Holdings(), 5_000.0, "A", (DAY, "book")).tracking_error[0]
    assert nothing == pytest.approx(np.sqrt(252 * covariance()[0, 0]), rel=1e-10)


def test_options_count_with_their_delta_exposure() -> None:
    holdings = mixed()
    delta = pd.DataFrame(holdings.rows).groupby("underlying")["delta_exposure"].sum().reindex(NAMES)
    weights = delta.to_numpy() / 1e5 - np.array([0.0, 0.0, 1.0])
    expected = np.sqrt(252 * weights @ covariance() @ weights)
    assert forecast(holdings, 1e5, "C").tracking_error[0] == pytest.approx(expected, rel=1e-10)


def test_what_lacks_is_said() -> None:
    unknown = forecast(mixed(), 1e5, "XYZ")
    assert np.isnan(unknown.tracking_error[0])
    assert unknown.status[0] == "no tracking error: no beta of the benchmark XYZ"
    assert forecast(mixed(), 1e5, "none").status[0] == "no tracking error: there is no benchmark"
    for value in (0.0, -5.0, float("nan")):
        owing = forecast(mixed(), value, "A")
        assert np.isnan(owing.tracking_error[0])
        assert owing.status[0] == NO_VALUE
    unpriced = mixed().hold("D", 10, float("nan"))
    found = forecast(unpriced, 1e5, "A")
    assert np.isfinite(found.tracking_error[0])
    assert found.status[0] == "partial: no price for D"


def test_the_book_itself_is_not_changed() -> None:
    book = mixed().book()
    before = model_risk(
        book,
        returns=HISTORY[book.symbols].to_numpy().T.copy(),
        ends=np.array([len(HISTORY) - 1]),
        betas=beta_rows(),
        covariance=covariance_rows(),
        factor_returns=factor_moves(HISTORY, *FACTORS),
        window=252,
    ).volatility
    # without a benchmark the active book would be the book: of a value so small that it does not count
    tiny = forecast(mixed(), 1e-9, "A").tracking_error[0] * 1e-9 / np.sqrt(252)
    assert tiny == pytest.approx(before[0], rel=1e-9)
