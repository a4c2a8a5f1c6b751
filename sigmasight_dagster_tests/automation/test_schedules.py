"""The daily schedule, on the calendar; what follows a market run; which failures are tried again."""

import datetime as dt
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core.errors import InputError, NoDataError, TransientError
from sigmasight_dagster.automation.market_to_portfolio import is_last_of_week, portfolio_requests
from sigmasight_dagster.automation.schedules import daily_request
from sigmasight_dagster.definitions import build_definitions
from sigmasight_dagster.engine import attempts
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import DAILY_TAG

NEW_YORK = ZoneInfo("America/New_York")
SAMPLE = Settings(provider="sample")
TABLES_OF_CORRELATIONS = {"position_correlations", "correlation_summary", "correlation_clusters"}


def at(day: str, time: str = "16:30") -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{time}:00").replace(tzinfo=NEW_YORK)


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(SAMPLE)


def tick(definitions: dg.Definitions, day: str) -> tuple[list[dg.RunRequest], str | None]:
    schedule = definitions.resolve_schedule_def("daily_market")
    result = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at(day)))
    return list(result.run_requests or []), result.skip_message


@pytest.mark.parametrize("day", ["2022-11-23", "2022-11-25"])
def test_a_session_is_run_and_a_half_day_too(definitions: dg.Definitions, day: str) -> None:
    requests, skipped = tick(definitions, day)
    assert skipped is None
    assert [request.run_key for request in requests] == [day]
    assert requests[0].tags["dagster/asset_partition_range_start"] == day
    assert requests[0].tags["dagster/asset_partition_range_end"] == day


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2022-11-24", "NYSE holiday (Thanksgiving)"),
        ("2022-11-26", "weekend"),
        ("2022-12-29", "after the data ends: the last trading date is 2022-12-28"),
        ("2013-06-03", "before the data starts: the first trading date is 2014-01-02"),
    ],
)
def test_other_days_are_skipped_with_the_reason(definitions: dg.Definitions, day: str, reason: str) -> None:
    requests, skipped = tick(definitions, day)
    assert requests == []
    assert skipped is not None
    assert day in skipped
    assert reason in skipped


@pytest.mark.parametrize(
    ("day", "time", "requested"),
    [
        ("2022-12-20", "15:59", False),
        ("2022-12-20", "16:00", True),
        ("2022-11-25", "12:59", False),
        ("2022-11-25", "13:00", True),
    ],
)
def test_a_session_that_has_not_closed_is_not_run(day: str, time: str, requested: bool) -> None:
    answer = daily_request(SAMPLE, at(day, time))
    assert isinstance(answer, dg.RunRequest) is requested
    if isinstance(answer, dg.SkipReason):
        assert "not closed yet" in str(answer.skip_message)


def test_the_date_is_new_yorks_whatever_the_ticks_time_zone() -> None:
    answer = daily_request(SAMPLE, at("2022-12-20", "20:30").astimezone(dt.UTC))
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key == "2022-12-20"


@pytest.mark.parametrize(
    ("minutes", "cron"), [(30, "30 16 * * 1-5"), (0, "0 16 * * 1-5"), (150, "30 18 * * 1-5")]
)
def test_the_setting_moves_the_tick(minutes: int, cron: str) -> None:
    settings = Settings(provider="sample", daily_minutes_after_close=minutes)
    schedule = build_definitions(settings).resolve_schedule_def("daily_market")
    assert schedule.cron_schedule == cron
    assert schedule.execution_timezone == "America/New_York"


@pytest.mark.parametrize(
    ("day", "last"),
    [
        ("2022-11-25", True),
        ("2022-11-23", False),
        ("2022-04-14", True),  # Good Friday is closed
        ("2022-12-30", True),
        ("2022-12-27", False),
    ],
)
def test_the_last_session_of_a_week(day: str, last: bool) -> None:
    assert is_last_of_week(pd.Timestamp(day)) is last


def market_run(day: str) -> dg.DagsterRun:
    return dg.DagsterRun(job_name="market", run_id="m", tags={DAILY_TAG: day})


@pytest.mark.parametrize(
    ("day", "frequency", "computed"),
    [("2022-12-15", "weekly", False), ("2022-12-16", "weekly", True), ("2022-12-15", "daily", True)],
)
def test_all_portfolios_go_in_one_run_with_correlations_by_the_week(
    day: str, frequency: str, computed: bool
) -> None:
    settings = Settings(provider="sample", correlations=frequency)
    [request] = portfolio_requests(market_run(day), ["zeta", "alpha", "mid"], settings)
    assert request.run_key == "m"
    assert request.tags["dagster/asset_partition_range_start"] == f"{day}|zeta"
    assert request.tags["dagster/asset_partition_range_end"] == f"{day}|mid"
    tables = {key.to_user_string() for key in request.asset_selection or ()}
    assert {"position_values", "stress_results", "portfolio_snapshots"} <= tables
    assert tables & TABLES_OF_CORRELATIONS == (TABLES_OF_CORRELATIONS if computed else set())


def test_very_many_portfolios_go_in_few_runs() -> None:
    names = [f"p{number}" for number in range(10_000)]
    requests = portfolio_requests(market_run("2022-12-15"), names, SAMPLE)
    ends = [
        tuple(request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end"))
        for request in requests
    ]
    assert ends == [(f"2022-12-15|p{n}", f"2022-12-15|p{n + 999}") for n in range(0, 10_000, 1_000)]
    assert len({request.run_key for request in requests}) == 10


def test_other_market_runs_and_an_empty_registry_ask_for_nothing() -> None:
    other = portfolio_requests(dg.DagsterRun(job_name="market", run_id="m"), ["alpha"], SAMPLE)
    assert isinstance(other, dg.SkipReason)
    empty = portfolio_requests(market_run("2022-12-16"), [], SAMPLE)
    assert isinstance(empty, dg.SkipReason)
    assert "sigmasight import" in str(empty.skip_message)


FRIDAY_EVENING = pd.Timestamp("2022-12-16 22:00", tz="UTC")


@pytest.mark.parametrize(
    ("error", "patient", "again"),
    [
        (TransientError("timeout"), True, True),
        (TransientError("timeout"), False, True),
        (NoDataError("late", [pd.Timestamp("2022-12-16")]), True, True),
        (NoDataError("late, and a person waits", [pd.Timestamp("2022-12-16")]), False, False),
        (NoDataError("never", [pd.Timestamp("2022-12-15")]), True, False),
        (NoDataError("both", [pd.Timestamp("2022-12-15"), pd.Timestamp("2022-12-16")]), True, False),
        (InputError("bad key"), True, False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, patient: bool, again: bool) -> None:
    assert attempts.may_pass(error, FRIDAY_EVENING, patient=patient) is again


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 20), (3, 40)])
def test_waits_double_give_or_take_half(attempt: int, seconds: float) -> None:
    waits = [attempts.seconds_to_wait(Settings(retry_seconds=10), attempt) for _ in range(100)]
    assert 0.5 * seconds <= min(waits) < max(waits) <= 1.5 * seconds
