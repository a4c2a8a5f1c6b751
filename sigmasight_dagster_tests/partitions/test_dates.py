"""Trading dates, against the exchange's calendar and Dagster itself."""

import datetime as dt
from zoneinfo import ZoneInfo

import dagster as dg
import exchange_calendars
import pytest

from sigmasight_dagster.partitions import dates as partitions

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2014-01-02", "2025-12-31"), ("2001-09-01", "2001-09-30"), ("2012-10-01", "2012-11-30")],
)
def test_trading_dates_are_the_sessions_of_the_exchange(start: str, end: str) -> None:
    exchange = exchange_calendars.get_calendar("XNYS", start="2000-01-03", end="2025-12-31")
    expected = [f"{date:%Y-%m-%d}" for date in exchange.sessions_in_range(start, end)]
    definition = partitions.trading_dates(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
    assert list(definition.get_partition_keys()) == expected


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2022-12-15 23:59", "2022-12-15"),
        ("2022-12-16 00:00", "2022-12-16"),
        ("2022-12-17 00:00", "2022-12-19"),
        ("2022-12-26 12:00", "2022-12-27"),
        ("2022-12-27 00:00", "2022-12-27"),
    ],
)
def test_without_an_end_a_key_exists_from_the_midnight_after_the_session_before(now: str, last: str) -> None:
    definition = partitions.trading_dates(dt.date(2022, 12, 1), None)
    time = dt.datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    with dg._core.definitions.partitions.context.partition_loading_context(time):  # type: ignore[attr-defined]
        assert definition.get_partition_keys()[-1] == last
