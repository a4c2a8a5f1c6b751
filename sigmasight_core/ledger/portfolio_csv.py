"""Portfolio CSV: text to positions, and a report of every row that is refused, with line, column and reason.

Format: UTF-8 (a byte order mark is accepted), comma-separated, one header row, names in any case and order.
Needed: ticker, quantity, entry_price, entry_date. Optional: tags, notes, exit_date, exit_price. Accepted
spellings: symbol, qty, price, "trade date"; `strategy` is added to the tags. Other columns that can change
the meaning of a row are used or refuse it (see `side_columns`); the rest are not used, and the report says
so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OPTION_MULTIPLIER
from sigmasight_core.ledger.csv_fields import (
    Report,
    is_blank,
    parse_dates,
    parse_notes,
    parse_numbers,
    parse_tags,
    to_sessions,
)
from sigmasight_core.ledger.csv_rows import CsvFormat, read_rows
from sigmasight_core.ledger.side_columns import read_sides
from sigmasight_core.ledger.symbol_changes import with_own
from sigmasight_core.ledger.symbols import parse_symbols

FIRST_ENTRY: Final = pd.Timestamp("1900-01-01")
"""An earlier date is a slip of the pen."""

FORMAT: Final = CsvFormat(
    row="position",
    required=("ticker", "quantity", "entry_price", "entry_date"),
    optional=("tags", "strategy", "notes", "exit_date", "exit_price"),
    aliases={"symbol": "ticker", "qty": "quantity", "price": "entry_price", "trade_date": "entry_date"},
)

TEMPLATE: Final = """\
ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price
AAPL,100,173.07,2022-01-14,"core_holdings,tech_growth",,
JPM,-50,157.89,2022-01-14,short_value_traps,,
AAPL230120C00150000,3,12.40,2022-09-15,options_overlay,,
MSFT,40,310.20,2022-01-14,core_holdings,2022-08-15,293.47
"""
"""A stock, a short, an option (3 contracts, the price per share of the underlying) and a closed position."""


@dataclass(frozen=True)
class ParsedPortfolio:
    """What one file says.

    `positions` has the shape of `tables.Positions` and holds the rows without an error. `errors` (rows that
    are refused) and `warnings` (rows that are kept, with what was changed or is odd) have the columns
    `line` (1 = first line of the file), `column` (empty = the whole row), `value` and `reason`. `lines` is
    the line of each position.
    """

    positions: pd.DataFrame
    lines: "pd.Series[int]"
    errors: pd.DataFrame
    warnings: pd.DataFrame


@dataclass(frozen=True)
class DataEnd:
    """The last date of the market data, where that is in the past.

    :param what: whose date it is, for messages, such as "the sample's data end on 2022-12-28".
    :param cure: how to have later data.
    """

    date: pd.Timestamp
    what: str
    cure: str


def parse_portfolio_csv(
    text: str | bytes,
    portfolio: str,
    source: str,
    as_of_date: pd.Timestamp,
    known_symbols: Collection[str] | None = None,
    own_changes: Mapping[str, str] | None = None,
    data_end: DataEnd | None = None,
) -> ParsedPortfolio:
    """Read a portfolio file.

    :param portfolio: name of the portfolio, copied into every row.
    :param source: name of the file, for messages.
    :param as_of_date: the date on which the file is read: an entry or exit after it is refused.
    :param known_symbols: symbols that have market data; others (as symbol or as underlying of an option)
        are refused. Default: every symbol is accepted.
    :param own_changes: new symbol by old one, beside those of `symbol_changes`.
    :param data_end: where the market data end, if they do before `as_of_date`.
    :raises InputError: if the file as a whole cannot be read: too large, not UTF-8, empty, a needed column
        missing or twice, no rows.
    """
    report = Report()
    table = read_rows(text, source, FORMAT, report)
    rows = table.rows
    numbers = pd.DataFrame(
        {
            "line": rows["line"],
            "quantity": parse_numbers(rows, "quantity", report),
            "entry_price": parse_numbers(rows, "entry_price", report),
            "exit_price": parse_numbers(rows, "exit_price", report, needed=False),
            "tags": parse_tags(rows, report),
            "notes": parse_notes(rows, report),
        }
    )
    _check_numbers(numbers, rows, report)
    dates = _dates(rows, as_of_date, data_end, report)
    symbols = parse_symbols(rows, known_symbols, report, dates["entry_date"], with_own(own_changes or {}))
    fields = numbers.join([symbols, dates])
    fields["quantity"] = read_sides(table, fields, source, report)
    _check_exits(fields, rows, report)
    _check_options(fields, rows, report)
    _tell_repeated(fields, rows, report)
    kept = fields[~fields["line"].isin(report.refused_lines())]
    lines = kept["line"].reset_index(drop=True)
    return ParsedPortfolio(ledger_rows(kept, portfolio), lines, report.errors(), report.warnings())


def _check_numbers(numbers: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    quantity, entry, exit_ = numbers["quantity"], numbers["entry_price"], numbers["exit_price"]
    report.refuse(quantity == 0, rows, "quantity", "the quantity is zero; negative = short, positive = long")
    report.refuse(
        entry < 0, rows, "entry_price", "the price is not positive or zero; short is a negative quantity"
    )
    report.refuse(exit_ < 0, rows, "exit_price", "the price is negative; short is a negative quantity")


def _dates(
    rows: pd.DataFrame, as_of_date: pd.Timestamp, data_end: DataEnd | None, report: Report
) -> pd.DataFrame:
    """Columns entry_date and exit_date, each moved to a session; NaT where blank or refused."""
    today = pd.Timestamp(as_of_date).normalize()
    last = min(today, data_end.date) if data_end else today
    entry = parse_dates(rows, "entry_date", report)
    exit_ = parse_dates(rows, "exit_date", report, needed=False)
    cures = {"entry": "correct it", "exit": "leave exit_date and exit_price empty until then"}
    for (what, cure), dates in zip(cures.items(), (entry, exit_), strict=True):
        reason = f"the {what} is in the future of {today:%Y-%m-%d}; {cure}"
        report.refuse(dates > today, rows, f"{what}_date", reason)
        if data_end:
            late = (dates > last) & (dates <= today)
            report.refuse(late, rows, f"{what}_date", f"{data_end.what}: {data_end.cure}")
    early = f"before {FIRST_ENTRY:%Y}; correct the year"
    report.refuse(entry < FIRST_ENTRY, rows, "entry_date", early)
    report.refuse(exit_ < entry, rows, "exit_date", "the exit is before the entry; correct one of the dates")
    found = {}
    for name, dates in {"entry_date": entry, "exit_date": exit_}.items():
        found[name] = to_sessions(dates.where(dates.between(FIRST_ENTRY, last)), rows, name, report)
    return pd.DataFrame(found)


def _check_exits(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    no_date, no_price = is_blank(rows["exit_date"]), is_blank(rows["exit_price"])
    report.refuse(
        ~no_date & no_price, rows, "exit_price", "exit_date without exit_price; add the price per share"
    )
    report.refuse(
        no_date & ~no_price, rows, "exit_date", "exit_price without exit_date; add the date of the exit"
    )
    expired = fields["exit_date"] > fields["expiry_date"]
    report.refuse(
        expired, rows, "exit_date", "the exit is after the option's expiry; leave it empty: it settles"
    )


def _check_options(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    expired = fields["entry_date"] > fields["expiry_date"]
    day = fields["expiry_date"].dt.strftime("%Y-%m-%d").fillna("")
    reason = "the option expired on " + day + ", before its entry; correct the symbol or the date"
    report.refuse(expired, rows, "ticker", reason)
    quantity = fields["quantity"]
    fractional = fields["strike"].notna() & (quantity % 1 != 0) & quantity.notna()
    report.warn(fractional, rows, "quantity", "not a whole number of contracts; kept as it is")
    free = (fields["entry_price"] == 0) & (fields["strike"].notna() | (quantity < 0))
    report.warn(
        free, rows, "entry_price", "an option or a short for nothing: kept; correct it if it is wrong"
    )


def _tell_repeated(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    """Lots of one day are kept; a row that is there twice may be a slip, a short beside a long a sale."""
    known = fields["symbol"].notna() & fields["entry_date"].notna()
    lots = fields.drop(columns="line")
    first = fields["line"].groupby([lots[name] for name in lots], dropna=False).transform("first")
    reason = "the same lot as in line " + first.astype("str") + ": both are kept; remove one if it is a slip"
    report.warn(known & (first != fields["line"]), rows, "ticker", reason)
    bought = fields["line"].where(fields["quantity"] > 0).groupby(fields["symbol"]).transform("min")
    sold = known & (fields["quantity"] < 0) & bought.notna()
    both = "long in line " + bought.map("{:.0f}".format).astype("str") + " and short here: both are kept; "
    report.warn(sold, rows, "ticker", both + "a sale is written as exit_date and exit_price of what it sells")


def position_ids(rows: pd.DataFrame) -> "pd.Series[str]":
    """symbol@entry_date of each row; the second lot of a symbol on a date ends with #2, and so on."""
    ids = rows["symbol"] + "@" + rows["entry_date"].dt.strftime("%Y-%m-%d")
    number = rows.groupby(["symbol", "entry_date"]).cumcount() + 1
    return ids.mask(number > 1, ids + "#" + number.astype("str"))


