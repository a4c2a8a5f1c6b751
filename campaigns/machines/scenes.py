"""What is otherwise than usual with a server of the campaign `servers`, one thing at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from campaigns.machines.lab import NAMES, ROLE


@dataclass(frozen=True)
class Scene:
    """One thing that is otherwise than usual.

    :param role: settings of the role. :param server: of the server. :param databases: of CREATE DATABASE.
    :param sql: what the superuser types before. :param pooler: mode and size of the pool before the server.
    :param first: the first major version that has it.
    """

    name: str
    role: Mapping[str, str] = field(default_factory=dict)
    server: Mapping[str, str] = field(default_factory=dict)
    databases: str = ""
    sql: tuple[str, ...] = ()
    pooler: tuple[str, int] | None = None
    standby: bool = False
    one_database: bool = False
    clock: str = ""
    first: int = 0


def _role(name: str, value: str, first: int = 0) -> Scene:
    return Scene(f"{name} = {value or repr('')}", role={name: value}, first=first)


SCENES: Final = (
    Scene("encoding LATIN1", databases="ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"),
    Scene("encoding SQL_ASCII", databases="ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"),
    Scene("collation C.utf8", databases="LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"),
    Scene("collation of ICU en-US", databases="LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", first=15),
    _role("TimeZone", "Asia/Kolkata"),
    _role("DateStyle", "German, DMY"),
    _role("IntervalStyle", "sql_standard"),
    _role("extra_float_digits", "-15"),
    _role("bytea_output", "escape"),
    _role("client_encoding", "LATIN1"),
    _role("standard_conforming_strings", "off"),
    _role("quote_all_identifiers", "on"),
    _role("transform_null_equals", "on"),
    _role("row_security", "off"),
    _role("search_path", ""),
    _role("search_path", "nowhere"),
    _role("default_transaction_isolation", "repeatable read"),
    _role("default_transaction_isolation", "serializable"),
    _role("default_transaction_read_only", "on"),
    _role("statement_timeout", "20ms"),
    _role("statement_timeout", "1s"),
    _role("lock_timeout", "1ms"),
    _role("idle_in_transaction_session_timeout", "1s"),
    _role("idle_session_timeout", "1s", 14),
    _role("transaction_timeout", "1s", 17),
    _role("work_mem", "64kB"),
    _role("temp_file_limit", "0"),
    Scene("max_connections = 15", server={"max_connections": "15"}),
    Scene("max_connections = 23", server={"max_connections": "23"}),
    Scene(
        "max_locks_per_transaction = 10", server={"max_locks_per_transaction": "10", "max_connections": "25"}
    ),
    Scene("shared_buffers = 1MB", server={"shared_buffers": "1MB"}),
    Scene("connection limit of the role: 5", sql=(f"ALTER ROLE {ROLE} CONNECTION LIMIT 5",)),
    Scene("no privileges", sql=(*(f"ALTER DATABASE {name} OWNER TO postgres" for name in NAMES),)),
    Scene("one database, two URLs", one_database=True),
    Scene("hot standby", standby=True),
    Scene("clock of the server an hour ahead", clock="+3600"),
    Scene("pgbouncer, pool_mode = session", pooler=("session", 20)),
    Scene("pgbouncer, pool_mode = session, one connection", pooler=("session", 1)),
    Scene("pgbouncer, pool_mode = transaction", pooler=("transaction", 20)),
    Scene("pgbouncer, pool_mode = transaction, one connection", pooler=("transaction", 1)),
    Scene("pgbouncer, pool_mode = statement", pooler=("statement", 20)),
)
PLAIN: Final = Scene("as initdb makes it")
