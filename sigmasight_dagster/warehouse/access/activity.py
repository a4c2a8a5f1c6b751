"""The log of who changed what through the API."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sigmasight_core.tables import table_name
from sigmasight_core.tables.access.users import Activity
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

ACTIVITY = quoted(SCHEMA, table_name(Activity))
_TOOK_A_FILE: Final = (
    "action LIKE '%%/export/%%' AND NOT action LIKE ANY "
    "(ARRAY['%%/reports/generate', '%%/reports/schedule', '%%/reports/schedule/%%'])"
)


@dataclass(frozen=True)
class Done:
    """One request that was to change something: columns of `tables.access.users.Activity`."""

    email: str
    action: str
    target: str
    status_code: int
    request_id: str
    client: str


async def note(pool: Pool, done: Done) -> None:
    """Append one row."""
    names = tuple(asdict(done))
    values = ", ".join(f"%({name})s" for name in names)
    async with pool.transaction() as connection:
        await connection.execute(
            f"INSERT INTO {ACTIVITY} (occurred_at, activity_id, {', '.join(names)}, {AUDIT}) "
            f"VALUES (clock_timestamp(), %(activity_id)s, {values}, {AUDIT_VALUES})",
            {"activity_id": uuid4().hex, **asdict(done), **audit(done.request_id)},
        )


@dataclass(frozen=True)
class Exported:
    """One file that left."""

    occurred_at: datetime
    action: str
    target: str
    request_id: str
    activity_id: str


async def exported(
    pool: Pool, email: str | None, limit: int, after: tuple[datetime, str] | None = None
) -> list[Exported]:
    """Files that left, the newest first.

    :param email: of who took them; None = anybody. :param after: time and id of the last one before.
    """
    moment, key = after or (None, None)
    rows = await pool.rows(
        f"SELECT occurred_at, action, target, request_id, activity_id FROM {ACTIVITY} "
        f"WHERE {_TOOK_A_FILE} AND status_code < 300 AND coalesce(%(email)s, email) = email "
        "AND (%(moment)s::timestamptz IS NULL OR (occurred_at, activity_id) < (%(moment)s, %(key)s)) "
        "ORDER BY occurred_at DESC, activity_id DESC LIMIT %(limit)s",
        {"email": email, "limit": limit, "moment": moment, "key": key},
    )
    return [Exported(*row) for row in rows]
