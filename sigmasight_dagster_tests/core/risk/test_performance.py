"""Realised performance against brute force and pandas."""

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.risk.performance import RealizedPerformance, performance, realized_performance
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


def realized(
    wanted: pd.DataFrame, snapshots: pd.DataFrame, sessions: pd.DatetimeIndex, **entries: pd.Timestamp
) -> RealizedPerformance:
    first = pd.Series(entries or dict.fromkeys(wanted["portfolio"], sessions[0]))
    return realized_performance(
        wanted, snapshots=snapshots, first_entries=first, sessions=sessions, risk_free_rate=RATE
    )


def test_each_date_sees_its_own_252_sessions() -> None:
    days = SESSIONS[-300:]
    values = np.random.default_rng(8).normal(0, 0.01, (2, 300))
    snapshots = pd.concat([frame(days, values[0]), frame(days, values[1], "other")])
    wanted = partitions((days[270], "book"), (days[270], "other"), (days[299], "book"))
    found, status = realized(wanted, snapshots, days)
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
    found, status = realized(wanted, frame(days[known], values[known]), days)
    assert list(found.n_obs) == [85, 11]
    assert found.volatility[0] == pytest.approx(performance(values[known], RATE).volatility, rel=1e-12)
    assert list(status) == [
        "partial: no daily return on 15 sessions",
        "insufficient: 11 of 20 daily returns",
    ]


def test_a_date_that_is_not_among_the_sessions_is_refused() -> None:
    with pytest.raises(InputError):
        realized(partitions((SESSIONS[-1], "book")), frame(SESSIONS[:3], RETURNS[:3]), SESSIONS[:3])


def test_measures_begin_at_the_first_entry() -> None:
    """60 days of history in 252 published dates: volatility is that of the 60, not of cash before them."""
    days = SESSIONS[-252:]
    values = np.r_[np.zeros(192), np.random.default_rng(5).normal(0, 0.012, 60)]
    found, status = realized(partitions((days[-1], "book")), frame(days, values), days, book=days[192])
    assert found.volatility[0] == pytest.approx(values[192:].std(ddof=1) * 252**0.5, rel=1e-12)
    assert (found.n_obs[0], status[0]) == (60, "ok")


def test_what_was_not_published_since_the_entry_is_said() -> None:
    days = SESSIONS[-252:]
    snapshots = frame(days[-40:], RETURNS[:40])
    _, status = realized(partitions((days[-1], "book")), snapshots, days, book=days[100])
    assert status[0] == "partial: no daily return on 112 sessions"
    _, status = realized(partitions((days[-1], "book")), snapshots, days, book=days[-40])
    assert status[0] == "ok"


def test_a_portfolio_that_never_held_anything_has_no_return() -> None:
    days = SESSIONS[-100:]
    _, status = realized(partitions((days[-1], "book")), frame(days, np.zeros(100)), days, other=days[0])
    assert status[0] == "insufficient: 0 of 20 daily returns"


def test_after_ruin_nothing_is_measured() -> None:
    """Case 24: daily returns of -160% and -140% among +1% gave a drawdown of 1,239% and a Sharpe above 0."""
    days = SESSIONS[-60:]
    values = np.full(60, 0.01)
    values[[20, 40]] = -1.6, -1.4
    wanted = partitions((days[-1], "book"), (days[19], "book"))
    found, status = realized(wanted, frame(days, values), days)
    assert list(status) == ["wealth fell below zero", "ok"]
    for measure in found[:-1]:
        assert np.isnan(measure[0])
    assert found.drawdown[1] == 0.0


def test_a_loss_of_everything_is_a_drawdown_of_everything() -> None:
    values = np.r_[np.full(30, 0.01), -1.0]
    found, status = realized(partitions((SESSIONS[30], "book")), frame(SESSIONS[:31], values), SESSIONS[:31])
    assert (found.drawdown[0], status[0]) == (1.0, "ok")


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_those_of_empyrical(seed: int) -> None:
    values = np.random.default_rng(seed).standard_t(4, 200) * 0.01
    found = performance(values, RATE)
    assert found.volatility == pytest.approx(empyrical.annual_volatility(values), rel=1e-10)
    assert found.drawdown == pytest.approx(-empyrical.max_drawdown(values), rel=1e-10)
    assert found.sharpe == pytest.approx(empyrical.sharpe_ratio(values, risk_free=SAFE), rel=1e-10)
    assert found.sortino == pytest.approx(empyrical.sortino_ratio(values, required_return=SAFE), rel=1e-10)


def test_dates_together_equal_each_alone_to_the_last_bit() -> None:
    days = SESSIONS[-300:]
    values = np.random.default_rng(8).normal(0, 0.01, (3, 300))
    names = ("a", "b", "c")
    snapshots = pd.concat([frame(days, row, name) for row, name in zip(values, names, strict=True)])
    keys = [(day, name) for day in days[[255, 270, 299]] for name in names]
    together = realized(partitions(*keys), snapshots, days)
    for place, (day, name) in enumerate(keys):
        known = days[days <= day][-252:]
        alone = realized(
            partitions((day, name)), snapshots[snapshots["date"].isin(known)], known, **{name: days[0]}
        )
        for one, many in zip(alone.measures, together.measures, strict=True):
            np.testing.assert_array_equal(one[0], many[place])
