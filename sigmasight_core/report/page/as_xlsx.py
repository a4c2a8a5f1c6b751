"""A report as an Excel workbook: a sheet for each section, and one of the positions with every column."""

import datetime as dt
import io
from typing import Any, Final

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.positions import COLUMNS, NUMBER, WHOLE
from sigmasight_core.report.page.page import Page, page
from sigmasight_core.report.page.parts import COUNT, PERCENT, TEXT, Cell, Section, Table

NAME_CHARACTERS: Final = 31
"""The longest name of a sheet."""
ALL_POSITIONS: Final = "All columns"


def as_xlsx(report: ReportBase, made: Page | None = None) -> bytes:
    """The workbook. Numbers are numbers, as far as a double holds them; texts are never formulas.

    :param made: the report's page, where it is made already.
    """
    # start-up time: only who writes a workbook needs it
    import xlsxwriter  # noqa: PLC0415

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    found = made or page(report)
    with xlsxwriter.Workbook(buffer, options) as book:
        # no clock: the same report is the same file
        created = dt.datetime.fromisoformat(report.metadata.report_date)
        book.set_properties({"title": found.title, "created": created})
        writer = _Writer(book)
        for section in found.sections:
            writer.section(section, found)
        writer.positions(report)
    return buffer.getvalue()


class _Writer:
    """Sheets of one workbook."""

    def __init__(self, book: Any):
        self._book = book
        self._bold = book.add_format({"bold": True})
        self._soft = book.add_format({"italic": True, "font_color": "#555555"})
        self._formats: dict[str, Any] = {}

    def section(self, section: Section, found: Page) -> None:
        """One sheet: sentences, then the tables below each other."""
        sheet = self._book.add_worksheet(_sheet_name(section.title))
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 20, 16)
        sheet.write_string(0, 0, f"{found.title}: {section.title}", self._bold)
        lines = (
            section.sentences
            if section.name != "summary"
            else [*map(": ".join, found.head), *section.sentences]
        )
        for place, sentence in enumerate(lines, start=1):
            sheet.write_string(place, 0, sentence)
        at = len(lines) + 2
        for table in (*(chart.data for chart in section.charts), *section.tables):
            at = self._table(sheet, table, at)

    def _table(self, sheet: Any, table: Table, at: int) -> int:
        sheet.write_string(at, 0, table.caption, self._bold)
        for place, column in enumerate(table.columns):
            sheet.write_string(at + 1, place, column.heading, self._soft)
        for row_number, row in enumerate(table.rows, start=at + 2):
            for place, cell in enumerate(row):
                self._cell(sheet, row_number, place, cell)
        end = at + 2 + len(table.rows)
        if table.reasons:
            sheet.write_string(end, 0, f"n/a: {'; '.join(table.reasons)}", self._soft)
        return end + 2

    def _cell(self, sheet: Any, row: int, column: int, cell: Cell) -> None:
        if cell.how == TEXT or cell.value is None:
            sheet.write_string(row, column, cell.text)
        else:
            sheet.write_number(row, column, float(cell.value), self._number(cell.value, cell.how))

    def positions(self, report: ReportBase) -> None:
        """The columns of the CSV."""
        sheet = self._book.add_worksheet(ALL_POSITIONS)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(COLUMNS), 16)
        for place, name in enumerate(COLUMNS):
            sheet.write_string(0, place, name, self._bold)
        for row_number, position in enumerate(report.positions, start=1):
            row = position.model_dump()
            for place, (name, (kind, _)) in enumerate(COLUMNS.items()):
                value = row[name]
                if value is None:
                    continue
                if kind in (NUMBER, WHOLE):
                    sheet.write_number(row_number, place, float(value), self._number(value, kind))
                else:
                    sheet.write_string(row_number, place, value)

    def _number(self, value: str | int, how: str) -> Any:
        """The format that shows as many decimals as the report has."""
        if how == PERCENT:
            pattern = "0.00%"
        elif how in (COUNT, WHOLE):
            pattern = "#,##0"
        else:
            digits = len(str(value).partition(".")[2])
            pattern = "#,##0" + ("." + "0" * digits if digits else "")
        if pattern not in self._formats:
            self._formats[pattern] = self._book.add_format({"num_format": pattern})
        return self._formats[pattern]


def _sheet_name(title: str) -> str:
    """A sheet's name may not be longer, nor have one of these."""
    return "".join(" " if sign in "[]:*?/\\" else sign for sign in title)[:NAME_CHARACTERS]
