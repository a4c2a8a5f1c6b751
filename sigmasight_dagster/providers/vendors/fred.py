"""The live source `fred`: constant-maturity Treasury yields of the Federal Reserve, through fredapi."""

import contextlib
import datetime as dt
import functools
import http.client
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import numpy as np
import pandas as pd
from fredapi import Fred
from fredapi import fred as fred_module
from pydantic import SecretStr

from sigmasight_core.calendar import sessions
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError, SigmaSightError, SourceError, TransientError
from sigmasight_dagster.providers.base import YieldColumn, treasury_rows
from sigmasight_dagster.providers.http.addresses import checked_address
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.http.retry_after import retry_after_seconds

MANNERS: Final = Manners(requests=60, seconds=60)
"""FRED allows 120 requests a minute for each key."""

SERIES: Final = {"3M": "DGS3MO", "2Y": "DGS2", "10Y": "DGS10", "30Y": "DGS30"}

NOT_PUBLISHED: Final = "FRED has no yield of this date"

_ASKING: Final = threading.Lock()


class FredSource:
    """FRED, series DGS3MO, DGS2, DGS10 and DGS30: percent per year, as last revised.

    :param url: another address of FRED (what stands before `/series`); None = FRED's own.
    :param timeout_seconds: how long FRED may be silent.
    :raises InputError: without a key, or for an address that is none.
    """

    name = "fred"

    def __init__(
        self, politeness: Politeness, key: SecretStr | None, url: str | None, timeout_seconds: float
    ):
        if key is None or not key.get_secret_value().strip():
            raise InputError("fred needs a key: set SIGMASIGHT_FRED_API_KEY (free at fred.stlouisfed.org)")
        self._politeness, self._key, self._timeout_seconds = politeness, key, timeout_seconds
        self._url = checked_address(url, "SIGMASIGHT_FRED_URL") if url else Fred.root_url

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.TreasuryYields``: all four series on every session; what is missing is NULL.

        :raises TransientError: when FRED does not answer in spite of the attempts.
        :raises SourceError: when it refuses (a bad key) or answers what cannot be read.
        """
        days = sessions(start, end)
        columns = {name: self._column(series, days) for name, series in SERIES.items()}
        return treasury_rows(days, columns)

    def _column(self, series: str, days: pd.DatetimeIndex) -> YieldColumn:
        if not len(days):
            return YieldColumn.unavailable(0, "fred", "no session")
        values, disputed = self._politeness.ask(lambda: self._observations(series, days[0], days[-1]))
        percent = values.reindex(days).to_numpy(dtype="float64")
        status = np.full(len(days), OK, object)
        status[np.isnan(percent)] = NOT_PUBLISHED
        status[np.isinf(percent)] = "refused: the yield is infinite"
        status[days.isin(disputed)] = "refused: two different yields of this date"
        return YieldColumn(np.where(status == OK, percent, np.nan), f"fred: {series}", status)

    def _observations(
        self, series: str, first: pd.Timestamp, last: pd.Timestamp
    ) -> tuple["pd.Series[float]", pd.DatetimeIndex]:
        """Values by date, and the dates of which the answer has two different values."""
        client = Fred(api_key=self._key.get_secret_value())
        client.root_url = self._url
        failure: SigmaSightError | None = None
        with _recorded(self._timeout_seconds) as bodies:
            try:
                values = client.get_series(series, first, last)
                if ET.fromstring(bodies[-1]).tag != "observations":
                    failure = _unreadable(series, bodies[-1], broken=False)
            except Exception as caught:
                failure = _failure(caught, series, bodies)
        if failure:
            raise failure  # outside of `except`: the error underneath has the key in its address
        values.index = pd.DatetimeIndex(values.index)
        return values.astype("float64"), _disputed(bodies[-1])


@contextlib.contextmanager
def _recorded(timeout_seconds: float) -> Iterator[list[bytes]]:
    """Give fredapi, which has no timeout, a urlopen with one, and keep what it reads."""
    bodies: list[bytes] = []

    def bounded(url: str) -> Any:
        answer = urlopen(url, timeout=timeout_seconds)
        read = answer.read
        answer.read = functools.partial(_kept, read, bodies)
        return answer

    with _ASKING:
        before = fred_module.urlopen
        fred_module.urlopen = bounded
        try:
            yield bodies
        finally:
            fred_module.urlopen = before


def _kept(read: Any, bodies: list[bytes]) -> bytes:
    bodies.append(read())
    return bodies[-1]


def _failure(caught: Exception, series: str, bodies: list[bytes]) -> SigmaSightError:
    """An error of ours without the address, which holds the key."""
    refused = caught if isinstance(caught, HTTPError) else caught.__context__
    if isinstance(refused, HTTPError):
        return _refusal(refused, caught, series)
    if isinstance(caught, TimeoutError) or isinstance(getattr(caught, "reason", None), TimeoutError):
        return TransientError(
            f"fred: {series}: no answer in time; a later attempt may succeed, "
            "or raise SIGMASIGHT_SOURCE_TIMEOUT_SECONDS"
        )
    if isinstance(caught, URLError | OSError | http.client.HTTPException):
        return TransientError(
            f"fred: {series}: the connection failed ({type(caught).__name__}); a later attempt may succeed"
        )
    return _unreadable(series, bodies[-1] if bodies else b"", broken=isinstance(caught, ET.ParseError))


def _refusal(refused: HTTPError, caught: Exception, series: str) -> SigmaSightError:
    text = f"fred: {series}: HTTP {refused.code}"
    if refused.code in (408, 429) or refused.code >= 500:
        wait = retry_after_seconds(refused.headers.get("Retry-After"))
        when = "a later attempt may succeed" if wait is None else f"it asks to be left alone for {wait:.0f} s"
        return TransientError(f"{text}; {when}", wait)
    if "api_key" in str(caught):
        return SourceError(f"{text}; the key is refused, correct SIGMASIGHT_FRED_API_KEY")
    return SourceError(f"{text}; FRED refuses: check SIGMASIGHT_FRED_API_KEY and SIGMASIGHT_FRED_URL")


def _unreadable(series: str, body: bytes, *, broken: bool) -> SigmaSightError:
    """Why an answer that came in full, as HTTP counts, cannot be read. `broken`: it is no XML."""
    text = body.lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return SourceError(f"fred: {series}: the answer is a web page; check SIGMASIGHT_FRED_URL")
    if broken and (not text or text.startswith((b"<?xml", b"<observations"))):
        return TransientError(f"fred: {series}: the answer breaks off; a later attempt may succeed")
    return SourceError(f"fred: {series}: the answer is not FRED's list of yields; check SIGMASIGHT_FRED_URL")


def _disputed(body: bytes) -> pd.DatetimeIndex:
    """Dates of which an answer has two different values: fredapi keeps the last of them."""
    rows = pd.DataFrame([dict(row.attrib) for row in ET.fromstring(body)]).reindex(columns=["date", "value"])
    distinct = rows.drop_duplicates()
    return pd.DatetimeIndex(distinct.loc[distinct["date"].duplicated(), "date"])
