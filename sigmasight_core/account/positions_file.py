"""A list of positions as transactions and back: each row is its buy and, with an exit, its sell."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import WHOLE_LOT, entries
from sigmasight_core.account.lots import pieces, positions
from sigmasight_core.errors import InputError
from sigmasight_core.tables.ledger import TRADE_KINDS, Transactions

LISTED: Final = "entry in a positions file"
"""What `inferred` says of an opening that a list of positions stands for."""
CONSTANT_CASH: Final = "cash without a date: stated on the last entry date"
_NONE: Final = {"parent": "", "external_id": ""}
_TEXTS: Final = (
    *("portfolio", "transaction_id", "kind", "symbol", "lot", "parent", "note"),
    *("source", "external_id", "inferred"),
)


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
    opened["inferred"], closed["inferred"] = LISTED, WHOLE_LOT
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


def with_derived(
    *,
    transactions: pd.DataFrame,
    positions: pd.DataFrame,
    portfolios: pd.DataFrame,
    first_date: pd.Timestamp,
) -> pd.DataFrame:
    """The transactions, with those of portfolios that have none: from their positions and constant cash.

    So a ledger of before there were transactions becomes an account without loss: each position is its buy
    and its sell, and the cash of the registry a statement on the last entry date: what lies beside the
    positions that are listed.

    :param transactions: rows of `tables.Transactions`. :param positions: rows of `tables.Positions`.
    :param portfolios: rows of `tables.Portfolios`.
    :param first_date: of the statement of a portfolio without positions.
    """
    bare = portfolios[~portfolios["portfolio"].isin(transactions["portfolio"])]
    ledger = positions[positions["portfolio"].isin(bare["portfolio"])]
    if bare.empty:
        return transactions
    last = ledger.groupby("portfolio")["entry_date"].max()
    stated = bare.assign(date=last.reindex(bare["portfolio"]).fillna(first_date).to_numpy())
    made = [transactions, transactions_of(ledger, "positions"), _statements(stated)]
    rows = pd.concat([part for part in made if len(part)], ignore_index=True)
    return rows.astype({name: "str" for name in rows.columns if name in _TEXTS})


def _statements(stated: pd.DataFrame) -> pd.DataFrame:
    """A statement of the `cash` of each row on its `date`."""
    made = stated[["portfolio", "date"]].assign(
        transaction_id=stated["date"].dt.strftime("%Y-%m-%d") + "/statement/",
        kind="statement",
        quantity=0.0,
        price=np.nan,
        fees=0.0,
        amount=stated["cash"].to_numpy(dtype=float),
        source=stated["source"],
        source_line=0,
        inferred=CONSTANT_CASH,
        **dict.fromkeys(("symbol", "lot", "parent", "note", "external_id"), ""),
    )
    return made[list(Transactions.to_schema().columns)]


def listed_account(
    *, stored: pd.DataFrame, positions: pd.DataFrame, portfolio: pd.DataFrame, keep_statement: bool
) -> pd.DataFrame:
    """The transactions of a portfolio whose list of positions is this one now.

    What was stated beside the list (deposits, fees, dated balances) stays. The cash of the registry is a
    statement on the last entry date, in the place of another of its day, or, if `keep_statement`, where it
    was.

    :param stored: rows of `tables.Transactions` before. :param positions: rows of `tables.Positions`, now.
    :param portfolio: the row of `tables.Portfolios`, now.
    :raises InputError: if the stored trades are of a history: its positions follow from it.
    """
    kept = stored[~stored["inferred"].isin((LISTED, WHOLE_LOT))]
    history = kept[kept["kind"].isin(TRADE_KINDS)]
    if len(history):
        raise InputError(
            f"portfolio {portfolio['portfolio'].iloc[0]}: its positions follow from the transactions of "
            f"{history['source'].iloc[0]}; import those again, or remove the portfolio first"
        )
    if not keep_statement:
        kept = kept[kept["inferred"] != CONSTANT_CASH]
    made = [kept]
    if len(positions):
        made.append(transactions_of(positions, str(portfolio["source"].iloc[0])))
        if not keep_statement:
            stated = _statements(portfolio.assign(date=positions["entry_date"].max()))
            made = [kept[~kept["transaction_id"].isin(stated["transaction_id"])], *made[1:], stated]
    rows = pd.concat([part for part in made if len(part)] or [stored.iloc[:0]], ignore_index=True)
    return rows.astype({name: "str" for name in rows.columns if name in _TEXTS})


def statement(portfolio: str, date: pd.Timestamp, amount: float, source: str) -> pd.DataFrame:
    """One row of `tables.Transactions`: the balance of a portfolio at the close of a date, as stated."""
    row = pd.DataFrame({"portfolio": [portfolio], "date": [date], "cash": [amount], "source": [source]})
    return _statements(row).assign(inferred="").astype(dict.fromkeys(_TEXTS, "str"))


def stated_with_date(stored: pd.DataFrame) -> bool:
    """Whether the cash of an account was stated with dates alone: an import of its list then states none."""
    statements = stored[stored["kind"] == "statement"]
    return bool(len(statements)) and not (statements["inferred"] == CONSTANT_CASH).any()


def with_statement(rows: pd.DataFrame, stated: pd.DataFrame) -> pd.DataFrame:
    """The transactions with a `statement`, in the place of another of its day."""
    others = rows[~rows["transaction_id"].isin(stated["transaction_id"])]
    return pd.concat([part for part in (others, stated) if len(part)], ignore_index=True)


def positions_of(transactions: pd.DataFrame, *, corporate_actions: pd.DataFrame) -> pd.DataFrame:
    """Rows of `tables.Positions` of transactions, first in first out where no lot is named.

    :raises InputError: for a closing of more than is held.
    """
    read = entries(transactions, corporate_actions=corporate_actions)
    return positions(read, pieces(read))
