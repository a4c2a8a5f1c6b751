"""Old runs and their events, in a few statements: five rows a partition are too many for one run at a time.

What the UI's statuses, data versions and failures are made of stays for good: of each partition its latest
materialization and observation, its last attempt where that has published nothing, with the run of it, and
of each check its latest evaluation. So deleting the rest turns no partition to missing, and none to green.

A range run of dates plans each of its checks once a date, and evaluates it once: plans of an ended run, a
good part of what a backfill stores in Dagster's database, leave whatever their age, but for the latest.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import dagster as dg
import pandas as pd
import sqlalchemy as sa

_PREPARE: Final = (
    # The latest event of each kind that says something of a partition; of planned ones see below.
    """CREATE TEMPORARY TABLE latest ON COMMIT DROP AS
    SELECT asset_key, partition, dagster_event_type AS kind, max(id) AS id FROM event_logs
    WHERE asset_key IS NOT NULL AND dagster_event_type IN
        ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION', 'ASSET_MATERIALIZATION_PLANNED')
    GROUP BY 1, 2, 3""",
    # Attempts that no materialization has followed: what is in progress, failed or canceled.
    """DELETE FROM latest AS planned USING latest AS made
    WHERE planned.kind = 'ASSET_MATERIALIZATION_PLANNED' AND made.kind = 'ASSET_MATERIALIZATION'
        AND made.asset_key = planned.asset_key AND made.partition IS NOT DISTINCT FROM planned.partition
        AND made.id > planned.id""",
    """CREATE TEMPORARY TABLE last_checks ON COMMIT DROP AS
    SELECT DISTINCT ON (asset_key, check_name, planned, partition) id, run_id, event_id FROM (
        SELECT id, run_id, evaluation_event_storage_id AS event_id, asset_key, check_name,
            execution_status = 'PLANNED' AS planned,
            CASE WHEN execution_status <> 'PLANNED' THEN partition END AS partition
        FROM asset_check_executions) AS c
    ORDER BY asset_key, check_name, planned, partition, id DESC""",
    """CREATE TEMPORARY TABLE needed_runs ON COMMIT DROP AS
    SELECT e.run_id FROM latest AS l JOIN event_logs AS e ON e.id = l.id
        WHERE l.kind = 'ASSET_MATERIALIZATION_PLANNED'
    UNION SELECT run_id FROM last_checks
    UNION SELECT last_run_id FROM asset_keys
    UNION SELECT run_id FROM concurrency_slots UNION SELECT run_id FROM pending_steps""",
    """CREATE TEMPORARY TABLE old_runs ON COMMIT DROP AS
    SELECT r.run_id FROM runs AS r
    WHERE r.status IN ('SUCCESS', 'FAILURE', 'CANCELED')
        AND coalesce(to_timestamp(r.end_time), r.update_timestamp AT TIME ZONE 'UTC') < :before
        AND NOT EXISTS (SELECT FROM needed_runs AS n WHERE n.run_id = r.run_id)
        AND NOT EXISTS (SELECT FROM bulk_actions AS b WHERE b.key = r.backfill_id
            AND b.status IN ('REQUESTED', 'CANCELING', 'FAILING'))""",
    """CREATE TEMPORARY TABLE kept_events ON COMMIT DROP AS
    SELECT id FROM latest UNION SELECT event_id FROM last_checks WHERE event_id IS NOT NULL""",
    """CREATE TEMPORARY TABLE old_events ON COMMIT DROP AS
    SELECT e.id FROM event_logs AS e
    LEFT JOIN kept_events AS k ON k.id = e.id LEFT JOIN old_runs AS o ON o.run_id = e.run_id
    WHERE k.id IS NULL AND (o.run_id IS NOT NULL OR (e.timestamp < (:before AT TIME ZONE 'UTC')
        AND NOT EXISTS (SELECT FROM runs AS r WHERE r.run_id = e.run_id)))""",
    "CREATE INDEX ON old_events (id)",
    "ANALYZE old_events",
)

_OLD_RUN: Final = "t.run_id IN (SELECT run_id FROM old_runs)"
_OLD: Final[Mapping[str, str]] = {
    "asset_event_tags": "t.event_id IN (SELECT id FROM old_events)",
    "event_logs": "t.id IN (SELECT id FROM old_events)",
    "asset_check_executions": f"""t.id NOT IN (SELECT id FROM last_checks) AND ({_OLD_RUN} OR (
        t.evaluation_event_timestamp < (:before AT TIME ZONE 'UTC')
        AND NOT EXISTS (SELECT FROM runs AS r WHERE r.run_id = t.run_id))
        OR (t.execution_status = 'PLANNED' AND t.partition IS NOT NULL AND EXISTS (
            SELECT FROM runs AS r
            WHERE r.run_id = t.run_id AND r.status IN ('SUCCESS', 'FAILURE', 'CANCELED'))))""",
    "run_tags": _OLD_RUN,
    "runs": _OLD_RUN,
    "bulk_actions": """t.timestamp < (:before AT TIME ZONE 'UTC')
        AND t.status NOT IN ('REQUESTED', 'CANCELING', 'FAILING') AND NOT EXISTS (
            SELECT FROM runs AS r WHERE r.backfill_id = t.key
            AND r.run_id NOT IN (SELECT run_id FROM old_runs))""",
    "backfill_tags": "NOT EXISTS (SELECT FROM bulk_actions AS b WHERE b.key = t.backfill_id)",
}
"""Which rows `t` of a table go, in the order in which they do."""


def retire(instance: dg.DagsterInstance, before: dt.datetime, *, dry_run: bool) -> pd.DataFrame:
    """Delete runs that ended before a moment, with all of their events that nothing is made of any more.

    In one transaction. Unfinished runs stay, and those that the statuses of partitions and checks are of.

    :returns: what (a table of Dagster's database), n_rows, n_bytes: the part of the table's room that they
        take, indexes and long values included.
    """
    url = instance.event_log_storage.postgres_url  # type: ignore[attr-defined]
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"application_name": "sigmasight"})
    rows = []
    with engine.connect() as connection, connection.begin() as transaction:
        for statement in _PREPARE:
            _execute(connection, statement, before)
        for table, condition in _OLD.items():
            n_rows = int(
                _execute(
                    connection, f"SELECT count(*) FROM {table} AS t WHERE {condition}", before
                ).scalar_one()
            )
            size = f"SELECT pg_total_relation_size('{table}') / greatest(count(*), 1) FROM {table}"
            n_bytes = n_rows * int(_execute(connection, size, before).scalar_one())
            rows.append({"what": table, "n_rows": n_rows, "n_bytes": n_bytes})
            if not dry_run:
                _execute(connection, f"DELETE FROM {table} AS t WHERE {condition}", before)
        if dry_run:
            transaction.rollback()
    engine.dispose()
    return pd.DataFrame(rows)


def _execute(connection: sa.Connection, statement: str, before: dt.datetime) -> sa.CursorResult[Any]:
    given = {"before": before} if ":before" in statement else {}
    return connection.execute(sa.text(statement), given)
