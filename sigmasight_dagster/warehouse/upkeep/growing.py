"""Tables that grow by what happens, not by dates: rows leave when they are old and nothing needs them.

What stays whatever its age: ledgers with their changes, what users have saved, doubts, publications, who took
and changed what (`activity`), and the rows that something of today is still made of.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd

from sigmasight_core.alerts.watched import CheckOutcomes, PortfolioCoverage, SymbolCoverage
from sigmasight_core.tables import (
    AlertDeliveries,
    Alerts,
    Corrections,
    RejectedRows,
    SupersededRows,
    Table,
    primary_key,
    table_name,
)
from sigmasight_core.tables.access.managed import AlertAcknowledgements, Uploads
from sigmasight_core.tables.access.modeling import ModelingSessions
from sigmasight_core.tables.access.users import RefreshTokens
from sigmasight_dagster.warehouse import versions
from sigmasight_dagster.warehouse.database import Database
from sigmasight_dagster.warehouse.layout.schema import stored
from sigmasight_dagster.warehouse.rows import AuditStamp
from sigmasight_dagster.warehouse.sql import literal, one_of

_LASTING: Final = one_of("table_name", map(table_name, (CheckOutcomes, PortfolioCoverage, SymbolCoverage)))
"""Alerts of how things are now, which last until they are cleared."""
_SAME_ALERT: Final = " AND ".join(f"a.{name} = t.{name}" for name in primary_key(Alerts))
_ALERTS: Final[Mapping[type[Table], str]] = {
    Alerts: f"t.computed_at < {{before}} AND NOT (t.state = 'firing' AND {_LASTING}) AND NOT EXISTS "
    f"(SELECT FROM {stored(AlertDeliveries)} AS a WHERE {_SAME_ALERT} AND a.delivery = 'pending')",
    AlertDeliveries: "t.computed_at < {before} AND t.delivery <> 'pending'",
    AlertAcknowledgements: "t.acknowledged_at < {before} AND NOT EXISTS "
    f"(SELECT FROM {stored(Alerts)} AS a WHERE {_SAME_ALERT})",
}
_HISTORY: Final[Mapping[type[Table], str]] = {
    SupersededRows: f"t.known_until < {{before}} AND t.row_key <> {literal(versions.FORGOTTEN)}",
    Corrections: "t.changed_at < {before} AND t.date > {stale}",
    RejectedRows: "t.computed_at < {before}",
    Uploads: "t.changed_at < {before}",
    ModelingSessions: "t.changed_at < {before}",
    RefreshTokens: "t.expires_at < {before}",
}


def retire_alerts(database: Database, before: pd.Timestamp, *, dry_run: bool) -> pd.DataFrame:
    """See `Warehouse.retire_alerts`."""
    return _retire(database, _ALERTS, before, {}, dry_run=dry_run)


def retire_history(
    database: Database,
    before: pd.Timestamp,
    stale_until: pd.Timestamp | None,
    stamp: AuditStamp,
    *,
    dry_run: bool,
) -> pd.DataFrame:
    """See `Warehouse.retire_history`."""
    stale = "'-infinity'::date" if stale_until is None else literal(f"{stale_until:%Y-%m-%d}")
    return _retire(database, _HISTORY, before, {"stale": stale}, stamp, dry_run=dry_run)


def _retire(
    database: Database,
    old: Mapping[type[Table], str],
    before: pd.Timestamp,
    given: Mapping[str, str],
    stamp: AuditStamp | None = None,
    *,
    dry_run: bool,
) -> pd.DataFrame:
    moment = f"{literal(before.isoformat())}::timestamptz"
    conditions = {model: text.format(before=moment, **given) for model, text in old.items()}
    with database.transaction() as cursor:
        return pd.DataFrame(_tables(cursor, conditions, stamp, dry_run=dry_run))


def _tables(
    cursor: Any, conditions: Mapping[type[Table], str], stamp: AuditStamp | None, *, dry_run: bool
) -> Iterator[dict[str, Any]]:
    for model, condition in conditions.items():
        table = stored(model)
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE {condition}), "
            f"pg_total_relation_size({literal(table)}) / greatest(count(*), 1) FROM {table} AS t"
        )
        n_rows, bytes_each = map(int, cursor.fetchone())
        if n_rows and not dry_run:
            if model is SupersededRows and stamp is not None:
                versions.forget(cursor, condition, stamp)
            cursor.execute(f"DELETE FROM {table} AS t WHERE {condition}")
        yield {"what": table_name(model), "n_rows": n_rows, "n_bytes": n_rows * bytes_each}
