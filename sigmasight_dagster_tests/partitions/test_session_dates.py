"""Which trading dates a user may ask for at a given moment."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.session_dates import (
    bounds,
    date_bounds,
    last_closed_session,
    parse_date,
    trading_date,
    trading_range,
)
from sigmasight_dagster.settings import Settings

LATER = pd.Timestamp("2023-06-01", tz="UTC")
FRIDAY_AFTERNOON = pd.Timestamp("2022-12-16 19:00", tz="UTC")


def settings(**values: str) -> Settings:
    return Settings(_env_file=None, provider="sample", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2022-12-16 20:59:59", "2022-12-15"),
        ("2022-12-16 21:00:00", "2022-12-16"),
        ("2022-12-17 03:00:00", "2022-12-16"),
        ("2022-12-18 15:00:00", "2022-12-16"),
        ("2022-12-26 22:00:00", "2022-12-23"),
        ("2022-11-25 17:59:59", "2022-11-23"),
        ("2022-11-25 18:00:00", "2022-11-25"),
        ("2022-07-06 19:59:59", "2022-07-05"),
        ("2022-07-06 20:00:00", "2022-07-06"),
        ("2022-12-19 03:00:00", "2022-12-16"),
    ],
)
def test_the_last_closed_session_follows_the_clock_of_new_york(now: str, expected: str) -> None:
    assert last_closed_session(pd.Timestamp(now, tz="UTC")) == pd.Timestamp(expected)


def test_bounds_end_with_the_data_or_with_what_has_closed() -> None:
    assert bounds(settings(), LATER) == (pd.Timestamp("2014-01-02"), pd.Timestamp("2022-12-28"))
    assert bounds(settings(), FRIDAY_AFTERNOON)[1] == pd.Timestamp("2022-12-15")


def test_bounds_are_sessions() -> None:
    made = settings(start_date="2022-01-01", end_date="2022-07-04")
    assert bounds(made, LATER) == (pd.Timestamp("2022-01-03"), pd.Timestamp("2022-07-01"))


def test_a_session_is_accepted() -> None:
    assert trading_date("2022-11-25", settings(), LATER) == pd.Timestamp("2022-11-25")


@pytest.mark.parametrize(
    ("text", "now", "words"),
    [
        ("2022-12-17", LATER, "2022-12-17 is not a trading date"),
        ("2022-11-24", LATER, "the sessions around it are 2022-11-23 and 2022-11-25"),
        ("2013-12-31", LATER, "2013-12-31 is before the data starts: the first trading date is 2014-01-02"),
        ("2022-12-29", LATER, "2022-12-29 is after the data ends: the last trading date is 2022-12-28"),
        ("2022-12-16", FRIDAY_AFTERNOON, "2022-12-16 is in the future or not closed yet"),
        ("9999-12-31", LATER, "9999-12-31 is after the data ends"),
        ("2022-13-01", LATER, "'2022-13-01' is not a date: write YYYY-MM-DD"),
        ("16.12.2022", LATER, "is not a date"),
        ("20221216", LATER, "is not a date"),
        ("2022-W50-5", LATER, "is not a date"),
        ("", LATER, "is not a date"),
    ],
)
def test_refuses_with_the_reason(text: str, now: pd.Timestamp, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        trading_date(text, settings(), now)
    assert "\n" not in str(caught.value)


def test_a_range_holds_the_sessions_between_any_two_days() -> None:
    found = trading_range("2022-12-17", "2022-12-26", settings(), LATER)
    assert [f"{date:%m-%d}" for date in found] == ["12-19", "12-20", "12-21", "12-22", "12-23"]
    assert list(trading_range("2022-12-16", "2022-12-16", settings(), LATER)) == [pd.Timestamp("2022-12-16")]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2022-12-16", "2022-12-12", "swap them"),
        ("2022-12-17", "2022-12-18", "no trading date from 2022-12-17 to 2022-12-18"),
        ("2013-06-03", "2014-02-03", "before the data starts"),
        ("2022-12-20", "2023-01-31", "after the data ends"),
    ],
)
def test_refuses_a_range_with_the_reason(start: str, end: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        trading_range(start, end, settings(), LATER)


def test_a_date_is_midnight_without_a_zone() -> None:
    assert parse_date("2022-10-03") == pd.Timestamp("2022-10-03")


def test_bounds_come_from_the_settings_first(tmp_path: Path) -> None:
    made = Settings(_env_file=None, home=tmp_path, start_date="2020-01-02", end_date="2020-06-30")
    assert date_bounds(made) == (dt.date(2020, 1, 2), dt.date(2020, 6, 30))
    provided = Settings(_env_file=None, home=tmp_path, start_date="2020-01-02")
    assert date_bounds(provided) == (dt.date(2020, 1, 2), dt.date(2022, 12, 28))


def test_a_provider_without_a_first_date_needs_the_setting(tmp_path: Path) -> None:
    made = Settings(_env_file=None, home=tmp_path, provider="files", files_dir=tmp_path)
    with pytest.raises(InputError):
        date_bounds(made)
