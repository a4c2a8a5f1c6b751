"""The ledger: portfolios, their positions and transactions. Not partitioned: a row carries its own dates."""

from enum import StrEnum
from typing import Final

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from sigmasight_core.conventions import (
    BOUGHT_TYPES,
    LOT_RULES,
    OPTION_MULTIPLIER,
    OPTION_TYPES,
    PORTFOLIO_NAME_PATTERN,
    POSITION_TYPES,
)
from sigmasight_core.tables.base import Facts, Kind, Table, key, label


class Portfolios(Table):
    """One registered portfolio."""

    portfolio: Series[str] = key("Portfolio name", str_matches=PORTFOLIO_NAME_PATTERN)
    cash: Series[float] = label(
        "Cash balance that was stated without a date (USD); see transactions", exact=True
    )
    source: Series[str] = label("File name that the portfolio was imported from")
    margin: Series[str] = label(
        "yes: cash may be negative, a debt, and no deposit is inferred; no: not; NULL = never said: not",
        nullable=True,
        isin=("yes", "no"),
    )
    lots: Series[str] = label(
        "Which lots of a history a sale closes, and what its gain is: fifo, highest (price first) or average "
        "(fifo, gains at the average cost); NULL = never said: fifo",
        nullable=True,
        isin=LOT_RULES,
    )
    settlement: Series[str] = label(
        "physical: an option on a share or fund that ends in the money turns into the shares; cash: it pays "
        "its intrinsic value; NULL = never said: cash",
        nullable=True,
        isin=("physical", "cash"),
    )
    benchmark: Series[str] = label(
        "Symbol that the returns are held against; NULL = never said: the proxy of the market factor",
        nullable=True,
    )

    class Config:
        name = "portfolios"
        metadata = {"facts": Facts(kind=Kind.LEDGER)}


def portfolio_terms() -> list[str]:
    """Columns of `Portfolios` that need never be said: what was said stays where a later import is silent."""
    return [str(name) for name, column in Portfolios.to_schema().columns.items() if column.nullable]


