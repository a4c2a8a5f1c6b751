"""Returns against empyrical-reloaded, SciPy's root of the published XIRR, and cases by hand."""

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from sigmasight_core.account.performance.benchmark import against_benchmark
from sigmasight_core.account.performance.contributions import CASH
from sigmasight_core.account.performance.money_weighted import Flows, Periods, money_weighted
from sigmasight_core.account.performance.portfolio_returns import (
    NO_VALUE,
    RUIN,
    PortfolioReturns,
    portfolio_returns,
)
from sigmasight_core.account.performance.returns import daily_returns, linked, period_starts
from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.calendar import sessions
from sigmasight_core.tables import validate
from sigmasight_dagster.gates.account import VALUE_CHANGES_BY_PNL_AND_FLOWS
from sigmasight_dagster_tests.core.account.performance.plain_contributions import contributions

SESSIONS = sessions("2020-01-02", "2022-12-30")


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_by_hand_inflows_at_the_start_outflows_at_the_end_of_the_day() -> None:
    # 1000 in, 10 earned; 500 in, 30 earned; 200 out, 15 lost
    value, pnl, flow = column(1010, 1540, 1325), column(10, 30, -15), column(1000, 500, -200)
    daily = daily_returns(value, daily_pnl=pnl, external_flow=flow)
    np.testing.assert_allclose(daily.returns[:, 0], [10 / 1000, 30 / 1510, -15 / 1540])
    total = linked(daily, np.full((3, 1), -1)).total[:, 0]
    np.testing.assert_allclose(total[-1], 1.01 * (1 + 30 / 1510) * (1 - 15 / 1540) - 1)


def test_less_than_a_cent_has_no_return_and_ruin_ends_the_linking() -> None:
    value, pnl = column(0.004, 100, -20, 30, 33), column(0, 0, -120, 0, 3)
    daily = daily_returns(value, daily_pnl=pnl, external_flow=column(0.004, 99.996, 0, 50, 0))
    assert np.isnan(daily.returns[0, 0])
    np.testing.assert_allclose(daily.returns[1:, 0], [0.0, -1.2, 0.0, 0.1])
    assert daily.ruined[:, 0].tolist() == [False, False, True, False, False]
    inception = linked(daily, np.full((5, 1), -1))
    assert np.isnan(inception.total[2:, 0]).all()
    after = linked(daily, np.full((5, 1), 3))
    assert after.total[4, 0] == pytest.approx(0.1)


def test_linked_returns_and_measures_are_those_of_empyrical() -> None:
    rng = np.random.default_rng(3)
    market = pd.Series(rng.normal(0.0004, 0.01, len(SESSIONS)), index=SESSIONS)
    own = 0.8 * market + rng.normal(0, 0.004, len(SESSIONS))
    value = 1000 * (1 + own).cumprod()
    flow = np.zeros(len(SESSIONS))
    flow[0] = 1000
    pnl = value.diff().fillna(value.iloc[0] - 1000)
    daily = daily_returns(column(*value), daily_pnl=column(*pnl), external_flow=column(*flow))
    np.testing.assert_allclose(daily.returns[:, 0], own, atol=1e-14)
    total = linked(daily, np.full((len(own), 1), -1)).total[:, 0]
    np.testing.assert_allclose(total, empyrical.cum_returns(own), atol=1e-12)
    ends = np.array([251, len(own) - 1])
    beside = against_benchmark(daily.returns, benchmark=market.to_numpy()[:, None], rows=ends)
    for at, end in enumerate([252, len(own)]):
        mine, theirs = own.iloc[end - 252 : end], market.iloc[end - 252 : end]
        assert beside.beta[at, 0] == pytest.approx(empyrical.beta(mine, theirs), rel=1e-9)
        assert beside.up_capture[at, 0] == pytest.approx(empyrical.up_capture(mine, theirs), rel=1e-9)
        assert beside.down_capture[at, 0] == pytest.approx(empyrical.down_capture(mine, theirs), rel=1e-9)
        assert beside.correlation[at, 0] == pytest.approx(np.corrcoef(mine, theirs)[0, 1], rel=1e-9)
        error = empyrical.annual_volatility(mine - theirs)
        assert beside.tracking_error[at, 0] == pytest.approx(error, rel=1e-9)
        active = empyrical.cum_returns_final(mine) - empyrical.cum_returns_final(theirs)
        assert beside.active_return[at, 0] == pytest.approx(active, rel=1e-9)


def xirr(days: list[str], amounts: list[float]) -> float:
    """Annual rate by our function: the last amount is the value that is left."""
    day = day_numbers(pd.DatetimeIndex(days))
    flows = Flows(day[:-1], -np.array(amounts[:-1]))
    one = np.array([0.0])
    period = Periods(
        day[:1], day[-1:], one, np.array(amounts[-1:]), np.array([0]), np.array([len(amounts) - 1])
    )
    found = money_weighted(period, flows)[0]
    return (1 + found) ** (365 / (day[-1] - day[0])) - 1


