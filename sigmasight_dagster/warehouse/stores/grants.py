"""Grants of single portfolios to roles of the database: who sees which rows (see `layout.policies`)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioGrants, Portfolios, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.roles import GROUP, INVOKER_VERSION, PRIVILEGES, server_version
from sigmasight_dagster.warehouse.layout.schema import metadata
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp
from sigmasight_dagster.warehouse.sql import literal, quoted

_NAME_BYTES: Final = 63
_ROLE: Final = "SELECT oid, rolsuper OR rolbypassrls AS above, rolinherit FROM pg_roles WHERE rolname = :role"
_MEMBERSHIPS: Final = (
    "SELECT r.rolname FROM pg_roles AS r WHERE (r.rolname = ANY(:seeing_all) OR r.oid IN "
    "(SELECT relowner FROM pg_class WHERE relnamespace = to_regnamespace(:schema))) "
    "AND pg_has_role(CAST(:role AS name), r.oid, 'MEMBER') ORDER BY 1"
)


class GrantStore(Reader):
    """Which role of the database sees which portfolios."""

    def portfolio_grants(self) -> pd.DataFrame:
        """Rows of `PortfolioGrants`."""
        return self.read(PortfolioGrants)

    def grant_portfolios(
        self, role: str, portfolios: Sequence[str], password: str | None, stamp: AuditStamp
    ) -> list[str]:
        """Let a role see the rows of these portfolios too; one that is not there is made, and may log in.

        :param password: what it logs in with from now on; None = as before.
        :returns: what a person may want to know, one line each.
        :raises InputError: on a portfolio that is not registered, or a role that sees more than its grants.
        """
        grants = metadata().tables[f"{SCHEMA}.{table_name(PortfolioGrants)}"]
        audit = {"run_id": stamp.run_id, "code_version": stamp.code_version, "computed_at": stamp.computed_at}
        _check_name(role)
        with self._database.layout() as connection:
            _require_registered(connection, portfolios)
            notes = _make_member(connection, role)
            if password is not None:
                _set_password(connection, role, password)
            rows = [{"role": role, "portfolio": name, **audit} for name in portfolios]
            connection.execute(postgresql.insert(grants).on_conflict_do_nothing(), rows)
            if server_version(connection) < INVOKER_VERSION:
                notes.append(
                    f"the views need PostgreSQL {INVOKER_VERSION}, whose views ask as the user who reads "
                    "them: on this server the role sees the tables alone"
                )
        return notes

    def revoke_portfolios(self, role: str, portfolios: Sequence[str]) -> list[str]:
        """Take portfolios from a role; without any name all of them.

        :returns: those that it had. :raises InputError: on one that it was not granted.
        """
        grants = metadata().tables[f"{SCHEMA}.{table_name(PortfolioGrants)}"]
        with self._database.layout() as connection:
            had = connection.execute(sa.select(grants.c.portfolio).where(grants.c.role == role)).scalars()
            granted = set(had)
            missing = sorted(set(portfolios) - granted) or ([] if granted else ["any portfolio"])
            if missing:
                raise InputError(
                    f"role {role}: it was not granted {', '.join(missing)}; see sigmasight db grants"
                )
            gone = set(portfolios) or granted
            connection.execute(
                sa.delete(grants).where(grants.c.role == role, grants.c.portfolio.in_(sorted(gone)))
            )
        return sorted(gone)


def _check_name(role: str) -> None:
    own = role in (*PRIVILEGES, GROUP)
    if not role or "\0" in role or len(role.encode()) > _NAME_BYTES or role.startswith("pg_") or own:
        raise InputError(f"role '{role[:80]}': name a role of your own, of 1 to {_NAME_BYTES} bytes")


def _require_registered(connection: sa.Connection, portfolios: Sequence[str]) -> None:
    registry = metadata().tables[f"{SCHEMA}.{table_name(Portfolios)}"]
    known = sorted(connection.execute(sa.select(registry.c.portfolio)).scalars())
    unknown = [name for name in portfolios if name not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise InputError(f"portfolio {unknown[0]}: not registered; registered are: {there}")


def _make_member(connection: sa.Connection, role: str) -> list[str]:
    """Make the role, and make it a member of the group, where it is not."""
    name = quoted(role)
    found = connection.execute(sa.text(_ROLE), {"role": role}).mappings().first()
    if found is None:
        with _as_a_role_maker(role):
            connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN".replace("%", "%%"))
    elif found["above"] or not found["rolinherit"]:
        why = "row-level security does not hold for it" if found["above"] else "it inherits no rights"
        raise InputError(f"role {role}: {why}; name another one")
    of = {"role": role, "schema": SCHEMA, "seeing_all": list(PRIVILEGES)}
    above = connection.execute(sa.text(_MEMBERSHIPS), of).scalars().first()
    if above:
        raise InputError(
            f"role {role}: it is a member of {above}, which sees every portfolio; "
            f"REVOKE {above} FROM {name} first"
        )
    member = sa.text("SELECT pg_has_role(CAST(:role AS name), CAST(:group AS name), 'USAGE')")
    if not connection.execute(member, {"role": role, "group": GROUP}).scalar():
        with _as_a_role_maker(role):
            connection.exec_driver_sql(f"GRANT {GROUP} TO {name}".replace("%", "%%"))
    return [f"made the role {role}, which may log in"] if found is None else []


def _set_password(connection: sa.Connection, role: str, password: str) -> None:
    """Hashed here, so that no log of the server has it."""
    psycopg2: Any = connection.dialect.dbapi
    session = connection.connection.dbapi_connection
    hashed = psycopg2.extensions.encrypt_password(password, role, session, "scram-sha-256")
    with _as_a_role_maker(role):
        statement = f"ALTER ROLE {quoted(role)} PASSWORD {literal(hashed)}"
        connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def _as_a_role_maker(role: str) -> Iterator[None]:
    """Say in one line what a user who may not make roles can do."""
    try:
        yield
    except sa.exc.ProgrammingError as error:
        raise InputError(
            f"role {role}: {' '.join(str(error.orig).split())}; as a superuser run CREATE ROLE "
            f"{quoted(role)} LOGIN IN ROLE {GROUP}, then grant again"
        ) from None
