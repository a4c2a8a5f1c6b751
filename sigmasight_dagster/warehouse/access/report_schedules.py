"""Standing orders for files of reports, as users of the API see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import uuid4

from sigmasight_core.tables import table_name
from sigmasight_core.tables.access.managed import ReportSchedules
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.access.users import User
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

MOST_SCHEDULES: Final = 100
"""Of one user."""

_TABLE: Final = quoted(SCHEMA, table_name(ReportSchedules))
_COLUMNS: Final = (
    "schedule_id, email, portfolio, period, formats, added_at, last_report_date, last_run, written_at"
)
_THEIRS: Final = "portfolio = ANY(%(portfolios)s) AND (%(admin)s OR email = %(email)s)"


@dataclass(frozen=True)
class ReportSchedule:
    """One standing order; see `tables.access.managed.ReportSchedules`."""

    schedule_id: str
    email: str
    portfolio: str
    period: str
    formats: tuple[str, ...]
    added_at: datetime
    last_report_date: date | None
    last_run: str | None
    written_at: datetime | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "ReportSchedule":
        cells = [*row[:4], tuple(row[4].split(",")), *row[5:]]
        return cls(*cells)


async def add_schedules(
    pool: Pool, user: User, portfolios: Sequence[str], period: str, formats: Sequence[str], by: str
) -> list[ReportSchedule]:
    """One for each portfolio; none at all where the user would have more than `MOST_SCHEDULES`."""
    given = {
        **audit(by),
        "email": user.email,
        "ids": [uuid4().hex for _ in portfolios],
        "names": list(portfolios),
        "period": period,
        "formats": ",".join(formats),
        "most": MOST_SCHEDULES - len(portfolios),
    }
    async with pool.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%(email)s))", given)
        made = await connection.execute(
            f"INSERT INTO {_TABLE} (schedule_id, email, portfolio, period, formats, added_at, {AUDIT}) "
            f"SELECT i, %(email)s, p, %(period)s, %(formats)s, now(), {AUDIT_VALUES} "
            "FROM unnest(%(ids)s::text[], %(names)s::text[]) AS g (i, p) "
            f"WHERE (SELECT count(*) FROM {_TABLE} WHERE email = %(email)s) <= %(most)s RETURNING {_COLUMNS}",
            given,
        )
        return [ReportSchedule.of(row) for row in await made.fetchall()]


async def schedules_of(pool: Pool, user: User) -> list[ReportSchedule]:
    """Those of the user's portfolios that they ordered, an admin everybody's, the oldest first."""
    rows = await pool.rows(
        f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {_THEIRS} ORDER BY added_at, schedule_id", _of(user)
    )
    return [ReportSchedule.of(row) for row in rows]


async def remove_schedule(pool: Pool, user: User, schedule_id: str) -> bool:
    """Take one back that `schedules_of` shows; whether there was one."""
    async with pool.transaction() as connection:
        gone = await connection.execute(
            f"DELETE FROM {_TABLE} WHERE schedule_id = %(id)s AND {_THEIRS}",
            {**_of(user), "id": schedule_id},
        )
        return bool(gone.rowcount)


def _of(user: User) -> dict[str, Any]:
    return {"email": user.email, "portfolios": list(user.portfolios), "admin": user.role == "admin"}
