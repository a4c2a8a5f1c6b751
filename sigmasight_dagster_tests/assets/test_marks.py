"""A private asset end to end: held, carried, marked again, on real tables."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import pytest

from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    PortfolioSnapshots,
    PositionPnlExplain,
    PositionValues,
    RealizedVolatility,
    SecurityMaster,
)
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

pytestmark = pytest.mark.computes("factor_betas", "portfolio_snapshots", "position_pnl_explain")

MARKS = "date,symbol,price\n2022-11-16,FUND1,100\n2022-12-02,FUND1,120\n"
LEDGER = "ticker,quantity,entry_price,entry_date\nFUND1,50,90,2022-11-18\nAAPL,10,148.70,2022-11-15\n"


@dataclass(frozen=True)
class MarkedProject(SmallProject):
    """A small project with marks."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "SIGMASIGHT_MARKS_FILE": str(self.home / "marks.csv")}


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> MarkedProject:
    plain = new_project()
    made = MarkedProject(plain.home, plain.asset_url, plain.dagster_url)
    (made.home / "marks.csv").write_text(MARKS)
    (made.home / "alpha.csv").write_text(LEDGER)
    assert made.here("import", str(made.home / "alpha.csv"), "--portfolio", "alpha", "--cash", "1000") == 0
    assert made.here("backfill", "--start", "2022-11-18", "--end", "2022-12-05") == 0
    return made


def of_the_fund(project: CliProject, model: type) -> pd.DataFrame:
    rows = project.warehouse().read(model)
    name = "symbol" if "symbol" in rows else "position_id"
    return rows[rows[name].str.startswith("FUND1")].set_index("date")


def test_a_carried_mark_values_with_its_age_long_after_seven_days(project: MarkedProject) -> None:
    values = of_the_fund(project, PositionValues)
    assert len(values) == 11
    old = values.loc["2022-12-01"]
    assert (old["price"], old["price_age_days"], old["market_value"]) == (100.0, 15, 5000.0)
    assert old["price_source"] == "marks: marks.csv"
    assert old["status"] == "stale: last price 2022-11-16"
    assert old["unrealized_pnl"] == 500.0


def test_the_next_marks_pnl_covers_the_whole_move_and_carried_days_have_none(project: MarkedProject) -> None:
    daily = of_the_fund(project, PositionValues)["daily_pnl"]
    assert daily.dropna().to_dict() == {pd.Timestamp("2022-12-02"): 50 * (120.0 - 90.0)}
    assert daily.sum() == of_the_fund(project, PositionValues)["unrealized_pnl"].iloc[-1]
    snapshots = project.warehouse().read(PortfolioSnapshots).set_index("date")
    assert snapshots.loc["2022-12-01", "status"] != "ok"
    assert pd.notna(snapshots.loc["2022-12-01", "total_value"])


def test_no_return_is_made_up(project: MarkedProject) -> None:
    prices = of_the_fund(project, DailyPrices)
    assert prices["adjusted_close"].dropna().to_dict() == {
        pd.Timestamp("2022-11-16"): 100.0,
        pd.Timestamp("2022-12-02"): 120.0,
    }
    volatility = of_the_fund(project, RealizedVolatility)
    assert volatility["annualized_volatility"].isna().all()
    assert set(volatility["n_obs"]) == {0}
    assert of_the_fund(project, FactorBetas)["beta"].isna().all()
    assert set(of_the_fund(project, SecurityMaster)["security_type"]) == {"private"}


def test_the_explanation_says_what_it_cannot_tell(project: MarkedProject) -> None:
    explained = of_the_fund(project, PositionPnlExplain)
    carried = explained.loc["2022-12-01"]
    assert pd.isna(carried["daily_pnl"])
    assert carried["status"].startswith("stale")
    assert explained.loc["2022-12-02", "daily_pnl"] == 1500.0


def test_a_bad_mark_stops_the_command_and_names_its_line(project: MarkedProject) -> None:
    marks = project.home / "bad_marks.csv"
    marks.write_text("date,symbol,price\n2022-11-16,FUND1,-1\n")
    result = project.run("run", "--date", "2022-12-05", SIGMASIGHT_MARKS_FILE=str(marks))
    assert result.returncode == 1
    told = " ".join(result.stdout.replace("│", " ").split())
    assert "bad_marks.csv, line 2, column price: '-1' must be positive" in told
