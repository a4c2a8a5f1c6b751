"""What-if sessions: saving, reading and removing a comparison with its trades, as a whole."""

from typing import Any

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, WhatIfResults, WhatIfSessions, WhatIfTrades, table_name, validate
from sigmasight_dagster.warehouse.database import SCHEMA, Database
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import lock_key, one_of, quoted
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select

Rows = dict[type[Table], pd.DataFrame]
MODELS: tuple[type[Table], ...] = (WhatIfSessions, WhatIfTrades, WhatIfResults)


def save(database: Database, name: str, rows: Rows, stamp: AuditStamp, *, replace: bool) -> None:
    """Store a session in one transaction. See `Warehouse.save_what_if`."""
    checked = {model: validate(model, rows[model].assign(session=name)) for model in MODELS}
    with database.transaction(_lock(name)) as cursor:
        if len(_fetch(cursor, WhatIfSessions, name)) and not replace:
            raise InputError(f"what-if session {name}: already saved; use --replace to overwrite it")
        _delete(cursor, name)
        for model, frame in checked.items():
            copy_in(cursor, model, to_arrow(model, frame, stamp))


def load(database: Database, name: str) -> Rows:
    """Rows of a session in each of its tables. See `Warehouse.what_if`."""
    with database.transaction(_lock(name)) as cursor:
        _require(cursor, name)
        return {model: _fetch(cursor, model, name) for model in MODELS}


def remove(database: Database, name: str) -> None:
    """Delete a session. See `Warehouse.remove_what_if`."""
    with database.transaction(_lock(name)) as cursor:
        _require(cursor, name)
        _delete(cursor, name)


def _lock(name: str) -> int:
    return lock_key("what-if", name)


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
