"""Columns beside the needed ones: those that can change what a row means are used, or the row is refused.

`Side = Short` makes a positive quantity negative, `Currency = GBP` refuses the row, `Action` with sales
refuses the file: it lists transactions. What cannot change the meaning (notes, names, market values) is not
used, and said so once.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OPTION_MULTIPLIER
from sigmasight_core.errors import InputError
from sigmasight_core.ledger import listings
from sigmasight_core.ledger import side_words as words
from sigmasight_core.ledger.csv_fields import Report
from sigmasight_core.ledger.csv_rows import CsvTable, plain_name
from sigmasight_core.ledger.side_contract import Contract, mapped

_ABROAD: Final = "STOCKHOLM|HELSINKI|COPENHAGEN|ICELAND|NORDIC|BALTIC|OMX|DUBAI|CANADA"
_LEAVE_OUT: Final = "or leave the column out if it is of no consequence"


def read_sides(
    table: CsvTable, fields: pd.DataFrame, source: str, report: Report, trades: bool = False
) -> "pd.Series[float]":
    """The signed quantity of each row; rows that a column contradicts are refused in the report.

    :param fields: quantity as written, symbol, underlying, strike, expiry_date and is_call of each row.
    :param trades: the file lists trades: sales and covers are what it is about.
    :raises InputError: when the file lists transactions.
    """
    reader = _Sides(table, fields, source, report, trades)
    unused = [name for place, name in enumerate(table.others.columns) if not reader.read(place, name)]
    if unused:
        header = pd.DataFrame({"line": [table.header_line], ", ".join(unused): [""]})
        column = header.columns[1]
        report.warn(pd.Series([True]), header, column, "not used: these columns change nothing here")
    return reader.quantity()


class _Sides:
    """The columns of one file, read one after the other."""

    def __init__(self, table: CsvTable, fields: pd.DataFrame, source: str, report: Report, trades: bool):
        self._table, self._fields, self._source, self._report = table, fields, source, report
        self._trades, self._contract = trades, Contract(table, fields)
        self._is_option = fields["strike"].notna()
        self._sign = pd.Series(0, index=fields.index)
        self._said = pd.Series("", index=fields.index, dtype="str")

    def read(self, place: int, name: str) -> bool:
        """Take one column into account; False where it cannot change the meaning of a row."""
        plain = plain_name(name)
        self._name, self._values = name, self._table.others.iloc[:, place]
        self._words = mapped(self._values, words.plain_word)
        self._empty = self._words.isin(words.EMPTY)
        readers: list[tuple[Collection[str], Callable[[], None]]] = [
            (words.SIZE, self._size),
            (words.CURRENCY, self._currency),
            (words.RATE | words.FACTOR, lambda: self._number(1.0, 1.0)),
            (words.MULTIPLIER, lambda: self._number(float(OPTION_MULTIPLIER), 1.0)),
            (words.UNIT, self._unit),
            (words.PRICE_UNIT, lambda: self._one_of(words.PRICES)),
            (words.RIGHT, lambda: self._kind(self._words, self._empty)),
            (words.STRIKE, lambda: self._term("strike", self._contract.of_another_strike)),
            (words.EXPIRY, lambda: self._term("expiry", self._contract.of_another_expiry)),
            (words.UNDERLYING, self._underlying),
            (words.VENUE, self._venue),
            (words.EXIT, self._exit),
            (words.STATUS, lambda: self._one_of(words.SETTLED)),
            (words.EFFECT, self._effect),
            (words.DIRECTION, lambda: self._direction(plain)),
        ]
        reader = next((read for names, read in readers if plain in names), None) or self._by_content(plain)
        if reader is None:
            return False
        reader()
        return True

    def _by_content(self, plain: str) -> Callable[[], None] | None:
        """How to read a column whose name is not known here and whose words change the meaning of a row."""
        filled, known = self._words[~self._empty], listings.US_VENUES | listings.VENUES.keys()
        if filled.empty or words.OPINION.search(plain):
            return None
        if re.search(r"curr|ccy", plain) and filled.str.fullmatch("[A-Z]{3}|US[$]").all():
            return self._currency
        if (
            re.search(r"market|exch|venue|listing", plain)
            and self._venue_codes()[~self._empty].isin(known).all()
        ):
            return self._venue
        return (lambda: self._direction(plain)) if filled.isin(words.TOLD).all() else None

    def quantity(self) -> "pd.Series[float]":
        """The quantities with the signs of the columns."""
        quantity = self._fields["quantity"]
        flipped = (self._sign < 0) & (quantity > 0)
        for name in self._said[flipped].unique():
            chosen = flipped & (self._said == name)
            shown = pd.DataFrame({"line": self._fields["line"], name: self._written(name)})
            reason = "short: the quantity is read as -" + quantity.map("{:.12g}".format).astype("str")
            self._report.warn(chosen, shown, name, reason)
        return quantity.mask(flipped, -quantity)

    def _written(self, name: str) -> "pd.Series[str]":
        return self._table.others.iloc[:, list(self._table.others.columns).index(name)]

    def _refuse(self, bad: "pd.Series[bool]", reason: "str | pd.Series[str]") -> None:
        shown = pd.DataFrame({"line": self._fields["line"], self._name: self._values})
        self._report.refuse(bad, shown, self._name, reason)

    def _transactions(self, found: "pd.Series[bool]") -> None:
        """:raises InputError: where a row is a sale or an event."""
        if found.any():
            at = int(np.flatnonzero(found)[0])
            raise InputError(
                f"{self._source}: line {self._fields['line'].iloc[at]}, column {self._name}, value "
                f"{self._values.iloc[at]!r}: this is a list of transactions; a portfolio file lists what is "
                "held, one row a lot, with negative quantities for shorts: export the positions (holdings) "
                "instead. Nothing is imported"
            )

    def _direction(self, plain: str) -> None:
        found = self._words.where(~self._is_blank_word(plain), "")
        longs = found.isin({"L", "LONG"}).any() or plain in words.LONG_SHORT
        letter = "SHORT" if longs else "SELL" if found.isin(words.BUY).any() or self._trades else "S"
        found = found.mask(found == "S", letter)
        buys, sells, shorts = (found.isin(few) for few in (words.BUY, words.SELL, words.SELL_SHORT))
        events = found.isin(words.EVENTS) & (plain not in words.SECURITY | words.EXPOSURE)
        if self._trades:
            self._transactions_but_trades(events)
            buys, shorts = buys | found.isin(words.COVER), shorts | (sells & ~found.isin(words.COVER))
        else:
            both = shorts if buys.any() else shorts & False
            self._transactions(sells | events | both)
        long, short = buys | found.isin(words.LONG), shorts | found.isin(words.SHORT)
        self._add_sign(long, short)
        unclear = found == "S"
        self._refuse(unclear, "Sell or Short? write Short where the position is short")
        known = unclear | found.isin(words.EMPTY | words.NEUTRAL) | long | short | events
        self._kind(found, known, plain in words.EXPOSURE, plain in words.SECURITY)

    def _is_blank_word(self, plain: str) -> "pd.Series[bool]":
        """Exposures: letters there are of no consequence."""
        return self._words.str.len() <= 2 if plain in words.EXPOSURE else self._words == ""

    def _transactions_but_trades(self, events: "pd.Series[bool]") -> None:
        self._refuse(events, "not a trade: only purchases and sales can be tried; leave the row out")

    def _add_sign(self, long: "pd.Series[bool]", short: "pd.Series[bool]") -> None:
        sign = long.astype(int) - short.astype(int)
        self._refuse(sign * self._sign < 0, "says the opposite of another column; correct one of them")
        negative = (sign > 0) & (self._fields["quantity"] < 0)
        self._refuse(negative, "long or bought, and the quantity is negative; correct one of them")
        self._said = self._said.mask((sign != 0) & (self._sign == 0), self._name)
        self._sign = self._sign.mask(sign != 0, sign)

    def _kind(
        self,
        found: "pd.Series[str]",
        known: "pd.Series[bool]",
        exposure: bool = False,
        security: bool = False,
    ) -> None:
        """What kind of security the words say, against the symbol."""
        is_option, is_call = self._is_option, self._fields["is_call"].fillna(False).astype(bool)
        calls, puts = found.isin(words.CALL), found.isin(words.PUT)
        contradicts = is_option & ((calls & ~is_call) | (puts & is_call))
        held = self._fields["symbol"].fillna("")
        self._refuse(contradicts, "is not what the option " + held + " is; correct one of them")
        options = (calls | puts | found.isin(words.OPTION)) & ~is_option & (held != "")
        self._refuse(
            options,
            held + " is a share, not an option; write the option like " + self._contract.example(calls),
        )
        shares = found.isin(words.SHARE) & is_option & (not exposure)
        self._refuse(shares, held + " is an option; correct one of them")
        cash = found.isin(words.CASH) & (security and not exposure)
        self._refuse(cash, "a cash balance is no position; leave the row out and give it as --cash")
        other = found.isin(words.NOT_SUPPORTED) & (not exposure)
        self._refuse(other, "not supported: only shares, funds and listed options; leave the row out")
        said = known | calls | puts | found.isin(words.OPTION | words.SHARE | words.CASH) | other | exposure
        self._refuse(
            ~said,
            "not a word that is known here, and it could change what the row means; write Long or Short, "
            f"Buy, Call or Put, Stock, ETF, Fund or Option, {_LEAVE_OUT}",
        )

    def _size(self) -> None:
        """A second quantity, or a direction in a column that is called Position."""
        number = pd.to_numeric(self._values.str.replace("+", "", regex=False), errors="coerce")
        same = number == self._fields["quantity"]
        self._refuse(
            number.notna() & ~same & self._fields["quantity"].notna(),
            "is another number than the quantity; keep one of the two columns",
        )
        held = self._words.str.replace(" ", "-", regex=False)
        named = (held == self._fields["symbol"]) | (held == self._fields["underlying"])
        found = self._words.mask(self._words == "S", "SHORT").where(number.isna() & ~named & ~self._empty, "")
        long, short = found.isin(words.LONG | words.BUY), found.isin(words.SHORT | words.SELL_SHORT)
        self._add_sign(long, short)
        self._kind(found, (found == "") | long | short)

    def _currency(self) -> None:
        bad = ~self._words.isin(words.DOLLARS) & ~self._empty
        self._refuse(bad, "not USD: only prices in USD are supported; convert them, or leave the row out")

    def _number(self, of_option: float, of_share: float) -> None:
        expected = self._is_option.map({True: of_option, False: of_share})
        number = pd.to_numeric(self._values, errors="coerce")
        bad = (number != expected) & ~self._empty & self._fields["symbol"].notna()
        held = self._is_option.map({True: "an option", False: "a share"}).astype("str")
        self._refuse(
            bad,
            "not the "
            + expected.map("{:g}".format).astype("str")
            + " of "
            + held
            + "; only that is supported: "
            f"write the quantity and price in its units, {_LEAVE_OUT}",
        )

    def _unit(self) -> None:
        number = pd.to_numeric(self._values, errors="coerce")
        fine = number == self._fields["quantity"]
        of_option = self._is_option & self._words.isin(words.CONTRACTS)
        of_share = ~self._is_option & self._words.isin(words.SHARES)
        bad = ~(fine | of_option | of_share | self._words.isin(words.UNITS) | self._empty)
        self._refuse(
            bad, "not the unit of the quantity: shares, or contracts of options; correct one of them"
        )

    def _one_of(self, accepted: Collection[str]) -> None:
        bad = ~self._words.isin(accepted) & ~self._empty
        self._refuse(bad, f"not a word that is known here; leave the row out, {_LEAVE_OUT}")

    def _effect(self) -> None:
        fine = self._words.isin(words.OPENING) | self._empty
        if not self._trades:
            self._transactions(self._words.isin(words.SELL | {"C", "CLOSING", "TO CLOSE"}))
            self._refuse(~fine, f"not a word that is known here; write Open, {_LEAVE_OUT}")

    def _term(self, what: str, of_another: Callable[["pd.Series[str]"], "pd.Series[bool]"]) -> None:
        bad = of_another(self._values) & ~self._empty & self._fields["symbol"].notna()
        self._refuse(bad, self._contract.not_of_symbol(what))

    def _underlying(self) -> None:
        held = self._fields["symbol"]
        bad = self._contract.of_another_underlying(self._values) & ~self._empty & held.notna()
        self._refuse(bad, "not the underlying of " + held.fillna("") + "; correct one of them")

    def _venue_codes(self) -> "pd.Series[str]":
        return mapped(self._values, lambda text: "".join(sign for sign in text.upper() if sign.isalnum()))

    def _venue(self) -> None:
        code = self._venue_codes()
        places = {**listings.SUFFIXES, **listings.VENUES}
        foreign = {text: listings.elsewhere(places[text]) for text in code.unique() if text in places}
        at_home = code.isin(listings.US_VENUES) | (
            code.str.startswith(("NYSE", "NASDAQ", "CBOE", "OTC", "BATS", "ARCA"))
            & ~code.str.contains(_ABROAD)
        )
        abroad = code.map(foreign).where(~at_home).astype("str")
        self._refuse(abroad.notna(), abroad + "; leave the row out")
        self._refuse(
            ~at_home & abroad.isna() & ~self._empty,
            f"not an exchange in the US that is known; write NYSE, NASDAQ or the like, {_LEAVE_OUT}",
        )

    def _exit(self) -> None:
        nothing = self._empty | self._words.isin({"NO", "N", "FALSE", "0", "OPEN", "0 0", "0 00"})
        self._refuse(
            ~nothing, "the position was closed; name the columns exit_date and exit_price, or leave it out"
        )
