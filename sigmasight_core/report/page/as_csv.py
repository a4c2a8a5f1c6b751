"""The positions of a report as CSV: 34 columns, one row a position."""

import csv
import io
from typing import Final

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.positions import COLUMNS, TEXT

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text cell that begins so is a formula to a spreadsheet (OWASP, CSV Injection)."""


def as_csv(report: ReportBase) -> str:
    """The positions; empty = not available or does not apply, which the JSON tells apart."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for position in report.positions:
        row = position.model_dump()
        writer.writerow([_cell(row[name], kind) for name, (kind, _) in COLUMNS.items()])
    return buffer.getvalue()


def _cell(value: str | int | None, kind: str) -> str | int:
    if value is None:
        return ""
    return escaped(str(value)) if kind == TEXT else value


def escaped(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe before one that it would."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
