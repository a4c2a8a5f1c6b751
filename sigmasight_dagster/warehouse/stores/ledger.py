"""The ledger: registering, replacing and removing a portfolio with its positions, and the history of it.

Every change is written to `ledger_changes` in the transaction that makes it.
"""

from typing import Any, Literal

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import cash_change, position_changes
from sigmasight_core.tables import (
    LedgerChanges,
    Portfolios,
    Positions,
    Publications,
    Table,
    table_name,
    validate,
)
from sigmasight_dagster.warehouse.database import SCHEMA, Database
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import literal, lock_key, one_of, quoted
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select

Saved = Literal["created", "unchanged", "replaced"]


def save(
    database: Database,
    registration: dict[str, Any],
    positions: pd.DataFrame,
    stamp: AuditStamp,
    *,
    replace: bool,
    command: str = "",
    expected: pd.DataFrame | None = None,
) -> Saved:
    """Store a portfolio in one transaction. See `Warehouse.save_portfolio`."""
    wanted = validate(Portfolios, pd.DataFrame([registration]))
    ledger = validate(Positions, positions)
    name = str(wanted["portfolio"].iloc[0])
    strays = ledger.loc[ledger["portfolio"] != name, "portfolio"]
    if len(strays):
        raise InputError(
            f"portfolio {name}: a position belongs to portfolio {strays.iloc[0]}; save each on its own"
        )
    with database.transaction(_lock(name)) as cursor:
        registered = fetch(cursor, Portfolios, select(Portfolios, portfolios=[name]))
        stored = fetch(cursor, Positions, select(Positions, portfolios=[name]))
        if expected is not None and len(_changes(stored, expected)):
            raise InputError(f"portfolio {name}: its positions changed meanwhile; repeat the command")
        changed = _changes(stored, ledger)
        same_cash = registered["cash"].equals(wanted["cash"])
        if len(registered) and same_cash and changed.empty:
            return "unchanged"
        if len(registered) and not replace:
            differing = f"{changed['position_id'].nunique()} positions that differ"
            cash = "" if same_cash else " and another cash balance"
            raise InputError(
                f"portfolio {name}: already registered, with {differing}{cash}; use --replace to overwrite it"
            )
        _delete(cursor, name)
        copy_in(cursor, Portfolios, to_arrow(Portfolios, wanted, stamp))
        copy_in(cursor, Positions, to_arrow(Positions, ledger, stamp))
        balance = cash_change(_cash(registered), _cash(wanted))
        _note(
            cursor, name, pd.concat([balance, position_changes(stored=stored, wanted=ledger)]), command, stamp
        )
        if len(registered):
            _unpublish(cursor, name, changed["entry_date"].min() if same_cash else None)
    return "replaced" if len(registered) else "created"


def remove(database: Database, name: str, stamp: AuditStamp) -> int:
    """Delete a portfolio from the ledger. See `Warehouse.remove_portfolio`."""
    with database.transaction(_lock(name)) as cursor:
        registered = fetch(cursor, Portfolios, select(Portfolios, portfolios=[name]))
        if registered.empty:
            raise InputError(f"portfolio {name}: not registered; check its name")
        stored = fetch(cursor, Positions, select(Positions, portfolios=[name]))
        _delete(cursor, name)
        gone = pd.concat(
            [cash_change(_cash(registered), None), position_changes(stored=stored, wanted=stored.iloc[:0])]
        )
        _note(cursor, name, gone, "", stamp)
        _unpublish(cursor, name, None)
    return len(stored)


def _cash(registered: pd.DataFrame) -> float | None:
    return float(registered["cash"].iloc[0]) if len(registered) else None


def _note(cursor: Any, name: str, rows: pd.DataFrame, command: str, stamp: AuditStamp) -> None:
    """Append one change to the portfolio's history; a portfolio that is registered empty has a cash row."""
    history = quoted(SCHEMA, table_name(LedgerChanges))
    cursor.execute(f"SELECT coalesce(max(change), 0) AS n FROM {history} WHERE {one_of('portfolio', [name])}")
    number = cursor.fetchone()[0] + 1
    made = rows.assign(portfolio=name, change=number, command=command or stamp.run_id)
    copy_in(cursor, LedgerChanges, to_arrow(LedgerChanges, validate(LedgerChanges, made), stamp))


def _lock(name: str) -> int:
    return lock_key("ledger", name)


def _changes(stored: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """Positions that are in only one of the two, a changed one twice."""
    return pd.concat([stored, ledger], ignore_index=True).drop_duplicates(keep=False)


def _delete(cursor: Any, name: str) -> None:
    models: tuple[type[Table], ...] = (Positions, Portfolios)
    for model in models:
        cursor.execute(f"DELETE FROM {quoted(SCHEMA, table_name(model))} WHERE {one_of('portfolio', [name])}")


def _unpublish(cursor: Any, name: str, since: pd.Timestamp | None) -> None:
    """Results of another ledger no longer count as published: from the first date that it changes, or all."""
    days = "" if since is None else f" AND date >= {literal(since.strftime('%Y-%m-%d'))}"
    cursor.execute(
        f"DELETE FROM {quoted(SCHEMA, table_name(Publications))} WHERE {one_of('portfolio', [name])}{days}"
    )
