"""Roles for downstream services: `sigmasight_reader` may SELECT, `sigmasight_writer` may change rows.

Private tables (users and their tokens) are the writers' alone. Members of the third role, GROUP, see the
portfolios that they are granted; what they may read is in `policies`.
"""

from typing import Final

import sqlalchemy as sa

from sigmasight_core.tables import OPERATIONS_TABLES, facts, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

READER = "sigmasight_reader"
PRIVILEGES = {READER: "SELECT", "sigmasight_writer": "SELECT, INSERT, UPDATE, DELETE"}
GROUP: Final = "sigmasight_portfolio_reader"
"""Members see the rows of the portfolios that they are granted by `sigmasight db grant`."""

INVOKER_VERSION: Final = 15
"""First PostgreSQL whose views can ask as the user who reads them."""


def server_version(connection: sa.Connection) -> int:
    """Major version of the server."""
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000


def grant_roles(connection: sa.Connection, changes: list[str], notes: list[str]) -> None:
    """Create the roles where this user may, and grant them what is there and what this user will create."""
    for role in (*PRIVILEGES, GROUP):
        if not _exists(connection, role):
            if not _create(connection, role):
                notes.append(
                    f"this user may not create the role {role}; as a superuser run "
                    f"CREATE ROLE {role} NOLOGIN, then migrate again"
                )
                continue
            changes.append(f"created role {role}")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {quoted(SCHEMA)} TO {role}")
        privileges = PRIVILEGES.get(role)
        for grant in (
            f"GRANT {privileges} ON ALL TABLES IN SCHEMA {quoted(SCHEMA)} TO {role}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {quoted(SCHEMA)} GRANT {privileges} ON TABLES TO {role}",
        ):
            if privileges:
                connection.exec_driver_sql(grant)
        if role == READER:
            for table in (quoted(SCHEMA, table_name(m)) for m in OPERATIONS_TABLES if facts(m).private):
                connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {role}")


def _exists(connection: sa.Connection, role: str) -> bool:
    return bool(connection.execute(sa.text("SELECT to_regrole(:role) IS NOT NULL"), {"role": role}).scalar())


def _create(connection: sa.Connection, role: str) -> bool:
    """False if this user may not. Roles belong to the server: another database's migration may come first."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN")
    except (sa.exc.ProgrammingError, sa.exc.IntegrityError):
        return _exists(connection, role)
    return True
