"""The history of a portfolio's ledger, and the lock under which it is changed."""

from typing import Any, Final

import pandas as pd

from sigmasight_core.tables import LedgerChanges, table_name, validate
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import lock_key, one_of, quoted
from sigmasight_dagster.warehouse.tables import copy_in

EVERY_LEDGER: Final = lock_key("ledger")
"""Held by every change of a ledger, and in shared mode while results of portfolios are stored."""


def note(cursor: Any, name: str, rows: pd.DataFrame, command: str, stamp: AuditStamp) -> None:
    """Append one change to the portfolio's history; a portfolio that is registered empty has a cash row."""
    history = quoted(SCHEMA, table_name(LedgerChanges))
    cursor.execute(f"SELECT coalesce(max(change), 0) AS n FROM {history} WHERE {one_of('portfolio', [name])}")
    number = cursor.fetchone()[0] + 1
    made = rows.assign(portfolio=name, change=number, command=command or stamp.run_id)
    copy_in(cursor, LedgerChanges, to_arrow(LedgerChanges, validate(LedgerChanges, made), stamp))


def locks(name: str) -> tuple[int, int]:
    """Of a portfolio's ledger, and the one that who publishes a portfolio's results shares."""
    return lock_key("ledger", name), EVERY_LEDGER
