"""Look-backs on portfolio tables: what is published counts, and nothing more is asked for."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import (
    DailyPrices,
    PortfolioSnapshots,
    Positions,
    RiskContributions,
    RiskMeasures,
    TreasuryYields,
    VarBacktests,
    columns_by_role,
    validate,
)
from sigmasight_dagster.assets.risk import risk_measures
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, RiskAsset, risk_asset
from sigmasight_dagster.gates.risk import (
    COMPONENTS_ADD_UP,
    VAR_BACKTESTS_ARE_NOT_RED,
    VAR_IS_NOT_BREACHED_TOO_OFTEN,
)
from sigmasight_dagster.runs import plan as launch
from sigmasight_dagster.warehouse import AuditStamp, Warehouse
from sigmasight_dagster.warehouse.errors import UpstreamNotPublished

FIRST = pd.Timestamp("2019-01-02")
SESSIONS = calendar.sessions("2022-11-01", "2022-12-16")
DATES = SESSIONS[-2:]
STAMP = AuditStamp("run", "1", pd.Timestamp("2023-01-02", tz="UTC"))
NO_POSITIONS = pd.DataFrame(columns=list(Positions.to_schema().columns))


@pytest.fixture
def warehouse(database_url: str) -> Iterator[Warehouse]:
    made = Warehouse(database_url)
    made.migrate()
    yield made
    made.close()


def snapshots(dates: pd.DatetimeIndex, portfolio: str) -> pd.DataFrame:
    numbers = dict.fromkeys(columns_by_role(PortfolioSnapshots, "value"), 0)
    rows = pd.DataFrame({"date": dates, "portfolio": portfolio, "status": "ok", **numbers})
    return validate(PortfolioSnapshots, rows.assign(daily_return=np.arange(len(dates)) / 1000))


def publish(warehouse: Warehouse, dates: pd.DatetimeIndex, portfolio: str) -> None:
    warehouse.replace(PortfolioSnapshots, snapshots(dates, portfolio), dates, [portfolio], STAMP)


def batch(warehouse: Warehouse, *portfolios: str) -> Batch:
    return Batch(risk_measures, SimpleNamespace(warehouse=warehouse), DATES, portfolios, FIRST)  # type: ignore[arg-type]


def test_the_published_sessions_before_the_batch_are_read_and_others_are_not_missed(
    warehouse: Warehouse,
) -> None:
    publish(warehouse, SESSIONS[[3, 10, -3, -2, -1]], "a")
    publish(warehouse, SESSIONS[[5, -2, -1]], "b")
    rows = batch(warehouse, "a", "b").read(PortfolioSnapshots)
    found = {name: list(part["date"]) for name, part in rows.groupby("portfolio")}
    assert found == {"a": list(SESSIONS[[3, 10, -3, -2, -1]]), "b": list(SESSIONS[[5, -2, -1]])}


def test_rows_of_a_replaced_ledger_are_not_read(warehouse: Warehouse) -> None:
    portfolio = {"portfolio": "a", "cash": 1.0, "source": "x.csv"}
    warehouse.save_portfolio(portfolio, NO_POSITIONS, STAMP)
    publish(warehouse, SESSIONS, "a")
    warehouse.save_portfolio(portfolio | {"cash": 2.0}, NO_POSITIONS, STAMP, replace=True)
    publish(warehouse, DATES, "a")
    assert list(batch(warehouse, "a").read(PortfolioSnapshots)["date"]) == list(DATES)


def test_the_dates_of_the_batch_themselves_are_required(warehouse: Warehouse) -> None:
    publish(warehouse, SESSIONS[:-1], "a")
    with pytest.raises(UpstreamNotPublished, match="2022-12-16"):
        batch(warehouse, "a").read(PortfolioSnapshots)


def declared(published_only: bool) -> list[RiskAsset]:
    """Prices, snapshots that need 5 sessions of them, and a measure that looks back on snapshots."""
    prices = risk_asset(DailyPrices, group="market")(lambda batch: pd.DataFrame())
    totals = risk_asset(PortfolioSnapshots, inputs=[Input(DailyPrices, look_back=5)], group="portfolio")(
        lambda batch: pd.DataFrame()
    )
    history = Input(PortfolioSnapshots, look_back=20, published_only=published_only)
    measures = risk_asset(RiskMeasures, inputs=[history], group="portfolio_risk")(
        lambda batch: pd.DataFrame()
    )
    named = zip(("prices", "totals", "measures"), (prices, totals, measures), strict=True)
    return [replace(asset, name=name) for name, asset in named]


@pytest.mark.parametrize(("published_only", "reach"), [(True, 5), (False, 25)])
def test_a_published_look_back_asks_for_no_earlier_input(published_only: bool, reach: int) -> None:
    request = launch.Request(DATES, ("a",), FIRST, 100)
    assets = declared(published_only)
    needs = launch.needed_sessions(assets, request, NO_POSITIONS)
    assert needs["prices"][0] == calendar.shift_sessions(DATES[0], -reach)
    runs = launch.plan(assets, request, NO_POSITIONS, {}, ["a"])
    assert [list(run.dates) for run in runs if run.portfolios] == [list(DATES)]


def test_prices_reach_back_to_the_whole_backtest() -> None:
    inputs = {item.model: item for item in risk_measures.inputs}
    assert inputs[DailyPrices] == Input(DailyPrices, look_back=504 + 252 + 252, benchmark=True)
    assert inputs[TreasuryYields] == Input(TreasuryYields, look_back=252, factor_window=True)
    assert inputs[PortfolioSnapshots].published_only
    assert inputs[PortfolioSnapshots].look_back == 251


def contributions(factor: float, position: float) -> pd.DataFrame:
    rows = [
        ("factor", "market", factor / 2),
        ("factor", "specific", factor / 2),
        ("position", "A@1", position),
    ]
    frame = pd.DataFrame(rows, columns=["kind", "item", "component_var_usd"])
    numbers = {
        "exposure": 1.0,
        "marginal_var": 1.0,
        "volatility": 1.0,
        "correlation": 1.0,
        "share": 0.5,
        "status": "ok",
    }
    return validate(RiskContributions, frame.assign(date=DATES[0], portfolio="a", **numbers))


def test_components_that_do_not_add_up_stop_the_publication() -> None:
    assert COMPONENTS_ADD_UP.evaluate(contributions(100.0, 100.0)).passed
    outcome = COMPONENTS_ADD_UP.evaluate(contributions(100.0, 100.001))
    assert COMPONENTS_ADD_UP.blocking
    assert not outcome.passed
    assert list(outcome.rows) == [0, 1, 2]


def test_components_without_numbers_are_no_failure() -> None:
    rows = contributions(100.0, 1.0).assign(component_var_usd=np.nan)
    assert COMPONENTS_ADD_UP.evaluate(rows).passed
    assert COMPONENTS_ADD_UP.evaluate(rows.iloc[:0]).passed


def test_a_red_backtest_warns_and_names_the_portfolio() -> None:
    numbers = dict.fromkeys(columns_by_role(VarBacktests, "value"), 1)
    row = {"date": DATES[0], "portfolio": "a", "confidence": "99", "traffic_light": "red", "status": "ok"}
    row["verdict"] = "too many breaches"
    rows = validate(VarBacktests, pd.DataFrame([row | numbers]))
    outcome = VAR_BACKTESTS_ARE_NOT_RED.evaluate(rows)
    assert not VAR_BACKTESTS_ARE_NOT_RED.blocking
    assert not outcome.passed
    assert outcome.metadata["portfolios"] == "a"
    assert VAR_BACKTESTS_ARE_NOT_RED.evaluate(rows.assign(traffic_light="yellow")).passed
    outcome = VAR_IS_NOT_BREACHED_TOO_OFTEN.evaluate(rows)
    assert not VAR_IS_NOT_BREACHED_TOO_OFTEN.blocking
    assert not outcome.passed
    assert outcome.metadata == {"tested": 1, "failed": 1, "portfolios": "a (99%)"}
    for verdict in ("passes", "too few breaches", "not tested"):
        assert VAR_IS_NOT_BREACHED_TOO_OFTEN.evaluate(rows.assign(verdict=verdict)).passed
