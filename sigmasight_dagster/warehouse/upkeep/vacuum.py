"""Who keeps vacuum from giving back the room of replaced rows: it stops at the oldest open snapshot."""

from typing import Final

from sigmasight_dagster.warehouse.database import Database

HELD_MINUTES: Final = 60
"""A backfill's own transactions take seconds."""

_HOLDING: Final = """
SELECT format('session %s of %s (%s, %s) since %s UTC', pid, usename,
    coalesce(nullif(application_name, ''), 'no name'), state,
    to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) AS who, xact_start AS since
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
    AND xact_start < now() - make_interval(mins => {minutes})
UNION ALL
SELECT format('prepared transaction %s of %s since %s UTC', gid, owner,
    to_char(prepared AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')), prepared
FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < now() - make_interval(mins => {minutes})
UNION ALL
SELECT format('replication slot %s', slot_name), NULL FROM pg_replication_slots
WHERE (xmin IS NOT NULL OR catalog_xmin IS NOT NULL) AND NOT active
ORDER BY since NULLS LAST
"""


def held_back(database: Database, minutes: float = HELD_MINUTES) -> list[str]:
    """See `Warehouse.vacuum_held_back`."""
    return database.query(_HOLDING.format(minutes=int(minutes)))["who"].to_pylist()
