"""What an account is told beside its positions: interest on cash, delivery, what its benchmark holds."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.account.performance.active_share import NO_HOLDINGS
from sigmasight_core.conventions import OK
from sigmasight_core.tables import (
    ActiveShare,
    DailyPrices,
    PortfolioCash,
    PortfolioReturns,
    ReturnAttribution,
    TreasuryYields,
    validate,
)
from sigmasight_dagster.assets.account import option_deliveries, portfolio_cash
from sigmasight_dagster.assets.attribution import return_attribution
from sigmasight_dagster.assets.positions import position_values
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import FIRST_DATE, SmallProject

pytestmark = pytest.mark.computes("active_share", "portfolio_returns")

DATES = calendar.sessions("2022-11-15", "2022-11-18")


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> SmallProject:
    made = SmallProject.of(new_project(), ["alpha"])
    shares = made.home / "beta.csv"
    rows = "AAPL,10,148.70,2022-11-15\nJPM,5,130.00,2022-11-15\n"
    shares.write_text(f"ticker,quantity,entry_price,entry_date\n{rows}")
    named = ("--portfolio", "beta", "--benchmark", "JPM")
    made.here("import", str(shares), *named, "--cash", "1000", "--allow-unpriced")
    named = ("--portfolio", "alpha", "--portfolio", "beta")
    backfill = ("backfill", "--start", "2022-11-15", "--end", "2022-11-18", *named)
    done = made.run(*backfill, SIGMASIGHT_CASH_INTEREST_SPREAD="0.01")
    assert done.returncode == 0, done.stderr
    return made


def test_cash_earns_the_stored_yield_less_the_spread(project: SmallProject) -> None:
    warehouse = project.warehouse()
    cash = warehouse.read(PortfolioCash, portfolios=["alpha"])
    # the sample has no yields
    assert cash["status"].tolist() == ["ok"] + ["partial: no 3-month yield for interest on 2022-11-16"] * 3
    assert cash["closing"].tolist() == [1000.0] * 4

    percent = np.array([4.0, 4.1, 0.5, 4.3])
    rows = {"series": "3M", "yield_percent": percent, "source": "t", "status": "ok"}
    warehouse.replace(
        TreasuryYields, pd.DataFrame({"date": DATES, **rows}), DATES, None, AuditStamp.now("test")
    )
    with project.settings(SIGMASIGHT_CASH_INTEREST_SPREAD="0.01"):
        earning = computed(Platform(Settings()))
    assert set(earning["status"]) == {"ok"}
    # one calendar day each, on what was earned as well; never less than nothing
    rates = np.maximum(percent[:-1] / 100 - 0.01, 0.0) / 365
    np.testing.assert_allclose(earning["closing"], 1000 * np.cumprod(np.r_[1.0, 1 + rates]), rtol=1e-12)
    with project.settings():
        plain = computed(Platform(Settings()))
    assert plain["closing"].tolist() == [1000.0] * 4
    assert set(plain["status"]) == {"ok"}

    # a purchase beyond the cash: a deposit, or with margin a debt that pays the yield and the spread
    bought = project.home / "bought.csv"
    row = "AAPL,10,150,2022-11-17"
    rows_of_file = (project.home / "alpha.csv").read_text()
    bought.write_text(f"{rows_of_file}{row}\n")
    listed = ("import", str(bought), "--portfolio", "alpha", "--replace", "--allow-unpriced")
    dated = ("--cash", "1000", "--cash-date", "2022-11-16")
    project.here(*listed, *dated)
    with project.settings(SIGMASIGHT_CASH_BORROW_SPREAD="0.01"):
        paid = computed(Platform(Settings()))
    assert paid[["inferred", "closing"]].iloc[2:].to_numpy().tolist() == [[500.0, 0.0], [0.0, 0.0]]
    project.here(*listed, *dated, "--margin")
    with project.settings(SIGMASIGHT_CASH_BORROW_SPREAD="0.01"):
        owing = computed(Platform(Settings()))
    assert owing["inferred"].tolist() == [0.0] * 4
    np.testing.assert_allclose(owing["closing"].iloc[1:], [1000.0, -500.0, -500.0 * (1 + 0.015 / 365)])


def test_an_option_turns_into_shares_on_every_table_where_the_portfolio_says_so(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    option = "AAPL221116C00140000"
    file = project.home / "delivered.csv"
    rows = f"AAPL,50,148,2022-11-15\n{option},1,9,2022-11-15\n"
    file.write_text("ticker,quantity,entry_price,entry_date\n" + rows)
    listed = ("import", str(file), "--portfolio", "delivered", "--cash", "20000", "--allow-unpriced")
    project.here(*listed, "--settlement", "physical")
    with project.settings():
        platform = Platform(Settings())
    made = option_deliveries.compute(batch(option_deliveries, platform))
    assert made[["date", "kind", "symbol", "amount"]].to_numpy().tolist() == [
        [DATES[2], "exercise", option, 0.0],
        [DATES[2], "buy", "AAPL", -14_000.0],
    ]
    values = position_values.compute(batch(position_values, platform))
    cash = portfolio_cash.compute(batch(portfolio_cash, platform)).set_index("date")
    of_day = values.groupby("date")
    total = of_day["exposure"].sum() + cash["closing"]
    # on the first date of the project nothing prices the option
    np.testing.assert_allclose(
        total.diff().iloc[2:], (of_day["daily_pnl"].sum() + cash["external_flow"]).iloc[2:], atol=1e-9
    )
    assert cash["trades"].tolist() == [-50 * 148.0 - 900.0, 0.0, -14_000.0, 0.0]
    held = values[values["date"] == DATES[3]].set_index("position_id")["quantity"]
    assert held.to_dict() == {f"AAPL@2022-11-17/{option}@2022-11-15": 100.0, "AAPL@2022-11-15": 50.0}
    alone = position_values.compute(Batch(position_values, platform, DATES[2:3], ("delivered",), DATES[0]))
    pd.testing.assert_frame_equal(alone, values[values["date"] == DATES[2]].reset_index(drop=True))
    # a broker's balance after the exercise is what the account comes to: nothing is told of it
    capsys.readouterr()
    project.here("cash", "delivered", str(cash["closing"].iloc[3]), "--date", "2022-11-18")
    assert capsys.readouterr().err == ""

    # a later import keeps it until it says otherwise
    project.here(*listed, "--replace")
    assert settlement_of(project) == "physical"
    project.here(*listed, "--replace", "--settlement", "cash")
    assert settlement_of(project) == "cash"
    with project.settings():
        paid = portfolio_cash.compute(batch(portfolio_cash, Platform(Settings())))
    close = float(values.loc[values["position_id"] == "AAPL@2022-11-15", "price"].iloc[1])
    np.testing.assert_allclose(paid["settlements"], [0.0, 0.0, 100 * (close - 140), 0.0])


def test_the_active_return_is_attributed_to_sectors_where_the_holdings_of_the_benchmark_are_given(
    project: SmallProject,
) -> None:
    warehouse = project.warehouse()
    assert set(warehouse.read(ActiveShare, portfolios=["beta"])["status"]) == {NO_HOLDINGS}
    assert warehouse.read(ReturnAttribution, portfolios=["beta"]).empty
    file = project.home / "holdings.csv"
    file.write_text("symbol,weight,sector\nAAPL,0.3,\nJPM,0.5,Banks\nMTUM,0.2,\n")
    project.here("benchmark", "beta", "JPM", "--holdings", str(file))
    assert warehouse.published(ReturnAttribution, portfolios=["beta"]).empty
    with project.settings():
        made = Batch(return_attribution, Platform(Settings()), DATES, ("beta",), pd.Timestamp(FIRST_DATE))
        share, rows = (
            validate(model, frame)
            for model, frame in zip(
                (ActiveShare, ReturnAttribution), return_attribution.compute(made), strict=True
            )
        )
    assert set(share["status"]) == {OK}
    assert share["active_share"].between(0.4, 0.6).all()
    year = rows[rows["period"] == "ytd"]
    assert set(year["status"]) == {OK}
    assert {"(cash)", "Banks"} < set(year["sector"])
    effects = year[["allocation", "selection", "interaction"]].sum(axis=1).groupby(year["date"]).sum()
    returns = warehouse.read(PortfolioReturns, portfolios=["beta"]).set_index("date")["twr_ytd"]
    days = calendar.sessions(FIRST_DATE, "2022-11-18")
    prices = warehouse.read(DailyPrices, days, symbols=["AAPL", "JPM", "MTUM"])
    wide = prices.pivot_table("adjusted_close", "date", "symbol")
    other = (1 + wide.pct_change().iloc[1:] @ [0.3, 0.5, 0.2]).cumprod() - 1
    np.testing.assert_allclose(effects, returns - other, rtol=0, atol=1e-10)


def settlement_of(project: SmallProject) -> str:
    return str(project.warehouse().portfolios().set_index("portfolio").loc["delivered", "settlement"])


def batch(asset: RiskAsset, platform: Platform) -> Batch:
    return Batch(asset, platform, DATES, ("delivered",), DATES[0])


def computed(platform: Platform) -> pd.DataFrame:
    rows = portfolio_cash.compute(Batch(portfolio_cash, platform, DATES, ("alpha",), DATES[0]))
    assert isinstance(rows, pd.DataFrame)
    return rows