def test_the_published_xirr_example() -> None:
    # Microsoft's documentation of XIRR: 37.3362535 %
    days = ["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"]
    assert xirr(days, [-10000, 2750, 4250, 3250, 2750]) == pytest.approx(0.373362535, abs=1e-8)


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_money_weighted_is_the_root_that_scipy_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    day = np.sort(rng.choice(np.arange(0, 900), n, replace=False))
    day[0] = 0
    amounts = np.r_[1000.0, rng.uniform(-80, 400, n - 1)]
    rate = rng.uniform(-0.5, 1.0)
    final = (amounts * (1 + rate) ** ((1000 - day) / 365)).sum()
    flows = Flows(day.astype(np.int64), amounts)
    one, zero = np.array([1000]), np.array([0])
    found = money_weighted(Periods(zero, one, zero * 0.0, np.array([final]), zero, np.array([n])), flows)

    def gap(x: float) -> float:
        return float((amounts * np.exp(x * (1000 - day) / 1000)).sum() - final)

    assert found[0] == pytest.approx(np.expm1(brentq(gap, -6, 6, xtol=1e-14)), rel=1e-8, abs=1e-10)


def test_nothing_invested_or_nothing_left_has_no_money_weighted_return() -> None:
    zero, one = np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.int64)
    none = Flows(np.zeros(0, dtype=np.int64), np.zeros(0))
    found = money_weighted(Periods(zero, one, np.array([0.0, 10.0]), np.array([5.0, -3.0]), zero, zero), none)
    assert np.isnan(found).all()


def test_periods_start_at_the_close_before() -> None:
    first = np.array([0, SESSIONS.get_loc(pd.Timestamp("2021-06-01"))])
    at = SESSIONS.get_loc(pd.Timestamp("2022-06-01"))
    ytd, year = (period_starts(SESSIONS, first, name)[at] for name in ("ytd", "1y"))
    assert SESSIONS[ytd].strftime("%Y-%m-%d").tolist() == ["2021-12-31", "2021-12-31"]
    assert SESSIONS[year].strftime("%Y-%m-%d").tolist() == ["2021-06-01", "2021-06-01"]
    assert period_starts(SESSIONS, first, "1y")[at - 2].tolist()[1] == -2


def frames(value: list[float], pnl: list[float], flow: list[float]) -> dict[str, pd.DataFrame]:
    days = SESSIONS[: len(value)]
    keys = {"date": days, "portfolio": "book"}
    cash = pd.DataFrame({**keys, "closing": 0.0, "dividends": 0.0, "interest": 0.0, "fees": 0.0})
    held = pd.DataFrame({**keys, "net_exposure": value, "price_pnl": pnl, "status": "ok"})
    held["gross_exposure"] = held["net_exposure"].abs()
    return {"portfolio_cash": cash.assign(external_flow=flow), "snapshots": held}


def of_all_days(made: dict[str, pd.DataFrame], days: pd.DatetimeIndex, market: object) -> pd.DataFrame:
    """Returns of the only portfolio on every day, beside those of its benchmark."""
    return portfolio_returns(
        dates=days,
        sessions=days,
        names=pd.Index(["book"]),
        first_dates=pd.Series(days[:1], index=["book"]),
        benchmarks=pd.Series("SPY", index=["book"]),
        benchmark_returns=pd.DataFrame({"SPY": market}, index=days),
        **made,
    )


def rows(value: list[float], pnl: list[float], flow: list[float]) -> pd.DataFrame:
    made = frames(value, pnl, flow)
    days = SESSIONS[: len(value)]
    market = pd.Series(np.where(np.arange(len(days)) % 2, -0.001, 0.002), index=days)
    return validate(PortfolioReturns, of_all_days(made, days, market))


def test_rows_say_why_a_return_is_null() -> None:
    found = rows([0, 100, -20, 30], [0, 0, -120, 0], [0, 100, 0, 50])
    assert found["status"].tolist()[0] == NO_VALUE
    assert found["status"].tolist()[2:] == [RUIN, RUIN]
    assert found["daily_return"].iloc[3] == 0.0
    np.testing.assert_allclose(found["twr_itd"], [np.nan, 0.0, np.nan, np.nan])
    growth = 100 * np.cumprod(np.where(np.arange(300) % 3, 1.01, 0.99))
    gains = np.diff(growth, prepend=100.0)
    one = rows([*growth], [*gains], [100] + [0] * 299)
    assert one["status"].iloc[-1] == "ok"
    assert one["twr_itd"].iloc[-1] == pytest.approx(one["mwr_itd"].iloc[-1])
    assert one["twr_itd"].iloc[-1] == pytest.approx(growth[-1] / 100 - 1)
    assert one["twr_1y"].iloc[-1] == pytest.approx(one["mwr_1y"].iloc[-1])
    assert one["status"].iloc[30] == "partial: less than a year of history"
    flat = rows([100.0] * 300, [0.0] * 300, [100] + [0] * 299)
    assert flat["status"].iloc[-1] == "partial: no correlation"


