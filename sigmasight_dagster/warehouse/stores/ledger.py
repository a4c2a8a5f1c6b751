"""The ledger: registering, replacing and removing a portfolio with its positions, and the history of it.

Every change is written to `ledger_changes` in the transaction that makes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from sigmasight_core.account.positions_file import listed_account, stated_with_date, with_derived
from sigmasight_core.conventions import DEFAULT_LOT_RULE
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import (
    cash_change,
    position_changes,
    transaction_changes,
    with_stored_ids,
)
from sigmasight_core.tables import (
    BenchmarkHoldings,
    LedgerChanges,
    Portfolios,
    Positions,
    Table,
    Transactions,
    table_name,
    validate,
)
from sigmasight_core.tables.ledger import portfolio_terms
from sigmasight_dagster.warehouse.checksums.seals import require_sealed, seal
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.errors import already_registered
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import literal, one_of, quoted
from sigmasight_dagster.warehouse.stores import holdings
from sigmasight_dagster.warehouse.stores.history import locks, note
from sigmasight_dagster.warehouse.stores.removal import (
    Removed,
    delete_access,
    delete_results,
    hand_over,
    require_owner,
)
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select
from sigmasight_dagster.warehouse.unpublish import (
    unpublish,
    unpublish_beside_benchmark,
    unpublish_beside_holdings,
)

Saved = Literal["created", "unchanged", "replaced"]


class LedgerStore(Reader):
    """Portfolios, their positions, and the history of both."""

    def save_portfolio(
        self,
        portfolio: Mapping[str, Any] | pd.Series,
        positions: pd.DataFrame,
        stamp: AuditStamp,
        replace: bool = False,
        command: str = "",
        expected: pd.DataFrame | None = None,
        transactions: pd.DataFrame | None = None,
        owner: str = "",
    ) -> Saved:
        """Register a portfolio with its positions, or replace them, in one transaction, with its history.

        Its account is stored with them: the transactions given, or those that the positions stand for.

        Results of a replaced ledger stay in their tables, but from the first entry date among the positions
        that differ (all dates, if the cash, the margin or the settlement differs) they no longer count as
        published; with another benchmark neither do those that are held against it, on any date,
        and what the former one holds is deleted.

        :param portfolio: one row of `Portfolios`; without one of the `portfolio_terms` the stored one stays.
        :param positions: rows of `Positions` of that portfolio.
        :param command: what the history says has made the change; default: the stamp's run id.
        :param expected: positions that an edit was made from: others stored meanwhile refuse it.
        :param transactions: rows of `Transactions` of that portfolio, from which the positions follow.
        :param owner: address of the user of the API whose it becomes, or whose it must be if it is there.
        :returns: 'unchanged' if cash, terms, positions and transactions are the stored ones.
        :raises InputError: if the stored ones differ and `replace` is not set, it is not the owner's, or an
            edit was made from a ledger that something else than a command has changed.
        :raises DataQualityError: if the rows break their row models.
        """
        wanted = validate(Portfolios, pd.DataFrame([{**dict.fromkeys(portfolio_terms()), **dict(portfolio)}]))
        ledger = validate(Positions, positions)
        name = str(wanted["portfolio"].iloc[0])
        _refuse_strays(name, ledger)
        with self._database.transaction(*locks(name)) as cursor:
            registered = fetch(cursor, Portfolios, select(Portfolios, portfolios=[name]))
            if owner and len(registered):
                require_owner(cursor, name, owner)
            stored = fetch(cursor, Positions, select(Positions, portfolios=[name]))
            if expected is not None and len(registered):
                require_sealed(cursor, name)
            if expected is not None and len(_changes(stored, expected)):
                raise InputError(f"portfolio {name}: its positions changed meanwhile; repeat the command")
            ledger = with_stored_ids(stored=stored, wanted=ledger)
            changed = _changes(stored, ledger)
            wanted = _with_stored_terms(registered, wanted)
            same_cash = registered["cash"].equals(wanted["cash"])
            same_terms = same_cash and _cash_terms(registered) == _cash_terms(wanted)
            same_rule = _lot_rule(registered) == _lot_rule(wanted)
            same_other = registered["benchmark"].equals(wanted["benchmark"])
            rows = fetch(cursor, Transactions, select(Transactions, portfolios=[name]))
            entered = _account(rows, registered, stored)
            same = same_terms and same_rule and same_other and changed.empty
            if transactions is None and len(registered) and same:
                return "unchanged"
            account = (
                validate(Transactions, transactions)
                if transactions is not None
                else _listed(
                    entered,
                    ledger,
                    wanted,
                    keep_statement=same_cash and (expected is not None or stated_with_date(entered)),
                )
            )
            _refuse_strays(name, account, "transaction")
            moved = _changes(entered, account)
            if len(registered) and same and moved.empty:
                return "unchanged"
            if len(registered) and not replace:
                n_changed = changed["position_id"].nunique()
                raise already_registered(name, n_changed, same_terms, same_rule, same_other)
            _delete(cursor, name)
            copy_in(cursor, Portfolios, to_arrow(Portfolios, wanted, stamp))
            copy_in(cursor, Positions, to_arrow(Positions, ledger, stamp))
            copy_in(cursor, Transactions, to_arrow(Transactions, account, stamp))
            if registered.empty:
                hand_over(cursor, name, owner, stamp)
            balance = cash_change(_balance(registered), _balance(wanted))
            note(
                cursor,
                name,
                pd.concat(
                    [
                        balance,
                        position_changes(stored=stored, wanted=ledger),
                        transaction_changes(stored=entered, wanted=account),
                        *([] if same_other else [holdings.drop(cursor, name)]),
                    ]
                ),
                command,
                stamp,
            )
            seal(cursor, name, stamp)
            dates = [*changed["entry_date"], *moved["date"]]
            if len(registered) and (dates or not same_terms):
                unpublish(cursor, name, min(dates) if same_terms else None)
            if len(registered) and not same_other:
                unpublish_beside_benchmark(cursor, name)
                unpublish_beside_holdings(cursor, name)
        return "replaced" if len(registered) else "created"

    def portfolios(self, portfolios: Sequence[str] | None = None) -> pd.DataFrame:
        """The registry: rows of `Portfolios`, those of these portfolios, or all."""
        return self.read(Portfolios, portfolios=portfolios)

    def positions(self, portfolios: Sequence[str] | None = None) -> pd.DataFrame:
        """The ledger: rows of `Positions` of these portfolios, or of all."""
        return self.read(Positions, portfolios=portfolios)

    def transactions(self, portfolios: Sequence[str] | None = None) -> pd.DataFrame:
        """The accounts' entries: rows of `Transactions` of these portfolios, or of all."""
        return self.read(Transactions, portfolios=portfolios)

    def account(self, portfolio: str) -> pd.DataFrame:
        """Rows of `Transactions` of one portfolio; of a ledger without any those that it stands for."""
        mine = self.portfolios([portfolio])
        return _account(self.transactions([portfolio]), mine, self.positions([portfolio]))

    def ledger_changes(self, portfolio: str) -> pd.DataFrame:
        """The history of a portfolio's ledger: rows of `LedgerChanges` with `computed_at` (UTC)."""
        table = quoted(SCHEMA, table_name(LedgerChanges))
        found = self._database.query(
            f"SELECT * FROM {table} WHERE portfolio = {literal(portfolio)} ORDER BY change, position_id"
        )
        times = found["computed_at"].to_pandas()
        names = list(LedgerChanges.to_schema().columns)
        return from_arrow(LedgerChanges, found.select(names)).assign(computed_at=times)

    def ledger_symbols(self, portfolio: str | None = None) -> pd.DataFrame:
        """Symbols that a portfolio (None = any) or its benchmark holds, or that it is beside.

        And since when (UTC) one names them; the one may be any portfolio.

        :returns: symbol, underlying, since.
        """
        models = (Positions, Portfolios, BenchmarkHoldings)
        positions, registry, held = (quoted(SCHEMA, table_name(model)) for model in models)
        named = (
            f"SELECT portfolio, symbol, underlying, computed_at FROM {positions} UNION ALL SELECT portfolio, "
            f"benchmark, benchmark, computed_at FROM {registry} WHERE benchmark IS NOT NULL UNION ALL "
            f"SELECT portfolio, symbol, symbol, computed_at FROM {held}"
        )
        mine = "" if portfolio is None else f" WHERE portfolio = {literal(portfolio)}"
        return self._database.query(
            f"WITH named AS ({named}) SELECT symbol, underlying, min(computed_at) AS since FROM named "
            f"WHERE symbol IN (SELECT symbol FROM named{mine}) "
            "GROUP BY symbol, underlying ORDER BY symbol"
        ).to_pandas()

    def remove_portfolio(self, portfolio: str, stamp: AuditStamp, command: str = "") -> Removed:
        """Remove a portfolio, all its results and who may see it, in one transaction; its history stays.

        So do saved what-ifs, which are records of what was then. See `removal.delete_access`.

        :param command: what the history says has made the change; default: the stamp's run id.
        :raises InputError: if it is not registered.
        """
        with self._database.transaction(*locks(portfolio)) as cursor:
            registered = fetch(cursor, Portfolios, select(Portfolios, portfolios=[portfolio]))
            if registered.empty:
                raise InputError(f"portfolio {portfolio}: not registered; check its name")
            stored = fetch(cursor, Positions, select(Positions, portfolios=[portfolio]))
            _delete(cursor, portfolio)
            balance = cash_change(_balance(registered), None)
            left = position_changes(stored=stored, wanted=stored.iloc[:0])
            gone = pd.concat([balance, left, holdings.drop(cursor, portfolio)])
            note(cursor, portfolio, gone, command, stamp)
            seal(cursor, portfolio, stamp)
            results = delete_results(cursor, portfolio)
            return Removed(len(stored), *results, delete_access(cursor, portfolio))


