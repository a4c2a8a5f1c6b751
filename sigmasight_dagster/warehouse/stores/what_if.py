"""What-if sessions: saving, reading and removing a comparison with its trades, as a whole."""

from typing import Any

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, WhatIfResults, WhatIfSessions, WhatIfTrades, table_name, validate
from sigmasight_core.tables.access.modeling import ModelingSessions
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import literal, lock_key, one_of, quoted
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select

Rows = dict[type[Table], pd.DataFrame]
MODELS: tuple[type[Table], ...] = (WhatIfSessions, WhatIfTrades, WhatIfResults)


class WhatIfStore(Reader):
    """Saved what-ifs."""

    def save_what_if(
        self,
        name: str,
        rows: Rows,
        stamp: AuditStamp,
        replace: bool = False,
        opened: tuple[str, int] | None = None,
    ) -> bool:
        """Store a what-if session in one transaction: the rows of `MODELS`, the name in each row.

        :param opened: id and version of the session of the API that it is saved from, which keeps the name.
        :returns: False when that session was changed or removed meanwhile; then nothing is stored.
        :raises InputError: if there is a session of this name and `replace` is not set.
        :raises DataQualityError: if the rows break their row models.
        """
        checked = {model: validate(model, rows[model].assign(session=name)) for model in MODELS}
        with self._database.transaction(_lock(name)) as cursor:
            if opened is not None and not _keep_name(cursor, *opened, name):
                return False
            if len(_fetch(cursor, WhatIfSessions, name)) and not replace:
                raise InputError(f"what-if session {name}: already saved; use --replace to overwrite it")
            _delete(cursor, name)
            for model, frame in checked.items():
                copy_in(cursor, model, to_arrow(model, frame, stamp))
        return True

    def what_if_sessions(self) -> pd.DataFrame:
        """The saved sessions: rows of `WhatIfSessions`."""
        return self.read(WhatIfSessions)

    def what_if(self, name: str) -> Rows:
        """One saved session: its rows in each of `MODELS`. :raises InputError: if there is none."""
        with self._database.transaction(_lock(name)) as cursor:
            _require(cursor, name)
            return {model: _fetch(cursor, model, name) for model in MODELS}

    def remove_what_if(self, name: str) -> None:
        """Remove a saved session. :raises InputError: if there is none."""
        with self._database.transaction(_lock(name)) as cursor:
            _require(cursor, name)
            _delete(cursor, name)


def _lock(name: str) -> int:
    return lock_key("what-if", name)


def _keep_name(cursor: Any, session_id: str, version: int, name: str) -> bool:
    """Whether the open session is still there in that version."""
    sessions = quoted(SCHEMA, table_name(ModelingSessions))
    saved = (
        f"UPDATE {sessions} SET saved_as = {literal(name)}, changed_at = now() "
        f"WHERE session_id = {literal(session_id)} AND version = {version} RETURNING 1"
    )
    cursor.execute(f"WITH saved AS ({saved}) SELECT count(*) FROM saved")
    return bool(cursor.fetchone()[0])


def _fetch(cursor: Any, model: type[Table], name: str) -> pd.DataFrame:
    return fetch(cursor, model, select(model, sessions=[name]))


def _require(cursor: Any, name: str) -> None:
    if _fetch(cursor, WhatIfSessions, name).empty:
        raise InputError(
            f"what-if session {name}: there is none; list them: sigmasight what-if-sessions list"
        )


def _delete(cursor: Any, name: str) -> None:
    for model in MODELS:
        cursor.execute(f"DELETE FROM {quoted(SCHEMA, table_name(model))} WHERE {one_of('session', [name])}")
