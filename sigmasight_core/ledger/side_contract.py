"""Columns of an option's terms (right, strike, expiry, underlying), held against its OCC symbol."""

from collections.abc import Callable, Collection
from typing import Final

import pandas as pd

from sigmasight_core.ledger import side_words as words
from sigmasight_core.ledger.csv_rows import CsvTable, plain_name
from sigmasight_core.ledger.spelling import spell

_DATE_FORMATS: Final = (
    "%Y-%m-%d",
    "%Y%m%d",
    "%y%m%d",
    "%m/%d/%Y",
    "%m/%d/%y",
    "%d%b%y",
    "%d%b%Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d %Y",
)
_EXAMPLE: Final = "AAPL240119C00150000"
_TAIL: Final = 15
"""Characters of a compact OCC symbol after its root."""


class Contract:
    """The terms that the columns of a file say, row by row."""

    def __init__(self, table: CsvTable, fields: pd.DataFrame):
        """:param fields: symbol, underlying, strike and expiry_date of each row, as its ticker says."""
        self._table, self._fields = table, fields
        self._is_option = fields["strike"].notna()

    def of_another_strike(self, values: "pd.Series[str]") -> "pd.Series[bool]":
        """Whether a strike is not that of the symbol; 0 stands for none."""
        number = pd.to_numeric(values.str.removeprefix("$"), errors="coerce")
        agrees = (number - self._fields["strike"]).abs() < 0.0005
        return (number.fillna(-1) != 0) & ~agrees

    def of_another_expiry(self, values: "pd.Series[str]") -> "pd.Series[bool]":
        """Whether an expiry is not that of the symbol; 0 stands for none."""
        return (values != "0") & (_dates(values) != self._fields["expiry_date"])

    def of_another_underlying(self, values: "pd.Series[str]") -> "pd.Series[bool]":
        """Whether an underlying is neither the symbol's nor its root."""
        name = values.map({text: spell(text).symbol for text in values.unique()}).astype("str")
        symbol = self._fields["symbol"]
        root = symbol.str.slice(0, -_TAIL).where(self._is_option, symbol)
        plain = name.str.replace("-", "", regex=False)
        return ~((name == self._fields["underlying"]) | (name == root) | (plain == root))

    def not_of_symbol(self, what: str) -> "pd.Series[str]":
        """The reason for a refusal of a term, `what` its name."""
        held, right = self._fields["symbol"].fillna(""), self._column(words.RIGHT)
        call = pd.Series(True, index=held.index)
        if right is not None:
            call = ~mapped(right, words.plain_word).isin(words.PUT)
        share = held + " is a share, without " + what + "; write the option like " + self.example(call)
        return share.mask(self._is_option, "not the " + what + " of " + held + "; correct one of them")

    def example(self, is_call: "pd.Series[bool]") -> "pd.Series[str]":
        """The OCC symbol of what the columns of each row say; any other where they cannot be read."""
        base = self._fields["underlying"].fillna("AAPL").str.replace("-", "", regex=False)
        day, strike = self._column(words.EXPIRY), self._column(words.STRIKE)
        example = pd.Series(_EXAMPLE, index=base.index, dtype="str")
        if day is None or strike is None:
            return example
        expiry, number = _dates(day), pd.to_numeric(strike.str.removeprefix("$"), errors="coerce")
        thousandths = (number * 1000).round()
        good = expiry.notna() & thousandths.between(1, 99_999_999)
        digits = thousandths.where(good, 0).astype("int64").astype("str").str.zfill(8)
        letter = is_call.map({True: "C", False: "P"}).astype("str")
        return (base + expiry.dt.strftime("%y%m%d") + letter + digits).where(good, example)

    def _column(self, names: Collection[str]) -> "pd.Series[str] | None":
        found = [place for place, name in enumerate(self._table.others) if plain_name(str(name)) in names]
        return self._table.others.iloc[:, found[0]] if found else None


def mapped(values: "pd.Series[str]", read: Callable[[str], str]) -> "pd.Series[str]":
    """A reading of each value, each distinct one read once."""
    return values.map({text: read(text) for text in values.unique()}).astype("str")


def _dates(values: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Dates in the forms of vendors; NaT where none fits."""
    found = pd.Series(pd.NaT, index=values.index, dtype="datetime64[ns]")
    text = values.str.replace(",", "", regex=False)
    for form in _DATE_FORMATS:
        found = found.fillna(pd.to_datetime(text, format=form, errors="coerce").astype("datetime64[ns]"))
    return found