class Positions(Table):
    """One position of a portfolio, from entry to exit or expiry, in units of its entry date."""

    portfolio: Series[str] = key("Portfolio name", str_matches=PORTFOLIO_NAME_PATTERN)
    position_id: Series[str] = key(
        "symbol@entry_date, the second lot of a day with #2; stable across imports of the same file"
    )
    symbol: Series[str] = label("Symbol; for an option the compact OCC symbol")
    underlying: Series[str] = label("Underlying symbol of an option; the symbol itself otherwise")
    position_type: Series[str] = label("LONG, SHORT, LC, SC, LP or SP", isin=POSITION_TYPES)
    quantity: Series[float] = label("Shares or contracts at entry, negative = short", exact=True)
    multiplier: Series[int] = label("Shares per unit of quantity: 100 for listed options, else 1")
    entry_price: Series[float] = label(
        "Price per share at entry, as traded then (USD); 0 = received free", exact=True, ge=0
    )
    entry_date: Series[pd.Timestamp] = label("First session that holds the position at its close")
    exit_price: Series[float] = label(
        "Price per share at exit (USD); NULL = not exited", nullable=True, exact=True
    )
    exit_date: Series[pd.Timestamp] = label(
        "Session of the exit; held on dates before it; NULL = not exited", nullable=True
    )
    expiry_date: Series[pd.Timestamp] = label("Expiry of an option; NULL = not an option", nullable=True)
    strike: Series[float] = label(
        "Strike of an option (USD); NULL = not an option", nullable=True, exact=True
    )
    tags: Series[str] = label("Tags, comma-separated; empty = none")
    notes: Series[str] = label("What its owner wrote about it, one line; NULL = nothing", nullable=True)

    @pa.dataframe_check
    @classmethod
    def type_matches_sign(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """LONG, LC and LP are bought, SHORT, SC and SP are sold."""
        return (rows["quantity"] > 0) == rows["position_type"].isin(BOUGHT_TYPES)

    @pa.dataframe_check
    @classmethod
    def multiplier_matches_type(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Options count 100 shares a contract, everything else one."""
        is_option = rows["position_type"].isin(OPTION_TYPES)
        return rows["multiplier"] == is_option.map({True: OPTION_MULTIPLIER, False: 1})

    @pa.dataframe_check
    @classmethod
    def options_have_a_contract(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Options have a positive strike and an expiry; nothing else has."""
        is_option = rows["position_type"].isin(OPTION_TYPES)
        contract = (rows["strike"] > 0) & rows["expiry_date"].notna()
        neither = rows["strike"].isna() & rows["expiry_date"].isna()
        return contract.where(is_option, neither)

    class Config:
        name = "positions"
        metadata = {"facts": Facts(kind=Kind.LEDGER)}


class TransactionKind(StrEnum):
    """What a transaction is, and in which direction: `quantity` is positive."""

    BUY = "buy"
    """Opens or adds to a long lot for cash."""
    SELL = "sell"
    """Closes long lots for cash."""
    SHORT = "short"
    """Opens or adds to a short lot; its proceeds are cash."""
    COVER = "cover"
    """Closes short lots for cash."""
    EXPIRY = "expiry"
    """An option ends: its lots close at `price`, the intrinsic value settled in cash (0 = worthless)."""
    EXERCISE = "exercise"
    """A bought option is exercised: its lots close at price 0; the shares are a buy or sell at the strike."""
    ASSIGNMENT = "assignment"
    """A sold option is assigned: its lots close at price 0; the shares are a buy or sell at the strike."""
    DIVIDEND = "dividend"
    """Cash of a share; negative = owed by a short."""
    INTEREST = "interest"
    """Interest on cash; negative = paid."""
    FEE = "fee"
    """A fee of its own (not that of a trade); negative = paid, positive = a rebate."""
    TAX = "tax"
    """Tax withheld or paid back; negative = paid."""
    DEPOSIT = "deposit"
    """Cash that the owner brings."""
    WITHDRAWAL = "withdrawal"
    """Cash that the owner takes out; negative."""
    TRANSFER_IN = "transfer_in"
    """Shares or contracts that arrive in kind: an inflow of quantity x price, no cash."""
    TRANSFER_OUT = "transfer_out"
    """Shares or contracts that leave in kind: an outflow of quantity x price, no cash."""
    SPLIT_OFF = "split_off"
    """Shares of `symbol` received for those of `parent`, without cash."""
    STATEMENT = "statement"
    """No flow: `amount` is the cash balance at the close of the day, as the owner or the broker states it."""


TRANSACTION_KINDS: Final = tuple(str(kind) for kind in TransactionKind)
TRADE_KINDS: Final = ("buy", "sell", "short", "cover", "expiry", "exercise", "assignment")
"""Kinds that open or close lots for cash, or at no cash."""
IN_KIND: Final = ("transfer_in", "transfer_out", "split_off")
"""Kinds that open or close lots and move no cash. Their quantity is negative for a short."""
CASH_KINDS: Final = ("dividend", "interest", "fee", "tax", "deposit", "withdrawal", "statement")
"""Kinds that move (or state) cash alone: their quantity is 0."""


class Transactions(Table):
    """One entry of a portfolio's account: a trade, a settlement, income, a cost, or money in or out.

    `quantity` is positive and the kind gives the direction (in kind: negative = of a short). Quantity and
    price are as they were on the day, before any later split. `amount` is the signed effect on cash in USD,
    fees included: a buy of 10 at 50 with 1 of fees is -501, a sell 499; it is 0 for what moves no cash. A
    statement has no effect: its amount is the balance.
    """

    portfolio: Series[str] = key("Portfolio name", str_matches=PORTFOLIO_NAME_PATTERN)
    transaction_id: Series[str] = key(
        "date/kind/symbol, the second like it of a day with #2; stable across imports of the same file"
    )
    date: Series[pd.Timestamp] = label("Session at whose close it counts; of a dividend the ex-date")
    kind: Series[str] = label("What it is; gives the direction", isin=TRANSACTION_KINDS)
    symbol: Series[str] = label("Symbol; for an option the compact OCC symbol; empty = cash alone")
    quantity: Series[float] = label(
        "Shares or contracts, positive; in kind negative = of a short; 0 = cash alone", exact=True
    )
    price: Series[float] = label(
        "Price per share as traded (USD); NULL = none, in kind: the close of the day",
        nullable=True,
        exact=True,
        ge=0,
    )
    fees: Series[float] = label(
        "Commission and fees of the trade, in `amount` already (USD); negative = a rebate", exact=True
    )
    amount: Series[float] = label(
        "Effect on cash with fees, positive = received (USD); of a statement the balance", exact=True
    )
    lot: Series[str] = label("Lot that it opens or closes (a position_id); empty = by the lot rule")
    parent: Series[str] = label("Of a split_off, the symbol whose holders receive it; else empty")
    note: Series[str] = label("Note or tags of the lot, comma-separated; empty = none")
    source: Series[str] = label("File name or command that it came from")
    source_line: Series[int] = label("Line in that file, 1 = its first; 0 = no file", ge=0)
    external_id: Series[str] = label("The broker's own id; empty = none")
    inferred: Series[str] = label("Why it was inferred though no file says it; empty = it was stated")

    @pa.dataframe_check
    @classmethod
    def quantity_fits_kind(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Positive for trades, not 0 in kind, 0 for cash alone."""
        quantity, kind = rows["quantity"], rows["kind"]
        in_kind = kind.isin(IN_KIND) & (quantity != 0)
        return (kind.isin(TRADE_KINDS) & (quantity > 0)) | in_kind | (kind.isin(CASH_KINDS) & (quantity == 0))

    @pa.dataframe_check
    @classmethod
    def what_moves_shares_has_a_symbol(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Trades and transfers in kind name a symbol."""
        return (rows["symbol"] != "") | rows["kind"].isin(CASH_KINDS)

    @pa.dataframe_check
    @classmethod
    def trades_have_a_price(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Trades have a price; a transfer may wait for the close of its day."""
        return rows["price"].notna() | ~rows["kind"].isin(TRADE_KINDS)

    @pa.dataframe_check
    @classmethod
    def amount_fits_kind(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """A deposit brings cash, a withdrawal takes some, a transfer in kind moves none."""
        kind, amount = rows["kind"], rows["amount"]
        wrong = (kind == "deposit") & (amount < 0) | (kind == "withdrawal") & (amount > 0)
        return ~(wrong | kind.isin(IN_KIND) & (amount != 0))

    class Config:
        name = "transactions"
        metadata = {"facts": Facts(kind=Kind.LEDGER)}
