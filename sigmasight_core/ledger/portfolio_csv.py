"""Portfolio CSV: text to positions, and a report of every row that is refused, with line, column and reason.

Format: UTF-8 (a byte order mark is accepted), comma-separated, one header row, names in any case and order,
extra columns ignored, each row on a line of its own. Needed: ticker, quantity, entry_price, entry_date.
Optional: tags, exit_date, exit_price. Accepted spellings: symbol, qty, price, "trade date"; `strategy` is
added to the tags.
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
    parse_numbers,
    parse_symbols,
    parse_tags,
    to_sessions,
)
from sigmasight_core.ledger.csv_rows import CsvFormat, read_rows
from sigmasight_core.ledger.symbol_changes import with_own

MAX_AGE_YEARS: Final = 30

FORMAT: Final = CsvFormat(
    row="position",
    required=("ticker", "quantity", "entry_price", "entry_date"),
    optional=("tags", "strategy", "exit_date", "exit_price"),
    aliases={"symbol": "ticker", "qty": "quantity", "price": "entry_price", "trade_date": "entry_date"},
)


@dataclass(frozen=True)
class ParsedPortfolio:
    """What one file says.

    `positions` has the shape of `tables.Positions` and holds the rows without an error. `errors` (rows that
    are refused) and `warnings` (rows that are kept, with what was changed or is odd) have the columns
    `line` (1 = first line of the file), `column` (empty = the whole row), `value` and `reason`.
    """

    positions: pd.DataFrame
    errors: pd.DataFrame
    warnings: pd.DataFrame


def parse_portfolio_csv(
    text: str | bytes,
    portfolio: str,
    source: str,
    as_of_date: pd.Timestamp,
    known_symbols: Collection[str] | None = None,
    own_changes: Mapping[str, str] | None = None,
) -> ParsedPortfolio:
    """Read a portfolio file.

    :param portfolio: name of the portfolio, copied into every row.
    :param source: name of the file, for messages.
    :param as_of_date: the date on which the file is read: an entry or exit after it is refused.
    :param known_symbols: symbols that have market data; others (as symbol or as underlying of an option)
        are refused. Default: every symbol is accepted.
    :param own_changes: new symbol by old one, beside those of `symbol_changes`.
    :raises InputError: if the file as a whole cannot be read: too large, not UTF-8, empty, a needed column
        missing or twice, no rows.
    """
    report = Report()
    rows = read_rows(text, source, FORMAT, report)
    symbols = parse_symbols(rows, known_symbols, report, with_own(own_changes or {}))
    fields = pd.DataFrame(
        {
            "line": rows["line"],
            "quantity": parse_numbers(rows, "quantity", report),
            "entry_price": parse_numbers(rows, "entry_price", report),
            "exit_price": parse_numbers(rows, "exit_price", report, needed=False),
            "tags": parse_tags(rows, report),
        }
    ).join(symbols)
    _check_numbers(fields, rows, report)
    _add_dates(fields, rows, as_of_date, report)
    _check_exits(fields, rows, report)
    _check_options(fields, rows, report)
    _check_duplicates(fields, rows, report)
    kept = fields[~fields["line"].isin(report.refused_lines())]
    return ParsedPortfolio(ledger_rows(kept, portfolio), report.errors(), report.warnings())


def _check_numbers(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    quantity, entry, exit_ = fields["quantity"], fields["entry_price"], fields["exit_price"]
    report.refuse(quantity == 0, rows, "quantity", "the quantity is zero; negative = short, positive = long")
    report.refuse(entry <= 0, rows, "entry_price", "the price is not positive; short is a negative quantity")
    report.refuse(exit_ < 0, rows, "exit_price", "the price is negative; short is a negative quantity")
    fractional = fields["strike"].notna() & (quantity % 1 != 0) & quantity.notna()
    report.warn(fractional, rows, "quantity", "not a whole number of contracts; kept as it is")


def _add_dates(fields: pd.DataFrame, rows: pd.DataFrame, as_of_date: pd.Timestamp, report: Report) -> None:
    last = pd.Timestamp(as_of_date).normalize()
    first = last - pd.DateOffset(years=MAX_AGE_YEARS)
    entry = parse_dates(rows, "entry_date", report)
    exit_ = parse_dates(rows, "exit_date", report, needed=False)
    report.refuse(
        entry > last, rows, "entry_date", f"the entry is in the future of {last:%Y-%m-%d}; correct it"
    )
    report.refuse(
        entry < first,
        rows,
        "entry_date",
        f"the entry is more than {MAX_AGE_YEARS} years ago; correct the year",
    )
    report.refuse(
        exit_ > last,
        rows,
        "exit_date",
        f"the exit is in the future of {last:%Y-%m-%d}; leave exit_date and exit_price empty until then",
    )
    report.refuse(exit_ < entry, rows, "exit_date", "the exit is before the entry; correct one of the dates")
    fields["entry_date"] = to_sessions(
        entry.where((entry >= first) & (entry <= last)), rows, "entry_date", report
    )
    fields["exit_date"] = to_sessions(
        exit_.where((exit_ >= first) & (exit_ <= last)), rows, "exit_date", report
    )


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


def _check_duplicates(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    known = fields["symbol"].notna() & fields["entry_date"].notna()
    keyed = fields[known]
    first = keyed.groupby(["symbol", "entry_date"])["line"].transform("first").reindex(fields.index)
    repeated = known & (first != fields["line"])
    reason = "same ticker and entry session as line " + first.fillna(0).astype("int64").astype("str")
    report.refuse(repeated, rows, "ticker", reason + "; add up the quantities in one row")


def ledger_rows(kept: pd.DataFrame, portfolio: str) -> pd.DataFrame:
    """Rows of `tables.Positions` from checked fields: types by sign and option, ids, multipliers."""
    is_option = kept["strike"].notna().to_numpy()
    letter = np.where(kept["is_call"].fillna(False).to_numpy(dtype=bool), "C", "P")
    long = (kept["quantity"] > 0).to_numpy()
    option_type = np.where(long, "L", "S").astype(object) + letter.astype(object)
    return pd.DataFrame(
        {
            "portfolio": pd.Series(portfolio, index=kept.index, dtype="str"),
            "position_id": kept["symbol"] + "@" + kept["entry_date"].dt.strftime("%Y-%m-%d"),
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
        }
    ).reset_index(drop=True)
