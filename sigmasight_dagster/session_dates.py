"""Which trading dates a user may ask for, and the reason when one is refused."""

import datetime as dt
from contextlib import suppress

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.settings import Settings


def last_closed_session(now: pd.Timestamp) -> pd.Timestamp:
    """The latest session whose close is not after `now` (UTC)."""
    return calendar.last_closed_session(now)


def date_bounds(settings: Settings) -> tuple[dt.date, dt.date | None]:
    """First trading date and, if there is one, the last: settings first, then the provider's."""
    if settings.start_date and settings.end_date:
        return settings.start_date, settings.end_date
    provider = make_provider(settings)
    start = settings.start_date or provider.first_date()
    if start is None:
        raise InputError(
            f"no first trading date: provider {provider.name} has none; set SIGMASIGHT_START_DATE=YYYY-MM-DD"
        )
    return start, settings.end_date or provider.last_date()


def first_session(settings: Settings) -> pd.Timestamp:
    """The first session that can be computed: no window reaches before it."""
    return calendar.next_session(pd.Timestamp(date_bounds(settings)[0]))


def bounds(settings: Settings, now: pd.Timestamp) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last trading date that can be computed at `now`."""
    start, end = date_bounds(settings)
    closed = last_closed_session(now)
    last = min(pd.Timestamp(end), closed) if end else closed
    return calendar.next_session(pd.Timestamp(start)), calendar.previous_session(last)


def parse_date(text: str) -> pd.Timestamp:
    """:raises InputError: when the text is not YYYY-MM-DD."""
    with suppress(ValueError):
        date = dt.date.fromisoformat(text)  # which takes other forms of ISO 8601 as well
        if date.isoformat() == text:
            return pd.Timestamp(date)
    raise InputError(f"'{text}' is not a date: write YYYY-MM-DD, as in 2022-10-03")


def trading_date(text: str, settings: Settings, now: pd.Timestamp) -> pd.Timestamp:
    """One session that can be computed.

    :raises InputError: on a weekend, a holiday, a date before the data or after its end, or in the future.
    """
    date = parse_date(text)
    _refuse_outside(date, settings, now)
    reason = calendar.non_session_reason(date)
    if reason:
        before, after = calendar.previous_session(date), calendar.next_session(date)
        raise InputError(
            f"{text} is not a trading date: {reason}; "
            f"the sessions around it are {before:%Y-%m-%d} and {after:%Y-%m-%d}"
        )
    return date


def trading_range(start: str, end: str, settings: Settings, now: pd.Timestamp) -> pd.DatetimeIndex:
    """Sessions from `start` to `end`, both inclusive; the ends need not be sessions."""
    first, last = parse_date(start), parse_date(end)
    if first > last:
        raise InputError(f"--start {start} is after --end {end}: swap them")
    _refuse_outside(first, settings, now)
    _refuse_outside(last, settings, now)
    dates = calendar.sessions(first, last)
    if dates.empty:
        raise InputError(f"no trading date from {start} to {end}: the NYSE is closed on all of them")
    return dates


def _refuse_outside(date: pd.Timestamp, settings: Settings, now: pd.Timestamp) -> None:
    first, last = bounds(settings, now)
    if date < first and date.date() < date_bounds(settings)[0]:
        raise InputError(
            f"{date:%Y-%m-%d} is before the data starts: the first trading date is {first:%Y-%m-%d}"
        )
    if date >= calendar.shift_sessions(last, 1):
        why = "in the future or not closed yet" if last == last_closed_session(now) else "after the data ends"
        raise InputError(f"{date:%Y-%m-%d} is {why}: the last trading date is {last:%Y-%m-%d}")
