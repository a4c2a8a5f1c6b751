"""A YahooSource that asks a fault server, with a clock of the test's."""

import datetime as dt
from zoneinfo import ZoneInfo

from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.yahoo.source import MANNERS, YahooSource
from sigmasight_dagster_tests.providers.fault_server import FaultServer, Sleeper

NEW_YORK = ZoneInfo("America/New_York")
LATER = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)


def source(server: FaultServer, now: dt.datetime = LATER, sleeper: Sleeper | None = None) -> YahooSource:
    polite = Politeness("yahoo", MANNERS, sleeper or Sleeper())
    return YahooSource(polite, server.url, 5, lambda: now)


def new_york(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)
