"""Contributions to returns: by hand, against the plain linking of one period, and as a sum."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.account.performance.contributions import (
    CASH,
    NO_RETURN,
    return_contributions,
)
from sigmasight_core.account.performance.portfolio_returns import portfolio_returns
from sigmasight_core.calendar import sessions
from sigmasight_core.tables import GroupContributions, ReturnContributions, validate
from sigmasight_dagster.gates.account import CONTRIBUTIONS_SUM_TO_THE_RETURN, GROUPS_SUM_TO_THE_RETURN
from sigmasight_dagster_tests.core.account.performance.plain_contributions import contributions

SESSIONS = sessions("2021-01-04", "2022-12-30")
DAYS = SESSIONS[SESSIONS >= "2022-11-01"]
SECTORS = {"A": "Energy", "B": "Energy", "S0": "Energy", "S1": "Energy", "S2": "Health", "S3": "Tech"}
TAGS = {"A": "core,growth", "B": "", "S0": "core", "S1": "core,growth", "S2": "", "S3": "a,core,growth"}


class Books:
    """Portfolios with the P&L of their positions, (sessions, positions) each, and what follows from it."""

    def __init__(
        self,
        pnl: dict[str, dict[str, Any]],
        *,
        days: pd.DatetimeIndex,
        opening: float = 1000.0,
        fees: Any = 0.0,
        flows: Any = 0.0,
    ) -> None:
        self.days, self.names = days, pd.Index(sorted(pnl))
        values, cash, snapshots = [], [], []
        for book, parts in pnl.items():
            made = pd.DataFrame({name: np.broadcast_to(part, len(days)) for name, part in parts.items()})
            flow = np.broadcast_to(flows, len(days)) + np.where(np.arange(len(days)) == 0, opening, 0.0)
            fee = np.broadcast_to(fees, len(days))
            keys = {"date": days, "portfolio": book}
            price_pnl = made.sum(axis=1).to_numpy()
            exposure = np.cumsum(flow + price_pnl + fee)
            long = made.assign(**keys).melt(
                ["date", "portfolio"], var_name="underlying", value_name="daily_pnl"
            )
            values.append(
                long.assign(sector=long["underlying"].map(SECTORS), tags=long["underlying"].map(TAGS))
            )
            cash.append(
                pd.DataFrame({**keys, "closing": 0.0, "dividends": 0.0, "interest": 0.0, "fees": fee})
            )
            cash[-1]["external_flow"] = flow
            held = {"net_exposure": exposure, "gross_exposure": exposure, "price_pnl": price_pnl}
            snapshots.append(pd.DataFrame({**keys, **held, "status": "ok"}))
        self.values, self.cash = pd.concat(values, ignore_index=True), pd.concat(cash, ignore_index=True)
        self.snapshots = pd.concat(snapshots, ignore_index=True)
        self.first = pd.Series(days[0], index=self.names)

    def returns(self) -> pd.DataFrame:
        return portfolio_returns(
            dates=self.days,
            sessions=self.days,
            names=self.names,
            first_dates=self.first,
            portfolio_cash=self.cash,
            snapshots=self.snapshots,
            benchmarks=pd.Series("SPY", index=self.names),
            benchmark_returns=pd.DataFrame({"SPY": 0.001}, index=self.days),
        )

    def rows(self, dates: pd.DatetimeIndex, **changed: Any) -> pd.DataFrame:
        return self.both(dates, **changed)[0]

    def both(self, dates: pd.DatetimeIndex, **changed: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        items, groups = return_contributions(
            **{
                "dates": dates,
                "sessions": self.days,
                "names": self.names,
                "first_dates": self.first,
                "portfolio_returns": self.returns(),
                "portfolio_cash": self.cash,
                "position_values": self.values,
            }
            | changed
        )
        return validate(ReturnContributions, items), validate(GroupContributions, groups)


def by_item(rows: pd.DataFrame, column: str = "contribution") -> dict[tuple[str, str], Any]:
    return rows.set_index(["period", "item"])[column].to_dict()


def test_two_days_by_hand() -> None:
    # 1000: A earns 100 (10%), the fee is 11 on the second day of 1100: B loses 44, A earns 110: 5%
    books = Books(
        {"book": {"A": [100.0, 110.0], "B": [0.0, -44.0]}}, days=DAYS[:2], fees=np.array([0.0, -11.0])
    )
    rows = books.rows(DAYS[1:2])
    k1, k2, total = np.log(1.1) / 0.1, np.log(1.05) / 0.05, np.log(1.155) / 0.155
    found = by_item(rows[rows["period"] == "ytd"])
    assert found["ytd", "A"] == pytest.approx((k1 * 0.1 + k2 * 0.1) / total, abs=1e-14)
    assert found["ytd", "B"] == pytest.approx(k2 * -0.04 / total, abs=1e-14)
    assert found["ytd", CASH] == pytest.approx(k2 * -0.01 / total, abs=1e-14)
    assert sum(found.values()) == pytest.approx(0.155, abs=1e-14)
    assert by_item(rows, "pnl")["ytd", "A"] == 210.0
    young = rows[rows["period"] == "1y"]
    assert young["item"].tolist() == [CASH]
    assert young["contribution"].isna().all()
    assert young["status"].tolist() == ["no contribution: less than a year of history"]


def drawn(seed: int, n_days: int = 300) -> Books:
    rng = np.random.default_rng(seed)
    days = SESSIONS[-n_days:]
    flows = np.where(rng.random(n_days) < 0.05, rng.uniform(-20, 200, n_days), 0.0)
    books = {
        book: {f"S{i}": rng.normal(0, scale, n_days) for i in range(4)}
        for book, scale in (("a", 3.0), ("b", 0.0), ("c", 8.0))
    }
    return Books(books, days=days, opening=2000.0, fees=-rng.uniform(0, 0.2, n_days), flows=flows)


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_contributions_of_every_period_sum_to_its_return(seed: int) -> None:
    books = drawn(seed)
    dates = books.days[[5, 150, 259, 299]]
    returns = books.returns()
    rows, groups = books.both(dates, portfolio_returns=returns)
    assert GROUPS_SUM_TO_THE_RETURN.evaluate(groups).metadata["largest_difference"] < 1e-10
    assert GROUPS_SUM_TO_THE_RETURN.evaluate(groups).passed
    known = rows[rows["status"] == "ok"].groupby(["date", "portfolio", "period"])
    np.testing.assert_allclose(
        known["contribution"].sum(), known["period_return"].first(), atol=1e-10, rtol=0
    )
    returns = returns[returns["date"].isin(dates)]
    there = returns[["twr_ytd", "twr_1y"]].notna().sum().sum()
    assert known.ngroups == there >= 12
    assert CONTRIBUTIONS_SUM_TO_THE_RETURN.evaluate(rows).passed


def test_a_year_is_that_of_the_plain_linking() -> None:
    books = drawn(3)
    returns, date = books.returns(), books.days[-1]
    start = books.days[books.days <= date - pd.DateOffset(years=1)][-1]
    before = returns.groupby("portfolio")["total_value"].shift().fillna(0.0)
    account = returns.assign(base=before + returns["external_flow"].clip(lower=0.0))
    account, parts = (frame[frame["date"] > start] for frame in (account, books.values))
    plain = contributions(
        account=account, parts=parts.rename(columns={"daily_pnl": "pnl"}), by=["underlying"]
    )
    rows = books.rows(books.days[-1:])
    found = rows[rows["period"] == "1y"].set_index(["portfolio", "item"])
    expected = plain.set_index(["portfolio", "underlying"]).reindex(found.index)
    np.testing.assert_allclose(found["contribution"], expected["contribution"], atol=1e-12)
    np.testing.assert_allclose(found["pnl"], expected["pnl"], atol=1e-9)


def test_a_window_gives_what_all_of_history_gives() -> None:
    books = drawn(5, n_days=400)
    window = books.days[-258:]
    whole = books.rows(books.days[-2:])
    pd.testing.assert_frame_equal(books.rows(books.days[-2:], sessions=window), whole, atol=1e-12, rtol=0)


def test_what_is_missing_is_null_and_says_so() -> None:
    pnl = {"book": {"A": [5.0] * 6, "B": [1.0] * 6}}
    books = Books(pnl, days=DAYS[:6])
    returns = books.returns()

    def ytd(**changed: Any) -> pd.DataFrame:
        rows = books.rows(DAYS[5:6], **changed)
        return rows[rows["period"] == "ytd"]

    # the P&L of a day, a row of returns before, the positions of a day, the return of the period
    found = ytd(portfolio_returns=returns.drop(index=2))
    assert found["contribution"].isna().all()
    assert set(found["status"]) == {"no contribution: no daily return on 2 sessions"}
    found = ytd(position_values=books.values[books.values["date"] != DAYS[3]])
    assert set(found["status"]) == {"no contribution: no positions on 1 sessions"}
    assert found[["pnl", "contribution"]].isna().all(axis=None)
    found = ytd(portfolio_returns=returns.assign(twr_ytd=np.nan))
    assert set(found["status"]) == {NO_RETURN}
    books.values.loc[1, "daily_pnl"] = np.nan
    books.snapshots.loc[1, "price_pnl"] = 1.0
    books.snapshots["net_exposure"] = 1000 + books.snapshots["price_pnl"].cumsum()
    found = ytd()
    assert found["status"].tolist() == ["partial: no P&L on 1 sessions", "ok", "ok"]
    assert found["contribution"].sum() == pytest.approx(found["period_return"].iloc[0], abs=1e-12)


def test_before_the_account_and_without_positions() -> None:
    books = Books({"book": {"A": [5.0] * 6}}, days=DAYS[3:9])
    rows = books.rows(DAYS[[1, 8]], sessions=DAYS[:9])
    assert rows.loc[rows["date"] == DAYS[1], "item"].tolist() == [CASH, CASH]
    assert rows.loc[rows["date"] == DAYS[1], "contribution"].isna().all()
    assert by_item(rows[rows["date"] == DAYS[8]])["ytd", "A"] == pytest.approx(0.03, abs=1e-12)
    empty = Books({"book": {"A": [0.0] * 3}}, days=DAYS[:3], fees=-1.0)
    rows = empty.rows(DAYS[2:3], position_values=empty.values[:0])
    assert by_item(rows)["ytd", CASH] == pytest.approx(-0.003, abs=1e-12)


def test_sectors_and_tags_by_hand() -> None:
    books = Books(
        {"book": {"A": [100.0, 110.0], "B": [0.0, -44.0]}}, days=DAYS[:2], fees=np.array([0.0, -11.0])
    )
    items, groups = books.both(DAYS[1:2])
    one = by_item(items)
    found = groups[groups["period"] == "ytd"].set_index(["dimension", "item"])["contribution"].to_dict()
    a, b, cash = (one["ytd", name] for name in ("A", "B", CASH))
    expected = {("sector", "Energy"): a + b, ("sector", "(cash)"): cash, ("tag", "(cash)"): cash}
    # A is in both of its tags, and once too often
    expected |= {
        ("tag", "core"): a,
        ("tag", "growth"): a,
        ("tag", "(several tags)"): -a,
        ("tag", "(no tag)"): b,
    }
    assert found == pytest.approx(expected, abs=1e-14)


def test_the_gate_sees_positions_that_are_not_those_of_the_return() -> None:
    books = drawn(7)
    changed = books.values.copy()
    changed.loc[changed.index[changed["date"] == books.days[-3]][0], "daily_pnl"] += 0.01
    rows = books.rows(books.days[-1:], position_values=changed)
    outcome = CONTRIBUTIONS_SUM_TO_THE_RETURN.evaluate(rows)
    assert not outcome.passed
    assert set(rows.loc[outcome.rows, "portfolio"]) == {"a"}
    assert outcome.metadata["periods_compared"] == 6
