"""Open modeling sessions: kept between requests, seen by their user alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_urlsafe
from typing import Any, Final

from sigmasight_core.tables import table_name
from sigmasight_core.tables.access.modeling import ModelingSessions
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.access.users import User
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

MOST_OPEN: Final = 100
"""Open sessions of one user."""
KEPT_DAYS: Final = 30
"""After which a session that nobody changes is deleted, when its user opens another one."""

_TABLE: Final = quoted(SCHEMA, table_name(ModelingSessions))
_HEAD: Final = (
    "session_id, portfolio, trade_date, trades, version, comparison IS NOT NULL, saved_as, "
    "created_at, changed_at"
)
_THEIRS: Final = "email = %(email)s AND portfolio = ANY(%(portfolios)s)"


@dataclass(frozen=True)
class OpenSession:
    """A session without its results. `calculated`: whether there are some, of these trades."""

    session_id: str
    portfolio: str
    trade_date: date
    trades: list[dict[str, Any]]
    version: int
    calculated: bool
    saved_as: str | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: Sequence[Any]) -> "OpenSession":
        return cls(row[0], row[1], row[2], json.loads(row[3]), *row[4:])


class ModelingStore:
    """Each method is one transaction, and sees a user's sessions of portfolios that are still theirs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, user: User, portfolio: str, trade_date: date, by: str) -> OpenSession | None:
        """A new session without trades; None when the user has `MOST_OPEN`."""
        given = {
            **_of(user),
            **audit(by),
            "id": token_urlsafe(12),
            "portfolio": portfolio,
            "date": trade_date,
            "most": MOST_OPEN,
        }
        async with self._pool.transaction() as connection:
            old = f"email = %(email)s AND changed_at < now() - make_interval(days => {KEPT_DAYS})"
            await connection.execute(f"DELETE FROM {_TABLE} WHERE {old}", given)
            made = await connection.execute(
                f"INSERT INTO {_TABLE} (session_id, email, portfolio, trade_date, trades, version, "
                f"created_at, changed_at, {AUDIT}) SELECT %(id)s, %(email)s, %(portfolio)s, %(date)s, '[]', "
                f"0, now(), now(), {AUDIT_VALUES} WHERE %(most)s > "
                f"(SELECT count(*) FROM {_TABLE} WHERE email = %(email)s) RETURNING {_HEAD}",
                given,
            )
            row = await made.fetchone()
        return OpenSession.of(row) if row else None

    async def every(self, user: User, portfolio: str | None) -> list[OpenSession]:
        """The newest change first. :param portfolio: of this one only."""
        rows = await self._pool.rows(
            f"SELECT {_HEAD} FROM {_TABLE} WHERE {_THEIRS} "
            "AND coalesce(%(portfolio)s, portfolio) = portfolio ORDER BY changed_at DESC, session_id",
            {**_of(user), "portfolio": portfolio},
        )
        return [OpenSession.of(row) for row in rows]

    async def get(self, user: User, session_id: str) -> OpenSession | None:
        row = await self._pool.row(
            f"SELECT {_HEAD} FROM {_TABLE} WHERE {_THEIRS} AND session_id = %(id)s",
            {**_of(user), "id": session_id},
        )
        return OpenSession.of(row) if row else None

    async def comparison(self, user: User, session_id: str) -> dict[str, Any] | None:
        """What was computed; None when nothing is, or there is no such session."""
        row = await self._pool.row(
            f"SELECT comparison FROM {_TABLE} WHERE {_THEIRS} AND session_id = %(id)s",
            {**_of(user), "id": session_id},
        )
        return json.loads(row[0]) if row and row[0] else None

    async def set_trades(self, user: User, session: OpenSession, trades: Sequence[dict[str, Any]]) -> bool:
        """Other trades, which ends the results; False when the session was changed or removed meanwhile."""
        return await self._set(
            user,
            session,
            "trades = %(value)s, version = version + 1, comparison = NULL, saved_as = NULL",
            json.dumps(list(trades), allow_nan=False),
        )

    async def set_comparison(self, user: User, session: OpenSession, comparison: dict[str, Any]) -> bool:
        """Results of the session's trades; False when they were changed, or it was removed, meanwhile."""
        text = json.dumps(comparison, allow_nan=False)
        return await self._set(user, session, "comparison = %(value)s, saved_as = NULL", text)

    async def remove(self, user: User, session_id: str) -> bool:
        """Whether there was one."""
        async with self._pool.transaction() as connection:
            gone = await connection.execute(
                f"DELETE FROM {_TABLE} WHERE {_THEIRS} AND session_id = %(id)s",
                {**_of(user), "id": session_id},
            )
            return bool(gone.rowcount)

    async def _set(self, user: User, session: OpenSession, change: str, value: str) -> bool:
        async with self._pool.transaction() as connection:
            done = await connection.execute(
                f"UPDATE {_TABLE} SET {change}, changed_at = now() "
                f"WHERE {_THEIRS} AND session_id = %(id)s AND version = %(version)s",
                {**_of(user), "id": session.session_id, "version": session.version, "value": value},
            )
            return bool(done.rowcount)


def _of(user: User) -> dict[str, Any]:
    return {"email": user.email, "portfolios": list(user.portfolios)}
