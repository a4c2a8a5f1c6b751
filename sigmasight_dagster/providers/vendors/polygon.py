"""The live source `polygon` (Polygon.io, now Massive): bars as traded, splits, dividends, options, names.

Asked by httpx2, not by the vendor's client: that one has retries and waits of its own and hides status and
Retry-After from the one politeness layer.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd
import structlog
from pydantic import SecretStr

from sigmasight_core import calendar
from sigmasight_core.errors import SourceError
from sigmasight_core.tables import CorporateActions, DailyPrices, validate
from sigmasight_dagster.providers.base import security_rows
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.http.rest import RestApi, SymbolLoop, rows_of
from sigmasight_dagster.providers.rows.adjustment import adjusted_closes, checked_actions
from sigmasight_dagster.providers.rows.screening import CURRENCY, log_refused, screen_bars
from sigmasight_dagster.providers.vendors import polygon_options
from sigmasight_dagster.providers.vendors.plans import POLYGON

URL: Final = "https://api.polygon.io"
SOURCE: Final = "polygon: as traded, adjusted by its splits and dividends"
FIELDS: Final = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
STOCKS: Final = ("CS", "PFD", "ADRC", "OS", "GDR", "NYRS")
TYPES: Final = {
    **dict.fromkeys(STOCKS, "stock"),
    **dict.fromkeys(("ETF", "ETV", "ETS", "ETN"), "etf"),
    "FUND": "mutual_fund",
    "INDEX": "index",
}

_log = structlog.get_logger(__name__)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class PolygonSource:
    """Polygon.io under one plan. A symbol that it does not have gives no rows.

    Methods raise TransientError when it does not answer in spite of the attempts of `politeness`, and
    SourceError when it refuses or answers what cannot be read.

    :param url: another address; None = the vendor's.
    :param plan: a key of ``plans.POLYGON``: sessions before its history are not asked for.
    :param now: the clock: a moment with a time zone.
    """

    name = "polygon"

    def __init__(
        self,
        politeness: Politeness,
        key: SecretStr,
        url: str | None,
        timeout_seconds: float,
        plan: str = "free",
        now: Callable[[], dt.datetime] = _now,
    ):
        header = ("Authorization", "Bearer ")
        self._api = RestApi(self.name, url or URL, key, header, politeness, timeout_seconds)
        self._plan, self._limits, self._now = plan, POLYGON[plan], now
        self._details_of: dict[str, Mapping[str, Any]] = {}
        self._actions_of: dict[str, tuple[dt.date, dt.date, pd.DataFrame]] = {}

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices`` of closed sessions; adjusted closes are as of now."""
        start, today = self._within_plan(start), self._today()
        loop = SymbolLoop(self.name, symbols)
        bars = [frame for symbol in loop if (frame := loop.ask(self._bars, symbol, start, today)) is not None]
        if not bars:
            return validate(DailyPrices, DailyPrices.empty())
        given = pd.concat(bars, ignore_index=True)
        actions = self._all_actions(given["symbol"].unique(), start)
        known = screen_bars(given, SOURCE).rows
        adjusted = known.assign(adjusted_close=adjusted_closes(known, actions))
        given = given.merge(adjusted[["symbol", "date", "adjusted_close"]], on=["symbol", "date"], how="left")
        last = min(pd.Timestamp(end), calendar.last_closed_session(pd.Timestamp(self._now())))
        screened = screen_bars(given[given["date"].between(pd.Timestamp(start), last)], SOURCE)
        log_refused(self.name, screened.refused)
        return screened.rows

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions``; a dividend in another currency is NULL with a status."""
        rows = self._all_actions(symbols, self._within_plan(start))
        within = rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))
        return validate(CorporateActions, rows[within])

    def actions_known_from(self) -> dt.date | None:
        """First day of the plan's history; None = all of it."""
        return None if self._limits.history_years is None else self._limits.first_date(self._today())

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.OptionQuotes``.

        The last closed session, while the market is closed: the chain (contracts and neighbours). Sessions
        before it: the last trade of each day, of the contracts alone.
        """
        return polygon_options.quotes(self._pages, contracts, start, end, self._now())

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS, one row per symbol; one request each. There are no sectors here."""
        loop = SymbolLoop(self.name, symbols)
        known = [_security(symbol, found) for symbol in loop if (found := loop.ask(self._details, symbol))]
        frame = pd.DataFrame(known) if known else pd.DataFrame(columns=["symbol", "source"])
        return security_rows(frame, loop.symbols, "polygon: unknown symbol")

    def _bars(self, symbol: str, start: dt.date, today: dt.date) -> pd.DataFrame | None:
        if start > today:
            return None
        path = f"/v2/aggs/ticker/{_ticker(symbol)}/range/1/day/{start}/{today}"
        rows = list(self._pages(path, {"adjusted": "false", "sort": "asc", "limit": "50000"}))
        if not rows:
            return None
        currency = str(self._details(symbol).get("currency_name") or "").upper()
        return bars(symbol, currency, rows)

    def _all_actions(self, symbols: Collection[str] | None, start: dt.date) -> pd.DataFrame:
        loop = SymbolLoop(self.name, symbols)
        found = [rows for symbol in loop if (rows := loop.ask(self._actions, symbol, start)) is not None]
        if not found:
            return validate(CorporateActions, CorporateActions.empty())
        return pd.concat(found, ignore_index=True)

    def _actions(self, symbol: str, start: dt.date) -> pd.DataFrame:
        """Since `start` or earlier; asked for once a day and process."""
        since, fetched, known = self._actions_of.get(symbol, (dt.date.max, None, None))
        if known is not None and since <= start and fetched == self._today():
            return known
        query = {"ticker": _ticker(symbol), "limit": "1000"}
        splits = self._pages("/v3/reference/splits", {**query, "execution_date.gte": str(start)})
        paid = self._pages("/v3/reference/dividends", {**query, "ex_dividend_date.gte": str(start)})
        rows = pd.concat([_splits(symbol, list(splits)), _dividends(symbol, list(paid))], ignore_index=True)
        self._actions_of[symbol] = (start, self._today(), rows)
        return rows

    def _details(self, symbol: str) -> Mapping[str, Any]:
        if symbol not in self._details_of:
            answer = self._api.get(f"/v3/reference/tickers/{_ticker(symbol)}", {}, absent=True)
            found = answer.get("results") if isinstance(answer, dict) else None
            self._details_of[symbol] = found if isinstance(found, dict) else {}
        return self._details_of[symbol]

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        answer, seen = self._api.get(path, query), set()
        while True:
            yield from rows_of(self._api, answer, "results")
            following = str(answer.get("next_url") or "")
            if not following:
                return
            if following in seen:
                raise SourceError(f"polygon: {path}: its pages go round in a circle")
            seen.add(following)
            answer = self._api.follow(following)

    def _today(self) -> dt.date:
        return pd.Timestamp(self._now()).tz_convert("America/New_York").date()

    def _within_plan(self, start: dt.date) -> dt.date:
        first = self._limits.first_date(self._today())
        if start < first:
            _log.warning("history ends", source=self.name, plan=self._plan, first_date=str(first))
        return max(start, first)


