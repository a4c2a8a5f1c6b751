"""Price files of the `files` provider: a directory of SYMBOL.csv, or one Parquet file, to arrays."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pandas as pd

from sigmasight_core.calendar import non_session_reason, sessions
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.spelling import plain_symbol
from sigmasight_dagster.providers.files.csv_tables import CsvTable, read_csv_table, without_early_rows
from sigmasight_dagster.providers.files.parquet_tables import (
    ParquetTable,
    read_parquet_table,
    without_early_parquet_rows,
)

EXTRA_FILES: Final = (
    "splits.csv",
    "securities.csv",
    "treasury_3m.csv",
    "treasury_2y.csv",
    "treasury_10y.csv",
    "treasury_30y.csv",
)
"""CSV files in the directory that are not prices."""

ALIASES: Final = {"adjclose": "adj", "adjustedclose": "adj", "ticker": "symbol"}
GIVEN: Final = ("open", "high", "low", "close", "adj", "volume")
SYMBOL: Final = re.compile(r"[A-Z0-9^][A-Z0-9^=-]{0,20}")


class Located(Protocol):
    """A table that can say where in its file something is wrong."""

    def error(self, row: int, column: str, what: str) -> InputError:
        """The error that names the file, the row and the column."""

    def numbers(self, column: str, *, zero_is_legal: bool = False) -> np.ndarray:
        """A column as float64, checked."""

    def __contains__(self, column: str) -> bool: ...


@dataclass(frozen=True)
class GivenPrices:
    """Prices as the files give them.

    :ivar dates: sessions (T,), ascending.
    :ivar symbols: symbols (N,).
    :ivar fields: (T, N) arrays by name in GIVEN, of those that are in the files; NaN = missing.
    :ivar files: name of the file of each symbol (N,).
    """

    dates: pd.DatetimeIndex
    symbols: np.ndarray
    fields: dict[str, np.ndarray]
    files: np.ndarray


def read_prices(directory: Path) -> GivenPrices:
    """Read the prices of a directory.

    :raises InputError: for a directory or a file that cannot be used; names the file, line and column.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory; set SIGMASIGHT_FILES_DIR to one with prices")
    # hidden files are the system's own: a Mac writes ._AAA.csv and .DS_Store beside the data
    paths = sorted(path for path in directory.iterdir() if path.is_file() and not path.name.startswith("."))
    tables = [path for path in paths if path.suffix.lower() == ".parquet"]
    singles = [p for p in paths if p.suffix.lower() == ".csv" and p.name.lower() not in EXTRA_FILES]
    if len(tables) == 1 and not singles:
        return _only_priced(_read_parquet(tables[0]))
    if singles and not tables:
        return _only_priced(_read_symbol_files(singles))
    found = ", ".join(path.name for path in paths[:5]) or "nothing"
    raise InputError(
        f"{directory}: unknown file layout (found {found}); "
        "put in either one Parquet file or one SYMBOL.csv per symbol"
    )


def _only_priced(given: GivenPrices) -> GivenPrices:
    priced = ~np.isnan(given.fields["close"]).all(axis=0)
    if not priced.any():
        raise InputError(f"{given.files[0]}: no close in it; fill it in")
    fields = {name: values[:, priced] for name, values in given.fields.items()}
    return GivenPrices(given.dates, given.symbols[priced], fields, given.files[priced])


def _read_symbol_files(paths: Sequence[Path]) -> GivenPrices:
    symbols = _unique_symbols([path.stem for path in paths], [str(path) for path in paths])
    tables = [_read_symbol_file(path) for path in paths]
    days = np.concatenate([days for days, _ in tables])
    code = np.repeat(np.arange(len(paths)), [len(days) for days, _ in tables])
    values = {
        name: np.concatenate([fields.get(name, np.full(len(days), np.nan)) for days, fields in tables])
        for name in GIVEN
        if any(name in fields for _, fields in tables)
    }
    return _pivot(days, code, symbols, values, np.array([path.name for path in paths], object))