def _account(rows: pd.DataFrame, registered: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """The stored transactions, or those that a ledger of before there were any stands for."""
    if registered.empty or positions.empty:
        return rows
    first = positions["entry_date"].min()
    found = with_derived(transactions=rows, positions=positions, portfolios=registered, first_date=first)
    return validate(Transactions, found)


def _listed(
    entered: pd.DataFrame, ledger: pd.DataFrame, wanted: pd.DataFrame, keep_statement: bool
) -> pd.DataFrame:
    return validate(
        Transactions,
        listed_account(stored=entered, positions=ledger, portfolio=wanted, keep_statement=keep_statement),
    )


def _refuse_strays(name: str, ledger: pd.DataFrame, what: str = "position") -> None:
    strays = ledger.loc[ledger["portfolio"] != name, "portfolio"]
    if len(strays):
        raise InputError(
            f"portfolio {name}: a {what} belongs to portfolio {strays.iloc[0]}; save each on its own"
        )


def _balance(registered: pd.DataFrame) -> dict[str, Any] | None:
    if registered.empty:
        return None
    stored = registered.iloc[0]
    return {
        "cash": float(stored["cash"]),
        **{name: stored[name] for name in portfolio_terms() if pd.notna(stored[name])},
    }


def _cash_terms(registered: pd.DataFrame) -> tuple[bool, bool]:
    """What changes the cash of every date: whether it may be negative, and whether options bring shares."""
    return bool((registered["margin"] == "yes").any()), bool((registered["settlement"] == "physical").any())


def _lot_rule(registered: pd.DataFrame) -> str:
    """The rule that holds; of a portfolio that is not there yet that of one that never said."""
    return str(registered["lots"].fillna(DEFAULT_LOT_RULE).iloc[0]) if len(registered) else DEFAULT_LOT_RULE


def _with_stored_terms(registered: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    unsaid = [name for name in portfolio_terms() if wanted[name].isna().all()]
    if registered.empty or not unsaid:
        return wanted
    stored = {name: registered[name].to_numpy() for name in unsaid}
    return wanted.assign(**stored).astype(dict.fromkeys(unsaid, "str"))


def _changes(stored: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """Rows that are in only one of the two, a changed one twice."""
    return pd.concat([stored, ledger], ignore_index=True).drop_duplicates(keep=False)


def _delete(cursor: Any, name: str) -> None:
    models: tuple[type[Table], ...] = (Transactions, Positions, Portfolios)
    for model in models:
        cursor.execute(f"DELETE FROM {quoted(SCHEMA, table_name(model))} WHERE {one_of('portfolio', [name])}")
