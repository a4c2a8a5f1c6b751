"""NYSE sessions (exchange_calendars, XNYS): which dates are trading dates and when they close.

Dates are anything that pandas reads as a date; they come out as tz-naive midnight Timestamps. The calendar
is built once, from fixed bounds, so that no clock is read: outside of `FIRST_DATE`..`LAST_DATE` every
function raises InputError. What the library says is kept in `nyse_schedule`: to ask it takes a third of a
second. Half days are sessions. Closures on short notice, which the exchange's calendar
does not know yet, are declared once, at the start of a process.
"""

import datetime as dt
import warnings
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sigmasight_core import nyse_schedule
from sigmasight_core.errors import InputError

FIRST_DATE: Final = pd.Timestamp("1990-01-01")
LAST_DATE: Final = pd.Timestamp("2035-12-31")

NEW_YORK: Final = "America/New_York"
CLOSE_HOUR: Final = 16

DateLike = pd.Timestamp | dt.date | np.datetime64 | str


class Schedule(NamedTuple):
    """Sessions, and when each ends (UTC)."""

    sessions: pd.DatetimeIndex
    closes: pd.DatetimeIndex


_DECLARED: Final[set[pd.Timestamp]] = set()
"""Closures that were declared; the one state of the calendar."""


def declare_closures(dates: Iterable[DateLike]) -> None:
    """Days on which the exchange is closed, beside those of its calendar; they replace those declared before.

    Days that are no sessions anyway are welcome: the exchange's calendar comes to know them later.

    :raises InputError: if one is not a supported date.
    """
    days = {_day(date) for date in dates}
    if days != _DECLARED:
        _DECLARED.clear()
        _DECLARED.update(days)
        _calendar.cache_clear()


def sessions(start: DateLike, end: DateLike) -> pd.DatetimeIndex:
    """Sessions from `start` to `end`, both included.

    :raises InputError: if `start` is after `end`, or either is not a supported date.
    """
    first, last = _range(start, end)
    known = _calendar().sessions
    return known[known.searchsorted(first) : known.searchsorted(last, side="right")]


def weekday_holidays(start: DateLike, end: DateLike) -> pd.DatetimeIndex:
    """Mondays to Fridays from `start` to `end`, both included, that are not sessions."""
    first, last = _range(start, end)
    days = pd.bdate_range(first, last).as_unit("ns")
    return days[~days.isin(_calendar().sessions)]


def is_session(date: DateLike) -> bool:
    """Whether the NYSE trades on `date`."""
    return _day(date) in _calendar().sessions


def are_sessions(dates: "pd.Series | pd.DatetimeIndex") -> "npt.NDArray[np.bool_]":
    """On which of many dates (n,) the NYSE trades."""
    return np.asarray(pd.DatetimeIndex(dates).isin(_calendar().sessions))


def next_session(date: DateLike) -> pd.Timestamp:
    """First session on or after `date`."""
    return _session_at(int(_calendar().sessions.searchsorted(_day(date))), date)


def next_sessions(dates: "pd.Series | pd.DatetimeIndex") -> pd.DatetimeIndex:
    """First session on or after each of many dates (n,); NaT stays NaT."""
    days = pd.DatetimeIndex(dates)
    if days.tz is not None:
        raise InputError("dates have a time zone; give trading dates without one")
    days = days.as_unit("ns").normalize()
    given = days.notna()
    known = _calendar().sessions
    outside = given & ~((days >= FIRST_DATE) & (days <= known[-1]))
    if outside.any():
        raise InputError(_outside_text(str(days[outside][0].date())))
    position = np.where(given, known.searchsorted(days.where(given, FIRST_DATE)), 0)
    return pd.DatetimeIndex(known[position].where(given))


def previous_session(date: DateLike) -> pd.Timestamp:
    """Last session on or before `date`."""
    return _session_at(int(_calendar().sessions.searchsorted(_day(date), side="right")) - 1, date)


def shift_sessions(date: DateLike, n: int) -> pd.Timestamp:
    """The session `n` sessions after `date` (before it for a negative `n`).

    :raises InputError: if `date` is not a session: take `next_session` or `previous_session` first.
    """
    return _session_at(_position(date) + n, date)


def session_close(date: DateLike) -> pd.Timestamp:
    """Closing time of a session in UTC (18:00 or 17:00 on a half day, else 21:00 or 20:00).

    :raises InputError: if `date` is not a session.
    """
    return _calendar().closes[_position(date)]


def last_closed_session(now: pd.Timestamp) -> pd.Timestamp:
    """The latest session whose close is not after `now` (a moment with a time zone)."""
    latest = previous_session(now.tz_convert(NEW_YORK).tz_localize(None).normalize())
    return latest if session_close(latest) <= now else shift_sessions(latest, -1)


