"""CSV text to rows of text fields: encoding, size, header and field counts of every CSV of a user."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_fields import Report

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 10_000


@dataclass(frozen=True)
class CsvFormat:
    """What a file holds.

    :param row: what one row is, for messages.
    :param aliases: other spellings of columns.
    """

    row: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    aliases: Mapping[str, str]

    @property
    def example(self) -> str:
        """A header row."""
        return ",".join(self.required)


def read_rows(text: str | bytes, source: str, form: CsvFormat, report: Report) -> pd.DataFrame:
    """The format's columns of every row that has the right number of fields, as stripped text.

    :returns: `line` (1 = first line of the file) and every column of the format, empty where it is absent.
    :raises InputError: if the file as a whole cannot be read: too large, not UTF-8, empty, a needed column
        missing or twice, no rows.
    """
    lines = _decoded(text, source).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip(", \t")]
    if not numbered:
        raise InputError(f"{source}: the file is empty; it needs a header row such as {form.example}")
    header = _header(_fields(numbered[0][1]), source, form)
    if len(numbered) == 1:
        raise InputError(f"{source}: there is a header but no {form.row}; add a row for each")
    if len(numbered) - 1 > MAX_ROWS:
        raise InputError(f"{source}: {len(numbered) - 1:,} rows are more than {MAX_ROWS:,}; split the file")
    records = []
    for number, line in numbered[1:]:
        values = _fields(line)
        problem = values if isinstance(values, str) else _field_count(len(values), len(header))
        if problem:
            report.refuse_line(number, line, problem)
        else:
            records.append([number, *values])
    table = pd.DataFrame(records, columns=pd.Index(["line", *range(len(header))], dtype=object))
    rows = pd.DataFrame({"line": table["line"].astype("int64")})
    for name in (*form.required, *form.optional):
        text_column = table[header.index(name)] if name in header else pd.Series("", index=table.index)
        rows[name] = text_column.astype("str").str.strip()
    return rows


def _decoded(text: str | bytes, source: str) -> str:
    data = text if isinstance(text, bytes) else text.encode("utf-8", errors="replace")
    if len(data) > MAX_BYTES:
        raise InputError(f"{source}: {len(data):,} bytes are more than {MAX_BYTES:,}; split the file")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 text (byte {error.start}); save it as 'CSV UTF-8'") from None


def _fields(line: str) -> list[str] | str:
    """Fields of one line, or what is wrong with its quotes."""
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        return f'quotes are not balanced ({error}); write "a,b" on one line, and a quote in quotes as ""'


def _field_count(found: int, expected: int) -> str | None:
    if found == expected:
        return None
    if found < expected:
        return f"too few fields: {found} instead of {expected}; leave an empty field between commas"
    return (
        f"too many fields: {found} instead of {expected}; put tags in quotes and write numbers without "
        "thousands separators"
    )


def _header(fields: list[str] | str, source: str, form: CsvFormat) -> list[str]:
    if isinstance(fields, str):
        raise InputError(f"{source}: header row: {fields}")
    plain = ["_".join(field.strip().lower().split()) for field in fields]
    names = [form.aliases.get(name, name) for name in plain]
    missing = [name for name in form.required if name not in names]
    if missing:
        hint = "separate the columns by commas" if len(fields) == 1 else f"the header is like {form.example}"
        raise InputError(f"{source}: missing columns: {', '.join(missing)}; {hint}")
    for name in (*form.required, *form.optional):
        spelled = [field.strip() for field, known in zip(fields, names, strict=True) if known == name]
        if len(spelled) > 1:
            raise InputError(f"{source}: columns {' and '.join(spelled)} mean the same; keep one of them")
    return names
