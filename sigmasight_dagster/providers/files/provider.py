"""Provider `files`: the user's own prices, splits, yields and names in a directory (docs/providers.md)."""

import datetime as dt
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sigmasight_core.calendar import sessions
from sigmasight_core.conventions import OK
from sigmasight_core.tables.market import SECURITY_TYPES
from sigmasight_dagster.providers.base import (
    PROXIES,
    SECURITY_TEXTS,
    YIELD_SERIES,
    YieldColumn,
    action_rows,
    merge_proxies,
    no_option_quotes,
    security_rows,
    treasury_rows,
)
from sigmasight_dagster.providers.files.csv_tables import read_csv_table
from sigmasight_dagster.providers.files.prices import GivenPrices, read_prices, read_yields
from sigmasight_dagster.providers.files.splits_csv import clean_symbols, read_splits
from sigmasight_dagster.providers.rows.panel import PricePanel
from sigmasight_dagster.providers.rows.splits import Splits, check_basis, later_ratios

CloseBasis = Literal["as_traded", "split_adjusted", "adjusted"]


class FilesProvider:
    """Prices of a directory. Every file is read once, when it is first needed, and kept in memory.

    ``close`` is as traded. Closes that the files give adjusted (``close_basis`` split_adjusted or
    adjusted) are multiplied by the ratios of the later splits in splits.csv; those that the files give
    as traded yield ``adjusted_close`` by dividing, unless the file has a column Adj Close.
    """

    name: str = "files"

    def __init__(
        self,
        directory: Path,
        close_basis: CloseBasis = "as_traded",
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        """:param proxies: symbols by factor, instead of PROXIES."""
        self._directory = Path(directory)
        self._basis = close_basis
        self._proxies = proxies or {}

    @cached_property
    def _splits(self) -> Splits | None:
        path = self._directory / "splits.csv"
        return read_splits(path) if path.exists() else None

    @cached_property
    def _panel(self) -> PricePanel:
        given, splits = read_prices(self._directory), self._splits or Splits.none()
        as_traded = self._basis == "as_traded"
        check_basis(splits, given.dates, given.symbols, given.fields["close"], as_traded=as_traded)
        later = later_ratios(splits, given.dates, given.symbols)
        fields = _as_traded(given.fields, np.ones_like(later) if as_traded else later)
        adjusted = given.fields["close"] / later if as_traded else given.fields["close"]
        own = given.fields.get("adj", np.full_like(adjusted, np.nan))
        has_own = ~np.isnan(own).all(axis=0)
        fields["adjusted_close"] = np.where(has_own, own, adjusted)
        return PricePanel(given.dates, given.symbols, fields, self._sources(given, has_own))

    def _sources(self, given: GivenPrices, has_own: np.ndarray) -> np.ndarray:
        known = self._splits is not None
        if self._basis != "as_traded":
            what = "un-split by splits.csv" if known else "close = given close (no splits.csv)"
            words = [f"{self._basis}, {what}"] * len(has_own)
        else:
            other = "adjusted by splits.csv" if known else "adjusted_close = close (no splits.csv)"
            words = [f"as_traded, {'its own Adj Close' if own else other}" for own in has_own]
        pairs = zip(given.files, words, strict=True)
        return np.array([f"files: {file}, {word}" for file, word in pairs], object)

    @cached_property
    def _yields(self) -> dict[str, tuple[str, "pd.Series[float] | None"]]:
        names = {series: f"treasury_{series.lower()}.csv" for series in YIELD_SERIES}
        paths = {series: (name, self._directory / name) for series, name in names.items()}
        return {s: (name, read_yields(path) if path.exists() else None) for s, (name, path) in paths.items()}

    @cached_property
    def _securities(self) -> pd.DataFrame:
        path = self._directory / "securities.csv"
        return read_securities(path) if path.exists() else pd.DataFrame(columns=["symbol", "source"])

    def symbols(self) -> frozenset[str]:
        """Symbols with at least one close."""
        return frozenset(self._panel.symbols)

    def first_date(self) -> dt.date:
        """First session in the files."""
        return self._panel.dates[0].date()

    def last_date(self) -> dt.date:
        """Last session in the files."""
        return self._panel.dates[-1].date()

    def daily_prices(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``.

        :raises InputError: when a file cannot be used, or its closes contradict the stated basis.
        """
        return self._panel.rows(symbols, start, end)

    def corporate_actions(
        self, symbols: Collection[str] | None, start: dt.date, end: dt.date
    ) -> pd.DataFrame:
        """Rows of ``tables.CorporateActions``: the splits of splits.csv."""
        splits = self._splits or Splits.none()
        days = pd.DatetimeIndex(splits.ex_date)
        chosen = np.asarray((days >= pd.Timestamp(start)) & (days <= pd.Timestamp(end)))
        if symbols is not None:
            chosen &= np.isin(splits.symbol, np.array(sorted(symbols), object))
        return action_rows(
            splits.symbol[chosen], splits.ex_date[chosen], splits.ratio[chosen], "files: splits.csv"
        )

    def actions_known_from(self, symbols: Collection[str]) -> Mapping[str, dt.date]:
        """The first close of each symbol, without splits.csv; with it none: it has the splits of any time."""
        if self._splits is not None:
            return {}
        panel = self._panel
        first = (~np.isnan(panel.fields["close"])).argmax(axis=0)
        days = dict(zip(panel.symbols, panel.dates[first], strict=True))
        return {symbol: days[symbol].date() for symbol in set(symbols) & days.keys()}

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.TreasuryYields``; NULL with the reason where the files have no yield."""
        days = sessions(start, end)
        columns = {series: _yield_column(days, *found) for series, found in self._yields.items()}
        return treasury_rows(days, columns)

    def option_quotes(
        self,
        contracts: Collection[str],  # noqa: ARG002 (fixed by the protocol)
        start: dt.date,  # noqa: ARG002
        end: dt.date,  # noqa: ARG002
    ) -> pd.DataFrame:
        """No rows: there are no option prices here."""
        return no_option_quotes()

    def securities(self, symbols: Collection[str] | None) -> pd.DataFrame:
        """Columns SECURITY_COLUMNS; one row per symbol asked for."""
        return security_rows(
            self._securities, self.symbols() if symbols is None else symbols, "files: not in securities.csv"
        )

    def factor_proxies(self) -> Mapping[str, str | None]:
        """Symbol that stands for each factor, None where it has no prices; rates: 10Y if there are any."""
        known = self.symbols()
        proxies = {factor: symbol if symbol in known else None for factor, symbol in PROXIES.items()}
        rates = None if self._yields["10Y"][1] is None else "10Y"
        return merge_proxies({**proxies, "rates": rates}, self._proxies, known)


def _as_traded(given: Mapping[str, np.ndarray], factor: np.ndarray) -> dict[str, np.ndarray]:
    prices = {name: given[name] * factor for name in ("open", "high", "low", "close") if name in given}
    return {**prices, "volume": given["volume"] / factor} if "volume" in given else prices


def _yield_column(days: pd.DatetimeIndex, file: str, known: "pd.Series[float] | None") -> YieldColumn:
    source = f"files: {file}"
    if known is None:
        return YieldColumn.unavailable(len(days), source, f"files has no Treasury yields in {file}")
    percent = known.reindex(days).to_numpy(float)
    first, last = known.index[0], known.index[-1]
    gap = np.full(len(days), f"no yield in {file} on this session", object)
    gap[days < first] = f"{file} begins on {first.date()}"
    gap[days > last] = f"{file} ends on {last.date()}"
    return YieldColumn(percent, source, np.where(np.isnan(percent), gap, OK))


def read_securities(path: Path) -> pd.DataFrame:
    """Read `securities.csv`: symbol and, as far as known, name, security_type and sector.

    :raises InputError: for a bad line, an unknown type, or a symbol that is there twice.
    """
    table = read_csv_table(path, ("symbol",), {"ticker": "symbol", "type": "securitytype"})
    frame = pd.DataFrame({"symbol": clean_symbols(table)})
    for column, unknown in SECURITY_TEXTS.items():
        header = column.replace("_", "")
        frame[column] = table.text(header, required=False) if header in table else ""
        frame[column] = frame[column].replace({"": unknown})
    if "marketcap" in table:
        frame["market_cap"] = table.numbers("marketcap", zero_is_legal=True)
    wrong = ~frame["security_type"].isin(SECURITY_TYPES).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        word = frame["security_type"].iloc[row]
        raise table.error(row, "securitytype", f"'{word}' is not one of {', '.join(SECURITY_TYPES)}")
    twice = frame["symbol"].duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise table.error(row, "symbol", f"{frame['symbol'].iloc[row]} is there twice; remove one line")
    return frame.assign(source="files: securities.csv")
