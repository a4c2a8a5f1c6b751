"""What the fault matrix asks: one subject a source, on the five sessions from 2022-10-03 to 2022-10-07."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from unittest.mock import patch

import pandas as pd
from pydantic import SecretStr

from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.vendors import fred
from sigmasight_dagster.providers.vendors.fmp import FmpSource
from sigmasight_dagster.providers.vendors.polygon import PolygonSource
from sigmasight_dagster.providers.yahoo.source import MANNERS, YahooSource
from sigmasight_dagster_tests.providers.fault_server import Handler, Rows
from sigmasight_dagster_tests.providers.fred_answers import OBSERVATIONS, observations
from sigmasight_dagster_tests.providers.rest_vendors import Fmp, Polygon
from sigmasight_dagster_tests.providers.yahoo_answers import CHART, COOKIES, chart

START, END = dt.date(2022, 10, 3), dt.date(2022, 10, 7)
TIMEOUT_SECONDS = 0.3
BARS: Rows = [
    {
        "date": f"2022-10-{day:02}",
        "open": 100.0 + day,
        "high": 102.0 + day,
        "low": 99.0 + day,
        "close": 101.0 + day,
        "volume": 1_000_000.0 + day,
        "currency": "USD",
    }
    for day in (3, 4, 5, 6, 7)
]
"""The good rows, before a handler puts them into the shape of its vendor."""


@dataclass(frozen=True)
class Subject:
    """One source in the matrix.

    :ivar handlers: of the fault server, by prefix of the path.
    :ivar paths: prefixes of the requests that meet the fault, and are counted as attempts.
    :ivar ask: base URL, sleep -> rows of DailyPrices or TreasuryYields (symbol AAPL or series 10Y) from START
        to END, with a client that waits TIMEOUT_SECONDS and Politeness(sleep=sleep).
    :ivar value: the column that is counted as good where it is not NULL.
    """

    handlers: Mapping[str, Handler]
    paths: tuple[str, ...]
    ask: Callable[[str, Callable[[float], None]], pd.DataFrame]
    value: str = "close"


QUICK = Manners(requests=1000, seconds=1)
NOW = dt.datetime(2022, 10, 7, 22, tzinfo=dt.UTC)


def _polygon(url: str, sleep: Callable[[float], None]) -> pd.DataFrame:
    politeness = Politeness("polygon", QUICK, sleep)
    source = PolygonSource(politeness, SecretStr("key"), url, TIMEOUT_SECONDS, now=lambda: NOW)
    return source.daily_prices(["AAPL"], START, END)


def _fmp(url: str, sleep: Callable[[float], None]) -> pd.DataFrame:
    politeness = Politeness("fmp", QUICK, sleep)
    source = FmpSource(politeness, SecretStr("key"), url, TIMEOUT_SECONDS, now=lambda: NOW)
    return source.daily_prices(["AAPL"], START, END)


def _yahoo(url: str, sleep: Callable[[float], None]) -> pd.DataFrame:
    polite = Politeness("yahoo", MANNERS, sleep)
    return YahooSource(polite, url, TIMEOUT_SECONDS).daily_prices(["AAPL"], START, END)


def _fred(url: str, sleep: Callable[[float], None]) -> pd.DataFrame:
    """Of the four series only one, so that one request is made when all is well."""
    polite = Politeness("fred", fred.MANNERS, sleep)
    with patch.object(fred, "SERIES", {"10Y": fred.SERIES["10Y"]}):
        source = fred.FredSource(polite, SecretStr("a-key-of-a-test"), url, TIMEOUT_SECONDS)
        return source.treasury_yields(START, END)


SUBJECTS: dict[str, Subject] = {
    "polygon": Subject(Polygon({"AAPL": BARS}).handlers(), ("/v2/aggs/",), _polygon),
    "fmp": Subject(
        Fmp({"AAPL": BARS}).handlers(), ("/stable/historical-price-eod/non-split-adjusted",), _fmp
    ),
    "yahoo": Subject(
        {**COOKIES, CHART: lambda request: chart("AAPL", request.spoil(BARS))}, (CHART,), _yahoo
    ),
    "fred": Subject(
        {OBSERVATIONS: lambda request: observations(request.spoil(BARS))},
        (OBSERVATIONS,),
        _fred,
        "yield_percent",
    ),
}
