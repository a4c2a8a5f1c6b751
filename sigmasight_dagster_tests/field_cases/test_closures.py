"""The NYSE closes on short notice, and its calendar here does not know of it (case 41 from the field)."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioSnapshots
from sigmasight_dagster.partitions.dates import trading_dates
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.support.files_project import FilesProject
from sigmasight_dagster_tests.support.project import CliProject

pytestmark = pytest.mark.computes("portfolio_snapshots")

CLOSED = "2022-12-07"
ENVIRONMENT: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _calendar_of_before() -> Iterator[None]:
    yield
    ENVIRONMENT.clear()
    calendar.declare_closures([])


def test_a_declared_closure_is_no_session() -> None:
    before = calendar.sessions("2022-12-05", "2022-12-09")
    calendar.declare_closures([CLOSED, "2022-12-10", "2022-12-26"])
    assert calendar.sessions("2022-12-05", "2022-12-09").equals(before.drop(CLOSED))
    assert not calendar.is_session(CLOSED)
    assert calendar.are_sessions(before).tolist() == [True, True, False, True, True]
    assert calendar.non_session_reason(CLOSED) == "declared closed"
    assert calendar.non_session_reason("2022-12-10") == "weekend"
    assert calendar.non_session_reason("2022-12-26") == "NYSE holiday (Christmas)"
    assert calendar.shift_sessions("2022-12-08", -1) == pd.Timestamp("2022-12-06")
    assert calendar.next_session(CLOSED) == pd.Timestamp("2022-12-08")
    assert calendar.last_closed_session(pd.Timestamp("2022-12-07 23:00", tz="UTC")) == before[1]
    assert list(calendar.weekday_holidays("2022-12-05", "2022-12-09")) == [pd.Timestamp(CLOSED)]
    calendar.declare_closures([])
    assert calendar.sessions("2022-12-05", "2022-12-09").equals(before)


def test_a_closure_beyond_the_calendar_is_refused_and_changes_nothing() -> None:
    calendar.declare_closures([CLOSED])
    with pytest.raises(InputError, match="supported trading calendar"):
        calendar.declare_closures(["2050-01-03"])
    assert not calendar.is_session(CLOSED)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2025-01-09", "give a JSON list, each a date YYYY-MM-DD"),
        ('["9.1.2025"]', "0: '9.1.2025' is wrong"),
        ('["2050-01-03"]', "2050-01-03 is outside of the supported trading calendar"),
        ('{"2025-01-09": true}', 'as SIGMASIGHT_EXTRA_CLOSURES=["2025-01-09"]'),
    ],
)
def test_the_setting_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    monkeypatch.setenv("SIGMASIGHT_EXTRA_CLOSURES", text)
    with pytest.raises(InputError) as error:
        Settings()
    assert str(error.value).startswith("SIGMASIGHT_EXTRA_CLOSURES: ")
    assert told in str(error.value)


def test_settings_declare_it_to_calendar_and_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMASIGHT_EXTRA_CLOSURES", f'["{CLOSED}"]')
    Settings()
    definition = trading_dates(pd.Timestamp("2022-12-05").date(), pd.Timestamp("2022-12-09").date())
    keys = list(definition.get_partition_keys())
    assert keys == ["2022-12-05", "2022-12-06", "2022-12-08", "2022-12-09"]
    monkeypatch.delenv("SIGMASIGHT_EXTRA_CLOSURES")
    Settings()
    assert calendar.is_session(CLOSED)


class ClosedProject(FilesProject):
    """Prices of every session but the one on which the exchange turned out to be closed."""

    FIRST = "2022-12-01"

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **ENVIRONMENT}


def test_a_date_that_fails_for_ever_is_settled(
    new_project: Callable[[], CliProject], capsys: pytest.CaptureFixture[str]
) -> None:
    project = ClosedProject.without_prices(new_project())
    days = calendar.sessions("2022-12-01", "2022-12-09").drop(CLOSED)
    for name in ("AAA", "SPY"):
        project.write_closes(name, days, 100 + np.arange(len(days)))
    (project.home / "book.csv").write_text("ticker,quantity,entry_price,entry_date\nAAA,10,100,2022-12-01\n")
    assert project.here("import", str(project.home / "book.csv"), "--portfolio", "book") == 0
    assert project.here("backfill", "--start", "2022-12-05", "--end", "2022-12-08") == 1
    assert "no prices for 2022-12-07" in " ".join(capsys.readouterr().out.split())
    ENVIRONMENT["SIGMASIGHT_EXTRA_CLOSURES"] = f'["{CLOSED}"]'
    with pytest.raises(InputError, match=f"{CLOSED} is not a trading date: declared closed"):
        project.here("run", "--date", CLOSED)
    assert project.here("rerun-failed", "--start", "2022-12-05", "--end", "2022-12-08") == 0
    assert project.here("backfill", "--start", "2022-12-05", "--end", "2022-12-08") == 0
    rows = project.warehouse().read(PortfolioSnapshots, portfolios=["book"]).set_index("date")
    assert list(rows.index) == [pd.Timestamp(day) for day in ("2022-12-05", "2022-12-06", "2022-12-08")]
    assert rows["daily_pnl"]["2022-12-08"] == pytest.approx(10.0)
    assert project.here("stale", "--rerun") == 0
    assert project.here("readiness", "book", "--date", "2022-12-08") == 0