def non_session_reason(date: DateLike) -> str | None:
    """Why `date` is not a session ('weekend', 'NYSE holiday (Thanksgiving)'); None if it is one.

    Closings outside of the rules (mourning, storms, 9/11) have no name: 'NYSE holiday', or 'declared closed'.
    """
    day = _day(date)
    if day in _calendar().sessions:
        return None
    if day.weekday() >= 5:
        return "weekend"
    if day in _DECLARED and day in _scheduled().sessions:
        return "declared closed"
    name = _holiday_names().get(day)
    return f"NYSE holiday ({name})" if name else "NYSE holiday"


@lru_cache(maxsize=1)
def _exchange() -> Any:
    # start-up time: for words, and where the library is newer than what is kept
    from exchange_calendars.exchange_calendar_xnys import XNYSExchangeCalendar  # noqa: PLC0415

    with warnings.catch_warnings():  # deprecations of pandas 4 inside of exchange_calendars 4.13
        warnings.simplefilter("ignore", DeprecationWarning)
        return XNYSExchangeCalendar(start=FIRST_DATE, end=LAST_DATE)


def weekdays() -> pd.DatetimeIndex:
    """Mondays to Fridays of the calendar's bounds."""
    return pd.bdate_range(FIRST_DATE, LAST_DATE).as_unit("ns")


def of_the_library() -> Schedule:
    """What exchange_calendars says."""
    schedule = _exchange().schedule
    days = pd.DatetimeIndex(schedule.index.to_numpy("datetime64[ns]"))
    return Schedule(days, pd.DatetimeIndex(schedule["close"]).rename(None))


def as_kept() -> Schedule:
    """What `nyse_schedule` says."""
    days = weekdays().difference(pd.DatetimeIndex(nyse_schedule.HOLIDAYS.split()))
    closes = pd.Series(days + pd.Timedelta(hours=CLOSE_HOUR), index=days)
    early = pd.DatetimeIndex(nyse_schedule.EARLY_CLOSES.split())
    closes[early.normalize()] = early
    return Schedule(days, pd.DatetimeIndex(closes).tz_localize(NEW_YORK).tz_convert("UTC"))


@lru_cache(maxsize=1)
def _scheduled() -> Schedule:
    """Without closures on short notice."""
    return as_kept() if version("exchange_calendars") == nyse_schedule.VERSION else of_the_library()


@lru_cache(maxsize=1)
def _calendar() -> Schedule:
    scheduled = _scheduled()
    open_ = ~scheduled.sessions.isin(pd.DatetimeIndex(sorted(_DECLARED)))
    return Schedule(scheduled.sessions[open_], scheduled.closes[open_])


@lru_cache(maxsize=1)
def _holiday_names() -> "pd.Series[str]":
    names = _exchange().regular_holidays.holidays(FIRST_DATE, LAST_DATE, return_name=True)
    return names[~names.index.duplicated()]


def _day(date: DateLike) -> pd.Timestamp:
    try:
        day = pd.Timestamp(date)
    except (ValueError, TypeError):
        raise InputError(f"{date!r} is not a date; write it as YYYY-MM-DD") from None
    if pd.isna(day):
        raise InputError("a date is missing; write it as YYYY-MM-DD")
    if day.tzinfo is not None:
        raise InputError(f"{date} has a time zone; give a trading date without one")
    day = day.normalize().as_unit("ns")
    if not FIRST_DATE <= day <= LAST_DATE:
        raise InputError(_outside_text(str(day.date())))
    return day


def _range(start: DateLike, end: DateLike) -> tuple[pd.Timestamp, pd.Timestamp]:
    first, last = _day(start), _day(end)
    if first > last:
        raise InputError(f"the range {first.date()}..{last.date()} ends before it starts; swap its ends")
    return first, last


def _position(date: DateLike) -> int:
    reason = non_session_reason(date)
    if reason:
        raise InputError(f"{_day(date).date()} is not a trading date: {reason}; choose a session")
    return int(_calendar().sessions.searchsorted(_day(date)))


def _session_at(position: int, date: DateLike) -> pd.Timestamp:
    known = _calendar().sessions
    if not 0 <= position < len(known):
        raise InputError(_outside_text(f"the session sought from {_day(date).date()}"))
    return known[position]


def _outside_text(what: str) -> str:
    return (
        f"{what} is outside of the supported trading calendar; "
        f"choose a date from {FIRST_DATE.date()} to {LAST_DATE.date()}"
    )
