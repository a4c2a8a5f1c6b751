"""Interest on the cash of a portfolio: by settings, from the stored yields, and none without."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.tables import PortfolioCash, TreasuryYields
from sigmasight_dagster.assets.account import portfolio_cash
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

DATES = calendar.sessions("2022-11-15", "2022-11-18")


def test_cash_earns_the_stored_yield_less_the_spread(new_project: Callable[[], CliProject]) -> None:
    project = SmallProject.of(new_project(), ["alpha"])
    backfill = ("backfill", "--start", "2022-11-15", "--end", "2022-11-18", "--portfolio", "alpha")
    done = project.run(*backfill, SIGMASIGHT_CASH_INTEREST_SPREAD="0.01")
    assert done.returncode == 0, done.stderr
    warehouse = project.warehouse()
    cash = warehouse.read(PortfolioCash)
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


def computed(platform: Platform) -> pd.DataFrame:
    rows = portfolio_cash.compute(Batch(portfolio_cash, platform, DATES, ("alpha",), DATES[0]))
    assert isinstance(rows, pd.DataFrame)
    return rows
