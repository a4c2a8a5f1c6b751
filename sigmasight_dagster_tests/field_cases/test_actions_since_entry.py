"""Splits since each entry count, whichever door a position came through (cases 50 and 05 from the field)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.tables import PortfolioSnapshots, PositionValues
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

HEADER = "ticker,quantity,entry_price,entry_date\n"
DAY, NEXT = "2021-08-02", "2021-08-03"


class Simulated(SmallProject):
    """The simulated market of seed 1, in which AAPL splits 5:1 on 2020-06-12."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_START_DATE": "2019-12-02",
            "SIGMASIGHT_END_DATE": "2021-12-31",
            "SIGMASIGHT_PROVIDER": "simulated",
            "SIGMASIGHT_SIMULATED_SEED": "1",
        }

    def file(self, rows: str, name: str) -> str:
        path = self.home / f"{name}.csv"
        path.write_text(HEADER + rows)
        return str(path)

    def values(self, portfolio: str, date: str) -> pd.DataFrame:
        rows = self.warehouse().read(PositionValues, [pd.Timestamp(date)], [portfolio])
        return rows.set_index("position_id")


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> Simulated:
    """Portfolio one holds KO alone, and has results up to DAY: no partition was asked for AAPL."""
    empty = new_project()
    made = Simulated(empty.home, empty.asset_url, empty.dagster_url)
    ko = made.file("KO,100,50,2020-01-02\n", "one")
    assert made.here("onboard", ko, "--portfolio", "one", "--yes", "--date", DAY) == 0
    return made


def test_a_symbol_that_is_imported_later_and_run(project: Simulated) -> None:
    file = project.file("AAPL,10,700,2020-01-02\n", "two")
    assert project.here("import", file, "--portfolio", "two") == 0
    assert project.here("run", "--date", NEXT, "--portfolio", "two") == 0
    row = project.values("two", NEXT).loc["AAPL@2020-01-02"]
    assert (row["quantity"], row["status"]) == (50, "ok")
