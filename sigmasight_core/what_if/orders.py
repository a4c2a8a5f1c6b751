"""Orders from hypothetical trades: which side each is on, as brokers and FIX know them.

A sale of more than is held is a sale of what is held and a short sale of the rest; a purchase of more than is
short closes the short first. So a trade may be two orders.
"""

import re
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.options.occ import parse_occ

BUY, SELL, SHORT, COVER = "BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER"
OPENING: Final = {True: "BUY_TO_OPEN", False: "SELL_TO_OPEN"}
CLOSING: Final = {True: "BUY_TO_CLOSE", False: "SELL_TO_CLOSE"}
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9.^/-]{0,30}")
_FEW: Final = 1e-9
COLUMNS: Final = (
    "action",
    "symbol",
    "quantity",
    "order_type",
    "time_in_force",
    "asset_class",
    "underlying",
    "expiry_date",
    "strike",
    "put_or_call",
    "client_order_id",
)


def orders(trades: pd.DataFrame, client_order_id: str) -> pd.DataFrame:
    """Market orders for the day, in the order of the trades.

    :param trades: `symbol`, `quantity` (signed change) and `held_before` (net units before the trade).
    :param client_order_id: what the ids of the orders begin with; their number follows.
    :returns: COLUMNS: quantity is positive; expiry_date, strike and put_or_call are missing for stocks; and
        `opens`: whether the order opens a position or adds to one.
    :raises InputError: on a symbol that cannot be an order's, or a part of a contract.
    """
    traded = trades[["symbol", "quantity", "held_before"]].reset_index(drop=True)
    _check(traded["symbol"])
    quantity, held = (traded[name].to_numpy(dtype=float) for name in ("quantity", "held_before"))
    closing = np.where(quantity * held < 0, np.minimum(np.abs(quantity), np.abs(held)), 0.0)
    opening = np.abs(quantity) - closing
    opening = np.where(opening <= _FEW * np.abs(quantity), 0.0, opening)
    parts = pd.concat(
        [traded.assign(size=closing, opens=False), traded.assign(size=opening, opens=True)]
    ).sort_index(kind="stable")
    parts = parts[parts["size"] > 0].reset_index(drop=True)
    terms = parse_occ(parts["symbol"])
    option, buys = terms["strike"].notna(), parts["quantity"] > 0
    broken = parts["symbol"][option & (parts["size"] % 1 != 0)]
    if len(broken):
        raise InputError(f"{broken.iloc[0]}: a part of a contract cannot be ordered: trade whole ones")
    stock = np.where(buys, np.where(parts["opens"], BUY, COVER), np.where(parts["opens"], SHORT, SELL))
    contract = np.where(parts["opens"], buys.map(OPENING), buys.map(CLOSING))
    number = pd.Series(range(1, len(parts) + 1), dtype="int64").astype("str")
    made = pd.DataFrame(
        {
            "action": np.where(option, contract, stock),
            "symbol": parts["symbol"],
            "quantity": parts["size"],
            "order_type": "MARKET",
            "time_in_force": "DAY",
            "asset_class": np.where(option, "OPTION", "STOCK"),
            "underlying": terms["root"].where(option, parts["symbol"]),
            "expiry_date": terms["expiry_date"],
            "strike": terms["strike"],
            "put_or_call": terms["is_call"].map({True: "CALL", False: "PUT"}),
            "client_order_id": f"{client_order_id}-" + number,
            "opens": parts["opens"],
        }
    )
    return made[[*COLUMNS, "opens"]]


def broker_csv(made: pd.DataFrame) -> str:
    """One order a line, for a broker's upload: COLUMNS, dates YYYY-MM-DD, empty = not an option's.

    :param made: from `orders`.
    """
    shown = made[list(COLUMNS)].assign(
        quantity=made["quantity"].map(plain), expiry_date=made["expiry_date"].dt.strftime("%Y-%m-%d")
    )
    return shown.to_csv(index=False, lineterminator="\n")


def plain(number: float) -> str:
    """A number without exponent, of up to 9 decimals and no zeros at their end."""
    return np.format_float_positional(number, precision=9, trim="-")


def _check(symbols: "pd.Series[str]") -> None:
    wrong = symbols[~symbols.str.fullmatch(_SYMBOL)]
    if len(wrong):
        raise InputError(f"{wrong.iloc[0][:40]!r} cannot be ordered: it is no symbol of an exchange")
