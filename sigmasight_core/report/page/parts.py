"""What a page is made of: sections of sentences, tables and charts; and how a cell is shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sigmasight_core.conventions import OK
from sigmasight_core.report.document.model import Engine
from sigmasight_core.report.document.rows import Row

NOT_AVAILABLE: Final = "n/a"
TEXT, NUMBER, PERCENT, COUNT, SHORT = "text", "number", "percent", "count", "short"
PERIODS: Final = ("1d", "1w", "mtd", "1m", "3m", "ytd", "1y", "itd")
"""Periods of returns, as in the names of their columns."""
MOST_REASONS: Final = 4


@dataclass(frozen=True)
class Column:
    """One column of a table: the key of its cells in the rows, its heading, and how it is shown."""

    key: str
    heading: str
    how: str = NUMBER


STATUS: Final = Column("status", "status", TEXT)


@dataclass(frozen=True)
class Cell:
    """One cell: what people see, the value as the report has it, and why there is none."""

    text: str
    value: str | int | None
    how: str
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption; what is not available says why below it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    reasons: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Bars:
    """A bar for each label; `errors` are half-widths of intervals."""

    labels: Sequence[str]
    values: Sequence[float]
    errors: Sequence[float] | None = None
    marks: Sequence[float] | None = None


@dataclass(frozen=True)
class Lines:
    """Lines over dates."""

    dates: Sequence[str]
    series: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Chart:
    """A drawing of the cells of a table, which goes with it."""

    name: str
    title: str
    caption: str
    unit: str
    drawn: Bars | Lines
    data: Table


@dataclass
class Section:
    """One section of a page, in the order in which it is read."""

    name: str
    title: str
    sentences: list[str] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def missing(engine: Engine) -> list[str]:
    """The sentence of a section whose calculation is not available: why; none where it is."""
    return [] if engine.available else [f"{NOT_AVAILABLE}: {engine.status}."]


def table(caption: str, columns: Iterable[Column], rows: Iterable[Row], source: str = "") -> Table:
    """The rows' cells as they are shown; a column of statuses only where one is not ok.

    :param source: name of the stored table that the cells come from; '' = of several.
    """
    rows = list(rows)
    said = any(row.get("status") not in (None, "", OK) for row in rows)
    wanted = tuple(column for column in columns if said or column.key != "status")
    made = [tuple(cell(row, column) for column in wanted) for row in rows]
    reasons = dict.fromkeys(found.reason for row in made for found in row if found.reason)
    why = () if any(column.key == "status" for column in wanted) else tuple(reasons)[:MOST_REASONS]
    return Table(caption, wanted, tuple(made), why, source)


def cell(row: Row, column: Column) -> Cell:
    """One cell of a row as it is shown."""
    value = row.get(column.key)
    if value is None:
        status = str(row.get("status", ""))
        return Cell(NOT_AVAILABLE, None, column.how, "" if status == OK else status)
    return Cell(shown(value, column.how), value, column.how)


def shown(value: Any, how: str) -> str:
    """A value for people: separators, percent, a true minus sign."""
    if how == TEXT:
        return str(value)
    if how == COUNT:
        return f"{int(value):,}"
    if how == PERCENT:
        return _minus(f"{100 * float(value):.2f}%")
    if how == SHORT:
        return _minus(f"{float(value):,.2f}")
    whole, point, digits = str(value).partition(".")
    sign, digits_before = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return _minus(f"{sign}{int(digits_before):,}{point}{digits}")


def number(row: Row, key: str) -> float:
    """A cell for a drawing or an order; NaN where there is none."""
    value = row.get(key)
    return float("nan") if value is None else float(value)


def largest(rows: Iterable[Row], key: str) -> list[Row]:
    """The rows by falling size of a cell, those without one last."""
    return sorted(rows, key=lambda row: -abs(float(row[key])) if row.get(key) is not None else 1.0)


def known(rows: Iterable[Row], key: str) -> list[Row]:
    """The rows with a value."""
    return [row for row in rows if row.get(key) is not None]


def _minus(text: str) -> str:
    text = "0.00%" if text == "-0.00%" else text
    return text.replace("-", "\N{MINUS SIGN}")
