"""A history of transactions to a stored portfolio: its lots, and the account that they follow from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import entries
from sigmasight_core.account.lots import LotRule, pieces, positions
from sigmasight_core.account.netting import netted
from sigmasight_core.account.positions_file import (
    CONSTANT_CASH,
    listed_account,
    statement,
    with_statement,
)
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import with_stored_ids
from sigmasight_core.tables import Transactions, validate
from sigmasight_dagster import session_dates
from sigmasight_dagster.ledger import files
from sigmasight_dagster.runs.workspace import Workspace, utc_now


@dataclass(frozen=True)
class Stated:
    """What an import says of the cash.

    :param cash: balance in USD; None = as stored. :param date: session at whose close it was the balance.
    :param margin: whether it may be negative; None = as stored.
    """

    cash: float | None = None
    date: str | None = None
    margin: bool | None = None

    def __post_init__(self) -> None:
        """:raises InputError: for a date without a balance, or a balance that is no number."""
        if self.date is not None and self.cash is None:
            raise InputError(f"--cash-date {self.date}: the day of a balance; give the balance too: --cash N")
        if self.cash is not None and not np.isfinite(self.cash):
            raise InputError(f"--cash {self.cash}: not a finite number; give the balance in USD")

    def added(self, workspace: Workspace, name: str, source: str, rows: pd.DataFrame) -> pd.DataFrame:
        """The transactions with the statement of the balance, if it has a date.

        :raises InputError: for a date before the first of them, or that is not a session that has closed.
        """
        if self.date is None or self.cash is None:
            return rows
        day = session_dates.trading_date(self.date, workspace.settings, utc_now())
        first = rows["date"].min()
        if day < first:
            raise InputError(
                f"--cash-date {self.date} is before the first entry, {first:%Y-%m-%d}: there is no account "
                "yet; give that date or a later one"
            )
        return with_statement(rows, statement(name, day, self.cash, source))


def save_list(
    workspace: Workspace, name: str, source: str, positions: pd.DataFrame, *, stated: Stated, replace: bool
) -> str:
    """Store the portfolio of a list of positions.

    A balance with a date takes the place of the one without, which is of the last entry date.

    :param positions: rows of `tables.Positions`. :returns: 'created', 'unchanged' or 'replaced'.
    """
    cash = files.stored_cash(workspace, name, stated.cash)
    if stated.date is None:
        return workspace.save_portfolio(name, cash, source, positions, replace, margin=stated.margin)
    warehouse = workspace.platform.warehouse
    stored = warehouse.positions([name])
    lots = with_stored_ids(stored=stored, wanted=positions)
    row = pd.DataFrame({"portfolio": [name], "cash": [cash], "source": [source]})
    rows = listed_account(stored=warehouse.account(name), positions=lots, portfolio=row, keep_statement=True)
    rows = stated.added(workspace, name, source, rows[rows["inferred"] != CONSTANT_CASH])
    return workspace.save_portfolio(
        name, cash, source, lots, replace, expected=stored, transactions=rows, margin=stated.margin
    )


def save_history(
    workspace: Workspace,
    name: str,
    source: str,
    transactions: pd.DataFrame,
    *,
    replace: bool,
    allow_short: bool = False,
    rule: LotRule = "fifo",
    stated: Stated | None = None,
) -> tuple[str, pd.DataFrame]:
    """Store the portfolio that a history makes.

    :param transactions: rows of `tables.Transactions` of that portfolio.
    :param allow_short: a sale of more than is held opens a short; else it is refused.
    :param stated: a balance beside it, and whether its cash may be negative.
    :returns: 'created', 'unchanged' or 'replaced', and the rows of `tables.Positions`.
    :raises InputError: for a sale of more than is held, and a transfer in kind without a price on its day.
    """
    said = stated or Stated()
    transactions = said.added(workspace, name, source, transactions)
    rows = validate(Transactions, _with_prices_in_kind(workspace, transactions))
    actions = _splits(workspace, rows)
    read = entries(rows, corporate_actions=actions)
    if allow_short:
        rows = validate(Transactions, netted(read))
        read = entries(rows, corporate_actions=actions)
    lots = positions(read, pieces(read, rule))
    result = workspace.save_portfolio(
        name, _last_cash(rows), source, lots, replace, transactions=rows, margin=said.margin
    )
    return result, lots


def _splits(workspace: Workspace, rows: pd.DataFrame) -> pd.DataFrame:
    """Splits of what is traded: a history says how many shares there were on each day."""
    read = entries(rows, corporate_actions=files.no_actions())
    names = sorted(set(read.underlying[read.symbol >= 0]))
    return files.corporate_actions(workspace, names, rows["date"].min())


def _with_prices_in_kind(workspace: Workspace, rows: pd.DataFrame) -> pd.DataFrame:
    """Transfers without a price have the close of their day."""
    bare = rows["kind"].isin(("transfer_in", "transfer_out")) & rows["price"].isna()
    if not bare.any():
        return rows
    wanted = rows.loc[bare, ["date", "symbol"]].drop_duplicates()
    closes = files.closes(workspace, wanted).set_index(["date", "symbol"])["close"]
    found = rows.loc[bare, ["date", "symbol"]].join(closes, on=["date", "symbol"])["close"]
    missing = found[found.isna()]
    if len(missing):
        first = rows.loc[missing.index[0]]
        raise InputError(
            f"{first['source']}, line {first['source_line']}: {first['kind']} of {first['symbol']} on "
            f"{first['date']:%Y-%m-%d} has no price, and there is no close of that day; add a price"
        )
    return rows.assign(price=rows["price"].fillna(found))


def _last_cash(rows: pd.DataFrame) -> float:
    """What the history itself comes to: the last stated balance and what came after, else all that moved."""
    stated = rows[rows["kind"] == "statement"].sort_values(["date", "source_line"])
    flows = rows[rows["kind"] != "statement"]
    if stated.empty:
        return float(flows["amount"].sum())
    last = stated.iloc[-1]
    return float(last["amount"] + flows.loc[flows["date"] > last["date"], "amount"].sum())
