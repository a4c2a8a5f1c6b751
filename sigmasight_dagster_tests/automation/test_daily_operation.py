"""A day of operation: the schedule's tick, the market run, the portfolios' run; retries and isolation.

Runs are executed in this process, as the daemon would launch them; everything else is real.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError, SigmaSightError, TransientError
from sigmasight_core.tables import DailyPrices, PortfolioSnapshots, PositionCorrelations, PositionValues
from sigmasight_dagster.automation import jobs
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.engine.publish import BAD_PARTITIONS
from sigmasight_dagster.partitions.keys import range_tags
from sigmasight_dagster.providers.sample import SampleProvider
from sigmasight_dagster.tags import LAUNCHER_TAG, RETRY_DEPTH_TAG, RETRY_OF_TAG
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import (
    SmallProject,
    all_keys,
    failure_text,
    published_keys,
    run_requested,
)

NAMES = ("beta", "alpha")
FRIDAY = pd.Timestamp("2022-12-02")
CORRUPT = "UPDATE sigmasight.positions SET quantity = 'NaN' WHERE portfolio = 'alpha' AND symbol = 'AAPL'"
REPAIR = "UPDATE sigmasight.positions SET quantity = 20 WHERE portfolio = 'alpha' AND symbol = 'AAPL'"


@pytest.fixture(scope="module")
def small(new_project: Callable[[], CliProject]) -> SmallProject:
    return SmallProject.of(new_project(), NAMES)


@pytest.fixture
def project(small: SmallProject) -> Iterator[Project]:
    with small.open() as opened:
        yield opened


class Sensor:
    """A sensor as the daemon evaluates it: from now on, one tick after the other."""

    def __init__(self, project: Project, name: str):
        self._sensor = project.definitions.resolve_sensor_def(name)
        self._project = project
        self._cursor: str | None = None
        self.tick()

    def tick(self) -> list[dg.RunRequest]:
        context = dg.build_sensor_context(
            instance=self._project.instance,
            cursor=self._cursor,
            repository_def=self._project.definitions.get_repository_def(),
        )
        result = self._sensor.evaluate_tick(context)
        self._cursor = result.cursor
        return list(result.run_requests or [])


def tick(project: Project, date: pd.Timestamp) -> dg.RunRequest:
    evening = dt.datetime(date.year, date.month, date.day, 16, 30, tzinfo=ZoneInfo("America/New_York"))
    schedule = project.definitions.resolve_schedule_def("daily_market")
    result = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=evening))
    assert result.run_requests, result.skip_message
    return result.run_requests[0]


def test_the_first_day_of_an_install_fails_naming_the_backfill(project: Project, small: SmallProject) -> None:
    sensor = Sensor(project, "market_to_portfolio")
    result = run_requested(project, tick(project, FRIDAY), jobs.MARKET)
    assert not result.success
    assert "sigmasight backfill --start 2022-11-" in failure_text(result)
    assert sensor.tick() == []
    assert published_keys(small, PositionValues) == set()


def test_a_day_runs_by_itself_once_history_is_there(project: Project, small: SmallProject) -> None:
    assert small.here("backfill", "--start", "2022-11-28", "--end", "2022-12-01") == 0
    sensor = Sensor(project, "market_to_portfolio")
    market = run_requested(project, tick(project, FRIDAY), jobs.MARKET)
    assert market.success, failure_text(market)
    (request,) = sensor.tick()
    assert request.run_key == market.run_id
    assert run_requested(project, request, jobs.PORTFOLIO).success
    wanted = all_keys(pd.DatetimeIndex([FRIDAY]), NAMES)
    for model in (PositionValues, PositionCorrelations, PortfolioSnapshots):
        assert wanted <= published_keys(small, model)
    assert sensor.tick() == []


def market_of(project: Project, date: str, **tags: str) -> dg.ExecuteInProcessResult:
    """The daily prices of one date."""
    request = dg.RunRequest(
        tags={**range_tags(pd.DatetimeIndex([pd.Timestamp(date)]), None), **tags},
        asset_selection=[dg.AssetKey("daily_prices")],
    )
    return run_requested(project, request, jobs.MARKET)


def attempts_of(result: dg.ExecuteInProcessResult) -> int:
    events = (event for event in result.all_events if event.step_key == "daily_prices")
    return sum(event.is_step_start or event.is_step_restarted for event in events)


class Failing:
    """A provider's prices that fail the first `times` times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: SigmaSightError, times: int):
        self._real, self._error, self._left = SampleProvider.daily_prices, error, times
        monkeypatch.setattr(SampleProvider, "daily_prices", lambda *given: self(*given))

    def __call__(self, *given: object) -> pd.DataFrame:
        self._left -= 1
        if self._left >= 0:
            raise self._error
        return self._real(*given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "times", "attempts", "succeeds"),
    [
        (TransientError("provider: timeout"), 2, 3, True),
        (TransientError("provider: timeout"), 9, 4, False),
        (InputError("provider: bad key"), 1, 1, False),
    ],
)
def test_failures_that_may_pass_are_tried_again_within_limits(
    project: Project,
    small: SmallProject,
    monkeypatch: pytest.MonkeyPatch,
    error: SigmaSightError,
    times: int,
    attempts: int,
    succeeds: bool,
) -> None:
    before = published_keys(small, DailyPrices)
    Failing(monkeypatch, error, times)
    result = market_of(project, "2022-12-20")
    assert result.success is succeeds
    assert attempts_of(result) == attempts
    if not succeeds:
        assert str(error) in failure_text(result)
        assert published_keys(small, DailyPrices) == before


