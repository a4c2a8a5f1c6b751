"""A history of transactions to a stored portfolio: its lots, and the account that they follow from."""

import pandas as pd

from sigmasight_core.account.entries import entries
from sigmasight_core.account.lots import LotRule, pieces, positions
from sigmasight_core.account.netting import netted
from sigmasight_core.errors import InputError
from sigmasight_core.tables import Transactions, validate
from sigmasight_dagster.ledger import files
from sigmasight_dagster.runs.workspace import Workspace


def save_history(
    workspace: Workspace,
    name: str,
    source: str,
    transactions: pd.DataFrame,
    *,
    replace: bool,
    allow_short: bool = False,
    rule: LotRule = "fifo",
) -> tuple[str, pd.DataFrame]:
    """Store the portfolio that a history makes.

    :param transactions: rows of `tables.Transactions` of that portfolio.
    :param allow_short: a sale of more than is held opens a short; else it is refused.
    :returns: 'created', 'unchanged' or 'replaced', and the rows of `tables.Positions`.
    :raises InputError: for a sale of more than is held, and a transfer in kind without a price on its day.
    """
    rows = validate(Transactions, _with_prices_in_kind(workspace, transactions))
    actions = _splits(workspace, rows)
    read = entries(rows, corporate_actions=actions)
    if allow_short:
        rows = validate(Transactions, netted(read))
        read = entries(rows, corporate_actions=actions)
    lots = positions(read, pieces(read, rule))
    result = workspace.save_portfolio(name, _last_cash(rows), source, lots, replace, transactions=rows)
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
