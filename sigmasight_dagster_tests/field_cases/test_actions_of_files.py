"""Splits between an entry and the first date of the data, of the provider files (case 05 from the field)."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import PortfolioSnapshots, PositionFactorExposures, PositionValues
from sigmasight_dagster_tests.support.files_project import FilesProject
from sigmasight_dagster_tests.support.project import CliProject

pytestmark = pytest.mark.computes("portfolio_snapshots", "position_factor_exposures")

LOTS = """ticker,quantity,entry_price,entry_date
AAA,10,300.35,2020-01-02
AAA,7,75,2020-08-31
AAA,-2,300,2020-08-28
BBB,80,5,2020-01-02
CCC,1,90,2019-12-31
CCC,1,900,1986-03-13
SPY,5,250,2020-01-02
SPY,1,250,2020-10-01
"""
SPLITS = """symbol,ex_date,ratio
AAA,2020-08-31,4
BBB,2020-06-01,0.125
CCC,1987-06-16,10
CCC,2020-01-02,3
CCC,2020-09-30,2
CCC,2020-10-06,1.5
"""
DAY = pd.Timestamp("2020-10-09")


class OldLots(FilesProject):
    """Prices from 2020-10-01 on."""

    FIRST = "2020-10-01"

    def values(self) -> pd.DataFrame:
        rows = self.warehouse().read(PositionValues, [DAY], ["old"])
        return rows.set_index("position_id")


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> OldLots:
    made = OldLots.without_prices(new_project())
    days = calendar.sessions("2020-10-01", "2020-10-30")
    for name, close in {"AAA": 75.0, "BBB": 40.0, "CCC": 15.0, "SPY": 330.0}.items():
        closes = np.where((days >= pd.Timestamp("2020-10-06")) & (name == "CCC"), close / 1.5, close)
        made.write_closes(name, days, closes)
    (made.home / "old.csv").write_text(LOTS)
    assert made.here("import", str(made.home / "old.csv"), "--portfolio", "old") == 0
    return made


def test_without_a_list_of_splits_they_are_not_known_before_the_first_close(project: OldLots) -> None:
    assert project.here("run", "--date", f"{DAY:%Y-%m-%d}") == 0
    rows = project.values()
    unknown = "corporate actions of AAA not known from 2020-01-02 to 2020-09-30"
    assert rows["status"]["AAA@2020-01-02"] == unknown
    assert rows.loc["AAA@2020-01-02", ["quantity", "exposure", "unrealized_pnl", "weight"]].isna().all()
    assert rows["status"]["SPY@2020-10-01"] == "ok"
    assert rows["status"].eq("ok").sum() == 1
    snapshot = project.warehouse().read(PortfolioSnapshots, [DAY], ["old"]).iloc[0]
    assert snapshot["status"] == "partial: no quantity for AAA, BBB, CCC, SPY"
    assert (snapshot["n_positions"], snapshot["n_priced"], snapshot["total_value"]) == (8, 1, 330)
    exposures = project.warehouse().read(PositionFactorExposures, [DAY], ["old"])
    assert not (exposures["status"].eq("ok") & exposures["position_id"].eq("AAA@2020-01-02")).any()


def test_splits_of_the_list_count_from_each_entry_on(project: OldLots) -> None:
    """It has come since: what was computed without is stale, and computed again."""
    (project.home / "prices" / "splits.csv").write_text(SPLITS)
    assert project.here("refresh", "--start", "2020-10-01", "--end", f"{DAY:%Y-%m-%d}") == 0
    assert project.here("stale", "--rerun") == 0
    rows = project.values()
    assert rows["quantity"].to_dict() == {
        "AAA@2020-01-02": 40,
        "AAA@2020-08-28": -8,
        "AAA@2020-08-31": 7,
        "BBB@2020-01-02": 10,
        "CCC@1986-03-13": 90,
        "CCC@2019-12-31": 9,
        "SPY@2020-01-02": 5,
        "SPY@2020-10-01": 1,
    }
    assert set(rows["status"]) == {"ok"}
    assert rows["exposure"]["AAA@2020-01-02"] == pytest.approx(3000)
    assert rows["unrealized_pnl"]["CCC@2019-12-31"] == pytest.approx(9 * 10 - 90)


def test_a_split_that_is_taken_out_of_the_list_no_longer_counts(project: OldLots) -> None:
    without = SPLITS.replace("BBB,2020-06-01,0.125\n", "").replace("2020-09-30,2\n", "2020-09-30,4\n")
    (project.home / "prices" / "splits.csv").write_text(without)
    assert project.here("run", "--date", f"{DAY:%Y-%m-%d}") == 0
    quantity = project.values()["quantity"]
    assert (quantity["BBB@2020-01-02"], quantity["CCC@2019-12-31"]) == (80, 18)
