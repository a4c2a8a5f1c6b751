"""Transactions as arrays: what each opens or closes, in which contract, and what it does to cash."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import FAR_DAY, codes_of, day_numbers
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import OPTION_MULTIPLIER
from sigmasight_core.ledger.line_order import happened
from sigmasight_core.market.corporate_actions import Splits
from sigmasight_core.options.market import settlement_days
from sigmasight_core.options.occ import parse_occ, underlyings
from sigmasight_core.tables.ledger import IN_KIND

LONG_OPENS: Final = ("buy",)
LONG_CLOSES: Final = ("sell", "exercise")
SHORT_OPENS: Final = ("short",)
SHORT_CLOSES: Final = ("cover", "assignment")
ENDS: Final = ("expiry", "exercise", "assignment")
"""Kinds with which an option ends: they count on its last session at the latest."""
WHOLE_LOT: Final = "exit in a positions file: closes the whole lot, in shares of its entry"
"""What `inferred` says of a closing whose quantity is that of the lot's entry, before splits since then."""
DELIVERED: Final = "delivered by an option"
"""How `inferred` begins of the shares that an option turned into after its last session."""
_DUST: Final = 1e-9


@dataclass(frozen=True)
class Entries:
    """Transactions (n) in the order in which they count: by portfolio, date, opening ones first, and line.

    `rows` are those of `tables.Transactions` in this order; the arrays run along them.
    """

    rows: pd.DataFrame
    symbol: Ints
    """Code of (portfolio, symbol); -1 = cash alone."""
    day: Ints
    """Day number on which it counts."""
    opens: Bools
    closes: Bools
    side: Ints
    """1 = long, -1 = short, of what it opens or closes; 0 = cash alone."""
    quantity: Floats
    """Shares or contracts, not negative, in units of the day."""
    ratio: Floats
    """Splits from ever until the day: quantity / ratio is in the same units on every day."""
    multiplier: Floats
    underlying: pd.Series
    expiry: pd.Series
    strike: Floats
    is_call: pd.Series

    @property
    def gross(self) -> Floats:
        """Cash of trades before fees: what is sold is received, what is bought is paid (USD).

        None in kind, and none of an exercise or assignment: its shares are a trade of their own.
        """
        price = self.rows["price"].to_numpy(dtype=float)
        moved = (self.side != 0) & ~self.rows["kind"].isin((*IN_KIND, "exercise", "assignment")).to_numpy()
        sign = np.where(self.closes, self.side, -self.side)
        return np.where(moved, sign * self.quantity * self.multiplier * np.nan_to_num(price), 0.0)

    @property
    def costs(self) -> Floats:
        """Cash of fees and taxes, negative = paid (USD).

        Of a trade it is the amount less quantity x price: a broker's rounding of either is in it.
        """
        kind, amount = self.rows["kind"], self.rows["amount"].to_numpy(dtype=float)
        alone = kind.isin(("fee", "tax")).to_numpy()
        stated = (self.side != 0) & ~kind.isin(IN_KIND).to_numpy()
        computed = (self.rows["inferred"] == WHOLE_LOT).to_numpy()
        fees = -self.rows["fees"].to_numpy(dtype=float)
        return np.where(alone, amount, np.where(computed, fees, np.where(stated, amount - self.gross, 0.0)))