def test_short_periods_and_the_drawdown_are_those_of_pandas() -> None:
    rng = np.random.default_rng(11)
    growth = 100 * np.cumprod(1 + rng.normal(0.0005, 0.02, 300))
    found = rows([*growth], [*np.diff(growth, prepend=100.0)], [100] + [0] * 299).set_index("date")
    daily = found["daily_return"]
    by_month = (1 + daily).groupby(daily.index.to_period("M")).cumprod() - 1
    np.testing.assert_allclose(found["twr_mtd"], by_month, rtol=1e-10, atol=1e-12)
    for name, back in (("1w", {"days": 7}), ("1m", {"months": 1}), ("3m", {"months": 3})):
        for day in daily.index[[4, 70, 150, 299]]:
            opens = daily.index[daily.index <= day - pd.DateOffset(**back)]
            since = daily[daily.index > opens[-1]].loc[:day] if len(opens) else None
            expected = np.nan if since is None else (1 + since).prod() - 1
            np.testing.assert_allclose(found.loc[day, f"twr_{name}"], expected, rtol=1e-10, err_msg=name)
    assert found["drawdown"].max() == pytest.approx(-empyrical.max_drawdown(daily), rel=1e-12)
    level = pd.concat([pd.Series([1.0]), (1 + daily).cumprod()], ignore_index=True)
    np.testing.assert_allclose(found["drawdown"], (1 - level / level.cummax())[1:], rtol=1e-9, atol=1e-14)


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_contributions_sum_to_the_return(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days = SESSIONS[:120]
    names = [f"s{i}" for i in range(7)]
    pnl = rng.normal(0, 8, (len(days), len(names)))
    base = rng.uniform(900, 1500, len(days))
    earned = pnl.sum(axis=1) + 0.3
    account = pd.DataFrame(
        {"portfolio": "book", "date": days, "base": base, "daily_return": earned / base, "daily_pnl": earned}
    )
    parts = pd.DataFrame(
        {
            "portfolio": "book",
            "date": np.repeat(days, len(names)),
            "symbol": np.tile(names, len(days)),
            "pnl": pnl.ravel(),
        }
    )
    found = contributions(account=account, parts=parts, by=["symbol"])
    assert found["contribution"].sum() == pytest.approx(np.prod(1 + earned / base) - 1, abs=1e-10)
    assert found.loc[found["symbol"] == CASH, "pnl"].item() == pytest.approx(0.3 * len(days))
    assert found["pnl"].sum() == pytest.approx(earned.sum())


def test_a_change_that_nothing_explains_is_said_and_a_gap_is_not_compared() -> None:
    made = frames([100, 110, 125, 130, 131], [0, 10, 10, 5, 1], [100, 0, 0, 0, 0])
    made["snapshots"].loc[3, "status"] = "partial: no price for X"
    days = SESSIONS[:5]
    found = of_all_days(made, days, 0.001)
    np.testing.assert_allclose(found["unexplained"], [0.0, 0.0, 5 / 125, np.nan, np.nan])
    outcome = VALUE_CHANGES_BY_PNL_AND_FLOWS.evaluate(found)
    assert (outcome.passed, outcome.rows) == (False, [2])
    assert outcome.metadata["rows_compared"] == 3
    assert VALUE_CHANGES_BY_PNL_AND_FLOWS.evaluate(found.drop(index=2)).passed


def test_a_session_without_a_snapshot_is_no_return_and_ends_the_periods_over_it() -> None:
    made = frames([100, 110, 121, 133.1], [0, 10, 11, 12.1], [100, 0, 0, 0])
    made["snapshots"] = made["snapshots"].drop(index=1)
    days = SESSIONS[:4]
    found = of_all_days(made, days, [np.nan, 0.01, 0.0, 0.02])
    np.testing.assert_allclose(found["daily_return"], [0.0, np.nan, np.nan, 0.1])
    np.testing.assert_allclose(found["twr_itd"], [0.0, np.nan, np.nan, np.nan])
    assert found["mwr_itd"].isna().tolist() == [False, True, True, True]
    assert found["status"].tolist()[1:] == [
        "no total value: no snapshot, or nothing in it has a price",
        "no return: the session before has no value",
        "partial: no value on 2 sessions since inception",
    ]
