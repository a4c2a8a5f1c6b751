"""What a market data provider is, and the rows that all of them build in the same way."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.tables import OptionQuotes, validate

FACTORS: Final = (
    "market",
    "value",
    "growth",
    "momentum",
    "quality",
    "size",
    "low_volatility",
    "rates",
)
PROXIES: Final = {
    "market": "SPY",
    "value": "VTV",
    "growth": "VUG",
    "momentum": "MTUM",
    "quality": "QUAL",
    "size": "SIZE",
    "low_volatility": "USMV",
}
"""US funds that stand for the factors where a provider has none of its own; rates is a yield."""
YIELD_SERIES: Final = ("3M", "2Y", "10Y", "30Y")
SECURITY_TEXTS: Final[Mapping[str, str]] = {
    "name": "",
    "security_type": "unknown",
    "sector": "unclassified",
    "industry": "",
    "exchange": "",
    "currency": "",
    "country": "",
}
"""Text columns of a security, and what stands for unknown."""
SECURITY_COLUMNS: Final = ("symbol", *SECURITY_TEXTS, "market_cap", "source")
OPTION_QUOTE_COLUMNS: Final = tuple(str(name) for name in OptionQuotes.to_schema().columns)


class MarketDataProvider(Protocol):
    """A source of market data. It never fills, guesses or invents: what it lacks is NULL with a status.

    Ranges are inclusive; ``symbols`` None means every symbol (a provider that cannot list its symbols refuses
    it with an InputError); a symbol that the provider does not have gives no rows. Dates are tz-naive
    midnights, frames are in the shape of the row models.
    """

    name: str

    def symbols(self) -> frozenset[str] | None:
        """Symbols with prices; None = any symbol may be asked for."""

    def first_date(self) -> dt.date | None:
        """First session with prices; None = unknown."""

    def last_date(self) -> dt.date | None:
        """Last session with prices; None = still growing."""

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``, from each symbol's first to its last close."""

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions`` with an ex-date in the range."""

    def actions_known_from(self, symbols: Collection[str]) -> Mapping[str, dt.date]:
        """Symbols of whose corporate actions nothing is known before a day, with the day; else no entry."""

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.TreasuryYields``: all four series on every session of the range."""

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.OptionQuotes``: the contracts and, where there are any, their neighbours.

        Neighbours are contracts of the same underlying and expiry at the nearest strikes. No rows where the
        provider has no quotes, as of sessions that are past.
        """

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS; one row per symbol asked for."""

    def factor_proxies(self) -> Mapping[str, str | None]:
        """Symbol that stands for each factor of FACTORS (rates: a yield series); None = unavailable."""


@dataclass(frozen=True)
class YieldColumn:
    """One yield series on the sessions asked for: percent (T,), its source, and a status for each."""

    percent: np.ndarray
    source: str
    status: np.ndarray

    @classmethod
    def unavailable(cls, n_sessions: int, source: str, reason: str) -> "YieldColumn":
        """A series that does not exist: NULL on every session, with the reason."""
        return cls(np.full(n_sessions, np.nan), source, np.full(n_sessions, f"unavailable: {reason}", object))


def treasury_rows(sessions: pd.DatetimeIndex, series: Mapping[str, YieldColumn]) -> pd.DataFrame:
    """Rows of ``tables.TreasuryYields``, ordered by date, from one column per series."""
    columns = list(series.values())
    n_sessions, n_series = len(sessions), len(columns)
    frame = pd.DataFrame(
        {
            "date": sessions.repeat(n_series),
            "series": np.tile(np.array(list(series), object), n_sessions),
            "yield_percent": np.column_stack([column.percent for column in columns]).ravel(),
            "source": np.tile(np.array([column.source for column in columns], object), n_sessions),
            "status": np.column_stack([column.status for column in columns]).ravel(),
        }
    )
    return frame.astype({"series": "str", "source": "str", "status": "str"})


def action_rows(
    symbol: np.ndarray, ex_date: np.ndarray, amount: np.ndarray, source: str, kind: str | np.ndarray = "split"
) -> pd.DataFrame:
    """Rows of ``tables.CorporateActions`` for splits (ratios), or of the kinds given (cash per share)."""
    frame = pd.DataFrame(
        {
            "date": np.asarray(ex_date, "datetime64[ns]"),
            "symbol": symbol,
            "kind": kind,
            "amount": np.asarray(amount, float),
            "source": source,
            "status": OK,
        }
    )
    return frame.astype({"symbol": "str", "kind": "str", "source": "str", "status": "str"})


def security_rows(known: pd.DataFrame, symbols: Collection[str] | None, missing_source: str) -> pd.DataFrame:
    """One row per symbol asked for (None: all known), in the order of the symbols.

    :param known: columns symbol, source and any other of SECURITY_COLUMNS, one row per symbol; what is
        missing is unknown.
    :param missing_source: source of the rows of symbols that are not in ``known``.
    """
    wanted = sorted(known["symbol"] if symbols is None else set(symbols))
    index = pd.Index(wanted, name="symbol", dtype="str")
    frame = known.set_index("symbol").reindex(index, columns=list(SECURITY_COLUMNS[1:])).reset_index()
    texts = {**SECURITY_TEXTS, "source": missing_source}
    types = {"symbol": "str", "market_cap": "float64", **dict.fromkeys(texts, "str")}
    return frame.astype(dict.fromkeys(texts, "object")).fillna(texts).astype(types)[list(SECURITY_COLUMNS)]


def no_option_quotes() -> pd.DataFrame:
    """The answer of a provider without option quotes."""
    return validate(OptionQuotes, pd.DataFrame(columns=list(OPTION_QUOTE_COLUMNS)))


def merge_proxies(
    defaults: Mapping[str, str | None], chosen: Mapping[str, str], symbols: Collection[str] | None
) -> dict[str, str | None]:
    """A provider's proxies with the user's choice (setting ``factor_proxies``) put over them.

    :param symbols: those with prices; None = any will do.
    :raises InputError: for a factor or a symbol that does not exist, or a choice for rates.
    """
    choosable = [factor for factor in FACTORS if factor != "rates"]
    for factor, symbol in chosen.items():
        if factor not in choosable:
            raise InputError(f"factor_proxies: there is no '{factor}'; use {', '.join(choosable)}")
        if symbols is not None and symbol not in symbols:
            raise InputError(f"factor_proxies: {factor} = '{symbol}' has no prices; use a symbol that has")
    return {**defaults, **chosen}
