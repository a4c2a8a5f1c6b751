"""Realised performance against brute force and pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.risk.performance import performance, realized_performance
from sigmasight_dagster_tests.core.risk.risk_inputs import SESSIONS

RATE = 0.03
SAFE = np.exp(RATE / 252) - 1
RETURNS = np.random.default_rng(3).normal(0.0005, 0.01, 252)


def brute_drawdown(returns: np.ndarray) -> float:
    wealth = [1.0]
    for value in returns:
        wealth.append(wealth[-1] * (1 + value))
    falls = [1 - wealth[j] / wealth[i] for i in range(len(wealth)) for j in range(i, len(wealth))]
    return max(falls)


def test_measures_equal_their_definitions() -> None:
    result = performance(RETURNS, RATE)
    excess = pd.Series(RETURNS) - SAFE
    downside = np.sqrt((excess.clip(upper=0) ** 2).mean())
    assert result.volatility == pytest.approx(excess.std() * 252**0.5, rel=1e-12)
    assert result.sharpe == pytest.approx(excess.mean() / excess.std() * 252**0.5, rel=1e-12)
    assert result.sortino == pytest.approx(excess.mean() / downside * 252**0.5, rel=1e-12)
    assert result.drawdown == pytest.approx(brute_drawdown(RETURNS), rel=1e-12)


@given(st.lists(st.floats(-0.5, 0.5), min_size=20, max_size=60))
def test_drawdown_equals_every_pair_of_sessions(values: list[float]) -> None:
    returns = np.array(values)
    assert performance(returns, RATE).drawdown == pytest.approx(brute_drawdown(returns), abs=1e-12)


def test_a_loss_on_the_first_session_is_a_drawdown_from_the_start() -> None:
    assert performance(np.array([-0.1] + [0.0] * 30), 0.0).drawdown == pytest.approx(0.1)


def test_missing_returns_are_passed_over() -> None:
    gappy = np.insert(RETURNS, [10, 100, 200], np.nan)
    for got, expected in zip(performance(gappy, RATE), performance(RETURNS, RATE), strict=True):
        assert got == pytest.approx(expected, rel=1e-12)


def test_fewer_than_20_returns_say_nothing() -> None:
    result = performance(RETURNS[:19], RATE)
    assert np.isnan([result.volatility, result.sharpe, result.sortino, result.drawdown]).all()
    assert result.n_obs == 19


def test_ratios_without_a_scale_are_undefined() -> None:
    steady = performance(np.full(30, 0.001), RATE)
    assert (steady.volatility, steady.drawdown) == (0.0, 0.0)
    assert np.isnan([steady.sharpe, steady.sortino]).all()


def frame(days: pd.DatetimeIndex, values: np.ndarray, portfolio: str = "book") -> pd.DataFrame:
    return pd.DataFrame({"date": days, "portfolio": portfolio, "daily_return": values})


def partitions(*keys: tuple[pd.Timestamp, str]) -> pd.DataFrame:
    return pd.DataFrame(keys, columns=["date", "portfolio"])


def test_each_date_sees_its_own_252_sessions() -> None:
    days = SESSIONS[-300:]
    values = np.random.default_rng(8).normal(0, 0.01, (2, 300))
    snapshots = pd.concat([frame(days, values[0]), frame(days, values[1], "other")])
    wanted = partitions((days[270], "book"), (days[270], "other"), (days[299], "book"))
    found, status = realized_performance(wanted, snapshots, days, RATE)
    for place, window in enumerate((values[0, 19:271], values[1, 19:271], values[0, 48:300])):
        alone = performance(window, RATE)
        assert found.volatility[place] == pytest.approx(alone.volatility, rel=1e-12)
        assert found.drawdown[place] == pytest.approx(alone.drawdown, rel=1e-12)
    assert list(status) == ["ok"] * 3


def test_only_what_is_published_counts_and_holes_are_said() -> None:
    days = SESSIONS[-100:]
    known = np.r_[0:30, 45:100]
    values = RETURNS[:100]
    wanted = partitions((days[99], "book"), (days[10], "book"))
    found, status = realized_performance(wanted, frame(days[known], values[known]), days, RATE)
    assert list(found.n_obs) == [85, 11]
    assert found.volatility[0] == pytest.approx(performance(values[known], RATE).volatility, rel=1e-12)
    assert list(status) == [
        "partial: no daily return on 15 sessions",
        "insufficient: 11 of 20 daily returns",
    ]


def test_a_date_that_is_not_among_the_sessions_is_refused() -> None:
    with pytest.raises(InputError):
        realized_performance(
            partitions((SESSIONS[-1], "book")), frame(SESSIONS[:3], RETURNS[:3]), SESSIONS[:3], RATE
        )
