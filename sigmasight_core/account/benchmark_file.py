"""A file of what a benchmark holds: symbol, weight, optional sector and date, to rows of `BenchmarkHoldings`.

The format is that of `ledger.portfolio_csv`. Accepted spellings: ticker for symbol, as_of for date.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.ledger.csv_fields import Report, is_blank, parse_dates, parse_numbers
from sigmasight_core.ledger.csv_rows import CsvFormat, read_rows
from sigmasight_core.ledger.symbols import spelled
from sigmasight_core.tables.account.attribution import BenchmarkHoldings

FORMAT: Final = CsvFormat(
    row="holding",
    required=("symbol", "weight"),
    optional=("sector", "date"),
    aliases={"ticker": "symbol", "as_of": "date"},
)
TOLERANCE: Final = 0.005
"""How far the weights of a date may be from 1 in sum; they are scaled to it."""
MOST: Final = 10.0
_EXACT: Final = 1e-9
_RESERVED: Final = "("
"""How the names of groups begin that are no sectors."""


@dataclass(frozen=True)
class ParsedHoldings:
    """What one file says.

    `holdings` are rows of `tables.BenchmarkHoldings`, good where there is no error; `errors` and `warnings`
    are those of `portfolio_csv.ParsedPortfolio`.
    """

    holdings: pd.DataFrame
    errors: pd.DataFrame
    warnings: pd.DataFrame


def parse_benchmark_file(
    text: str | bytes,
    source: str,
    *,
    portfolio: str,
    benchmark: str,
    known_symbols: Collection[str] | None,
    allow_short: bool = False,
) -> ParsedHoldings:
    """Read what a benchmark holds.

    :param source: name of the file, for messages. :param benchmark: symbol that the holdings are those of.
    :param known_symbols: symbols that have market data, others are refused; None = not known which.
    :param allow_short: whether weights may be negative.
    :raises InputError: if the file as a whole cannot be read, as `csv_rows.read_rows` says.
    """
    report = Report()
    rows = read_rows(text, source, FORMAT, report).rows
    fields = pd.DataFrame(
        {
            "holdings_date": _dates(rows, report),
            "symbol": _symbols(rows, known_symbols, report),
            "weight": parse_numbers(rows, "weight", report),
            "sector": rows["sector"],
            "source_line": rows["line"],
        }
    )
    weight = fields["weight"]
    if not allow_short:
        report.refuse(weight < 0, rows, "weight", "negative; correct it, or say --allow-short: it is short")
    report.refuse(weight.abs() > MOST, rows, "weight", f"more than {MOST:g} times the benchmark; correct it")
    reserved = rows["sector"].str.startswith(_RESERVED)
    report.refuse(reserved, rows, "sector", "a sector does not begin with a bracket; write its name")
    _refuse_repeated(fields, rows, report)
    if report.errors().empty:
        fields["weight"] = _scaled(fields, rows, report)
    made = fields.assign(portfolio=portfolio, benchmark=benchmark, source=source)
    return ParsedHoldings(
        made[list(BenchmarkHoldings.to_schema().columns)], report.errors(), report.warnings()
    )


def _dates(rows: pd.DataFrame, report: Report) -> "pd.Series[pd.Timestamp]":
    """The date of each row; of a file without dates the first day of the calendar."""
    if is_blank(rows["date"]).all():
        return pd.Series(calendar.FIRST_DATE, index=rows.index)
    return parse_dates(rows, "date", report)


def _symbols(rows: pd.DataFrame, known: Collection[str] | None, report: Report) -> "pd.Series[str]":
    blank = is_blank(rows["symbol"])
    report.refuse(blank, rows, "symbol", "the symbol is missing; fill it in")
    symbol = spelled(rows, "symbol", chosen=~blank, known=known, report=report)
    if known is not None:
        reason = "unknown symbol " + symbol + ": there are no prices of it; correct it, or leave it out"
        report.refuse(symbol.notna() & ~symbol.isin(known), rows, "symbol", reason)
    return symbol


def _refuse_repeated(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    first = fields.groupby(["holdings_date", "symbol"])["source_line"].transform("first")
    repeated = first.notna() & (first != fields["source_line"])
    reason = "same symbol and date as line " + first.fillna(0).astype("int64").astype("str")
    report.refuse(repeated, rows, "symbol", reason + "; add up the weights in one row")


def _scaled(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> "pd.Series[float]":
    """Weights of which those of each date sum to 1; dates that do not nearly so are refused."""
    of_date = fields.groupby("holdings_date")["weight"]
    total = of_date.transform("sum")
    first = ~fields.duplicated("holdings_date")
    dated = fields["holdings_date"] != calendar.FIRST_DATE
    day = (" of " + fields["holdings_date"].dt.strftime("%Y-%m-%d")).where(dated, "")
    said = "the weights" + day + " sum to " + total.map("{:.6g}".format)
    off = (total - 1).abs()
    percent = (total - 100).abs() <= 100 * TOLERANCE
    cure = pd.Series(
        "; they must sum to 1 within 0.005: add what lacks, or correct them", index=rows.index, dtype="str"
    ).mask(percent, "; write fractions of 1: 0.05 for 5%")
    report.refuse(first & (off > TOLERANCE), rows, "weight", said + cure)
    report.warn(first & (off > _EXACT) & (off <= TOLERANCE), rows, "weight", said + ": scaled to 1")
    return fields["weight"] / total.where(total.abs() > _EXACT, 1.0)
