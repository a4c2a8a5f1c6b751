"""A history of transactions to a stored portfolio: its lots, and the account that they follow from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import entries
from sigmasight_core.account.lots import pieces, positions
from sigmasight_core.account.netting import netted
from sigmasight_core.account.positions_file import (
    CONSTANT_CASH,
    listed_account,
    statement,
    with_statement,
)
from sigmasight_core.conventions import DEFAULT_LOT_RULE, LotRule
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import with_stored_ids
from sigmasight_core.tables import Transactions, validate
from sigmasight_core.tables.ledger import portfolio_terms
from sigmasight_dagster import session_dates
from sigmasight_dagster.ledger import files
from sigmasight_dagster.runs.workspace import Workspace, utc_now


@dataclass(frozen=True)
class Stated:
    """What an import says of the account, beside the file.

    :param cash: balance in USD; None = as stored.
    :param cash_date: session at whose close it was the balance.
    :param margin: whether it may be negative; None = as stored.
    :param lots: which lots a sale of a history closes, and what it gains; None = as stored.
    :param settlement: of its options in the money, 'physical' or 'cash'; None = as stored.
    :param benchmark: symbol that the returns are held against; None = as stored.
    """

    cash: float | None = None
    cash_date: str | None = None
    margin: bool | None = None
    lots: LotRule | None = None
    settlement: str | None = None
    benchmark: str | None = None

    @property
    def terms(self) -> dict[str, Any]:
        """What stays until it is said otherwise, as `portfolios` has it."""
        margin = None if self.margin is None else "yes" if self.margin else "no"
        return {name: getattr(self, name) for name in portfolio_terms()} | {"margin": margin}

    def __post_init__(self) -> None:
        """:raises InputError: for a date without a balance, or a balance that is no number."""
        if self.cash_date is not None and self.cash is None:
            raise InputError(
                f"--cash-date {self.cash_date}: the day of a balance; give the balance too: --cash N"
            )
        if self.cash is not None and not np.isfinite(self.cash):
            raise InputError(f"--cash {self.cash}: not a finite number; give the balance in USD")

    def added(self, workspace: Workspace, name: str, source: str, rows: pd.DataFrame) -> pd.DataFrame:
        """The transactions with the statement of the balance, if it has a date.

        :raises InputError: for a date before the first of them, or that is not a session that has closed.
        """
        if self.cash_date is None or self.cash is None:
            return rows
        day = session_dates.trading_date(self.cash_date, workspace.settings, utc_now())
        first = rows["date"].min()
        if day < first:
            raise InputError(
                f"--cash-date {self.cash_date} is before the first entry, {first:%Y-%m-%d}: there is no "
                "account yet; give that date or a later one"
            )
        return with_statement(rows, statement(name, day, self.cash, source))


@dataclass(frozen=True)
class ListedAccount:
    """The portfolio of a list of positions (`lots`: rows of `tables.Positions`), and its cash."""

    name: str
    source: str
    lots: pd.DataFrame
    cash: float
    stated: Stated

    def save(self, workspace: Workspace, *, replace: bool, command: str = "", owner: str = "") -> str:
        """Store it: 'created', 'unchanged' or 'replaced'. :param command: see `Workspace.save_portfolio`.

        A balance with a date takes the place of the one without, which is of the last entry date.
        """
        terms = self.stated.terms
        if self.stated.cash_date is None:
            return workspace.save_portfolio(
                self.name,
                self.cash,
                self.source,
                self.lots,
                replace,
                command=command,
                terms=terms,
                owner=owner,
            )
        warehouse = workspace.platform.warehouse
        stored = warehouse.positions([self.name])
        lots = with_stored_ids(stored=stored, wanted=self.lots)
        row = pd.DataFrame({"portfolio": [self.name], "cash": [self.cash], "source": [self.source]})
        entered = warehouse.account(self.name)
        rows = listed_account(stored=entered, positions=lots, portfolio=row, keep_statement=True)
        rows = self.stated.added(workspace, self.name, self.source, rows[rows["inferred"] != CONSTANT_CASH])
        return workspace.save_portfolio(
            self.name,
            self.cash,
            self.source,
            lots,
            replace,
            command=command,
            expected=stored,
            transactions=rows,
            terms=terms,
            owner=owner,
        )


def listed(
    workspace: Workspace, name: str, source: str, positions: pd.DataFrame, stated: Stated
) -> ListedAccount:
    """The account of a list of positions, with the cash that is stated or stored."""
    return ListedAccount(name, source, positions, files.stored_cash(workspace, name, stated.cash), stated)


def save_list(
    workspace: Workspace, name: str, source: str, positions: pd.DataFrame, *, stated: Stated, replace: bool
) -> str:
    """Store the portfolio of a list of positions: 'created', 'unchanged' or 'replaced'.

    :param positions: rows of `tables.Positions`.
    """
    return listed(workspace, name, source, positions, stated).save(workspace, replace=replace)


@dataclass(frozen=True)
class Account:
    """A history as it is stored: rows of `tables.Transactions`, and of `tables.Positions` that follow."""

    name: str
    source: str
    transactions: pd.DataFrame
    lots: pd.DataFrame
    stated: Stated

    @property
    def cash(self) -> float:
        """What it comes to: the last stated balance and what came after, else all that moved."""
        rows = self.transactions
        stated = rows[rows["kind"] == "statement"].sort_values(["date", "source_line"])
        flows = rows[rows["kind"] != "statement"]
        if stated.empty:
            return float(flows["amount"].sum())
        last = stated.iloc[-1]
        return float(last["amount"] + flows.loc[flows["date"] > last["date"], "amount"].sum())

    def save(self, workspace: Workspace, *, replace: bool, command: str = "", owner: str = "") -> str:
        """Store it: 'created', 'unchanged' or 'replaced'. :param command: see `Workspace.save_portfolio`."""
        return workspace.save_portfolio(
            self.name,
            self.cash,
            self.source,
            self.lots,
            replace,
            command=command,
            transactions=self.transactions,
            terms=self.stated.terms,
            owner=owner,
        )


def account_of(
    workspace: Workspace,
    name: str,
    source: str,
    transactions: pd.DataFrame,
    *,
    allow_short: bool = False,
    stated: Stated | None = None,
) -> Account:
    """The account that a history makes, by the rule of lots that is stated, or that the portfolio has.

    :param transactions: rows of `tables.Transactions` of that portfolio.
    :param allow_short: a sale of more than is held opens a short; else it is refused.
    :param stated: a balance beside it, whether its cash may be negative, the rule.
    :raises InputError: for a sale of more than is held, and a transfer in kind without a price on its day.
    """
    said = stated or Stated()
    transactions = said.added(workspace, name, source, transactions)
    rows = validate(Transactions, _with_prices_in_kind(workspace, transactions))
    actions = known_splits(workspace, rows)
    read = entries(rows, corporate_actions=actions)
    if allow_short:
        rows = validate(Transactions, netted(read))
        read = entries(rows, corporate_actions=actions)
    rule = said.lots or stored_rule(workspace, name)[0]
    return Account(name, source, rows, positions(read, pieces(read, rule)), said)


def save_history(
    workspace: Workspace,
    name: str,
    source: str,
    transactions: pd.DataFrame,
    *,
    replace: bool,
    allow_short: bool = False,
    stated: Stated | None = None,
    command: str = "",
) -> tuple[str, pd.DataFrame]:
    """Store the portfolio that a history makes; parameters and errors: see `account_of` and `Account.save`.

    :returns: 'created', 'unchanged' or 'replaced', and the rows of `tables.Positions`.
    """
    made = account_of(workspace, name, source, transactions, allow_short=allow_short, stated=stated)
    return made.save(workspace, replace=replace, command=command), made.lots


def stored_rule(workspace: Workspace, name: str) -> tuple[LotRule, bool]:
    """The rule of lots of a portfolio, and whether it was said; else, or of a new one, it is the default."""
    registry = workspace.platform.warehouse.portfolios([name]).set_index("portfolio")["lots"].dropna()
    rule: LotRule = registry.get(name, DEFAULT_LOT_RULE)
    return rule, name in registry


def known_splits(workspace: Workspace, rows: pd.DataFrame) -> pd.DataFrame:
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
