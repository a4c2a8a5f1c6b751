"""CSV text to rows of text fields: encoding, size, header and field counts of every CSV of a user.

A record may run over several lines inside of quotes. A quote that is never closed would swallow every line
after it: a record that cannot be read is therefore one line, and reading goes on at the next.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_fields import Report

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 10_000
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}(?:\.[0-9]*)?")
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}

_BLANK: Final = ", \t"
_MAX_LINES: Final = 1_000
"""Lines that one record may run over."""
_MAX_TRIES: Final = 50
"""Lines with a quote in them that are tried as the end of one record."""
_OPEN: Final = "unexpected end of data"
"""What the reader says of a quote that is still open."""


@dataclass(frozen=True)
class Record:
    """One record: its first line (1 = first of the file), its text, and its fields or what is wrong."""

    line: int
    text: str
    fields: list[str]
    problem: str = ""


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


@dataclass(frozen=True)
class CsvTable:
    """What a file holds.

    :param rows: `line` (1 = first line of the file) and every column of the format as stripped text, empty
        where it is absent.
    :param others: the columns of the file that the format does not know, in their order, as stripped text;
        the same rows. A name may be there twice.
    :param header_line: line of the header.
    """

    rows: pd.DataFrame
    others: pd.DataFrame
    header_line: int


def read_rows(text: str | bytes, source: str, form: CsvFormat, report: Report) -> CsvTable:
    """Every row that has the right number of fields; the others are refused in the report.

    Empty fields at the end of a row, beyond those of the header, are dropped: some exports write them.

    :raises InputError: if the file as a whole cannot be read: too large, not UTF-8, empty, a needed column
        missing or twice, no rows.
    """
    found = list(records(decoded(text, source)))
    if not found:
        raise InputError(f"{source}: the file is empty; it needs a header row such as {form.example}")
    written, names = _header(found[0], source, form)
    if len(found) == 1:
        raise InputError(f"{source}: there is a header but no {form.row}; add a row for each")
    if len(found) - 1 > MAX_ROWS:
        raise InputError(f"{source}: {len(found) - 1:,} rows are more than {MAX_ROWS:,}; split the file")
    values = []
    everywhere = all(len(record.fields) > len(names) for record in found[1:] if not record.problem)
    for record in found[1:]:
        fields = _without_extra_end(record.fields, names, form, everywhere)
        problem = record.problem or _field_count(len(fields), len(names))
        if problem:
            report.refuse_line(record.line, record.text, problem)
        else:
            values.append([record.line, *fields])
    table = pd.DataFrame(values, columns=pd.Index(["line", *range(len(names))], dtype=object))
    rows = pd.DataFrame({"line": table["line"].astype("int64")})
    for name in (*form.required, *form.optional):
        text_column = table[names.index(name)] if name in names else pd.Series("", index=table.index)
        rows[name] = text_column.astype("str").str.strip()
    known = {*form.required, *form.optional}
    extra = [place for place, name in enumerate(names) if name not in known]
    others = table[extra].astype("str").apply(lambda column: column.str.strip())
    others.columns = pd.Index([written[place] or f"(number {place + 1})" for place in extra], dtype="str")
    return CsvTable(rows, others, found[0].line)


def plain_name(name: str) -> str:
    """The name of a column in small letters, words joined by `_`: `Buy/Sell` is buy_sell."""
    return re.sub(r"[\s/\-.:]+", "_", name.strip().lower()).strip("_")


def _without_extra_end(fields: list[str], names: list[str], form: CsvFormat, everywhere: bool) -> list[str]:
    """Without the empty fields of trailing commas, where they cannot be those of a field too many before.

    That is where the last column is needed, and there; or where every row has one more, and no two fields
    may be the halves of 1,234.
    """
    if names[-1] in form.required and len(fields) > len(names) and fields[len(names) - 1].strip():
        return _without_empty_end(fields, len(names))
    pairs = (f"{left.strip()},{right.strip()}" for left, right in pairwise(fields))
    if not everywhere or any(_THOUSANDS.fullmatch(pair) for pair in pairs):
        return fields
    return _without_empty_end(fields, len(names))


def _without_empty_end(fields: list[str], expected: int) -> list[str]:
    end = len(fields)
    while end > expected and not fields[end - 1].strip():
        end -= 1
    return fields[:end]


def decoded(text: str | bytes, source: str) -> str:
    """The text of a file; :raises InputError: if it is too large or not UTF-8."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", errors="replace")
    if len(data) > MAX_BYTES:
        raise InputError(f"{source}: {len(data):,} bytes are more than {MAX_BYTES:,}; split the file")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 text (byte {error.start}); save it as 'CSV UTF-8'") from None


def _field_count(found: int, expected: int) -> str | None:
    if found == expected:
        return None
    if found < expected:
        return f"too few fields: {found} instead of {expected}; leave an empty field between commas"
    return (
        f"too many fields: {found} instead of {expected}; put tags in quotes and write numbers without "
        "thousands separators"
    )


def _header(record: Record, source: str, form: CsvFormat) -> tuple[list[str], list[str]]:
    """The names as they are written, and as the format calls them."""
    if record.problem:
        raise InputError(f"{source}: header row: {record.problem}")
    written = _without_empty_end([field.strip() for field in record.fields], 1)
    names = [form.aliases.get(plain_name(field), plain_name(field)) for field in written]
    missing = [name for name in form.required if name not in names]
    if missing:
        hint = f"the header is like {form.example}"
        if len(written) == 1:
            separator = next((name for sign, name in _SEPARATORS.items() if sign in record.text), "none")
            hint = f"separate the columns by commas (found: {separator})"
        raise InputError(f"{source}: missing columns: {', '.join(missing)}; {hint}")
    for name in (*form.required, *form.optional):
        spelled = [field for field, known in zip(written, names, strict=True) if known == name]
        if len(spelled) > 1:
            raise InputError(f"{source}: columns {' and '.join(spelled)} mean the same; keep one of them")
    return written, names


def records(text: str, delimiter: str = ",") -> Iterator[Record]:
    """Records of a delimited text, in order, without those that are blank."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        blank = not lines[at].strip(_BLANK + delimiter)
        if blank or (at == 0 and lines[at].strip().lower() == f"sep={delimiter}"):
            at += 1
            continue
        record, n_lines = _record(lines, at, delimiter)
        yield record
        at += n_lines


def _record(lines: list[str], at: int, delimiter: str) -> tuple[Record, int]:
    """The record that begins at a line, and how many lines it has."""
    first, tries, problem = lines[at], 0, ""
    for n_lines in range(1, min(_MAX_LINES, len(lines) - at) + 1):
        if n_lines > 1 and '"' not in lines[at + n_lines - 1]:
            continue
        text = "\n".join(lines[at : at + n_lines])
        found = _fields(text, delimiter)
        if isinstance(found, list):
            return Record(at + 1, text, found), n_lines
        problem, tries = problem or found, tries + 1
        if found != _OPEN or tries > _MAX_TRIES:
            break
    reason = f'quotes are not balanced ({problem}); close them, and write a quote in quotes as ""'
    return Record(at + 1, first, [], reason), 1


def _fields(text: str, delimiter: str) -> list[str] | str:
    """Fields of one record, or what is wrong with its quotes."""
    try:
        rows = list(csv.reader([f"{line}\n" for line in text.split("\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return str(error)
    return rows[0]
