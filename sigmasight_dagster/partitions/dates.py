"""Partitions: trading dates (NYSE sessions), portfolios, and their product."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_dagster.settings import Settings

DATE_FORMAT = "%Y-%m-%d"
TIMEZONE = "America/New_York"
LAST_CALENDAR_DATE = dt.date(2035, 12, 31)
_WEEKEND_CRONS = ("0 0 * * 6", "0 0 * * 0")

portfolios = dg.DynamicPartitionsDefinition(name="portfolio")


def trading_dates(start: dt.date, end: dt.date | None) -> dg.TimeWindowPartitionsDefinition:
    """Every NYSE session from `start` to `end`, inclusive; without an end, to the current or next session.

    A key exists from the midnight, New York time, after the session before: Monday's from Saturday. A run
    refuses it until the session has closed.
    """
    holidays = calendar.weekday_holidays(pd.Timestamp(start), pd.Timestamp(end or LAST_CALENDAR_DATE))
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
    """Trading dates x portfolios; keys read "2022-10-03|individual"."""
    return dg.MultiPartitionsDefinition({"date": dates, "portfolio": portfolios})


def date_bounds(settings: Settings) -> tuple[dt.date, dt.date | None]:
    """First trading date and, if there is one, the last: settings first, then the provider's."""
    if settings.start_date and settings.end_date:
        return settings.start_date, settings.end_date
    from sigmasight_dagster.providers import make_provider

    provider = make_provider(settings)
    start = settings.start_date or provider.first_date()
    if start is None:
        raise InputError(
            f"no first trading date: provider {provider.name} has none; set SIGMASIGHT_START_DATE=YYYY-MM-DD"
        )
    return start, settings.end_date or provider.last_date()


def rectangles(keys: Iterable[str]) -> list[tuple[pd.DatetimeIndex, tuple[str, ...]]]:
    """Split partition keys into rectangles (sorted dates x sorted portfolios); no portfolio in a date key.

    A range run is one rectangle; any other set of keys is the union of the rectangles returned.
    """
    names_by_date: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        date, _, name = str(key).partition("|")
        names_by_date[date].add(name)
    dates_by_names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for date in sorted(names_by_date):
        dates_by_names[tuple(sorted(filter(None, names_by_date[date])))].append(date)
    return [
        (pd.DatetimeIndex(pd.to_datetime(dates, format=DATE_FORMAT)), names)
        for names, dates in dates_by_names.items()
    ]


def range_tags(dates: pd.DatetimeIndex, names: tuple[str, str] | None) -> dict[str, str]:
    """Run tags of the rectangle from the first to the last date and, if given, portfolio."""
    suffixes = [f"|{name}" for name in names] if names else ["", ""]
    first, last = (date.strftime(DATE_FORMAT) for date in (dates[0], dates[-1]))
    return {
        "dagster/asset_partition_range_start": first + suffixes[0],
        "dagster/asset_partition_range_end": last + suffixes[1],
    }