def bars(symbol: str, currency: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Daily aggregates as ``screening.screen_bars`` takes them; `t` is a moment of the session, in ms."""
    frame = pd.DataFrame(rows).reindex(columns=["t", *FIELDS]).rename(columns=FIELDS)
    moments = pd.to_datetime(pd.to_numeric(frame["t"], errors="coerce"), unit="ms", utc=True)
    frame["date"] = moments.dt.tz_convert("America/New_York").dt.tz_localize(None).dt.normalize()
    numbers = frame[list(FIELDS.values())].apply(pd.to_numeric, errors="coerce").astype("float64")
    return numbers.assign(symbol=symbol, date=frame["date"].astype("datetime64[ns]"), currency=currency)


def _ticker(symbol: str) -> str:
    """BRK-B is BRK.B here."""
    return quote(symbol.replace("-", "."), safe=".")


def _splits(symbol: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["execution_date", "split_from", "split_to"])
    numbers = frame[["split_from", "split_to"]].apply(pd.to_numeric, errors="coerce").astype("float64")
    ratio = numbers["split_to"] / numbers["split_from"]
    return checked_actions(symbol, frame["execution_date"], ratio, "split", "polygon")


def _dividends(symbol: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Dividends of one ex-date (a regular and a special one) are one row with their sum."""
    frame = pd.DataFrame(rows, columns=["ex_dividend_date", "cash_amount", "currency"])
    frame["cash_amount"] = pd.to_numeric(frame["cash_amount"], errors="coerce").astype("float64")
    frame["foreign"] = ~frame["currency"].fillna("").str.upper().isin(["", CURRENCY])
    days = frame.groupby("ex_dividend_date")
    amount, foreign = days["cash_amount"].sum(min_count=1), days["foreign"].any()
    return checked_actions(symbol, amount.index.to_series(), amount, "dividend", "polygon", foreign)


def _security(symbol: str, found: Mapping[str, Any]) -> dict[str, Any]:
    currency = str(found.get("currency_name") or "").upper()
    size = found.get("market_cap")
    known = {
        "name": found.get("name"),
        "security_type": TYPES.get(str(found.get("type")), "unknown"),
        "industry": str(found.get("sic_description") or "").capitalize(),
        "exchange": found.get("primary_exchange"),
        "currency": currency,
    }
    texts = {column: str(text).strip() for column, text in known.items() if text}
    in_dollars = currency == CURRENCY and isinstance(size, int | float) and 0 < size < np.inf
    return {**texts, "symbol": symbol, "source": "polygon", "market_cap": size if in_dollars else np.nan}
