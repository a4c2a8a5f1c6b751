"""The requirements: what each looks at, of which databases, and what is refused with which cure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings.urls import ONE_FOR_BOTH
from sigmasight_dagster.warehouse.database import Database
from sigmasight_dagster.warehouse.requirements import facts
from sigmasight_dagster.warehouse.requirements.facts import Facts, NotReachable

OLDEST: Final = 14
NEWEST: Final = 18
"""The newest PostgreSQL that the campaign of servers was played on."""
CONNECTIONS: Final = 10
"""A run was seen to open 6 on both databases; there are readers and the UI beside it."""
LOCKS: Final = 1_000
"""More objects than a migration of an empty database locks in its one transaction."""
SHORTEST_MS: Final = 1_000
"""A session needs a moment before it has its own settings."""
SKEW_SECONDS: Final = 60.0

TABLES, DAGSTER = "tables", "dagster"
"""The two databases, by what is in them."""


@dataclass(frozen=True)
class Requirement:
    """One thing that is looked at.

    :ivar value: it, as it is found. :ivar problem: what is wrong with it and its cure; "" = nothing.
    :ivar of: the databases. :ivar to_write: it is asked of who changes something only.
    :ivar refuses: False = it is told, and nothing is refused.
    """

    subject: str
    value: Callable[[Facts], str]
    problem: Callable[[Facts], str]
    of: tuple[str, ...] = (TABLES, DAGSTER)
    to_write: bool = False
    refuses: bool = True


def _nothing(_found: Facts) -> str:
    return ""


def _version(found: Facts) -> str:
    if found.version_number >= OLDEST * 10_000:
        return ""
    return f"PostgreSQL {found.version} is too old; take {OLDEST} to {NEWEST}"


def _newer(found: Facts) -> str:
    if found.version_number < (NEWEST + 1) * 10_000:
        return ""
    return f"PostgreSQL {found.version} is newer than what was tried ({OLDEST} to {NEWEST})"


def _encoding(found: Facts) -> str:
    if found.encoding == "UTF8":
        return ""
    return (
        f"its encoding is {found.encoding}, which cannot hold every text; make another database: "
        f"createdb --encoding=UTF8 --template=template0 {found.database}_utf8"
    )


_SESSIONS: Final = {
    facts.OWN: "",
    facts.SHARED: "a pooler shares sessions between transactions, so that locks and settings get lost",
    facts.STATEMENTS: "a pooler allows no transactions of several statements",
    facts.ONE: "a second connection waits until the first ends",
}
_POOLER_CURE: Final = "give the server's own address, or set pool_mode = session and a pool_size of 20"


def _sessions(found: Facts) -> str:
    said = _SESSIONS[found.sessions]
    return f"{said}; {_POOLER_CURE}" if said else ""


def _connections(found: Facts) -> str:
    if found.connections >= CONNECTIONS:
        return ""
    return (
        f"{found.role} may open {found.connections} connections, and a run with its readers needs "
        f"{CONNECTIONS}; raise max_connections, or the limit of the database or role"
    )


def _locks(found: Facts) -> str:
    if found.locks >= LOCKS:
        return ""
    return (
        f"transactions may lock {found.locks} objects, and a migration needs {LOCKS}; "
        "raise max_locks_per_transaction"
    )


def _recovery(found: Facts) -> str:
    return (
        "it is a hot standby, which can only be read; give the primary's address" if found.in_recovery else ""
    )


def _read_only(found: Facts) -> str:
    if not found.read_only or found.in_recovery:
        return ""
    return (
        f"default_transaction_read_only is on; ALTER ROLE {found.role} SET default_transaction_read_only = "
        "off, or take a role that may write"
    )


def _time_outs(found: Facts) -> str:
    if found.shortest_ms is None or found.shortest_ms >= SHORTEST_MS:
        return ""
    return (
        f"a time-out of {found.shortest_ms} ms ends a session before it has its own; let "
        f"statement_timeout, transaction_timeout and those of idle sessions of {found.role} "
        f"be {SHORTEST_MS} ms or more, or 0"
    )


def _shortest(found: Facts) -> str:
    return "none" if found.shortest_ms is None else f"{found.shortest_ms} ms"


def _quotes(found: Facts) -> str:
    if not found.quotes_names:
        return ""
    return (
        "quote_all_identifiers is on, and the driver takes every cell for bytes; "
        f"ALTER ROLE {found.role} SET quote_all_identifiers = off"
    )


def _privileges(found: Facts) -> str:
    if found.may_use:
        return ""
    if found.has_schema:
        return f"{found.role} may not use its schema; GRANT sigmasight_writer TO {found.role}"
    return (
        f"{found.role} may not create the schema sigmasight; "
        f"GRANT CREATE ON DATABASE {found.database} TO {found.role}"
    )


def _tables_of_dagster(found: Facts) -> str:
    if found.has_dagster:
        return ""
    if found.schema is None:
        return f"search_path names no schema that is there; ALTER ROLE {found.role} RESET search_path"
    if found.may_create:
        return ""
    return (
        f"{found.role} may not create tables in the schema {found.schema}; "
        f"GRANT CREATE ON SCHEMA {found.schema} TO {found.role}"
    )


def _clock(found: Facts) -> str:
    if abs(found.skew_seconds) <= SKEW_SECONDS:
        return ""
    return (
        f"the server's clock is {found.skew_seconds:+.0f} s off this machine's: times of rows are this "
        "machine's; let both follow a time server"
    )


REQUIREMENTS: Final = (
    Requirement("server version", lambda found: found.version, _version),
    Requirement("newer version", _nothing, _newer, refuses=False),
    Requirement("encoding", lambda found: found.encoding, _encoding),
    Requirement("collation", lambda found: found.collation, _nothing),
    Requirement("time-outs", _shortest, _time_outs),
    Requirement("sessions", lambda found: found.sessions, _sessions),
    Requirement("quoted names", lambda found: "yes" if found.quotes_names else "no", _quotes, of=(TABLES,)),
    Requirement("connections", lambda found: str(found.connections), _connections),
    Requirement("locks", lambda found: str(found.locks), _locks, of=(TABLES,), to_write=True),
    Requirement("primary", lambda found: "no" if found.in_recovery else "yes", _recovery, to_write=True),
    Requirement("may write", lambda found: "no" if found.read_only else "yes", _read_only, to_write=True),
    Requirement("privileges", lambda found: found.role, _privileges, of=(TABLES,), to_write=True),
    Requirement("privileges", lambda found: found.role, _tables_of_dagster, of=(DAGSTER,), to_write=True),
    Requirement("clock", lambda found: f"{found.skew_seconds:+.1f} s", _clock, refuses=False),
)


def of(database: str, *, to_write: bool = True) -> Iterator[Requirement]:
    """What is required of one of the databases."""
    return (each for each in REQUIREMENTS if database in each.of and (to_write or not each.to_write))


def refuse(database: str, found: Facts, where: str, *, to_write: bool) -> None:
    """:param where: names the database, without its password.

    :raises InputError: on the first requirement that is not met, in one line with the cure.
    """
    for each in of(database, to_write=to_write):
        if each.refuses and (said := each.problem(found)):
            raise InputError(f"database {where} cannot be used: {said}")


def require(database: str, url: str, *, to_write: bool) -> None:
    """Ask the server, once in this process. One that does not answer is told by who needs it.

    :raises InputError: when it cannot be used.
    """
    if (database, url, to_write) in _met:
        return
    try:
        found = facts.ask(url)
    except NotReachable:
        return
    refuse(database, found, Database(url).name, to_write=to_write)
    _met.add((database, url, to_write))
    _identities[url] = found.identity


def require_apart(tables_url: str, dagster_url: str) -> None:
    """:raises InputError: when both that were asked are one database, whatever their URLs say."""
    known = _identities.get(tables_url)
    if known is not None and known == _identities.get(dagster_url):
        raise InputError(ONE_FOR_BOTH)


_met: set[tuple[str, str, bool]] = set()
_identities: dict[str, str] = {}
