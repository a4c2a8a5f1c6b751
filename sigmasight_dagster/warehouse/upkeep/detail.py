"""Retention: the detail of old dates leaves, with its publications; what sums it up stays."""

from typing import Any

import pandas as pd

from sigmasight_core.tables import TABLES, Table, facts, table_name
from sigmasight_dagster.warehouse.checksums.partitions import PUBLISHED, delete
from sigmasight_dagster.warehouse.database import Database
from sigmasight_dagster.warehouse.layout.schema import rows_of_stored, stored
from sigmasight_dagster.warehouse.rectangle import LOCKS_PER_TABLE
from sigmasight_dagster.warehouse.sql import literal, lock_key


def retire(database: Database, before: pd.Timestamp, *, dry_run: bool) -> pd.DataFrame:
    """See `Warehouse.retire`. Each table is one transaction, with the locks of its writers."""
    detail = (model for model in TABLES if facts(model).detail)
    return pd.DataFrame([_retire(database, model, before, dry_run=dry_run) for model in detail])


def _retire(database: Database, model: type[Table], before: pd.Timestamp, *, dry_run: bool) -> dict[str, Any]:
    name = table_name(model)
    old = f"date < {literal(before.strftime('%Y-%m-%d'))}"
    rows = f"FROM {stored(model)} WHERE {old}"
    these = f" WHERE table_name = {literal(name)} AND {old}"
    locks = () if dry_run else (lock_key(name, str(bucket)) for bucket in range(LOCKS_PER_TABLE))
    with database.transaction(*locks) as cursor:
        counts = []
        part = (
            f"count(*) FILTER (WHERE {old}) * pg_total_relation_size({literal(stored(model))}) "
            f"/ greatest(count(*), 1) FROM {stored(model)}"
        )
        for counted in (f"count(*) FROM {PUBLISHED}{these}", f"sum({rows_of_stored(model)}) {rows}", part):
            cursor.execute(f"SELECT coalesce((SELECT {counted}), 0)::bigint")
            counts.append(int(cursor.fetchone()[0]))
        if not dry_run:
            delete(cursor, these)
            cursor.execute(f"DELETE {rows}")
    return {"what": name, "n_partitions": counts[0], "n_rows": counts[1], "n_bytes": counts[2]}
