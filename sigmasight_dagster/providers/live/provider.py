"""Provider `live`: chains of sources, one for each kind of data (docs/providers.md)."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd
import structlog

from sigmasight_core import calendar
from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_core.tables import CorporateActions, DailyPrices, validate
from sigmasight_dagster.providers.base import (
    PROXIES,
    YIELD_SERIES,
    YieldColumn,
    merge_proxies,
    no_option_quotes,
    security_rows,
    treasury_rows,
)
from sigmasight_dagster.providers.live.rows import (
    fill_prices,
    fill_quotes,
    fill_yields,
    lacking_symbols,
    null_quotes,
    unquoted,
)
from sigmasight_dagster.providers.live.sources import chain, make_source, missing_key
from sigmasight_dagster.settings import Settings

FIRST_DATE: Final = dt.date(2015, 1, 2)
"""First trading date without the setting start_date: partitions must not move with the day."""

LINK_SESSIONS: Final = 3
"""Sessions before the range that are fetched with it: to bring two sources' adjusted closes to one scale."""

Symbols = Collection[str] | None
_log = structlog.get_logger(__name__)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass
class _Failures:
    """What went wrong with the sources of one kind of data.

    :ivar answered: how many gave an answer.
    """

    kind: str
    errors: list[SourceError | TransientError] = field(default_factory=list)
    answered: int = 0

    @contextmanager
    def noted(self, source: str) -> Iterator[None]:
        """Go on after an error of a source, with a warning."""
        try:
            yield
        except (SourceError, TransientError) as error:
            self.errors.append(error)
            _log.warning("source failed", kind=self.kind, source=source, error=str(error))
        else:
            self.answered += 1

    @property
    def text(self) -> str:
        return "; ".join(str(error) for error in self.errors)

    def raise_if_none_answered(self) -> None:
        """:raises TransientError: if one of them may answer later. :raises SourceError: else."""
        if self.answered or not self.errors:
            return
        text = f"no source of {self.kind} answers: {self.text}"
        passing = [error for error in self.errors if isinstance(error, TransientError)]
        if passing:
            raise TransientError(text, passing[0].retry_after_seconds)
        raise SourceError(text)


