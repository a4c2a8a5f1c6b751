"""Rows of a table as one file: CSV, JSON and Excel, piece by piece."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from sigmasight_core.errors import InputError
from sigmasight_core.report.page.as_csv import FORMULA_STARTS

_SHEET_ROWS: Final = 1_048_576
_CELL_CHARACTERS: Final = 32_767
_FORMULA: Final = f"^([{''.join(FORMULA_STARTS)}])".replace("+-", r"+\-")

Writer = Callable[[Path, str, pa.Schema, Iterable[pa.Table]], int]
"""Writes pieces of a table, by name and schema, into a file; the number of rows."""


def _csv(path: Path, _table: str, schema: pa.Schema, parts: Iterable[pa.Table]) -> int:
    """NULL is empty, '' is "". Texts that a spreadsheet would take for a formula get an apostrophe."""
    rows = 0
    flat = _flattened(schema.empty_table()).schema
    with pyarrow.csv.CSVWriter(path, flat) as writer:
        for part in parts:
            writer.write_table(_flattened(part))
            rows += part.num_rows
    return rows


def _flattened(part: pa.Table) -> pa.Table:
    columns = []
    for column in part.columns:
        if pa.types.is_list(column.type):
            texts = [None if value is None else json.dumps(value) for value in column.to_pylist()]
            columns.append(pa.chunked_array([pa.array(texts, pa.string())]))
        elif pa.types.is_string(column.type):
            columns.append(pc.replace_substring_regex(column, _FORMULA, r"'\1"))
        else:
            columns.append(column)
    return pa.table(columns, names=part.column_names)


def _json(path: Path, _table: str, _schema: pa.Schema, parts: Iterable[pa.Table]) -> int:
    """An array of objects, one a line."""
    rows = 0
    with path.open("w", encoding="utf-8") as file:
        for part in parts:
            for row in part.to_pylist():
                file.write("[\n" if rows == 0 else ",\n")
                json.dump(row, file, ensure_ascii=False, allow_nan=False, default=date.isoformat)
                rows += 1
        file.write("\n]\n" if rows else "[]\n")
    return rows


def _xlsx(path: Path, table: str, schema: pa.Schema, parts: Iterable[pa.Table]) -> int:
    """One sheet. Texts are never formulas; arrays are JSON.

    :raises InputError: when a sheet cannot hold the rows, or a cell a text.
    """
    # start-up time: only who writes a workbook needs it
    import xlsxwriter  # noqa: PLC0415

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    rows = 0
    with xlsxwriter.Workbook(path, options) as book:
        sheet, days = book.add_worksheet("rows"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, schema.names, book.add_format({"bold": True}))
        for part in parts:
            if rows + part.num_rows >= _SHEET_ROWS:
                raise InputError(f"{table}: a sheet holds {_SHEET_ROWS - 1:,} rows: choose csv or parquet")
            for row in zip(*(column.to_pylist() for column in part.columns), strict=True):
                rows += 1
                for place, cell in enumerate(row):
                    if cell is not None:
                        _write(sheet, rows, place, cell, days, f"{table}.{schema.names[place]}")
    return rows


def _write(sheet: Any, row: int, place: int, cell: Any, days: Any, about: str) -> None:
    if isinstance(cell, date):
        sheet.write_datetime(row, place, cell, days)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        sheet.write_number(row, place, cell)
    else:
        text = cell if isinstance(cell, str) else json.dumps(cell)
        if len(text) > _CELL_CHARACTERS:
            raise InputError(f"{about}: a cell of Excel holds {_CELL_CHARACTERS:,} letters: choose json")
        sheet.write_string(row, place, text)


WRITERS: Final[Mapping[str, Writer]] = {"csv": _csv, "json": _json, "xlsx": _xlsx}
"""By the end of the file's name."""
