"""Rows of portfolio_returns on accounts with flows, against empyrical-reloaded and the published XIRR."""

import empyrical
import numpy as np
import pandas as pd
import pytest

from sigmasight_core.account.performance.portfolio_returns import portfolio_returns
from sigmasight_core.calendar import sessions
from sigmasight_core.tables import PortfolioReturns, validate


def of_account(days: pd.DatetimeIndex, value: np.ndarray, pnl: np.ndarray, flow: np.ndarray) -> pd.DataFrame:
    """Rows of an account without cash."""
    keys = {"date": days, "portfolio": "book"}
    cash = pd.DataFrame({**keys, "closing": 0.0, "dividends": 0.0, "interest": 0.0, "fees": 0.0})
    held = pd.DataFrame({**keys, "net_exposure": value, "gross_exposure": value, "price_pnl": pnl})
    rows = portfolio_returns(
        dates=days,
        sessions=days,
        names=pd.Index(["book"]),
        first_dates=pd.Series(days[:1], index=["book"]),
        portfolio_cash=cash.assign(external_flow=flow),
        snapshots=held.assign(status="ok"),
        benchmarks=pd.Series("SPY", index=["book"]),
        benchmark_returns=pd.DataFrame({"SPY": 0.001}, index=days),
    )
    return validate(PortfolioReturns, rows)


def test_time_weighted_is_what_empyrical_links_whatever_flows_in_and_out() -> None:
    rng = np.random.default_rng(7)
    days = sessions("2020-01-02", "2022-12-30")
    own = rng.normal(0.0004, 0.012, len(days))
    flow = np.where(rng.random(len(days)) < 0.1, rng.normal(0, 400, len(days)), 0.0)
    flow[0] = 10_000.0
    value, pnl = np.zeros((2, len(days)))
    for day in range(len(days)):
        base = (value[day - 1] if day else 0.0) + max(flow[day], 0.0)
        pnl[day] = base * own[day]
        value[day] = base + pnl[day] + min(flow[day], 0.0)
    rows = of_account(days, value, pnl, flow).set_index("date")
    series = pd.Series(own, index=days)
    np.testing.assert_allclose(rows["twr_itd"], empyrical.cum_returns(series), atol=1e-11)
    year = series["2022-01-01":]
    assert rows["twr_ytd"].iloc[-1] == pytest.approx(empyrical.cum_returns_final(year), abs=1e-11)
    assert rows["unexplained"].abs().max() < 1e-12
    assert abs(rows["twr_itd"].iloc[-1] - rows["mwr_itd"].iloc[-1]) > 1e-3


def test_money_weighted_of_an_account_is_the_published_xirr() -> None:
    # Microsoft's documentation of XIRR: 10,000 in, three withdrawals, 2,750 left: 37.3362535 % a year
    days = pd.DatetimeIndex(["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"])
    flow = np.array([10_000.0, -2_750.0, -4_250.0, -3_250.0, 0.0])
    value = np.array([10_000.0, 8_000.0, 5_000.0, 2_500.0, 2_750.0])
    rows = of_account(days, value, np.diff(value, prepend=0.0) - flow, flow)
    span = (days[-1] - days[0]).days
    assert (1 + rows["mwr_itd"].iloc[-1]) ** (365 / span) - 1 == pytest.approx(0.373362535, abs=1e-8)
