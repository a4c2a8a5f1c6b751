"""Connections of Dagster's storages: each with settings of its own, none of before a restart of the server.

A pool hands out what it has. The first requests of a webserver or daemon after a restart of the server
failed, once for each connection that they had.
"""

from functools import partial
from time import monotonic
from typing import Any, Final

import psycopg2  # type: ignore[import-untyped]
import sqlalchemy as sa

from sigmasight_dagster.warehouse.database import SURE_SECONDS, run_on_connect
from sigmasight_dagster.warehouse.sql import set_session

_USED: Final = "used at"


def settings(statement_timeout_ms: int) -> str:
    """The statement after which a session has its own settings."""
    return set_session({"statement_timeout": f"{statement_timeout_ms}"})


def prepare(engine: sa.Engine, statement_timeout_ms: int) -> None:
    """What every connection of an engine gets, and is asked before it is used again."""
    sa.event.listen(engine, "connect", partial(run_on_connect, settings(statement_timeout_ms)))
    sa.event.listen(engine, "checkin", _was_used)
    sa.event.listen(engine, "checkout", _answers)


def _was_used(_connection: Any, record: Any) -> None:
    record.info[_USED] = monotonic()


def _answers(connection: Any, record: Any, _proxy: Any) -> None:
    """:raises DisconnectionError: on which the pool opens another one."""
    if monotonic() - record.info.get(_USED, 0.0) < SURE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        raise sa.exc.DisconnectionError from None
