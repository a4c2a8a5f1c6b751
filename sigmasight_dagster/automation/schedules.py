"""The daily schedule: after the close of an NYSE session, a run of its market data and market risk.

`market_to_portfolio` goes on from there.
"""

import datetime as dt

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets.catalogue import source_assets
from sigmasight_dagster.automation import jobs, run_requests
from sigmasight_dagster.partitions.dates import TIMEZONE
from sigmasight_dagster.partitions.keys import DATE_FORMAT
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import DAILY_TAG

_REGULAR_CLOSE = dt.timedelta(hours=16)


def daily_request(settings: Settings, tick: dt.datetime) -> dg.RunRequest | dg.SkipReason:
    """The market run of the session that closed on the day of a tick, or why there is none.

    :param tick: when the schedule ticked, with its time zone; late evaluation does not change the answer.
    """
    moment = pd.Timestamp(tick)
    day = moment.tz_convert(TIMEZONE).strftime(DATE_FORMAT)
    try:
        date = session_dates.trading_date(day, settings, moment.tz_convert("UTC"))
    except InputError as error:
        return dg.SkipReason(str(error))
    return run_requests.of_whole_job(pd.DatetimeIndex([date]), day, {DAILY_TAG: day})


def build(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Schedules for one set of settings."""
    minutes = int(_REGULAR_CLOSE.total_seconds()) // 60 + settings.daily_minutes_after_close

    @dg.schedule(
        name="daily_market",
        cron_schedule=f"{minutes % 60} {minutes // 60} * * 1-5",
        execution_timezone=TIMEZONE,
        job=jobs.market,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            "After the close of each NYSE session, half days included: its market data and market risk, then "
            "(sensor market_to_portfolio) every portfolio. Skips holidays and dates outside of the data."
        ),
    )
    def daily_market(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return daily_request(settings, context.scheduled_execution_time)

    return [daily_market, *([_refresh_recent(settings)] if settings.refresh_sessions else [])]


def refresh_request(settings: Settings, tick: dt.datetime) -> dg.RunRequest | dg.SkipReason:
    """The run that fetches the latest closed sessions again (setting refresh_sessions)."""
    first, last = session_dates.bounds(settings, pd.Timestamp(tick).tz_convert("UTC"))
    start = max(calendar.shift_sessions(last, 1 - settings.refresh_sessions), first)
    if start > last:
        return dg.SkipReason("no session has closed yet")
    run = RangeRun(jobs.MARKET, source_assets(), calendar.sessions(start, last), refetch=True)
    run_key = f"refresh:{pd.Timestamp(tick).tz_convert(TIMEZONE):{DATE_FORMAT}}"
    return run_requests.of_run(run, run_key)


def _refresh_recent(settings: Settings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="refresh_recent",
        cron_schedule="0 7 * * 2-6",
        execution_timezone=TIMEZONE,
        job=jobs.market,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Fetches the latest sessions again: corrected prices become versions, results stale.",
    )
    def refresh_recent(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return refresh_request(settings, context.scheduled_execution_time)

    return refresh_recent