def entries(transactions: pd.DataFrame, *, corporate_actions: pd.DataFrame) -> Entries:
    """Read transactions of any number of portfolios.

    An expiry, exercise or assignment counts on the option's last session, also where the broker books it
    later. Of an expiry that pays, the sign of the amount is the side (what a long receives a short pays); of
    a worthless one the side that is held.

    :param transactions: rows of `tables.Transactions`.
    :param corporate_actions: rows of `tables.CorporateActions` since the first date; a split whose ratio is
        not known counts as none.
    """
    contracts = parse_occ(transactions["symbol"])
    is_option = contracts["compact"].notna().to_numpy()
    day = _counts_on(transactions, contracts["expiry_date"])
    opens, closes, side = _directions(transactions)
    keys = transactions[["portfolio"]].reset_index(drop=True).assign(day=day, closes=closes)
    keys["place"] = happened(transactions)
    keys = keys.sort_values(["portfolio", "day", "closes", "place"], kind="stable")
    order = keys.index.to_numpy()
    rows = transactions.iloc[order].reset_index(drop=True)
    contracts, is_option = contracts.iloc[order].reset_index(drop=True), is_option[order]
    books, symbols = pd.factorize(rows["portfolio"])[0], pd.factorize(rows["symbol"])[0]
    codes = pd.factorize(books * (symbols.max(initial=0) + 1) + symbols)[0]
    symbol = np.where((rows["symbol"] == "").to_numpy() | ~(opens | closes)[order], -1, codes).astype(
        np.int64
    )
    underlying = underlyings(contracts["root"]).where(pd.Series(is_option), rows["symbol"])
    names = pd.Index(underlying.unique())
    splits, until, name = Splits.of(names, corporate_actions), day[order], codes_of(names, underlying)
    ratio = np.nan_to_num(splits.ratio(name, after=np.zeros_like(until), until=until), nan=1.0)
    since = splits.ratio(name, after=_lot_days(rows, until), until=until)
    quantity = np.abs(rows["quantity"].to_numpy(dtype=float)) * np.nan_to_num(since, nan=1.0)
    opens, closes, side = opens[order], closes[order], side[order]
    side = _sides_of_expiries(rows, codes, closes, side, quantity / ratio)
    return Entries(
        rows,
        symbol,
        until,
        opens,
        closes,
        side,
        quantity,
        ratio,
        np.where(is_option, float(OPTION_MULTIPLIER), 1.0),
        underlying,
        contracts["expiry_date"],
        contracts["strike"].to_numpy(dtype=float, na_value=np.nan),
        contracts["is_call"],
    )


def _lot_days(rows: pd.DataFrame, day: Ints) -> Ints:
    """The entry's day of lots that are closed whole by what a positions file says; else the row's own day."""
    whole = (rows["inferred"] == WHOLE_LOT).to_numpy()
    entered = rows["lot"].where(whole).str.extract(r"@(\d{4}-\d{2}-\d{2})", expand=False)
    return np.where(whole, day_numbers(pd.to_datetime(entered, errors="coerce")), day)


def _counts_on(transactions: pd.DataFrame, expiry: "pd.Series[pd.Timestamp]") -> Ints:
    day = day_numbers(transactions["date"])
    ends = transactions["kind"].isin(ENDS).to_numpy()
    last = settlement_days(expiry, int(day.max(initial=0)))
    return np.where(ends & (last != FAR_DAY), np.minimum(day, last), day)


def _directions(transactions: pd.DataFrame) -> tuple[Bools, Bools, Ints]:
    """Which rows open and which close lots, and the side; an expiry has the sign of its amount."""
    kind, quantity = transactions["kind"], transactions["quantity"].to_numpy(dtype=float)
    amount = transactions["amount"].to_numpy(dtype=float) + transactions["fees"].to_numpy(dtype=float)
    arrives, leaves = kind.isin(("transfer_in", "split_off")), kind == "transfer_out"
    in_kind = (arrives | leaves).to_numpy()
    opens = (kind.isin(LONG_OPENS + SHORT_OPENS) | arrives).to_numpy()
    closes = (kind.isin(LONG_CLOSES + SHORT_CLOSES) | leaves | (kind == "expiry")).to_numpy()
    side = np.select(
        [
            kind.isin(LONG_OPENS + LONG_CLOSES).to_numpy(),
            kind.isin(SHORT_OPENS + SHORT_CLOSES).to_numpy(),
            in_kind,
            (kind == "expiry").to_numpy(),
        ],
        [1, -1, np.sign(quantity), np.sign(np.round(amount, 2))],
        0,
    )
    return opens, closes, side.astype(np.int64)


def _sides_of_expiries(rows: pd.DataFrame, codes: Ints, closes: Bools, side: Ints, quantity: Floats) -> Ints:
    """The side of expiries without a payment: of what has been opened and not closed before."""
    unknown = (side == 0) & (rows["kind"] == "expiry").to_numpy()
    if not unknown.any():
        return side
    net = np.where(closes, -1.0, 1.0) * side * quantity
    held = pd.Series(net).groupby(codes).cumsum().to_numpy()
    found = np.where(held < -_DUST, -1, 1)
    return np.where(unknown, found, side).astype(np.int64)
