"""What the fault matrix asks: one subject a source, on the five sessions from 2022-10-03 to 2022-10-07."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from sigmasight_dagster_tests.providers.fault_server import Handler, Rows

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


SUBJECTS: dict[str, Subject] = {}
