"""What a preset says: how one broker writes its history."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sigmasight_core.tables.ledger import TRANSACTION_KINDS

NUMBERS: Final = ("quantity", "price", "fees", "amount", "withheld", "multiplier")
TEXTS: Final = ("date", "symbol", "parent", "currency", "account", "id", "note")
FIELDS: Final = (*TEXTS, *NUMBERS)
"""What a column can hold. Several columns of `fees` are added up, of `currency` each counts; of the others
the first that the file has is read."""
OPTION_PARTS: Final = ("root", "year", "month", "day", "right", "strike")
KINDS: Final = TRANSACTION_KINDS
SIGNS: Final = ("minus", "trailing minus", "parentheses")


def column_key(name: str) -> str:
    """The name of a column as files and presets are compared: without case and outer or double spaces."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    :param thousands: sign between groups of three digits; empty = none.
    :param currency: signs that may stand before or after a number.
    :param negative: which of SIGNS make a number negative.
    :param drop: letters at the end that say something else (Robinhood's `2S`).
    """

    decimal: str = "."
    thousands: str = ","
    currency: tuple[str, ...] = ()
    negative: tuple[str, ...] = ("minus",)
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class DateFormat:
    """How dates are written: formats of strptime, tried in order.

    :param part: what of the text is the date, as the first group; None = all of it.
    """

    formats: tuple[str, ...]
    part: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Extraction:
    """Fields, or the parts of an option, that stand in the text of a column, as named groups."""

    column: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Must:
    """A column that may hold nothing else: another value would change the meaning of the row."""

    column: str
    pattern: re.Pattern[str]
    reason: str


@dataclass(frozen=True)
class RowRule:
    """What rows are of which the columns hold what `when` says.

    Exactly one of these is said: `kind`, `by_sign`, `cancels`, `ignore`, `refuse`.

    :param when: column and pattern, all of which match the whole text, without regard to case.
    :param by_sign: field, kind where it is positive, kind where it is negative.
    :param cancels: kind of the row that this one takes back.
    :param ignore: why the row changes nothing; `refuse`: why it cannot be read, and the cure.
    :param price_from_amount: the price is what was paid for one, as the file has none.
    """

    line: int
    when: tuple[tuple[str, re.Pattern[str]], ...]
    kind: str = ""
    by_sign: tuple[str, str, str] | None = None
    cancels: str = ""
    ignore: str = ""
    refuse: str = ""
    price_from_amount: bool = False


@dataclass(frozen=True)
class TableRules:
    """One table of a file.

    :param header: columns that its header has; of several names in one entry any.
    :param fields: columns by field.
    :param unused: columns that change nothing.
    :param net: whether amounts hold the fees.
    :param costs_negative: whether a fee that is paid is written as a negative number.
    :param signed: whether amounts are negative where cash is paid; else the kind of the row says so.
    """

    name: str
    header: tuple[tuple[str, ...], ...]
    fields: Mapping[str, tuple[str, ...]]
    rows: tuple[RowRule, ...]
    unused: tuple[str, ...] = ()
    must: tuple[Must, ...] = ()
    extract: tuple[Extraction, ...] = ()
    net: bool = True
    costs_negative: bool = False
    signed: bool = True

    def columns(self) -> set[str]:
        """Keys of every column that the rules know."""
        named = {name for names in (*self.header, *self.fields.values()) for name in names}
        named |= {rule.column for rule in self.must} | {rule.column for rule in self.extract}
        named |= set(self.unused)
        named |= {column for row in self.rows for column, _ in row.when}
        return {column_key(name) for name in named}


@dataclass(frozen=True)
class Sections:
    """A file whose rows say to which table they belong, and what kind of line they are.

    :param name: place of the table's name in a row, from 1; `row`: that of the kind of line.
    :param header: word of a header line; `data`: of a row.
    :param skipped: words of lines that restate rows (sums and notes).
    :param others: tables that hold no transactions.
    """

    name: int
    row: int
    header: str
    data: str
    skipped: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImpliedFees:
    """The most that an amount may differ from quantity x price as a fee that no column says (USD)."""

    per_contract: float = 0.0
    of_gross: float = 0.0


@dataclass(frozen=True)
class Preset:
    """How one broker writes its history.

    :param currency: of every amount, where no column says it; empty = a column says it.
    :param preamble: lines before a header; `footer`: lines that are no rows.
    :param blanks: texts that mean nothing.
    :param symbols: tickers by what the file writes (an ISIN, an own name).
    """

    name: str
    title: str
    source: str
    tables: tuple[TableRules, ...]
    dates: DateFormat
    numbers: NumberFormat = NumberFormat()
    currency: str = ""
    delimiter: str = ","
    preamble: tuple[re.Pattern[str], ...] = ()
    footer: tuple[re.Pattern[str], ...] = ()
    blanks: tuple[str, ...] = ()
    sections: Sections | None = None
    implied_fees: ImpliedFees = ImpliedFees()
    symbols: Mapping[str, str] = field(default_factory=dict)
