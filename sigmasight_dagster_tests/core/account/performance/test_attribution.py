"""Active share and attribution: a published example, the plain linking of each day, and sums."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.account.performance.active_share import (
    NO_HOLDINGS,
    NO_VALUE,
    NOT_YET,
    active_share,
)
from sigmasight_core.account.performance.attribution import return_attribution
from sigmasight_core.account.performance.brinson import brinson_fachler
from sigmasight_core.calendar import FIRST_DATE, sessions
from sigmasight_core.tables import ActiveShare, BenchmarkHoldings, ReturnAttribution, validate
from sigmasight_dagster.gates.attribution import EFFECTS_SUM_TO_THE_ACTIVE_RETURN as GATE

DAYS = sessions("2022-11-01", "2022-11-30")
SECTORS = {"A": "Energy", "B": "Energy", "C": "Health", "D": "Tech"}
EFFECTS = ["allocation", "selection", "interaction"]


def holdings(weights: dict[str, float], as_of: pd.Timestamp = FIRST_DATE, **sector: str) -> pd.DataFrame:
    rows = pd.DataFrame({"symbol": list(weights), "weight": list(weights.values())})
    rows = rows.assign(
        portfolio="book", holdings_date=as_of, benchmark="SPY", source="h.csv", source_line=rows.index + 2
    )
    rows["sector"] = [sector.get(name, "") for name in rows["symbol"]]
    return validate(BenchmarkHoldings, rows)


class Book:
    """Positions that are held over all days, at the start `values` of them and `cash`, without flows."""

    def __init__(self, returns: pd.DataFrame, values: dict[str, float], cash: float = 0.0, fees: Any = 0.0):
        """:param returns: days x symbols; position `X-option` is one on X that earns as twice the share."""
        self.returns, self.days = returns, returns.index
        paths = {}
        for name, start in values.items():
            times = 2.0 if name.endswith("-option") else 1.0
            paths[name] = start * np.cumprod(1 + times * returns[name[0]].to_numpy())
        ends = pd.DataFrame(paths, index=self.days)
        pnl = ends.diff().fillna(ends.iloc[:1] - pd.Series(values))
        fee = np.broadcast_to(fees, len(self.days))
        keys = {"date": self.days, "portfolio": "book"}
        total = ends.sum(axis=1).to_numpy() + cash + np.cumsum(fee)
        day_pnl = pnl.sum(axis=1).to_numpy() + fee
        opening = sum(values.values()) + cash
        daily = day_pnl / np.r_[opening, total[:-1]]
        linked = np.cumprod(1 + daily) - 1
        flow = np.where(np.arange(len(self.days)) == 0, opening, 0.0)
        self.portfolio_returns = pd.DataFrame(
            {**keys, "total_value": total, "daily_pnl": day_pnl, "external_flow": flow}
        ).assign(daily_return=daily, twr_ytd=linked, twr_1y=np.nan)
        self.cash = pd.DataFrame({**keys, "dividends": 0.0, "interest": 0.0, "fees": fee})
        self.values = pd.concat(
            [
                pd.DataFrame({**keys, "exposure": ends[name], "daily_pnl": pnl[name]}).assign(
                    position_id=name,
                    underlying=name[0],
                    position_type="LC" if name.endswith("-option") else "LONG",
                    sector=SECTORS[name[0]],
                )
                for name in values
            ],
            ignore_index=True,
        )

    def attribution(self, held: pd.DataFrame, **changed: Any) -> pd.DataFrame:
        listed = pd.MultiIndex.from_product([self.days, SECTORS], names=["date", "symbol"]).to_frame(
            index=False
        )
        rows = return_attribution(
            **{
                "dates": self.days,
                "sessions": self.days,
                "names": pd.Index(["book"]),
                "first_dates": pd.Series(self.days[0], index=["book"]),
                "portfolio_returns": self.portfolio_returns,
                "portfolio_cash": self.cash,
                "position_values": self.values,
                "holdings": held,
                "securities": listed.assign(sector=listed["symbol"].map(SECTORS)),
                "benchmark_returns": self.returns,
            }
            | changed
        )
        return validate(ReturnAttribution, rows)

    def share(self, held: pd.DataFrame, **changed: Any) -> pd.DataFrame:
        rows = active_share(
            **{
                "dates": self.days,
                "names": pd.Index(["book"]),
                "portfolio_returns": self.portfolio_returns,
                "position_values": self.values,
                "holdings": held,
            }
            | changed
        )
        return validate(ActiveShare, rows)


def drawn(seed: int, n_days: int = len(DAYS)) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(0.001, 0.03, (n_days, 4)), index=DAYS[:n_days], columns=list("ABCD"))


def year(rows: pd.DataFrame, date: pd.Timestamp = DAYS[-1]) -> pd.DataFrame:
    return rows[(rows["period"] == "ytd") & (rows["date"] == date)].set_index("sector")


def test_the_example_of_bacon() -> None:
    """Bacon, Practical Portfolio Performance Measurement and Attribution (2nd ed. 2008), chapter 5.

    UK, Japanese and US equities: 40/30/30% against 40/20/40%, 20/-5/6% against 10/-4/8%: 8.3% against 6.4%.
    """
    weight, held = np.array([0.4, 0.3, 0.3]), np.array([0.4, 0.2, 0.4])
    found = brinson_fachler(
        portfolio_weight=weight,
        portfolio_contribution=weight * [0.20, -0.05, 0.06],
        benchmark_weight=held,
        benchmark_contribution=held * [0.10, -0.04, 0.08],
    )
    np.testing.assert_allclose(found.allocation, [0.0, -0.0104, -0.0016], atol=1e-15)
    np.testing.assert_allclose(found.selection, [0.04, -0.002, -0.008], atol=1e-15)
    np.testing.assert_allclose(found.interaction, [0.0, -0.001, 0.002], atol=1e-15)
    assert sum(part.sum() for part in found) == pytest.approx(0.083 - 0.064, abs=1e-15)


def test_one_day_by_hand_with_an_option_cash_and_a_fee() -> None:
    returns = pd.DataFrame({"A": [0.1], "B": [0.02], "C": [-0.05], "D": [0.04]}, index=DAYS[:1])
    book = Book(returns, {"A": 300.0, "C": 200.0, "C-option": 100.0}, cash=400.0, fees=-5.0)
    rows = year(book.attribution(holdings({"A": 0.25, "B": 0.25, "D": 0.5})), DAYS[0])
    # the benchmark: energy 50% at 6%, tech 50% at 4%: 5%; the portfolio: 30 - 10 - 10 - 5 of 1000: 0.5%
    assert rows["active_return"].iloc[0] == pytest.approx(-0.045)
    expected = {
        "(cash)": (-0.005 - 0.4 * 0.05, 0.0, 0.0),
        "(options)": (-0.01 - 0.1 * 0.05, 0.0, 0.0),
        "Energy": (-0.2 * 0.01, 0.5 * 0.04, -0.2 * 0.04),
        "Health": (-0.01 - 0.2 * 0.05, 0.0, 0.0),
        "Tech": (-0.5 * -0.01, 0.0, 0.0),
    }
    assert list(rows.index) == list(expected)
    np.testing.assert_allclose(rows[EFFECTS], list(expected.values()), atol=1e-15)
    np.testing.assert_allclose(rows["portfolio_weight"], [0.4, 0.1, 0.3, 0.2, 0.0], atol=1e-15)


VALUE = st.floats(0.0, 1000.0)


FOUR = st.lists(VALUE, min_size=4, max_size=4)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), FOUR, FOUR)
def test_effects_sum_to_the_active_return(seed: int, own: list[float], other: list[float]) -> None:
    values = {name: value * (-0.3 if name == "D" else 1.0) for name, value in zip("ABCD", own, strict=True)}
    book = Book(drawn(seed), {**values, "C-option": 50.0}, cash=2000.0, fees=-0.5)
    weights = np.array(other) + 1e-3
    held = holdings(dict(zip("ABCD", weights / weights.sum(), strict=True)))
    rows = book.attribution(held)
    months = rows[rows["period"] == "ytd"]
    by_date = months.groupby("date")
    plain = (1 + book.returns @ (weights / weights.sum())).cumprod() - 1
    np.testing.assert_allclose(by_date["benchmark_return"].first(), plain, rtol=0, atol=1e-13)
    active = book.portfolio_returns["twr_ytd"].to_numpy() - plain.to_numpy()
    sums = by_date[EFFECTS].sum().sum(axis=1)
    np.testing.assert_allclose(sums, active, rtol=0, atol=1e-12)
    np.testing.assert_allclose(by_date["portfolio_weight"].sum(), 1.0, atol=1e-12)
    np.testing.assert_allclose(by_date["benchmark_weight"].sum(), 1.0, atol=1e-12)
    assert GATE.evaluate(rows).passed
    assert not GATE.evaluate(rows.assign(selection=rows["selection"] + 1e-9)).passed
    share = book.share(held)["active_share"]
    assert (share >= 0).all()
    if own[3] == 0:
        assert (share <= 1 + 1e-12).all()


def test_a_portfolio_of_its_benchmark_has_no_effects_and_no_active_share() -> None:
    rng = np.random.default_rng(7)
    returns = pd.DataFrame(rng.normal(0, 0.02, (1, 4)), index=DAYS[:1], columns=list("ABCD"))
    # equal returns leave the weights as they are over more days as well
    returns = pd.concat([returns, pd.DataFrame(0.01, index=DAYS[1:9], columns=list("ABCD"))])
    weights = {"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.4}
    book = Book(returns, {name: 1000 * weight for name, weight in weights.items()})
    rows = book.attribution(holdings(weights, A="Oil"))
    rows = rows[rows["date"] == DAYS[0]]
    months = rows[rows["period"] == "ytd"]
    assert {"Oil", "Energy", "Health", "Tech", "(cash)"} == set(months["sector"])
    np.testing.assert_allclose(months[[*EFFECTS, "active_return"]], 0.0, atol=1e-15)
    closing = book.values[book.values["date"] == DAYS[0]].set_index("underlying")["exposure"]
    held = holdings((closing / closing.sum()).to_dict())
    np.testing.assert_allclose(book.share(held)["active_share"], 0.0, atol=1e-12)
    assert book.share(holdings({"X": 1.0}))["active_share"].to_numpy() == pytest.approx(1.0)
    half = book.share(
        held.assign(portfolio="book"),
        portfolio_returns=book.portfolio_returns.assign(
            total_value=2 * book.portfolio_returns["total_value"]
        ),
    )
    np.testing.assert_allclose(half["active_share"], 0.5, atol=1e-12)


def test_weights_count_from_the_close_of_their_date_on() -> None:
    book = Book(drawn(3), {"A": 500.0, "C": 500.0})
    held = pd.concat([holdings({"A": 1.0}, DAYS[2]), holdings({"C": 1.0}, DAYS[5])])
    share = book.share(held)
    assert share["status"].tolist() == [NOT_YET] * 2 + ["ok"] * (len(DAYS) - 2)
    assert share["holdings_date"].tolist()[1:7] == [pd.NaT, *[DAYS[2]] * 3, *[DAYS[5]] * 2]
    early = year(book.attribution(held))
    assert early["status"].tolist() == [
        "no attribution: no weights of the benchmark from before, or no returns of its holdings, "
        "on 3 sessions"
    ]
    first = pd.concat([holdings({"A": 1.0}), held])
    days = year(book.attribution(first))
    energy, health = book.returns["A"].iloc[:6], book.returns["C"].iloc[6:]
    expected = np.prod(1 + energy) * np.prod(1 + health) - 1
    assert days["benchmark_return"].iloc[0] == pytest.approx(expected, abs=1e-14)


def test_what_is_not_known_is_null_and_says_why() -> None:
    book = Book(drawn(5), {"A": 500.0, "C": 500.0})
    held = holdings({"A": 0.5, "B": 0.46, "C": 0.04})
    gone = book.returns.copy()
    gone.loc[DAYS[3], "C"] = np.nan
    rows = year(book.attribution(held, benchmark_returns=gone))
    assert set(rows["status"]) == {"partial: on 1 sessions some holdings of the benchmark have no return"}
    assert rows[EFFECTS].sum().sum() == pytest.approx(rows["active_return"].iloc[0], abs=1e-12)
    gone.loc[DAYS[3], "B"] = np.nan
    assert year(book.attribution(held, benchmark_returns=gone))["allocation"].isna().all()
    kept = book.values[book.values["date"] != DAYS[4]]
    retired = year(book.attribution(held, position_values=kept))
    assert retired["status"].tolist() == ["no attribution: no positions on 1 sessions"]
    assert book.attribution(held).query("period == '1y'")["status"].unique().tolist() == [
        "no attribution: less than a year of history"
    ]
    assert set(book.share(held.iloc[:0])["status"]) == {NO_HOLDINGS}
    poor = book.portfolio_returns.assign(total_value=-1.0)
    assert set(book.share(held, portfolio_returns=poor)["status"]) == {NO_VALUE}
