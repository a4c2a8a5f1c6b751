"""Files that users sent, and what became of them."""

import json
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from sigmasight_core.tables import table_name
from sigmasight_core.tables.access.managed import Uploads
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.stamps import AUDIT, AUDIT_VALUES, audit
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

UPLOADS: Final = quoted(SCHEMA, table_name(Uploads))
KEPT_DAYS: Final = 30
"""After so long an upload that has not been stored is deleted."""
LONGEST_SECONDS: Final = 600
"""No file takes so long: what is still `received` then, nobody works on."""
_STOPPED: Final = "the server stopped before it was done: POST onboarding/{id}/retry; nothing is stored twice"


@dataclass(frozen=True)
class Upload:
    """One upload; see `tables.access.managed.Uploads`."""

    upload_id: str
    portfolio: str
    file_name: str
    options: dict[str, Any]
    content: str
    state: str
    result: dict[str, Any]


def about_the_file(reason: str) -> dict[str, Any]:
    """A result with one error, which is of no line."""
    return {"errors": [{"line": None, "column": "", "value": "", "reason": reason}], "warnings": []}


class UploadStore:
    """Each method is one statement or one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._since = time.monotonic()

    async def add(
        self, email: str, portfolio: str, file_name: str, options: dict[str, Any], content: str, by: str
    ) -> Upload:
        """Keep a file. The user's old ones are deleted."""
        made = Upload(uuid4().hex, portfolio, file_name, options, content, "received", {})
        async with self._pool.transaction() as connection:
            await connection.execute(
                f"DELETE FROM {UPLOADS} WHERE email = %s AND changed_at < now() - make_interval(days => %s)",
                [email, KEPT_DAYS],
            )
            await connection.execute(
                f"INSERT INTO {UPLOADS} (upload_id, email, portfolio, file_name, options, content, state, "
                f"result, received_at, changed_at, {AUDIT}) VALUES (%(upload_id)s, %(email)s, %(portfolio)s, "
                f"%(file_name)s, %(options)s, %(content)s, 'received', '{{}}', now(), now(), {AUDIT_VALUES})",
                {
                    "upload_id": made.upload_id,
                    "email": email,
                    "portfolio": portfolio,
                    "file_name": file_name,
                    "options": json.dumps(options),
                    "content": content,
                    **audit(by),
                },
            )
        return made

    async def of(self, email: str, upload_id: str) -> Upload | None:
        """A user's own upload. One that was received before this server began, or long ago, has failed.

        A server that still works on it, because it is another one, says so when it is done.
        """
        row = await self._pool.row(
            "SELECT upload_id, portfolio, file_name, options, content, state, result, state = 'received' "
            "AND changed_at < now() - make_interval(secs => %(seconds)s::float8) "
            f"FROM {UPLOADS} WHERE upload_id = %(id)s AND email = %(email)s",
            {
                "seconds": min(time.monotonic() - self._since, LONGEST_SECONDS),
                "id": upload_id,
                "email": email,
            },
        )
        if row is None:
            return None
        state, result = ("failed", about_the_file(_STOPPED)) if row[7] else (row[5], json.loads(row[6]))
        return Upload(row[0], row[1], row[2], json.loads(row[3]), row[4], state, result)

    async def say(self, upload_id: str, state: str, result: dict[str, Any]) -> None:
        """What has become of one; the text of a stored file is not kept."""
        async with self._pool.transaction() as connection:
            await connection.execute(
                f"UPDATE {UPLOADS} SET state = %(state)s, result = %(result)s, changed_at = now(), "
                "content = CASE WHEN %(state)s = 'stored' THEN '' ELSE content END "
                "WHERE upload_id = %(upload_id)s",
                {"upload_id": upload_id, "state": state, "result": json.dumps(result)},
            )
