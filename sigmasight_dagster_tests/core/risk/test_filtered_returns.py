"""Filtered historical simulation against one-by-one loops, NumPy's quantiles and closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import norm

from sigmasight_core.errors import InputError
from sigmasight_core.market.returns import realized_volatility
from sigmasight_core.risk.filtered_returns import (
    EWMA_WINDOW,
    SCENARIOS,
    ReturnPanel,
    forecast_volatility,
    standardized,
)
from sigmasight_core.risk.tails import tail_losses
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    SESSIONS,
    history,
    naive_growth,
    naive_scenarios,
    naive_tail,
    naive_volatility,
)

LEVELS = (0.95, 0.99)
TODAY = pd.DatetimeIndex([DAY])


def test_volatility_of_every_session_is_the_ewma_of_the_returns_before_it() -> None:
    returns = history("A").to_numpy(copy=True)[:400, 0]
    returns[[50, 51, 300]] = np.nan
    expected = [naive_volatility(returns[:t]) for t in range(401)]
    np.testing.assert_allclose(forecast_volatility(returns).volatility, expected, rtol=1e-12)


def test_todays_volatility_is_the_published_realized_volatility() -> None:
    returns = history("A", "B")
    published = realized_volatility(returns, TODAY)["annualized_volatility"].to_numpy()
    ours = ReturnPanel.of(returns, returns.columns).volatility[:, -1] * np.sqrt(252)
    np.testing.assert_allclose(ours, published, rtol=1e-12)


def test_volatility_does_not_see_its_own_session() -> None:
    returns = history("A").to_numpy()[:, 0]
    other = returns.copy()
    other[-1] = 10.0
    ours, changed = (forecast_volatility(values).volatility for values in (returns, other))
    np.testing.assert_array_equal(ours[:-1], changed[:-1])


def test_scenarios_are_past_moves_at_todays_volatility() -> None:
    returns = history("A", "B")
    moves = ReturnPanel.of(returns, returns.columns).scenarios(np.array([len(SESSIONS)])).move
    for place, name in enumerate(returns.columns):
        expected = np.expm1(naive_scenarios(returns[name].to_numpy()))
        np.testing.assert_allclose(moves[place, 0], expected, rtol=1e-11)


def test_a_date_does_not_depend_on_the_history_before_its_look_back() -> None:
    returns = history("A", "B")
    short = returns.iloc[-(SCENARIOS + EWMA_WINDOW) :]
    long, less = (
        ReturnPanel.of(rows, rows.columns).scenarios(np.array([len(rows)])) for rows in (returns, short)
    )
    for ours, same in zip(less, long, strict=True):
        np.testing.assert_array_equal(ours, same)


def test_constant_prices_are_scenarios_without_a_move() -> None:
    returns = history("A") * 0.0
    moves = ReturnPanel.of(returns, returns.columns).scenarios(np.array([len(SESSIONS)])).move
    np.testing.assert_array_equal(moves, np.zeros((1, 1, SCENARIOS)))


def test_a_move_out_of_nothing_has_no_scale() -> None:
    returns = np.zeros(60)
    returns[40] = 0.1
    residuals = standardized(returns, forecast_volatility(returns).volatility)
    assert np.isnan(residuals[40])
    assert (residuals[20:40] == 0).all()
    assert np.isfinite(residuals[41:]).all()


def test_a_symbol_without_prices_has_no_scenarios() -> None:
    panel = ReturnPanel.of(history("A"), pd.Index(["A", "Z"], dtype="str"))
    moves = panel.scenarios(np.array([len(SESSIONS)])).move
    assert np.isfinite(moves[0, 0]).all()
    assert np.isnan(moves[1, 0]).all()


def test_a_date_outside_of_the_sessions_is_refused() -> None:
    returns = history("A")
    with pytest.raises(InputError, match="no row of returns"):
        ReturnPanel.of(returns, returns.columns).ends(TODAY + pd.Timedelta(days=1))


def quiet_then(*steps: float) -> pd.DataFrame:
    """A share that moves 0.1% a day for years, and then these steps."""
    calm = np.random.default_rng(1).normal(0, 0.001, len(SESSIONS))
    calm[len(calm) - len(steps) :] = steps
    return pd.DataFrame(calm[:, None], index=SESSIONS, columns=pd.Index(["SPC"], dtype="str"))


def test_a_jump_out_of_quiet_makes_scenarios_that_the_share_has_seen() -> None:
    """+357% and +107% two months ago, 9% a day since: unbounded, a return of 1,500 sigma at 10% a day."""
    wild = np.random.default_rng(2).normal(0, 0.09, 50)
    returns = quiet_then(np.log(4.57), np.log(2.07), *wild)
    scenarios = ReturnPanel.of(returns, returns.columns).scenarios(np.array([len(SESSIONS)]))
    assert np.abs(np.log1p(scenarios.move)).max() <= np.log(4.57) * (1 + 1e-12)
    assert 1 <= scenarios.bounded.sum() <= 10
    assert scenarios.growth.max() <= np.sqrt(0.94 + 0.06 * 100) * (1 + 1e-12)


def test_the_bounds_are_those_that_are_stated() -> None:
    returns = history("A", "B")
    returns.iloc[-60, 0], returns.iloc[-30, 1] = 0.9, -2.0
    result = ReturnPanel.of(returns, returns.columns).scenarios(np.array([len(SESSIONS)]))
    for place, name in enumerate(returns.columns):
        values = returns[name].to_numpy()
        np.testing.assert_allclose(result.move[place, 0], np.expm1(naive_scenarios(values)), rtol=1e-11)
    assert result.bounded[:, 0].any(axis=1).all()


def test_returns_as_there_are_in_markets_are_hardly_bounded() -> None:
    returns = history("A", "B", "C")
    result = ReturnPanel.of(returns, returns.columns).scenarios(np.arange(800, len(SESSIONS) + 1))
    assert result.bounded.mean() < 0.002


def test_a_quiet_spell_has_a_floor() -> None:
    returns = quiet_then(0.2, *np.full(120, 1e-6))["SPC"].to_numpy()
    volatility, long_run = forecast_volatility(returns)
    assert volatility[-1] == pytest.approx(0.15 * np.sqrt(np.square(returns[-252:]).mean()), rel=1e-12)
    assert long_run[-1] == pytest.approx(np.sqrt(np.square(returns[-252:]).mean()), rel=1e-12)


def test_volatility_grows_as_the_forecast_did() -> None:
    returns = history("A")
    panel = ReturnPanel.of(returns, returns.columns)
    growth = panel.scenarios(np.array([len(SESSIONS)])).growth[0, 0]
    np.testing.assert_allclose(growth, naive_growth(returns["A"].to_numpy()), rtol=1e-12)


@pytest.mark.parametrize("count", [252, 400, 500, 504])
def test_value_at_risk_is_numpys_lower_quantile(count: int) -> None:
    pnl = np.random.default_rng(count).normal(size=(7, count))
    losses = tail_losses(pnl, LEVELS)
    for place, level in enumerate(LEVELS):
        expected = -np.quantile(pnl, round(1 - level, 9), axis=1, method="inverted_cdf")
        np.testing.assert_array_equal(losses.value_at_risk[:, place], expected)


def test_expected_shortfall_weighs_the_last_scenario_by_its_part() -> None:
    pnl = np.random.default_rng(1).normal(size=(5, 504))
    losses = tail_losses(pnl, LEVELS)
    expected = np.array([[naive_tail(row, level) for level in LEVELS] for row in pnl])
    np.testing.assert_allclose(losses.value_at_risk, expected[:, :, 0], rtol=1e-14)
    np.testing.assert_allclose(losses.expected_shortfall, expected[:, :, 1], rtol=1e-12)


def test_missing_scenarios_do_not_count() -> None:
    pnl = np.random.default_rng(2).normal(size=(1, 504))
    gappy = pnl.copy()
    gappy[0, ::3] = np.nan
    np.testing.assert_allclose(
        tail_losses(gappy, LEVELS), tail_losses(gappy[:, np.isfinite(gappy[0])], LEVELS), rtol=1e-14
    )


def test_exact_normal_scenarios_give_the_normal_value_at_risk_and_shortfall() -> None:
    n = 200_000
    pnl = ndtri((np.arange(n) + 0.5) / n)[None, :]
    losses = tail_losses(pnl, LEVELS)
    np.testing.assert_allclose(losses.value_at_risk[0], norm.ppf(LEVELS), rtol=1e-4)
    closed = norm.pdf(norm.ppf(LEVELS)) / (1 - np.array(LEVELS))
    np.testing.assert_allclose(losses.expected_shortfall[0], closed, rtol=1e-4)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=300),
    st.floats(0, 1e3, allow_subnormal=False),
    st.floats(-1e5, 1e5, allow_subnormal=False),
)
def test_tail_losses_are_coherent(values: list[float], scale: float, shift: float) -> None:
    pnl = np.array([values])
    var, es = tail_losses(pnl, LEVELS)
    size = np.abs(pnl).max()
    assert (es >= var - 1e-9 * max(size, 1)).all()
    assert (np.diff(var) >= 0).all()
    assert (np.diff(es) >= -1e-9 * max(size, 1)).all()
    np.testing.assert_allclose(tail_losses(scale * pnl, LEVELS)[1], scale * es, atol=1e-9 * scale * size)
    moved = tail_losses(pnl + shift, LEVELS)
    np.testing.assert_allclose(moved[0], var - shift, atol=1e-9 * (size + abs(shift)))
    np.testing.assert_allclose(moved[1], es - shift, atol=1e-9 * (size + abs(shift)))
