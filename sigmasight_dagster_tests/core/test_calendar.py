"""Facts about the NYSE, as the exchange published them."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar, nyse_schedule
from sigmasight_core.errors import InputError
from tools import nyse

HOLIDAYS_2024 = ["01-01", "01-15", "02-19", "03-29", "05-27", "06-19", "07-04", "09-02", "11-28", "12-25"]
SESSIONS_PER_YEAR = {
    2014: 252,
    2015: 252,
    2016: 252,
    2017: 251,
    2018: 251,
    2019: 252,
    2020: 253,
    2021: 252,
    2022: 251,
    2023: 250,
    2024: 252,
    2025: 250,
}


@pytest.mark.parametrize(("year", "number"), SESSIONS_PER_YEAR.items())
def test_sessions_per_year(year, number):
    found = calendar.sessions(f"{year}-01-01", f"{year}-12-31")
    assert len(found) == number
    assert found.dtype == "datetime64[ns]"
    assert found.tz is None
    assert (found == found.normalize()).all()


def test_holidays_of_2024():
    found = calendar.weekday_holidays("2024-01-01", "2024-12-31")
    assert found.strftime("%m-%d").tolist() == HOLIDAYS_2024
    assert found.dtype == "datetime64[ns]"


def test_sessions_holidays_and_weekends_are_all_days():
    days = pd.date_range("1990-01-01", "2035-12-31")
    weekends = days[days.day_of_week >= 5]
    parts = [calendar.sessions(days[0], days[-1]), calendar.weekday_holidays(days[0], days[-1]), weekends]
    together = parts[0].append(parts[1:])
    assert together.is_unique
    assert together.sort_values().tolist() == days.tolist()


@pytest.mark.parametrize(
    "day",
    [
        "2001-09-11",
        "2001-09-14",
        "2004-06-11",
        "2007-01-02",
        "2012-10-29",
        "2012-10-30",
        "2018-12-05",
        "2025-01-09",
    ],
)
def test_unscheduled_closings(day):
    assert not calendar.is_session(day)
    assert calendar.non_session_reason(day) == "NYSE holiday"


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2024-11-28", "NYSE holiday (Thanksgiving)"),
        ("2022-06-20", "NYSE holiday (Juneteenth National Independence Day)"),
        ("2024-03-29", "NYSE holiday (Good Friday)"),
        ("2021-12-24", "NYSE holiday (Christmas)"),
        ("2024-07-06", "weekend"),
        ("2022-01-01", "weekend"),
        ("2021-12-31", None),  # a New Year on a Saturday is not moved to the Friday
        ("2021-06-18", None),  # before the NYSE kept Juneteenth
        ("2024-11-29", None),  # a half day is a session
    ],
)
def test_reasons(day, reason):
    assert calendar.non_session_reason(day) == reason
    assert calendar.is_session(day) == (reason is None)


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2024-01-02", "2024-01-02 21:00"),
        ("2024-07-05", "2024-07-05 20:00"),
        ("2024-07-03", "2024-07-03 17:00"),  # half days close at 13:00 New York time
        ("2024-11-29", "2024-11-29 18:00"),
        ("2024-12-24", "2024-12-24 18:00"),
        ("2024-03-08", "2024-03-08 21:00"),  # the Friday before summer time
        ("2024-03-11", "2024-03-11 20:00"),
    ],
)
def test_closes(day, close):
    assert calendar.session_close(day) == pd.Timestamp(close, tz="UTC")


def test_neighbours():
    assert calendar.next_session("2024-07-04") == pd.Timestamp("2024-07-05")
    assert calendar.next_session("2024-07-05") == pd.Timestamp("2024-07-05")
    assert calendar.previous_session("2024-07-07") == pd.Timestamp("2024-07-05")
    assert calendar.previous_session("2024-07-05") == pd.Timestamp("2024-07-05")
    assert calendar.shift_sessions("2024-07-03", 1) == pd.Timestamp("2024-07-05")
    assert calendar.shift_sessions("2024-07-05", -1) == pd.Timestamp("2024-07-03")
    assert calendar.shift_sessions("2024-07-03", 0) == pd.Timestamp("2024-07-03")
    assert calendar.shift_sessions("2023-12-29", 252) == pd.Timestamp("2024-12-31")


def test_many_dates_at_once():
    days = pd.date_range("2024-01-01", "2024-12-31")
    assert calendar.next_sessions(days[:-1]).tolist() == [calendar.next_session(day) for day in days[:-1]]
    found = calendar.next_sessions(pd.Series([pd.Timestamp("2024-07-04 15:00"), pd.NaT]))
    assert found[0] == pd.Timestamp("2024-07-05")
    assert found[1] is pd.NaT
    with pytest.raises(InputError, match="1985-01-01 is outside"):
        calendar.next_sessions(pd.DatetimeIndex(["2024-01-02", "1985-01-01"]))


@pytest.mark.parametrize(
    "day", ["2024-07-05", dt.date(2024, 7, 5), pd.Timestamp("2024-07-05 15:00"), np.datetime64("2024-07-05")]
)
def test_spellings_of_a_date(day):
    assert calendar.is_session(day)
    assert calendar.next_session(day) == pd.Timestamp("2024-07-05")


def test_a_range_without_sessions_is_empty():
    assert len(calendar.sessions("2024-07-06", "2024-07-07")) == 0
    assert len(calendar.weekday_holidays("2024-07-08", "2024-07-12")) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calendar.is_session("1989-12-31"), "outside of the supported trading calendar"),
        (lambda: calendar.sessions("2024-01-01", "2036-01-01"), "2036-01-01 is outside"),
        (lambda: calendar.sessions("2024-02-01", "2024-01-01"), "ends before it starts"),
        (lambda: calendar.is_session("yesterday?"), "is not a date"),
        (lambda: calendar.is_session(pd.NaT), "a date is missing"),
        (lambda: calendar.is_session(pd.Timestamp("2024-01-02", tz="UTC")), "has a time zone"),
        (lambda: calendar.session_close("2024-07-04"), r"not a trading date: NYSE holiday \(July 4th\)"),
        (lambda: calendar.shift_sessions("2024-07-06", 1), "not a trading date: weekend"),
        (lambda: calendar.shift_sessions("2035-12-31", 1), "outside of the supported trading calendar"),
        (lambda: calendar.shift_sessions("1990-01-02", -1), "outside of the supported trading calendar"),
        (lambda: calendar.previous_session("1990-01-01"), "outside of the supported trading calendar"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_what_is_kept_of_the_library_is_what_it_says():
    kept, asked = calendar.as_kept(), calendar.of_the_library()
    pd.testing.assert_index_equal(kept.sessions, asked.sessions)
    pd.testing.assert_index_equal(kept.closes, asked.closes)
    assert Path(nyse_schedule.__file__).read_text() == nyse.text(), "python -m tools.nyse"


def test_importing_is_light_and_quiet():
    program = (
        "import sys, warnings; warnings.simplefilter('error');"
        "from sigmasight_core import calendar;"
        "from sigmasight_core.options import audit, black_scholes, implied_volatility, occ;"
        "heavy = {'exchange_calendars', 'mibian', 'scipy.stats'} & set(sys.modules);"
        "sys.exit(f'imported at import time: {heavy}') if heavy else None;"
        "assert len(calendar.sessions('2014-01-01', '2027-12-31')) == 3520;"
        "assert 'exchange_calendars' not in sys.modules, 'it is kept in nyse_schedule'"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
