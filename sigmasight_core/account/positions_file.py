"""A list of positions as transactions and back: each row is its buy and, with an exit, its sell."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import WHOLE_LOT, entries
from sigmasight_core.account.lots import pieces, positions
from sigmasight_core.tables.ledger import Transactions

_NONE: Final = {"parent": "", "external_id": ""}


def transactions_of(
    ledger: pd.DataFrame, source: str, *, lines: "pd.Series[int] | None" = None
) -> pd.DataFrame:
    """Rows of `tables.Transactions` of positions that were entered by hand or by a positions file.

    Every closing names its lot and closes it whole (`inferred` says so), in shares of the entry: how many
    those are on the day of the exit follows from the splits, which may be known later only. Such a file says
    no fees: the amounts are quantity x price x multiplier.

    :param ledger: rows of `tables.Positions`.
    :param source: name of the file or command. :param lines: line of each position; default: 0.
    """
    line = np.zeros(len(ledger), dtype=np.int64) if lines is None else lines.to_numpy(dtype=np.int64)
    long = (ledger["quantity"] > 0).to_numpy()
    exited = ledger["exit_date"].notna().to_numpy()
    opened = _rows(ledger, "entry", np.where(long, "buy", "short"), np.where(long, -1.0, 1.0), line)
    closed = _rows(ledger, "exit", np.where(long, "sell", "cover"), np.where(long, 1.0, -1.0), line)
    opened["inferred"], closed["inferred"] = "", WHOLE_LOT
    made = pd.concat([opened, closed[exited]], ignore_index=True).assign(source=source, **_NONE)
    made = made.sort_values(["portfolio", "date", "source_line"], kind="stable", ignore_index=True)
    ids = made["date"].dt.strftime("%Y-%m-%d") + "/" + made["kind"] + "/" + made["symbol"]
    number = made.groupby(["portfolio", ids]).cumcount() + 1
    made["transaction_id"] = ids.mask(number > 1, ids + "#" + number.astype("str"))
    return made[list(Transactions.to_schema().columns)]


def _rows(
    ledger: pd.DataFrame, what: str, kind: np.ndarray, sign: np.ndarray, line: np.ndarray
) -> pd.DataFrame:
    """The opening or closing trades of every position."""
    quantity, price = ledger["quantity"].abs(), ledger[f"{what}_price"]
    return pd.DataFrame(
        {
            "portfolio": ledger["portfolio"],
            "date": ledger[f"{what}_date"],
            "kind": pd.Series(kind, index=ledger.index, dtype="str"),
            "symbol": ledger["symbol"],
            "quantity": quantity,
            "price": price,
            "fees": 0.0,
            "amount": sign * quantity * ledger["multiplier"] * price,
            "lot": ledger["position_id"],
            "note": ledger["tags"],
            "source_line": line,
        }
    )


def positions_of(transactions: pd.DataFrame, *, corporate_actions: pd.DataFrame) -> pd.DataFrame:
    """Rows of `tables.Positions` of transactions, first in first out where no lot is named.

    :raises InputError: for a closing of more than is held.
    """
    read = entries(transactions, corporate_actions=corporate_actions)
    return positions(read, pieces(read))
