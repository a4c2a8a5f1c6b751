"""Users of the API, and which portfolios are theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sigmasight_core.errors import InputError
from sigmasight_core.tables import table_name
from sigmasight_core.tables.access.users import RefreshTokens
from sigmasight_dagster.warehouse.access.pool import Connection, Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.access.theirs import GRANTS, REGISTRY, THEIRS, USERS
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

TOKENS: Final = quoted(SCHEMA, table_name(RefreshTokens))

SESSION_USER: Final = (
    f"SELECT u.email, u.role, {THEIRS} AS portfolios FROM {USERS} AS u WHERE u.email = %(email)s "
    f"AND u.disabled_at IS NULL AND EXISTS (SELECT FROM {TOKENS} AS t WHERE t.family = %(family)s "
    "AND t.email = u.email AND t.revoked_at IS NULL)"
)
"""The user of an access token: no row when they are disabled, or the login it is of has ended."""


class UserExists(InputError):
    """There is a user of the address already."""


@dataclass(frozen=True)
class User:
    """A user as a request sees them. `portfolios`: the registered ones that they may see, sorted."""

    email: str
    role: str
    portfolios: tuple[str, ...]


class UserStore:
    """Each method is one statement or one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def password_hash(self, email: str) -> str | None:
        """Of a user who may log in."""
        found = await self._pool.row(
            f"SELECT password_hash FROM {USERS} WHERE email = %s AND disabled_at IS NULL", [email]
        )
        return found[0] if found else None

    async def with_session(self, email: str, family: str) -> User | None:
        """The user of an access token; None when they are disabled, or the login it is of has ended."""
        found = await self._pool.row(SESSION_USER, {"email": email, "family": family})
        return User(found[0], found[1], tuple(found[2])) if found else None

    async def every(self) -> list[dict[str, Any]]:
        """email, role, portfolios (granted ones), added_at, disabled_at, by address."""
        granted = f"ARRAY(SELECT portfolio FROM {GRANTS} AS g WHERE g.email = u.email ORDER BY 1)"
        names = ("email", "role", "portfolios", "added_at", "disabled_at")
        rows = await self._pool.rows(
            f"SELECT email, role, {granted}, added_at, disabled_at FROM {USERS} AS u ORDER BY email"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def add(
        self, email: str, password_hash: str, role: str, portfolios: Sequence[str], by: str
    ) -> None:
        """:raises UserExists: when there is such a user; :raises InputError: when no such portfolio."""
        async with self._pool.transaction() as connection:
            await _require_portfolios(connection, portfolios)
            added = await connection.execute(
                f"INSERT INTO {USERS} (email, password_hash, role, added_at, {AUDIT}) "
                f"VALUES (%(email)s, %(hash)s, %(role)s, now(), {AUDIT_VALUES}) ON CONFLICT DO NOTHING",
                {"email": email, "hash": password_hash, "role": role, **audit(by)},
            )
            if not added.rowcount:
                raise UserExists(f"user {email}: there is one already")
            await connection.execute(
                f"INSERT INTO {GRANTS} (email, portfolio, {AUDIT}) "
                f"SELECT %(email)s, portfolio, {AUDIT_VALUES} FROM unnest(%(names)s::text[]) AS portfolio",
                {"email": email, "names": list(dict.fromkeys(portfolios)), **audit(by)},
            )

    async def set_password(self, email: str, password_hash: str, by: str) -> None:
        """Also ends the user's open sessions. :raises InputError: when there is no such user."""
        await self._change(email, "password_hash = %(value)s", password_hash, by)

    async def disable(self, email: str, by: str) -> None:
        """Also ends the user's open sessions. :raises InputError: when there is no such user."""
        await self._change(email, "disabled_at = coalesce(disabled_at, now())", None, by)

    async def registered(self, portfolio: str) -> bool:
        """Whether there is such a portfolio, whoever's."""
        return bool(await self._pool.row(f"SELECT 1 FROM {REGISTRY} WHERE portfolio = %s", [portfolio]))

    async def _change(self, email: str, change: str, value: str | None, by: str) -> None:
        async with self._pool.transaction() as connection:
            changed = await connection.execute(
                f"UPDATE {USERS} SET {change}, run_id = %(run_id)s, computed_at = now() "
                "WHERE email = %(email)s",
                {"email": email, "value": value, "run_id": by},
            )
            if not changed.rowcount:
                raise InputError(f"user {email}: there is none; list them: sigmasight users list")
            await connection.execute(
                f"UPDATE {TOKENS} SET revoked_at = now() WHERE email = %s AND revoked_at IS NULL", [email]
            )


async def _require_portfolios(connection: Connection, names: Sequence[str]) -> None:
    found = await connection.execute(
        f"SELECT name FROM unnest(%s::text[]) AS name WHERE name NOT IN (SELECT portfolio FROM {REGISTRY})",
        [list(names)],
    )
    unknown = [row[0] for row in await found.fetchall()]
    if unknown:
        raise InputError(f"unknown portfolio {', '.join(unknown)}; list them: sigmasight portfolios")
