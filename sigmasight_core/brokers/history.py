"""A broker's history to transactions, what each line was read as, and what is refused (docs/brokers.md)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.brokers.amounts import CLOSED, with_amounts
from sigmasight_core.brokers.cells import Cells, cells_of
from sigmasight_core.brokers.currencies import check_whole, refuse_unsaid
from sigmasight_core.brokers.explained import explained
from sigmasight_core.brokers.formats import read_dates, read_numbers
from sigmasight_core.brokers.kinds import Sorted, kinds_of, sorted_rows
from sigmasight_core.brokers.layout import IGNORED, Part, lay_out
from sigmasight_core.brokers.presets.rules import NUMBERS, Preset
from sigmasight_core.brokers.repeats import Repeats, without_cancelled, without_repeated
from sigmasight_core.brokers.rows import ledger_rows
from sigmasight_core.conventions import OPTION_MULTIPLIER
from sigmasight_core.ledger.csv_fields import Report, to_sessions
from sigmasight_core.ledger.line_order import direction
from sigmasight_core.ledger.portfolio_csv import FIRST_ENTRY
from sigmasight_core.ledger.symbol_changes import with_own
from sigmasight_core.ledger.symbols import parse_symbols
from sigmasight_core.tables.ledger import IN_KIND, TRADE_KINDS

_NAMED: Final = (*TRADE_KINDS, *IN_KIND, "dividend")
"""Kinds that need a symbol."""
_MAY_BE_NAMED: Final = (*_NAMED, "tax")


@dataclass(frozen=True)
class Facts:
    """What is known beside the file.

    :param as_of_date: a later date is refused.
    :param known_symbols: symbols with market data; None = every symbol is accepted.
    :param own_changes: new symbol by old one, beside those of `ledger.symbol_changes`.
    :param repeats: 'once', a row that is there twice in the same words counts once; 'each', it is two
        trades. Of rows with ids the id says it.
    """

    as_of_date: pd.Timestamp
    known_symbols: Collection[str] | None = None
    own_changes: Mapping[str, str] | None = None
    repeats: Repeats = "once"


@dataclass(frozen=True)
class History:
    """What one file says.

    `transactions` has the shape of `tables.Transactions`, without the rows that are refused, by date and, on
    a date, in the order in which they happened. `errors` and `warnings` have the columns of
    `portfolio_csv.ParsedPortfolio`. `explained` has a row for every line of the file that is not blank:
    `line`, `kind`, `date`, `symbol`, `quantity`, `price`, `amount` and `reason`.
    """

    transactions: pd.DataFrame
    errors: pd.DataFrame
    warnings: pd.DataFrame
    explained: pd.DataFrame
    splits: pd.DataFrame
    """Rows that say that shares were split and are ignored: `line`, `date` and `symbol`."""


def read_history(text: str | bytes, source: str, portfolio: str, preset: Preset, facts: Facts) -> History:
    """Read a broker's file by a preset.

    :param source: name of the file, for messages and the rows.
    :raises InputError: when the file as a whole cannot be read: no table of the preset, two currencies or
        accounts, and as `layout.lay_out` says.
    """
    report = Report()
    layout = lay_out(text, source, preset, report)
    parts, splits = [], []
    for number, part in enumerate(layout.parts):
        found = sorted_rows(part, report)
        layout.notes += [(line, IGNORED, reason) for line, reason in found.ignored]
        parts.append(_part(number, part, found, preset, facts, report))
        splits.append(_splits(part, found.splits, preset))
    check_whole([cells for _, cells in parts], preset, source)
    rows = pd.concat([rows for rows, _ in parts], ignore_index=True)
    rows, repeated = without_repeated(rows, report, facts.repeats)
    rows, cancelled = without_cancelled(rows, report)
    for line, reason in (*repeated, *cancelled):
        layout.notes.append((line, IGNORED, reason))
    told = pd.DataFrame([*repeated, *cancelled], columns=["line", "reason"]).assign(row="")
    report.warn(pd.Series(True, index=told.index), told, "row", told["reason"].astype("str"))
    kept = in_order(rows[~rows["line"].isin(report.refused_lines())])
    _tell_order(kept, report)
    transactions = ledger_rows(kept, portfolio, source)
    errors, warnings = report.errors(), report.warnings()
    return History(
        transactions,
        errors,
        warnings,
        explained(transactions, kept, layout.notes, errors, warnings),
        pd.concat(splits, ignore_index=True),
    )


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by date; a table from the latest to the first is turned round, for the order of a day."""
    turned = direction(rows[["table"]], dates=rows["date"], lines=rows["line"]) < 0
    place = np.where(turned, -rows["line"], rows["line"])
    made = rows.assign(place=place).sort_values(["date", "table", "place"], kind="stable", ignore_index=True)
    return made.drop(columns="place")


