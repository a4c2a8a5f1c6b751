"""CSV files that users bring: read whole, with errors that name the file, the line and the column."""

import csv
import io
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from sigmasight_core.calendar import FIRST_DATE, LAST_DATE
from sigmasight_core.errors import InputError

BLANKS: Final = ("", ".", "-", "null", "nan", "na", "n/a", "none")
"""What counts as missing, in any case; '.' is FRED's, 'null' Yahoo's."""

_LOG: Final = logging.getLogger(__name__)
CALENDAR: Final = f"{FIRST_DATE.year}..{LAST_DATE.year}"
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00(:00(\.0+)?)?([+-]\d{2}:?\d{2}|Z)?")


def normalised(header: str) -> str:
    """A column name without case, spaces and punctuation: 'Adj Close' -> 'adjclose'."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


@dataclass(frozen=True)
class CsvTable:
    """Text of one CSV file.

    :ivar path: the file.
    :ivar lines: line in the file of each row (R,).
    :ivar headers: header as written in the file, by normalised name.
    :ivar columns: text (R,) of each column, by normalised name.
    """

    path: Path
    lines: np.ndarray
    headers: dict[str, str]
    columns: dict[str, np.ndarray]

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def error(self, row: int, column: str, what: str) -> InputError:
        """An error at a row (position in the table) and column."""
        return InputError(f"{self.path}, line {self.lines[row]}, column {self.headers[column]}: {what}")

    def text(self, column: str, *, required: bool = True) -> np.ndarray:
        """Stripped text (R,).

        :raises InputError: where the text is blank and it is required.
        """
        words = np.array([word.strip() for word in self.columns[column]], object)
        blank = words == ""
        if required and blank.any():
            raise self.error(int(blank.argmax()), column, "is blank; fill it in or remove the line")
        return words

    def dates(self, column: str, *, early: bool = False) -> np.ndarray:
        """Dates (R,) as datetime64[ns]. YYYY-MM-DD, also with a time of midnight.

        :param early: whether they may be from before the trading calendar too.
        :raises InputError: at a date that is blank, in another form, or outside of the calendar.
        """
        words = self.columns[column]
        days = _iso_days(words)
        if np.isnat(days).any():
            days = _iso_days(np.array([_MIDNIGHT.sub(r"\1", word.strip()) for word in words], object))
        bad = outside_calendar(days) & ~(early & (days < FIRST_DATE.to_datetime64()))
        if bad.any():
            row = int(bad.argmax())
            raise self.error(row, column, f"'{words[row]}' is not a date of {CALENDAR}; write it YYYY-MM-DD")
        return days.astype("datetime64[ns]")

    def numbers(self, column: str, *, zero_is_legal: bool = False, signed: bool = False) -> np.ndarray:
        """Numbers (R,) as float64; NaN where blank (see BLANKS).

        :raises InputError: at text that is no number, at a number that is not finite, and, unless
            ``signed``, at one that is not positive (or negative if zero is legal).
        """
        words = self.columns[column]
        values = _floats(words)
        unread = np.isnan(values).nonzero()[0]
        wrong = next((row for row in unread if words[row].strip().lower() not in BLANKS), None)
        if wrong is not None:
            raise self.error(int(wrong), column, f"'{words[wrong]}' is not a number; {_cure(words[wrong])}")
        infinite = np.isinf(values)
        low = np.zeros_like(infinite) if signed else (values < 0 if zero_is_legal else values <= 0)
        if (infinite | low).any():
            row = int((infinite | low).argmax())
            need = "finite" if infinite[row] else ("0 or more" if zero_is_legal else "positive")
            raise self.error(row, column, f"'{words[row]}' must be {need}; correct it or leave it blank")
        return values


def read_csv_table(path: Path, required: Sequence[str], aliases: Mapping[str, str] | None = None) -> CsvTable:
    """Read a CSV file (UTF-8, comma, header row in any order and case; other columns are kept).

    :param required: normalised names of the columns that must be there.
    :param aliases: other normalised names of columns -> the names used here.
    :raises InputError: for a file that cannot be read as such; names the file and, if known, the line.
    """
    rows, lines = _rows(path, _text(path))
    header, body = rows[0], rows[1:]
    names = [(aliases or {}).get(normalised(name), normalised(name)) for name in header]
    _check_header(path, header, names, required)
    width = len(header)
    if set(map(len, rows)) != {width}:
        ragged = next(at for at, row in enumerate(rows) if len(row) != width)
        n_fields = len(rows[ragged])
        raise InputError(f"{path}, line {lines[ragged]}: {n_fields} fields, but the header has {width}")
    cells = np.array(body, object).reshape(len(body), width)
    return CsvTable(
        path=path,
        lines=lines[1:],
        headers=dict(zip(names, (name.strip() for name in header), strict=True)),
        columns={name: cells[:, position] for position, name in enumerate(names)},
    )


def without_early_rows(table: CsvTable) -> CsvTable:
    """The table without the rows whose date is from before the trading calendar; a warning counts them.

    Downloads of a whole history begin earlier. All else that is wrong with a date, and a table without a
    later row, is left for `dates`.
    """
    words = table.columns["date"]
    early = words < str(FIRST_DATE.date())
    if early.any():
        written = [_MIDNIGHT.sub(r"\1", word.strip()) for word in words[early]]
        early[early] = _iso_days(np.array(written, object)) < FIRST_DATE.to_datetime64()
    if not early.any() or early.all():
        return table
    warn_of_early_rows(table.path, int(early.sum()))
    kept = {name: column[~early] for name, column in table.columns.items()}
    return CsvTable(table.path, table.lines[~early], table.headers, kept)


def warn_of_early_rows(path: Path, n: int) -> None:
    """Say how many rows of a file are from before the trading calendar."""
    _LOG.warning(
        "%s: %d rows from before %s are left out: the trading calendar begins there",
        path,
        n,
        FIRST_DATE.date(),
    )


def _rows(path: Path, text: str) -> tuple[list[list[str]], np.ndarray]:
    """The rows that are not blank, and the line of each."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        rows = list(reader)
        if reader.line_num == len(rows) and all(rows):
            return rows, np.arange(1, len(rows) + 1)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
        lines = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; check the quotes") from None
    return [row for _, row in lines], np.array([line for line, _ in lines], int)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8 CSV") from None
    if not text.strip():
        raise InputError(f"{path}: the file is empty; remove it or fill it in")
    if text.lstrip().startswith("<"):
        raise InputError(f"{path}, line 1: this is HTML or XML, not CSV; save the data, not the page")
    return text


