"""Partitions: trading dates (NYSE sessions), portfolios, and their product."""

import datetime as dt

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_dagster.partitions.keys import DATE_FORMAT

TIMEZONE = "America/New_York"
LAST_CALENDAR_DATE = dt.date(2035, 12, 31)
_WEEKEND_CRONS = ("0 0 * * 6", "0 0 * * 0")

portfolios = dg.DynamicPartitionsDefinition(name="portfolio")


def trading_dates(
    start: dt.date, end: dt.date | None, first: dt.date | None = None
) -> dg.TimeWindowPartitionsDefinition:
    """Every NYSE session from `start` to `end`, inclusive; without an end, to the current or next session.

    A key exists from the midnight, New York time, after the session before: Monday's from Saturday. A run
    refuses it until the session has closed.

    :param first: the first date of all definitions that are to differ in their start alone.
    """
    holidays = calendar.weekday_holidays(
        pd.Timestamp(first or start), pd.Timestamp(end or LAST_CALENDAR_DATE)
    )
    return dg.TimeWindowPartitionsDefinition(
        start=start.isoformat(),
        end=(end + dt.timedelta(days=1)).isoformat() if end else None,
        fmt=DATE_FORMAT,
        cron_schedule="0 0 * * *",
        timezone=TIMEZONE,
        end_offset=0 if end else 1,
        exclusions=[*_WEEKEND_CRONS, *(holiday.to_pydatetime() for holiday in holidays)],
    )


def portfolio_dates(dates: dg.TimeWindowPartitionsDefinition) -> dg.MultiPartitionsDefinition:
    """Trading dates x portfolios."""
    return dg.MultiPartitionsDefinition({"date": dates, "portfolio": portfolios})
