"""The log of who changed what through the API."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import uuid4

from sigmasight_core.tables import table_name
from sigmasight_core.tables.access.users import Activity
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

ACTIVITY = quoted(SCHEMA, table_name(Activity))


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


async def exported(pool: Pool, email: str | None, limit: int) -> list[tuple[datetime, str, str, str]]:
    """Files that left, the newest first: when, action, target, request id. :param email: None = all."""
    rows = await pool.rows(
        f"SELECT occurred_at, action, target, request_id FROM {ACTIVITY} WHERE action LIKE '%%/export/%%' "
        "AND status_code < 300 AND coalesce(%(email)s, email) = email "
        "ORDER BY occurred_at DESC, activity_id LIMIT %(limit)s",
        {"email": email, "limit": limit},
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]
