"""Refresh tokens: given out at a login, each exchanged once for its successor, ended as a family."""

from dataclasses import dataclass
from hashlib import sha256
from secrets import token_hex, token_urlsafe
from typing import Final, Literal

from sigmasight_dagster.warehouse.access.pool import Connection, Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.access.users import TOKENS, USERS

REFRESH_DAYS: Final = 30
SEPARATOR: Final = "."


@dataclass(frozen=True)
class Session:
    """A login: whose, its family, and the refresh token that is now to be used, which is stored hashed."""

    email: str
    family: str
    refresh_token: str


class SessionStore:
    """Each method is one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, email: str, by: str) -> Session:
        """A new family. Tokens of the user that have expired are deleted."""
        async with self._pool.transaction() as connection:
            await connection.execute(f"DELETE FROM {TOKENS} WHERE email = %s AND expires_at < now()", [email])
            return await _give_out(connection, email, token_hex(16), by)

    async def refresh(self, token: str, by: str) -> Session | Literal["unknown", "replayed"]:
        """Exchange a token for its successor. One that was exchanged before ends its family."""
        family, _, _ = token.partition(SEPARATOR)
        known = {"family": family, "hash": _hash(token)}
        async with self._pool.transaction() as connection:
            # the row is locked: of two that come with the same token, the second finds it used
            exchanged = await connection.execute(
                f"UPDATE {TOKENS} AS t SET used_at = now() FROM {USERS} AS u WHERE family = %(family)s "
                "AND token_hash = %(hash)s AND used_at IS NULL AND revoked_at IS NULL AND expires_at > now() "
                "AND u.email = t.email AND u.disabled_at IS NULL RETURNING t.email",
                known,
            )
            if row := await exchanged.fetchone():
                return await _give_out(connection, row[0], family, by)
            replayed = await connection.execute(
                f"SELECT FROM {TOKENS} WHERE family = %(family)s AND token_hash = %(hash)s "
                "AND used_at IS NOT NULL",
                known,
            )
            if not replayed.rowcount:
                return "unknown"
            await _end(connection, family)
            return "replayed"

    async def end(self, token: str) -> bool:
        """End the family of a token; whether there was such a token."""
        family, _, _ = token.partition(SEPARATOR)
        async with self._pool.transaction() as connection:
            found = await connection.execute(
                f"SELECT FROM {TOKENS} WHERE family = %s AND token_hash = %s", [family, _hash(token)]
            )
            if found.rowcount:
                await _end(connection, family)
            return bool(found.rowcount)


async def _give_out(connection: Connection, email: str, family: str, by: str) -> Session:
    token = f"{family}{SEPARATOR}{token_urlsafe(32)}"
    await connection.execute(
        f"INSERT INTO {TOKENS} (family, token_hash, email, issued_at, expires_at, {AUDIT}) VALUES "
        "(%(family)s, %(hash)s, %(email)s, now(), "
        f"now() + make_interval(days => {REFRESH_DAYS}), {AUDIT_VALUES})",
        {"family": family, "hash": _hash(token), "email": email, **audit(by)},
    )
    return Session(email, family, token)


async def _end(connection: Connection, family: str) -> None:
    await connection.execute(
        f"UPDATE {TOKENS} SET revoked_at = now() WHERE family = %s AND revoked_at IS NULL", [family]
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