def _tell_order(rows: pd.DataFrame, report: Report) -> None:
    """Purchases and sales of one symbol and day in a table that does not tell which came first."""
    unclear = direction(rows[["table"]], dates=rows["date"], lines=rows["line"]) == 0
    trades = rows[unclear & rows["kind"].isin(("buy", "sell", "short", "cover"))]
    of_a_day = trades.groupby(["table", "date", "symbol"])["kind"]
    first = trades[of_a_day.transform("nunique") > 1].drop_duplicates(["table"])
    shown = first[["line"]].assign(date=first["date"].dt.strftime("%Y-%m-%d"))
    said = "read in the order of the lines: which way the file goes cannot be told from its dates"
    report.warn(pd.Series(True, index=first.index), shown, "date", said)


def _part(
    number: int, part: Part, found: Sorted, preset: Preset, facts: Facts, report: Report
) -> tuple[pd.DataFrame, Cells]:
    """The rows of one table, as far as they can be read."""
    cells = cells_of(part, found.columns, preset, report)
    refuse_unsaid(cells, preset, report)
    numbers = _numbers(cells, preset, report)
    kinds = kinds_of(cells, found.rule, numbers, report)
    what = kinds.kind.mask(kinds.cancels != "", kinds.cancels)
    dates = read_dates(cells.shown("date"), cells.names.get("date", "date"), preset.dates, report)
    symbols = _symbols(cells, what, dates, facts, report)
    rows = pd.DataFrame(
        {
            "line": cells.texts["line"],
            "table": number,
            "content": _content(found.columns),
            "id": cells.texts["id"],
            "note": cells.texts["note"],
            "parent": cells.texts["parent"],
            "kind": what,
            "symbol": symbols["symbol"],
            "multiplier_of": symbols["strike"].notna().map({True: OPTION_MULTIPLIER, False: 1}),
            "price_from_amount": kinds.price_from_amount,
            "told": "",
        }
    ).join(numbers)
    _check_multipliers(rows, cells, report)
    rows["date"] = _sessions(rows, dates, symbols["expiry_date"], cells, facts, report)
    fine = ~rows["line"].isin(report.refused_lines())
    cancelling = fine & (kinds.cancels != "")
    plain = fine & ~cancelling
    made = with_amounts(rows[plain], _of(cells, plain), preset, report)
    rows = pd.concat([_with_taxes(made), rows[cancelling].assign(fees=0.0)]).sort_index(kind="stable")
    return rows.assign(cancels=kinds.cancels.reindex(rows.index)), cells


def _splits(part: Part, columns: pd.DataFrame, preset: Preset) -> pd.DataFrame:
    """Line, date and symbol of rows of splits; what cannot be read of them is left out."""
    cells = cells_of(part, columns, preset, Report())
    dates = read_dates(cells.shown("date"), cells.names.get("date", "date"), preset.dates, Report())
    rows = cells.texts[["line", "symbol"]].assign(date=dates, symbol=cells.texts["symbol"].str.upper())
    return rows[rows["date"].notna() & (rows["symbol"] != "")]


def _content(columns: pd.DataFrame) -> "pd.Series[str]":
    """What a row says in all of its columns, also in those that are not used."""
    texts = columns.drop(columns="line")
    return texts.iloc[:, 0].str.cat(texts.iloc[:, 1:], sep="\x1f")


