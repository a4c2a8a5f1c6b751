"""Trade list CSV: text to hypothetical trades, and a report of every row that is refused.

The format is that of `portfolio_csv`. Needed: ticker, quantity (signed change: positive buys, negative
sells). Optional: price (per share, empty = the close, of an option its quote or model price), tags. Accepted
spellings: symbol, qty; `strategy` is added to the tags. A column Action or Side gives the sign.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers, timestamps
from sigmasight_core.ledger.csv_fields import Report, parse_numbers, parse_tags
from sigmasight_core.ledger.csv_rows import CsvFormat, read_rows
from sigmasight_core.ledger.side_columns import read_sides
from sigmasight_core.ledger.symbols import parse_symbols
from sigmasight_core.options.market import settlement_days

FORMAT: Final = CsvFormat(
    row="trade",
    required=("ticker", "quantity"),
    optional=("price", "tags", "strategy"),
    aliases={"symbol": "ticker", "qty": "quantity"},
)


@dataclass(frozen=True)
class ParsedTrades:
    """What one file says.

    `trades` holds the rows without an error: `line`, `symbol` (options in compact OCC form), `underlying`,
    `quantity` (signed change, in units of the trade date), `price` (USD per share, NaN = not given), `tags`,
    `expiry_date`, `strike` and `is_call` (missing = not an option). `errors` and `warnings` are those of
    `portfolio_csv.ParsedPortfolio`.
    """

    trades: pd.DataFrame
    errors: pd.DataFrame
    warnings: pd.DataFrame


def parse_trades_csv(
    text: str | bytes, source: str, date: pd.Timestamp, known_symbols: Collection[str]
) -> ParsedTrades:
    """Read a trade list.

    :param source: name of the file, for messages.
    :param date: the session at whose close the trades are made.
    :param known_symbols: symbols that have market data; others (as symbol or underlying) are refused.
    :raises InputError: if the file as a whole cannot be read, as `csv_rows.read_rows` says.
    """
    report = Report()
    table = read_rows(text, source, FORMAT, report)
    rows, dates = table.rows, pd.Series(pd.Timestamp(date), index=table.rows.index)
    fields = pd.DataFrame(
        {
            "line": rows["line"],
            "quantity": parse_numbers(rows, "quantity", report),
            "price": parse_numbers(rows, "price", report, needed=False),
            "tags": parse_tags(rows, report),
        }
    ).join(parse_symbols(rows, known_symbols, report, dates))
    fields["quantity"] = quantity = read_sides(table, fields, source, report, trades=True)
    report.refuse(quantity == 0, rows, "quantity", "the quantity is zero; positive buys, negative sells")
    report.refuse(
        fields["price"] <= 0, rows, "price", "the price is not positive; leave it empty for the close"
    )
    fractional = fields["strike"].notna() & (quantity % 1 != 0) & quantity.notna()
    report.warn(fractional, rows, "quantity", "not a whole number of contracts; kept as it is")
    _refuse_settled(fields, rows, date, report)
    _refuse_repeated(fields, rows, report)
    kept = fields[~fields["line"].isin(report.refused_lines())].reset_index(drop=True)
    return ParsedTrades(kept, report.errors(), report.warnings())


def no_trades() -> pd.DataFrame:
    """An empty list: what `parse_trades_csv` gives, without rows."""
    kinds: dict[str, Any] = {
        "line": "int64",
        "quantity": float,
        "price": float,
        "tags": "str",
        "symbol": "str",
        "underlying": "str",
        "expiry_date": "datetime64[ns]",
        "strike": float,
        "is_call": "boolean",
    }
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def trades_csv(trades: pd.DataFrame) -> str:
    """The text of a trade list that `parse_trades_csv` reads again.

    :param trades: `symbol`, `quantity`, `price` (NaN = the close of the day that it is used on) and `tags`.
    """
    columns = trades[["symbol", "quantity", "price", "tags"]]
    return columns.rename(columns={"symbol": "ticker"}).to_csv(index=False, lineterminator="\n")


def _refuse_settled(fields: pd.DataFrame, rows: pd.DataFrame, date: pd.Timestamp, report: Report) -> None:
    today = int(day_numbers([date])[0])
    settlement = settlement_days(fields["expiry_date"], today)
    day = pd.Series(timestamps(settlement), index=fields.index).dt.strftime("%Y-%m-%d").fillna("")
    reason = (
        "the option is settled on " + day + f", so that it cannot be traded at the close of {date:%Y-%m-%d}"
    )
    report.refuse(pd.Series(settlement <= today, fields.index), rows, "ticker", reason + "; leave it out")


def _refuse_repeated(fields: pd.DataFrame, rows: pd.DataFrame, report: Report) -> None:
    first = fields.groupby("symbol")["line"].transform("first")
    repeated = fields["symbol"].notna() & (first != fields["line"])
    reason = "same ticker as line " + first.fillna(0).astype("int64").astype("str")
    report.refuse(repeated, rows, "ticker", reason + "; add up the quantities in one row")