@pytest.mark.parametrize(("tags", "attempts"), [({}, 4), ({LAUNCHER_TAG: "here:1:1"}, 1)])
def test_late_data_of_the_latest_session_are_waited_for_unless_a_person_waits(
    project: Project, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], attempts: int
) -> None:
    monkeypatch.setattr(calendar, "last_closed_session", lambda now: pd.Timestamp("2022-12-21"))
    monkeypatch.setattr(SampleProvider, "daily_prices", lambda *given: DailyPrices.empty())
    result = market_of(project, "2022-12-21", **tags)
    assert not result.success
    assert "no prices for 2022-12-21 from provider sample" in failure_text(result)
    assert attempts_of(result) == attempts


def test_a_session_with_refused_closes_alone_has_no_prices(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SampleProvider.daily_prices

    def refused(*given: object) -> pd.DataFrame:
        return real(*given).assign(close=np.nan, status="refused: no close")  # type: ignore[arg-type]

    monkeypatch.setattr(SampleProvider, "daily_prices", refused)
    result = market_of(project, "2022-12-21")
    assert "no prices for 2022-12-21 from provider sample" in failure_text(result)


def test_data_that_never_came_are_asked_for_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SampleProvider, "daily_prices", lambda *given: DailyPrices.empty())
    result = market_of(project, "2022-12-21")
    assert attempts_of(result) == 1
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_failure_data.user_failure_data.metadata[BAD_PARTITIONS].value == ["2022-12-21"]


@pytest.fixture
def corrupted(small: SmallProject) -> Iterator[None]:
    execute(small.asset_url, CORRUPT)
    yield
    execute(small.asset_url, REPAIR)


@pytest.mark.usefixtures("corrupted")
def test_a_bad_portfolio_of_a_scheduled_run_fails_alone(project: Project, small: SmallProject) -> None:
    dates = pd.DatetimeIndex(["2022-11-29", "2022-11-30"])
    sensor = Sensor(project, "isolate_failures")
    whole = dg.RunRequest(tags=range_tags(dates, (NAMES[0], NAMES[-1])))
    failed = run_requested(project, whole, jobs.PORTFOLIO)
    assert not failed.success
    good, bad = sensor.tick()
    assert [request.run_key for request in (good, bad)] == [f"{failed.run_id}:1", f"{failed.run_id}:2"]
    assert {request.tags[RETRY_OF_TAG] for request in (good, bad)} == {failed.run_id}
    assert {request.tags[RETRY_DEPTH_TAG] for request in (good, bad)} == {"1"}
    first, second = (run_requested(project, request, jobs.PORTFOLIO) for request in (good, bad))
    assert first.success
    assert not second.success
    published = project.platform.warehouse.published(PortfolioSnapshots, run_id=first.run_id)
    assert set(published["portfolio"]) == {"beta"}
    assert sensor.tick() == []


@pytest.mark.usefixtures("corrupted")
def test_a_command_splits_its_own_runs(project: Project) -> None:
    sensor = Sensor(project, "isolate_failures")
    tags = range_tags(pd.DatetimeIndex(["2022-11-29"]), (NAMES[0], NAMES[-1]))
    request = dg.RunRequest(tags={**tags, LAUNCHER_TAG: "here:1:1"})
    assert not run_requested(project, request, jobs.PORTFOLIO).success
    assert sensor.tick() == []