def _of(cells: Cells, chosen: "pd.Series[bool]") -> Cells:
    return Cells(cells.part, cells.columns[chosen], cells.texts[chosen], cells.names)


def _numbers(cells: Cells, preset: Preset, report: Report) -> pd.DataFrame:
    """Fields of NUMBERS, NaN where blank; several columns of fees as their sum."""
    found = {}
    for field in NUMBERS:
        columns = [
            read_numbers(cells.shown(place), cells.names.get(place, place), preset.numbers, report)
            for place in cells.places(field)
        ]
        found[field] = pd.concat(columns, axis=1).sum(axis=1, min_count=1)
    return pd.DataFrame(found, index=cells.texts.index)


def _symbols(
    cells: Cells, kind: "pd.Series[str]", dates: "pd.Series[pd.Timestamp]", facts: Facts, report: Report
) -> pd.DataFrame:
    """Columns of `ledger.symbols.parse_symbols`, the symbol empty where the row is of cash alone."""
    named = kind.isin(_NAMED) | (kind.isin(_MAY_BE_NAMED) & (cells.texts["symbol"] != ""))
    rows = pd.DataFrame({"line": cells.texts["line"], "ticker": cells.texts["symbol"]})[named]
    changes = with_own(facts.own_changes or {})
    said = Report()
    symbols = parse_symbols(rows, facts.known_symbols, said, dates[named], changes).reindex(kind.index)
    name = cells.names.get("symbol", "symbol")
    for found, tell in ((said.errors(), report.refuse), (said.warnings(), report.warn)):
        shown = found[["line", "value"]].rename(columns={"value": name})
        tell(pd.Series(True, index=found.index), shown, name, found["reason"])
    return symbols.assign(symbol=symbols["symbol"].mask(~named, ""))


def _check_multipliers(rows: pd.DataFrame, cells: Cells, report: Report) -> None:
    wrong = rows["multiplier"].notna() & (rows["multiplier"] != rows["multiplier_of"])
    wrong &= (rows["symbol"] != "") & rows["symbol"].notna()
    expected = rows["multiplier_of"].astype("str")
    cells.refuse(
        report,
        wrong,
        "multiplier",
        "not the " + expected + " of this symbol; only that is supported: leave the row out",
    )


def _sessions(
    rows: pd.DataFrame,
    dates: "pd.Series[pd.Timestamp]",
    expiry: "pd.Series[pd.Timestamp]",
    cells: Cells,
    facts: Facts,
    report: Report,
) -> "pd.Series[pd.Timestamp]":
    """The session of each row: the next one of other days; of an option's end at the latest its expiry."""
    today = pd.Timestamp(facts.as_of_date).normalize()
    cells.refuse(report, dates > today, "date", f"the date is in the future of {today:%Y-%m-%d}; correct it")
    cells.refuse(report, dates < FIRST_ENTRY, "date", f"before {FIRST_ENTRY:%Y}; correct the year")
    ends = rows["kind"].isin(CLOSED)
    traded = rows["kind"].isin(TRADE_KINDS) & ~ends
    cells.refuse(
        report, traded & (dates > expiry), "date", "after the option's expiry; correct the date or the symbol"
    )
    fine = dates.where(dates.between(FIRST_ENTRY, today))
    fine = fine.mask(ends & (fine > expiry), expiry)
    return to_sessions(fine, cells.shown("date"), cells.names.get("date", "date"), report)


def _with_taxes(rows: pd.DataFrame) -> pd.DataFrame:
    """Dividends that are written after tax, as the dividend and the tax."""
    withheld = rows["withheld"].abs().where(rows["kind"].isin(("dividend", "interest")), 0).fillna(0)
    taxed = withheld > 0
    taxes = rows[taxed].assign(kind="tax", amount=-withheld[taxed], told="the tax that the row says")
    return pd.concat([rows.assign(amount=rows["amount"] + withheld), taxes])
