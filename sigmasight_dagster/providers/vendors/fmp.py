"""The live source `fmp` (Financial Modeling Prep, stable API): bars, splits, dividends, profiles."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import structlog
from pydantic import SecretStr

from sigmasight_core import calendar
from sigmasight_core.tables import CorporateActions, DailyPrices, validate
from sigmasight_dagster.providers.base import security_rows
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.http.rest import RestApi, SymbolLoop, rows_of
from sigmasight_dagster.providers.rows.adjustment import checked_actions
from sigmasight_dagster.providers.rows.screening import CURRENCY, log_refused, screen_bars
from sigmasight_dagster.providers.vendors.plans import FMP

URL: Final = "https://financialmodelingprep.com"
SOURCE: Final = "fmp: as traded, its dividend-adjusted closes"
AS_TRADED: Final = "/stable/historical-price-eod/non-split-adjusted"
ADJUSTED: Final = "/stable/historical-price-eod/dividend-adjusted"
PRICES: Final = {"adjOpen": "open", "adjHigh": "high", "adjLow": "low", "adjClose": "close"}
"""FMP names them so in both answers, also where nothing is adjusted."""

_log = structlog.get_logger(__name__)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class FmpSource:
    """Financial Modeling Prep under one plan. A symbol that it does not have gives no rows.

    Methods raise TransientError when it does not answer in spite of the attempts of `politeness`, and
    SourceError when it refuses or answers what cannot be read.

    :param url: another address; None = the vendor's.
    :param plan: a key of ``plans.FMP``: sessions before its history are not asked for.
    :param now: the clock: a moment with a time zone.
    """

    name = "fmp"

    def __init__(
        self,
        politeness: Politeness,
        key: SecretStr,
        url: str | None,
        timeout_seconds: float,
        plan: str = "free",
        now: Callable[[], dt.datetime] = _now,
    ):
        self._api = RestApi(self.name, url or URL, key, ("apikey", ""), politeness, timeout_seconds)
        self._plan, self._limits, self._now = plan, FMP[plan], now
        self._profile_of: dict[str, Mapping[str, Any]] = {}

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices`` of closed sessions; adjusted closes are as of now."""
        last = min(pd.Timestamp(end), calendar.last_closed_session(pd.Timestamp(self._now())))
        loop, first = SymbolLoop(self.name, symbols), self._within_plan(start)
        if pd.Timestamp(first) > last:
            return validate(DailyPrices, DailyPrices.empty())
        found = [
            frame
            for symbol in loop
            if (frame := loop.ask(self._bars, symbol, first, last.date())) is not None
        ]
        if not found:
            return validate(DailyPrices, DailyPrices.empty())
        given = pd.concat(found, ignore_index=True)
        screened = screen_bars(given[given["date"].between(pd.Timestamp(first), last)], SOURCE)
        log_refused(self.name, screened.refused)
        return screened.rows

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions``; dividends are per share of the ex-date."""
        loop = SymbolLoop(self.name, symbols)
        found = [rows for symbol in loop if (rows := loop.ask(self._actions, symbol)) is not None]
        if not found:
            return validate(CorporateActions, CorporateActions.empty())
        rows = pd.concat(found, ignore_index=True)
        within = rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))
        return validate(CorporateActions, rows[within])

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS, one row per symbol; one request each."""
        loop = SymbolLoop(self.name, symbols)
        known = [_security(symbol, found) for symbol in loop if (found := loop.ask(self._profile, symbol))]
        frame = pd.DataFrame(known) if known else pd.DataFrame(columns=["symbol", "source"])
        return security_rows(frame, loop.symbols, "fmp: unknown symbol")

    def _bars(self, symbol: str, start: dt.date, last: dt.date) -> pd.DataFrame | None:
        query = {"symbol": symbol, "from": str(start), "to": str(last)}
        rows = self._rows(AS_TRADED, query)
        if not rows:
            return None
        adjusted = self._rows(ADJUSTED, query)
        currency = str(self._profile(symbol).get("currency") or "").upper()
        return bars(symbol, currency, rows, adjusted)

    def _actions(self, symbol: str) -> pd.DataFrame:
        splits = self._rows("/stable/splits", {"symbol": symbol})
        paid = self._rows("/stable/dividends", {"symbol": symbol})
        foreign = str(self._profile(symbol).get("currency") or CURRENCY).upper() != CURRENCY
        return pd.concat([_splits(symbol, splits), _dividends(symbol, paid, foreign)], ignore_index=True)

    def _profile(self, symbol: str) -> Mapping[str, Any]:
        if symbol not in self._profile_of:
            rows = self._rows("/stable/profile", {"symbol": symbol})
            self._profile_of[symbol] = rows[0] if rows else {}
        return self._profile_of[symbol]

    def _rows(self, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        return rows_of(self._api, self._api.get(path, query), None)

    def _within_plan(self, start: dt.date) -> dt.date:
        first = self._limits.first_date(pd.Timestamp(self._now()).tz_convert("America/New_York").date())
        if start < first:
            _log.warning("history ends", source=self.name, plan=self._plan, first_date=str(first))
        return max(start, first)


def bars(
    symbol: str, currency: str, rows: list[dict[str, Any]], adjusted: list[dict[str, Any]]
) -> pd.DataFrame:
    """Daily bars as ``screening.screen_bars`` takes them. FMP sends the latest first, or the earliest."""
    ascending = str(rows[0].get("date")) <= str(rows[-1].get("date"))
    frame = (
        pd.DataFrame(rows if ascending else rows[::-1])
        .reindex(columns=["date", *PRICES, "volume"])
        .rename(columns=PRICES)
    )
    days = pd.to_datetime(frame["date"], errors="coerce").astype("datetime64[ns]")
    names = [*PRICES.values(), "volume"]
    numbers = frame[names].apply(pd.to_numeric, errors="coerce").astype("float64")
    other = pd.DataFrame(adjusted, columns=["date", "adjClose"]).drop_duplicates("date").set_index("date")
    own = pd.to_numeric(other["adjClose"].reindex(frame["date"]), errors="coerce").to_numpy(dtype=float)
    return numbers.assign(symbol=symbol, date=days, currency=currency, adjusted_close=own)


def _splits(symbol: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["date", "numerator", "denominator"]).drop_duplicates("date")
    numbers = frame[["numerator", "denominator"]].apply(pd.to_numeric, errors="coerce").astype("float64")
    ratio = numbers["numerator"] / numbers["denominator"]
    return checked_actions(symbol, frame["date"], ratio, "split", "fmp")


def _dividends(symbol: str, rows: list[dict[str, Any]], foreign: bool) -> pd.DataFrame:
    """Rows that are there twice count once; others of one ex-date are one row with their sum."""
    frame = pd.DataFrame(rows, columns=["date", "recordDate", "paymentDate", "dividend"]).drop_duplicates()
    frame["dividend"] = pd.to_numeric(frame["dividend"], errors="coerce").astype("float64")
    amount = frame[frame["dividend"] != 0].groupby("date")["dividend"].sum(min_count=1)
    return checked_actions(symbol, amount.index.to_series(), amount, "dividend", "fmp", foreign)


def _security(symbol: str, found: Mapping[str, Any]) -> dict[str, Any]:
    fund = "etf" if found.get("isEtf") else "mutual_fund" if found.get("isFund") else "stock"
    currency, size = str(found.get("currency") or "").upper(), found.get("marketCap")
    known = {
        "name": found.get("companyName"),
        "security_type": fund,
        "sector": found.get("sector"),
        "industry": found.get("industry"),
        "exchange": found.get("exchange"),
        "currency": currency,
        "country": found.get("country"),
    }
    texts = {column: str(text).strip() for column, text in known.items() if text}
    in_dollars = currency == CURRENCY and isinstance(size, int | float) and 0 < size < np.inf
    return {**texts, "symbol": symbol, "source": "fmp", "market_cap": size if in_dollars else np.nan}
