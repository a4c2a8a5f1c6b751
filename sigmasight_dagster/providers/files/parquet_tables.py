"""Parquet files that users bring, with errors that name the file, the row (from 1) and the column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from sigmasight_core.calendar import FIRST_DATE
from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.files.csv_tables import (
    CALENDAR,
    normalised,
    outside_calendar,
    warn_of_early_rows,
)

LONG_COLUMNS: Final = frozenset(("date", "symbol", "open", "high", "low", "close", "adj", "volume"))


@dataclass(frozen=True)
class ParquetTable:
    """One Parquet file; the columns that are known by name are renamed, all others are as in the file.

    :ivar frame: its rows, numbered as in the file.
    """

    path: Path
    frame: pd.DataFrame

    def __contains__(self, column: str) -> bool:
        return column in self.frame.columns

    def error(self, row: int, column: str, what: str) -> InputError:
        """An error at a row (position in the table) and column."""
        return InputError(f"{self.path}, row {self.frame.index[row] + 1}, column {column}: {what}")

    def dates(self, column: str) -> np.ndarray:
        """Dates (R,) as datetime64[ns], from timestamps at midnight, dates or text YYYY-MM-DD.

        :raises InputError: at something else, or a date outside of the calendar.
        """
        values = self.frame[column]
        if pd.api.types.is_numeric_dtype(values):
            raise InputError(f"{self.path}, column {column}: {values.dtype} is no date; store dates")
        stamps = _stamps(values)
        bad = outside_calendar(stamps)
        if bad.any():
            row = int(bad.argmax())
            raise self.error(row, column, f"'{values.iloc[row]}' is not a date of {CALENDAR} (YYYY-MM-DD)")
        timed = stamps != stamps.astype("datetime64[D]")
        if timed.any():
            row = int(timed.argmax())
            raise self.error(row, column, f"'{values.iloc[row]}' has a time of day; daily prices have none")
        return stamps.astype("datetime64[ns]")

    def numbers(self, column: str, *, zero_is_legal: bool = False) -> np.ndarray:
        """Numbers (R,) as float64, NaN = missing.

        :raises InputError: at text, or a number that is not finite or not positive.
        """
        return self.matrix([column], zero_is_legal=zero_is_legal)[:, 0]

    def matrix(self, columns: Sequence[str], *, zero_is_legal: bool = False) -> np.ndarray:
        """Several columns of numbers (R, C) as float64, checked as in `numbers`."""
        chosen = self.frame[list(columns)]
        wrong = next((c for c in columns if not pd.api.types.is_numeric_dtype(chosen[c].dtype)), None)
        if wrong is not None:
            raise InputError(
                f"{self.path}, column {wrong}: {chosen[wrong].dtype} is not a number; store prices as float, "
                "with columns date, symbol, close (long) or date and one per symbol (wide)"
            )
        values = chosen.to_numpy(float, na_value=np.nan)
        bad = np.isinf(values) | ((values < 0) if zero_is_legal else (values <= 0))
        if bad.any():
            row, column = (int(at[0]) for at in bad.nonzero())
            number = values[row, column]
            need = "finite" if np.isinf(number) else ("0 or more" if zero_is_legal else "positive")
            raise self.error(row, columns[column], f"{number:g} must be {need}; correct or remove it")
        return values

    def unique(self, column: str) -> np.ndarray:
        """Distinct values (U,) in order of appearance.

        :raises InputError: at a missing value.
        """
        codes, words = pd.factorize(self.frame[column])
        if (codes < 0).any():
            raise self.error(int((codes < 0).argmax()), column, "is missing; fill it in or remove the row")
        return np.asarray(words, object)

    def codes(self, column: str) -> np.ndarray:
        """Position of each row's value (R,) in `unique`."""
        return pd.factorize(self.frame[column])[0]


def read_parquet_table(path: Path, aliases: Mapping[str, str]) -> ParquetTable:
    """Read a Parquet file with a column or an index of dates.

    :param aliases: other normalised names of columns -> the names used here.
    :raises InputError: for a file that is not Parquet, has no rows or no dates.
    """
    try:
        frame = pd.read_parquet(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a Parquet file, or corrupt ({reason}); write it anew") from None
    if isinstance(frame.index, pd.DatetimeIndex) and frame.index.name is None:
        frame.index.name = "date"
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    if not len(frame):
        raise InputError(f"{path}: the file has no rows; fill it in")
    frame.columns = _known_names(frame, aliases)
    if "date" not in frame.columns:
        found = ", ".join(map(str, frame.columns[:5]))
        raise InputError(f"{path}: unknown file layout, no column date (found {found}); add it")
    return ParquetTable(path, frame)


def without_early_parquet_rows(table: ParquetTable) -> ParquetTable:
    """The table without the rows whose date is from before the trading calendar; a warning counts them.

    As `without_early_rows` of CSV files: all else that is wrong with a date is left for `dates`.
    """
    values = table.frame["date"]
    if pd.api.types.is_numeric_dtype(values):
        return table
    early = (_stamps(values) < FIRST_DATE.to_datetime64()) & values.notna().to_numpy()
    if not early.any() or early.all():
        return table
    warn_of_early_rows(table.path, int(early.sum()))
    return ParquetTable(table.path, table.frame[~early])


def _stamps(values: "pd.Series[str]") -> np.ndarray:
    days = pd.to_datetime(values, errors="coerce", format="%Y-%m-%d" if _is_text(values) else None)
    return days.dt.tz_localize(None).to_numpy("datetime64[us]")


def _known_names(frame: pd.DataFrame, aliases: Mapping[str, str]) -> list[str]:
    names = [str(name) for name in frame.columns]
    plain = [aliases.get(normalised(name), normalised(name)) for name in names]
    known = LONG_COLUMNS if "symbol" in plain else {"date"}
    return [short if short in known else name for name, short in zip(names, plain, strict=True)]


def _is_text(values: "pd.Series[str]") -> bool:
    return isinstance(values.dtype, pd.StringDtype)