def _read_symbol_file(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    table = without_early_rows(read_csv_table(path, ("date", "close"), ALIASES))
    days = table.dates("date")
    if not len(days):
        raise InputError(f"{path}: the file has a header and no rows; remove it or fill it in")
    check_dates(table, "date", days)
    return days, _fields(table)


def _read_parquet(path: Path) -> GivenPrices:
    table = without_early_parquet_rows(read_parquet_table(path, ALIASES))
    days = table.dates("date")
    if "symbol" not in table:
        return _wide(table, days)
    if "close" not in table:
        raise InputError(f"{path}: a long file (it has a column symbol) without a column close; add it")
    code, names = pd.factorize(np.array([plain_symbol(str(word)) for word in table.unique("symbol")], object))
    symbols = _unique_symbols(list(names), [str(path)] * len(names))
    code = code[table.codes("symbol")]
    check_dates(table, "date", days, code)
    return _pivot(days, code, symbols, _fields(table), np.full(len(symbols), path.name, object))


def _wide(table: ParquetTable, days: np.ndarray) -> GivenPrices:
    check_dates(table, "date", days)
    columns = [column for column in table.frame.columns if column != "date"]
    if not columns:
        raise InputError(f"{table.path}: no column of prices beside the date; add one column per symbol")
    symbols = _unique_symbols([str(column) for column in columns], [str(table.path)] * len(columns))
    order = days.argsort(kind="stable")
    closes = table.matrix(columns)[order]
    files = np.full(len(symbols), table.path.name, object)
    return GivenPrices(pd.DatetimeIndex(days[order]), symbols, {"close": closes}, files)


def _fields(table: Located) -> dict[str, np.ndarray]:
    return {name: table.numbers(name, zero_is_legal=name == "volume") for name in GIVEN if name in table}


def _pivot(
    days: np.ndarray, code: np.ndarray, symbols: np.ndarray, values: dict[str, np.ndarray], files: np.ndarray
) -> GivenPrices:
    dates, row = np.unique(days, return_inverse=True)
    fields = {name: np.full((len(dates), len(symbols)), np.nan) for name in values}
    for name, column in values.items():
        fields[name][row, code] = column
    return GivenPrices(pd.DatetimeIndex(dates), symbols, fields, files)


def check_dates(table: Located, column: str, days: np.ndarray, code: np.ndarray | None = None) -> None:
    """Check that the days (R,) are sessions and, by symbol code (R,) if given, unique.

    :raises InputError: at the first row that is not.
    """
    closed = ~np.isin(days, sessions(days.min(), days.max()).to_numpy("datetime64[ns]"))
    if closed.any():
        row = int(closed.argmax())
        day = pd.Timestamp(days[row])
        raise table.error(
            row, column, f"{day.date()} is no session ({non_session_reason(day)}); remove the row"
        )
    twice = pd.DataFrame({"day": days, "code": 0 if code is None else code}).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise table.error(row, column, f"{pd.Timestamp(days[row]).date()} is there twice; remove one row")


def _unique_symbols(names: Sequence[str], where: Sequence[str]) -> np.ndarray:
    symbols = [plain_symbol(name) for name in names]
    bad = next((i for i, symbol in enumerate(symbols) if not SYMBOL.fullmatch(symbol)), None)
    if bad is not None:
        raise InputError(f"{where[bad]}: '{names[bad]}' is not a symbol; name files and columns by symbol")
    twice = pd.Series(symbols).duplicated().to_numpy()
    if twice.any():
        at = int(twice.argmax())
        raise InputError(f"{where[at]}: symbol {symbols[at]} is there twice; remove one")
    return np.array(symbols, object)


def read_yields(path: Path) -> "pd.Series[float]":
    """Read `treasury_10y.csv` and its like: percent by date, NaN on blanks; FRED's own header will do.

    Rows from before the trading calendar are dropped, with a warning that counts them.

    :raises InputError: for a bad line, a weekend, or a date that is there twice.
    """
    names = dict.fromkeys(("dgs3mo", "dgs2", "dgs10", "dgs30", "value", "yield"), "yieldpercent")
    table = read_csv_table(path, ("date", "yieldpercent"), {**names, "observationdate": "date"})
    table = without_early_rows(table)
    days, percent = table.dates("date"), table.numbers("yieldpercent", signed=True)
    if not len(days):
        raise InputError(f"{path}: the file has a header and no rows; remove it or fill it in")
    _check_yield_dates(table, days)
    return pd.Series(percent, index=pd.DatetimeIndex(days)).sort_index()


def _check_yield_dates(table: CsvTable, days: np.ndarray) -> None:
    weekend = ~np.is_busday(days.astype("datetime64[D]"))
    twice = pd.Series(days).duplicated().to_numpy()
    if (weekend | twice).any():
        row = int((weekend | twice).argmax())
        what = "is a weekend" if weekend[row] else "is there twice"
        raise table.error(row, "date", f"{pd.Timestamp(days[row]).date()} {what}; remove the row")