class LiveProvider:
    """Market data of the sources that the settings name, in their order.

    The first source is asked; the next one only for what the one before lacks. A source that is down or
    refuses is left out, with a warning. If none answers, prices and yields fail; names and option quotes
    are unknown and say why.

    :raises InputError: for a source that lacks its key, or does not give such data.
    """

    def __init__(self, settings: Settings, now: Callable[[], dt.datetime] = _now):
        self._settings, self._now = settings, now
        self._prices = chain("price_sources", settings)
        self._yields = chain("yield_sources", settings)
        self._options = chain("option_sources", settings)
        self._securities = chain("security_sources", settings)
        if not self._prices:
            raise InputError("SIGMASIGHT_PRICE_SOURCES is empty; name at least one source, as yahoo")
        self.name = f"live: {', '.join(self._prices)}"
        self._made: dict[str, Any] = {}
        self._gave: dict[str, str] = {}

    def symbols(self) -> None:
        """Any symbol may be asked for."""

    def first_date(self) -> dt.date:
        """2015-01-02; the setting start_date goes before it."""
        return FIRST_DATE

    def last_date(self) -> None:
        """It grows."""

    def daily_prices(self, symbols: Symbols, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``; `source` names the source of each.

        A session whose close one source lacks or has refused is the next one's, if that has it.
        """
        wanted, start, end = _named(symbols), _day(start), _day(end)
        sessions = self._closed_sessions(start, end)
        since = calendar.shift_sessions(sessions[0], -LINK_SESSIONS).date() if len(sessions) else start
        rows, failures = validate(DailyPrices, DailyPrices.empty()), _Failures("prices")
        gave: dict[str, str] = {}
        for name in self._prices:
            asked = lacking_symbols(rows, wanted, sessions)
            if not asked:
                break
            with failures.noted(name):
                found = self._source(name).daily_prices(asked, since, end)
                rows = fill_prices(rows, found)
                good = found["close"].notna() & found["date"].isin(sessions)
                for symbol in found.loc[good, "symbol"].unique():
                    gave.setdefault(str(symbol), name)
        failures.raise_if_none_answered()
        self._gave |= dict.fromkeys(wanted, self._prices[0]) | gave
        return rows[rows["date"] >= pd.Timestamp(start)].reset_index(drop=True)

    def corporate_actions(self, symbols: Symbols, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions``, of the source that gave the symbol's prices last.

        Of the first source, if none has any. Prices that nobody has asked for yet are fetched to find out.
        """
        wanted, start, end = _named(symbols), _day(start), _day(end)
        unknown = [symbol for symbol in wanted if symbol not in self._gave]
        if unknown and len(self._prices) > 1:
            self.daily_prices(unknown, start, end)
        found = []
        for name in self._prices:
            group = [symbol for symbol in wanted if self._gave.get(symbol, self._prices[0]) == name]
            if group:
                found.append(self._actions_of(name, group, start, end))
        rows = [frame for frame in found if len(frame)]
        if not rows:
            return validate(CorporateActions, CorporateActions.empty())
        both = pd.concat(rows, ignore_index=True)
        return validate(CorporateActions, both.sort_values(["date", "symbol", "kind"], ignore_index=True))

    def actions_known_from(self, symbols: Collection[str]) -> Mapping[str, dt.date]:
        """Where the source that gave a symbol's prices has a plan with a shorter history, its first day."""
        sources = {symbol: self._gave.get(symbol, self._prices[0]) for symbol in symbols}
        limited = set(sources.values()) & {"polygon"}
        firsts = {name: self._source(name).actions_known_from() for name in limited}
        return {symbol: first for symbol, name in sources.items() if (first := firsts.get(name)) is not None}

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.TreasuryYields``; without a source that can be asked all are NULL and say why.

        :raises TransientError: when none answers, and one of them may later.
        """
        start, end = _day(start), _day(end)
        days, failures = calendar.sessions(start, end), _Failures("yields")
        lacking = [reason for name in self._yields if (reason := missing_key(name, self._settings))]
        rows: pd.DataFrame | None = None
        for name in self._yields:
            if missing_key(name, self._settings) or (
                rows is not None and rows["yield_percent"].notna().all()
            ):
                continue
            with failures.noted(name):
                found = self._source(name).treasury_yields(start, end)
                rows = found if rows is None else fill_yields(rows, found)
        if rows is not None:
            return rows
        if any(isinstance(error, TransientError) for error in failures.errors):
            failures.raise_if_none_answered()
        reason = "; ".join([*lacking, *map(str, failures.errors)])
        column = YieldColumn.unavailable(len(days), "live", reason or "set SIGMASIGHT_YIELD_SOURCES, as fred")
        return treasury_rows(days, dict.fromkeys(YIELD_SERIES, column))

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.OptionQuotes``; if no source answers, NULLs on the last session that say why."""
        wanted, start, end = sorted(set(contracts)), _day(start), _day(end)
        rows, failures = no_option_quotes(), _Failures("option quotes")
        for name in self._options:
            asked = unquoted(rows, wanted)
            if not asked:
                break
            with failures.noted(name):
                rows = fill_quotes(rows, self._source(name).option_quotes(asked, start, end))
        sessions = self._closed_sessions(start, end)
        if failures.answered or not failures.errors or sessions.empty:
            return rows
        return null_quotes(wanted, sessions[-1], failures.text)

    def securities(self, symbols: Symbols) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS, one row per symbol; `source` says why one is unknown."""
        wanted, failures = _named(symbols), _Failures("securities")
        known, asked = pd.DataFrame(columns=["symbol", "source"]), wanted
        for name in self._securities if wanted else ():
            with failures.noted(name):
                found = self._source(name).securities(asked)
                found = found[(found["name"] != "") | (found["security_type"] != "unknown")]
                known = pd.concat([known, found], ignore_index=True) if len(known) else found
            asked = sorted(set(wanted) - set(known["symbol"]))
            if not asked:
                break
        nowhere = (
            f"live: unknown to {', '.join(self._securities) or 'SIGMASIGHT_SECURITY_SOURCES, which is empty'}"
        )
        return security_rows(known, wanted, f"unavailable: {failures.text}" if failures.errors else nowhere)

    def factor_proxies(self) -> Mapping[str, str | None]:
        """The usual funds; rates is the 10-year yield, if a source of yields can be asked."""
        usable = [name for name in self._yields if not missing_key(name, self._settings)]
        rates = {"rates": "10Y" if usable else None}
        return merge_proxies({**PROXIES, **rates}, self._settings.factor_proxies, None)

    def _closed_sessions(self, start: dt.date, end: dt.date) -> pd.DatetimeIndex:
        sessions = calendar.sessions(start, end)
        return sessions[sessions <= calendar.last_closed_session(pd.Timestamp(self._now()))]

    def _source(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = make_source(name, self._settings)
        return self._made[name]

    def _actions_of(self, name: str, symbols: list[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Of the named source; if it fails, of the next ones: the facts are the same."""
        failures = _Failures("corporate actions")
        for other in self._prices[self._prices.index(name) :]:
            with failures.noted(other):
                return self._source(other).corporate_actions(symbols, start, end)
        failures.raise_if_none_answered()
        raise AssertionError("a source either answers or fails")


def _named(symbols: Symbols) -> list[str]:
    if symbols is None:
        raise InputError("provider live has no list of symbols; name the symbols")
    return sorted({str(symbol) for symbol in symbols})


def _day(date: dt.date) -> dt.date:
    """A plain date: callers give Timestamps too, which are dates that do not compare with dates."""
    return pd.Timestamp(date).date()
