"""The live source `yahoo`: prices, splits, dividends, option chains and securities, through yfinance."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from typing import Final

import pandas as pd
import structlog

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import CorporateActions, DailyPrices, validate
from sigmasight_dagster.providers.base import no_option_quotes, security_rows
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.rows.option_chains import held_contracts, quoted_session
from sigmasight_dagster.providers.rows.screening import log_refused
from sigmasight_dagster.providers.yahoo import bars, options
from sigmasight_dagster.providers.yahoo.client import History, YahooClient
from sigmasight_dagster.providers.yahoo.securities import security

MANNERS: Final = Manners(requests=30, seconds=60)
"""Yahoo publishes no limit. One request in two seconds is reported to be tolerated for long."""

INDEXES: Final = {"SPX": "^GSPC", "VIX": "^VIX", "NDX": "^NDX", "RUT": "^RUT", "DJI": "^DJI"}
"""Yahoo's names of indexes; everything else is called there as it is here (BRK-B)."""

_log = structlog.get_logger(__name__)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class YahooSource:
    """Yahoo Finance. A symbol that it does not have gives no rows.

    Every method raises TransientError when Yahoo does not answer in spite of the attempts of `politeness`,
    and SourceError when it refuses or answers what cannot be read.

    :param url: another address of Yahoo; None = Yahoo's own.
    :param timeout_seconds: how long each request may take.
    :param now: the clock: a moment with a time zone.
    :raises InputError: for an address that is none.
    """

    name = "yahoo"

    def __init__(
        self,
        politeness: Politeness,
        url: str | None,
        timeout_seconds: float,
        now: Callable[[], dt.datetime] = _now,
    ):
        self._client = YahooClient(politeness, url, timeout_seconds)
        self._now = now

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``, as traded; sessions that have not closed are left out."""
        histories = dict(self._histories(symbols, start))
        found = [bars.bars(symbol, history) for symbol, history in histories.items()]
        told = {symbol: bars.doubt(symbol, history) for symbol, history in histories.items()}
        doubts = {symbol: doubt for symbol, doubt in told.items() if doubt}
        if not found:
            return _none(DailyPrices)
        last = min(pd.Timestamp(end), calendar.last_closed_session(pd.Timestamp(self._now())))
        given = pd.concat(found, ignore_index=True)
        given = given[(given["date"] >= pd.Timestamp(start)) & (given["date"] <= last)]
        result = bars.screened(given, doubts)
        log_refused(self.name, result.refused)
        for symbol, doubt in doubts.items():
            _log.warning("all bars refused", source=self.name, symbol=symbol, reason=doubt)
        return result.rows

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions``; dividends per share of the ex-date, before any later split."""
        found = [bars.actions(symbol, history) for symbol, history in self._histories(symbols, start)]
        if not found:
            return _none(CorporateActions)
        rows = pd.concat(found, ignore_index=True)
        within = rows["date"].between(pd.Timestamp(start), pd.Timestamp(end))
        return validate(CorporateActions, rows[within])

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.OptionQuotes`` of the last closed session; none for any other, none while open."""
        session = quoted_session(self._now())
        if session is None or not pd.Timestamp(start) <= session <= pd.Timestamp(end):
            return no_option_quotes()
        held = held_contracts(pd.Series(sorted(set(contracts)), dtype="str"), session)
        found = [
            chain
            for underlying, group in held.groupby(held["root"].replace(options.CHAIN_OF_ROOT))
            if (chain := self._client.chains(str(underlying), _dates(group["expiry_date"]))) is not None
        ]
        if not found:
            return no_option_quotes()
        return options.quotes(pd.concat(found, ignore_index=True), held, session)

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS, one row per symbol; one request each, so that callers keep the answer."""
        wanted = _named(symbols)
        known = [
            security(symbol, summary)
            for symbol in wanted
            if (summary := self._client.summary(INDEXES.get(symbol, symbol))) is not None
        ]
        frame = pd.DataFrame(known) if known else pd.DataFrame(columns=["symbol", "source"])
        return security_rows(frame, wanted, "yahoo: unknown symbol")

    def _histories(self, symbols: Collection[str] | None, start: dt.date) -> Iterator[tuple[str, History]]:
        """From `start` until now, whatever the range: later splits count."""
        wanted = _named(symbols)
        if start > self._now().date():
            return
        for symbol in wanted:
            history = self._client.history(INDEXES.get(symbol, symbol), start)
            if history is not None and len(history.bars):
                yield symbol, history


def _named(symbols: Collection[str] | None) -> list[str]:
    if symbols is None:
        raise InputError("yahoo has no list of its symbols; name the symbols")
    return sorted(set(symbols))


def _dates(column: "pd.Series[pd.Timestamp]") -> list[dt.date]:
    return sorted(column.dt.date.unique())


def _none(model: type[DailyPrices] | type[CorporateActions]) -> pd.DataFrame:
    return validate(model, pd.DataFrame(columns=list(model.to_schema().columns)))