def _check_header(path: Path, header: list[str], names: list[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        hint = "separate columns with commas" if len(header) == 1 else "add it to the header"
        raise InputError(f"{path}, line 1: no column {', '.join(missing)} in '{','.join(header)}'; {hint}")
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise InputError(f"{path}, line 1: column {twice[0]} is there twice; remove one")


def outside_calendar(days: np.ndarray) -> np.ndarray:
    """Where a datetime64 is NaT or outside of the trading calendar (R,)."""
    first, last = FIRST_DATE.to_datetime64(), LAST_DATE.to_datetime64()
    return np.isnat(days) | (days < first) | (days > last)


def _iso_days(words: np.ndarray) -> np.ndarray:
    days = pd.to_datetime(pd.Series(words, dtype="str"), format="%Y-%m-%d", errors="coerce")
    return days.to_numpy("datetime64[s]")


def _floats(words: np.ndarray) -> np.ndarray:
    """Text as float64, NaN where it is no number; Arrow is five times as fast where every word is one."""
    try:
        return pa.array(words).cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return np.asarray(pd.to_numeric(words, errors="coerce"), float)


def _cure(word: str) -> str:
    if re.fullmatch(r"\s*[-+]?[\d.,\s]*\d[\d.,\s]*", word):
        return "write it without thousands separators and with a decimal point, like 1234.5"
    return "write it like 1234.5, without currency signs"
