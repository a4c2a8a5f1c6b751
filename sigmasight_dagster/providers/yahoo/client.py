"""Conversations with Yahoo through yfinance: one request per symbol, errors of ours, nothing cached."""

import atexit
import contextlib
import datetime as dt
import functools
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import yfinance
from yfinance.const import _BASE_URL_
from yfinance.data import SingletonMeta, YfData
from yfinance.exceptions import YFPricesMissingError
from yfinance.scrapers.history import PriceHistory

from sigmasight_core.errors import SigmaSightError, SourceError
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.yahoo.session import NothingThere, YahooSession

EXCHANGE_ZONE: Final = "America/New_York"
"""Given to yfinance, which would ask for it first: one request less a symbol."""

SUMMARY_MODULES: Final = ("quoteType", "price", "assetProfile", "summaryDetail", "fundProfile")

_TALKING: Final = threading.RLock()
"""yfinance keeps cookies and settings for the whole process: one conversation at a time."""


@dataclass(frozen=True)
class History:
    """Daily bars of one symbol.

    :ivar bars: yfinance's frame with auto_adjust off, dates as naive midnights.
    :ivar answer: `chart.result[0]` of Yahoo's own answer, for what yfinance leaves out.
    """

    bars: pd.DataFrame
    answer: Mapping[str, Any]


class YahooClient:
    """Asks Yahoo; a symbol that it does not have is None."""

    def __init__(self, politeness: Politeness, url: str | None, timeout_seconds: float):
        self._session = YahooSession(politeness, url, timeout_seconds)

    def history(self, symbol: str, start: dt.date) -> History | None:
        """Bars, splits and dividends from `start` until now."""
        with self._talk(symbol) as data:
            history = PriceHistory(data, symbol, EXCHANGE_ZONE, self._session)
            try:
                bars = history.history(
                    interval="1d", start=start, auto_adjust=False, actions=True, keepna=True
                )
            except (NothingThere, YFPricesMissingError):
                self._own_failure()
                return None
            self._own_failure()
            bars.index = bars.index.tz_localize(None).normalize().as_unit("ns")
            return History(bars, self._session.answer["chart"]["result"][0])

    def chains(self, symbol: str, expiries: Sequence[dt.date]) -> pd.DataFrame | None:
        """Calls and puts of those expiries that are listed, as yfinance names their columns."""
        with self._talk(symbol):
            ticker = yfinance.Ticker(symbol, session=self._session)
            try:
                listed = set(ticker.options)
                found = [
                    side
                    for expiry in expiries
                    if expiry.isoformat() in listed
                    for side in ticker.option_chain(expiry.isoformat())[:2]
                ]
            except NothingThere:
                return None
            finally:
                self._own_failure()
            return pd.concat(found, ignore_index=True) if found else None

    def summary(self, symbol: str) -> Mapping[str, Any] | None:
        """The modules SUMMARY_MODULES of `quoteSummary.result[0]`."""
        with self._talk(symbol) as data:
            parameters = {"modules": ",".join(SUMMARY_MODULES), "formatted": "false", "symbol": symbol}
            try:
                answer = data.get_raw_json(f"{_BASE_URL_}/v10/finance/quoteSummary/{symbol}", parameters)
            except NothingThere:
                return None
            finally:
                self._own_failure()
            result = answer["quoteSummary"]["result"]
            return result[0] if result else None

    def _own_failure(self) -> None:
        """Raise a failure that yfinance may have swallowed."""
        if self._session.failure and not isinstance(self._session.failure, NothingThere):
            raise self._session.failure

    @contextlib.contextmanager
    def _talk(self, symbol: str) -> Iterator[YfData]:
        with _TALKING, _yfinance_settings():
            self._session.begin()
            try:
                yield self._data()
            except SigmaSightError:
                raise
            except Exception as error:
                unreadable = (
                    f"yahoo: {symbol}: yfinance cannot read the answer ({type(error).__name__}); "
                    "the API may have changed: take another source"
                )
            else:
                return
        raise SourceError(unreadable) from None

    def _data(self) -> YfData:
        """yfinance's one object of cookies and crumb: a new one if another session used it last."""
        known = SingletonMeta._instances.get(YfData)
        if known is not None and known._session is not self._session:
            del SingletonMeta._instances[YfData]
        return YfData(session=self._session)


@contextlib.contextmanager
def _yfinance_settings() -> Iterator[None]:
    """Errors are raised, nothing is asked twice, and no cache outlives the process."""
    _own_cache()
    debug, network = yfinance.config.debug, yfinance.config.network
    before = debug.hide_exceptions, network.retries
    debug.hide_exceptions, network.retries = False, 0
    try:
        with warnings.catch_warnings():  # deprecations of pandas 4 inside of yfinance 1.7
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        debug.hide_exceptions, network.retries = before


@functools.cache
def _own_cache() -> None:
    """Where yfinance keeps cookies: in a folder of this process, instead of the user's."""
    folder = tempfile.mkdtemp(prefix="sigmasight-yahoo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    yfinance.set_tz_cache_location(folder)
