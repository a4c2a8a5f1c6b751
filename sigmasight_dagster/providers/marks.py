"""Manual marks of private assets (funds, real estate, collectibles), on top of any provider.

A mark holds until the next one: each session from the first mark on has a row, whose `price_date` tells a
carried mark from a mark of the session. Returns come from marks alone: `adjusted_close` is NULL in between.
"""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import MARKS_SOURCE_PREFIX
from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.base import MarketDataProvider, security_rows
from sigmasight_dagster.providers.files.csv_tables import read_csv_table
from sigmasight_dagster.providers.files.splits_csv import clean_symbols
from sigmasight_dagster.providers.rows.panel import FIELDS, missing_status

_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,10}(-[A-Z0-9]{1,4})?")


@dataclass(frozen=True)
class Marks:
    """The marks of one file, ordered by symbol and session.

    :ivar source: text of the column ``source``.
    :ivar symbol: (M,) text; ``session``: (M,) the session from which each mark counts; ``day``: (M,) its day
        as written; ``price``: (M,) USD.
    """

    source: str
    symbol: np.ndarray
    session: np.ndarray
    day: np.ndarray
    price: np.ndarray

    def rows(self, symbols: Collection[str] | None, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices`` on these sessions (sorted), from each symbol's first mark on."""
        marks = pd.DataFrame(
            {"date": self.session, "symbol": self.symbol, "close": self.price, "day": self.day}
        ).astype({"symbol": "str"})
        marks = marks.assign(price_date=marks["date"]).sort_values("date", kind="stable")
        chosen = sorted(set(self.symbol) if symbols is None else set(symbols) & set(self.symbol))
        wanted = pd.MultiIndex.from_product([sessions, chosen], names=["date", "symbol"]).to_frame(
            index=False
        )
        wanted = wanted.astype({"date": marks["date"].dtype, "symbol": "str"})
        frame = pd.merge_asof(wanted, marks, on="date", by="symbol").dropna(subset="close")
        frame = frame.reset_index(drop=True)
        own = frame["price_date"] == frame["date"]
        frame = frame.reindex(columns=[*frame.columns, *(name for name in FIELDS if name != "close")])
        frame["adjusted_close"] = frame["close"].where(own)
        carried = "mark of " + frame["day"].dt.strftime("%Y-%m-%d") + " carried: "
        frame["status"] = carried.mask(own, "") + pd.Series(missing_status(frame), index=frame.index)
        frame["price_date"] = frame["price_date"].mask(own)
        frame = frame.assign(source=self.source).astype({"source": "str"})
        return frame[["date", "symbol", *FIELDS, "price_date", "source", "status"]]


def read_marks(path: Path) -> Marks:
    """Read a file of marks: columns date, symbol and price, in any order and case.

    A mark on a day without a session counts from the next session; of two that count from the same session
    the later one holds.

    :raises InputError: for a file or a line that cannot be used; names the file, the line and the column.
    """
    table = read_csv_table(path, ("date", "symbol", "price"), {"ticker": "symbol", "mark": "price"})
    symbol, day, price = clean_symbols(table), table.dates("date"), table.numbers("price")
    if not len(symbol):
        raise InputError(f"{path}: no marks; add a line date,symbol,price or unset SIGMASIGHT_MARKS_FILE")
    wrong = np.array([_SYMBOL.fullmatch(word) is None for word in symbol])
    if wrong.any():
        row = int(wrong.argmax())
        cure = "use up to 10 letters and digits, like FUND1"
        raise table.error(row, "symbol", f"'{symbol[row]}' is not a symbol; {cure}")
    if np.isnan(price).any():
        raise table.error(
            int(np.isnan(price).argmax()),
            "price",
            "is blank; give the value per unit in USD or remove the line",
        )
    twice = pd.DataFrame({"symbol": symbol, "day": day}).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        what = f"{symbol[row]} has another mark on {pd.Timestamp(day[row]):%Y-%m-%d}; remove one line"
        raise table.error(row, "date", what)
    order = np.lexsort((day, symbol))
    symbol, day, price = symbol[order], day[order], price[order]
    session = pd.DatetimeIndex(calendar.next_sessions(pd.Series(day))).to_numpy("datetime64[ns]")
    last = ~pd.DataFrame({"symbol": symbol, "session": session}).duplicated(keep="last").to_numpy()
    return Marks(f"{MARKS_SOURCE_PREFIX}{path.name}", symbol[last], session[last], day[last], price[last])


def marked(provider: MarketDataProvider, path: Path | None) -> MarketDataProvider:
    """The provider with the marks of a file; None = there are no marks."""
    return provider if path is None else MarkedProvider(provider, path)


class MarkedProvider:
    """Another provider, with the marks of a file beside its prices. The file is read once, on first use."""

    def __init__(self, base: MarketDataProvider, path: Path) -> None:
        self._base = base
        self._path = Path(path)
        self.name = base.name

    @cached_property
    def _marks(self) -> Marks:
        marks = read_marks(self._path)
        known = self._base.symbols()
        both = sorted(set(marks.symbol) & (known or frozenset()))
        if both:
            raise InputError(
                f"{self._path}: {both[0]} has prices from provider {self.name}; give the private asset "
                "another symbol, or remove its marks"
            )
        return marks

    def _private(self, symbols: Collection[str]) -> list[str]:
        return sorted(set(symbols) & set(self._marks.symbol))

    def _public(self, symbols: Collection[str]) -> list[str]:
        return sorted(set(symbols) - set(self._marks.symbol))

    def symbols(self) -> frozenset[str] | None:
        """Those of the provider and of the marks; None = any symbol may be asked for."""
        known = self._base.symbols()
        return None if known is None else known | frozenset(self._marks.symbol)

    def first_date(self) -> dt.date | None:
        """The provider's: marks before it are carried into it."""
        return self._base.first_date()

    def last_date(self) -> dt.date | None:
        """The provider's."""
        return self._base.last_date()

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``.

        Where other symbols were asked for too, marks have rows only on sessions with a price of the provider:
        a session that the provider lacks stays one without any price.
        """
        sessions = calendar.sessions(pd.Timestamp(start), pd.Timestamp(end))
        if symbols is not None and not self._public(symbols):
            return self._marks.rows(symbols, sessions)
        rows = self._base.daily_prices(None if symbols is None else self._public(symbols), start, end)
        priced = sessions[sessions.isin(rows["date"].unique())]
        private = self._marks.rows(symbols, priced)
        if private.empty:
            return rows
        both = pd.concat([rows, private.astype(rows.dtypes.to_dict())], ignore_index=True)
        return both.sort_values(["date", "symbol"], ignore_index=True)

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """The provider's: a private asset has none."""
        return self._base.corporate_actions(None if symbols is None else self._public(symbols), start, end)

    def actions_known_from(self, symbols: Collection[str]) -> Mapping[str, dt.date]:
        """The provider's: a private asset has no actions at any time."""
        return self._base.actions_known_from(self._public(symbols))

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """The provider's."""
        return self._base.treasury_yields(start, end)

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """The provider's."""
        return self._base.option_quotes(contracts, start, end)

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS: private assets with the type private, the others as the provider says."""
        private = sorted(set(self._marks.symbol)) if symbols is None else self._private(symbols)
        known = pd.DataFrame({"symbol": private, "security_type": "private", "source": self._marks.source})
        made = security_rows(known, private, self._marks.source)
        if symbols is not None and not self._public(symbols):
            return made
        given = self._base.securities(None if symbols is None else self._public(symbols))
        return pd.concat([given, made], ignore_index=True).sort_values("symbol", ignore_index=True)

    def factor_proxies(self) -> Mapping[str, str | None]:
        """The provider's."""
        return self._base.factor_proxies()