def ledger_rows(kept: pd.DataFrame, portfolio: str) -> pd.DataFrame:
    """Rows of `tables.Positions` from checked fields: types by sign and option, ids, multipliers."""
    is_option = kept["strike"].notna().to_numpy()
    letter = np.where(kept["is_call"].fillna(False).to_numpy(dtype=bool), "C", "P")
    long = (kept["quantity"] > 0).to_numpy()
    option_type = np.where(long, "L", "S").astype(object) + letter.astype(object)
    return pd.DataFrame(
        {
            "portfolio": pd.Series(portfolio, index=kept.index, dtype="str"),
            "position_id": position_ids(kept),
            "symbol": kept["symbol"],
            "underlying": kept["underlying"],
            "position_type": pd.Series(
                np.where(is_option, option_type, np.where(long, "LONG", "SHORT")),
                index=kept.index,
                dtype="str",
            ),
            "quantity": kept["quantity"],
            "multiplier": np.where(is_option, OPTION_MULTIPLIER, 1).astype(np.int64),
            "entry_price": kept["entry_price"],
            "entry_date": kept["entry_date"],
            "exit_price": kept["exit_price"],
            "exit_date": kept["exit_date"],
            "expiry_date": kept["expiry_date"],
            "strike": kept["strike"],
            "tags": kept["tags"],
            "notes": kept["notes"],
        }
    ).reset_index(drop=True)
