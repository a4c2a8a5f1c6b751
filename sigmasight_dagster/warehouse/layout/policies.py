"""Row-level security: which rows a role sees that was granted single portfolios.

Every table has two policies. `everyone` lets any role that may read the table see all of its rows; it is the
constant true, which the planner leaves out. `granted` restricts it for members of one group of roles alone,
so it costs nobody else anything, and a role that is granted nothing sees nothing. Owners and superusers are
asked neither. The views ask as the user who reads them (`security_invoker`), which PostgreSQL knows from 15:
before, members of the group may read the tables alone, with the views that stand for packed ones.
"""

from typing import Final

import sqlalchemy as sa

from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    PortfolioGrants,
    Seen,
    Table,
    facts,
    primary_key,
    seen,
    table_name,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.packed import packed_models, rows_of_packed
from sigmasight_dagster.warehouse.layout.roles import GROUP, INVOKER_VERSION, server_version
from sigmasight_dagster.warehouse.layout.schema import stored, stored_name
from sigmasight_dagster.warehouse.layout.view import named
from sigmasight_dagster.warehouse.layout.views import EVERYDAY, latest_views
from sigmasight_dagster.warehouse.sql import literal, quoted

_GRANTED: Final = f"SELECT g.portfolio FROM {named(PortfolioGrants)} AS g WHERE g.role = current_user"
_CONDITIONS: Final = {
    Seen.OWN: f"portfolio = ANY (ARRAY({_GRANTED}))",
    Seen.OWN_OR_NONE: f"portfolio = ANY (ARRAY({_GRANTED} UNION ALL SELECT ''))",
    Seen.OWN_OR_EVERYBODYS: f"portfolio = ANY (ARRAY({_GRANTED} UNION ALL SELECT '*'))",
    Seen.ROLE: "role = current_user",
    Seen.ALL: "true",
    Seen.NOTHING: "false",
}
_POLICIES: Final = (
    "SELECT c.relname, c.relrowsecurity, coalesce(obj_description(p.oid, 'pg_policy'), '') "
    "FROM pg_class AS c LEFT JOIN pg_policy AS p ON p.polrelid = c.oid AND p.polname = 'granted' "
    f"WHERE c.relnamespace = to_regnamespace({literal(SCHEMA)}) AND c.relkind = 'r'"
)


def condition(model: type[Table]) -> str:
    """SQL condition: a row of the table is one that the current role was granted."""
    how = seen(model)
    if how is not Seen.PARENT:
        return _CONDITIONS[how]
    first = quoted(primary_key(model)[0])
    return f"{first} IN (SELECT t.{first} FROM {quoted(SCHEMA, facts(model).parent)} AS t)"


def secure(connection: sa.Connection, changes: list[str], notes: list[str]) -> None:
    """Bring the policies of every declared table, and the rights of the group of roles, up to date."""
    if connection.execute(sa.text("SELECT to_regrole(:group)"), {"group": GROUP}).scalar() is None:
        return
    found = connection.exec_driver_sql(_POLICIES)
    stored = {name: (enabled, about) for name, enabled, about in found}
    models = {stored_name(model): model for model in (*TABLES, *OPERATIONS_TABLES)}
    wanted = {name: condition(model) for name, model in models.items()}
    made = [name for name, condition in wanted.items() if stored[name] != (True, condition)]
    for name in made:
        _secure_table(connection, name, wanted[name])
    _tell(changes, "table", "row-level security of", made)
    views = _secure_views(connection, changes, notes)
    shown = [name for name, model in models.items() if not facts(model).private]
    names = ", ".join(quoted(SCHEMA, name) for name in (*shown, *views, "schema_version"))
    connection.exec_driver_sql(f"GRANT SELECT ON {names} TO {GROUP}")


def _secure_table(connection: sa.Connection, name: str, condition: str) -> None:
    table = quoted(SCHEMA, name)
    for statement in (
        f"DROP POLICY IF EXISTS everyone ON {table}",
        f"DROP POLICY IF EXISTS granted ON {table}",
        f"CREATE POLICY everyone ON {table} USING (true)",
        f"CREATE POLICY granted ON {table} AS RESTRICTIVE TO {GROUP} USING ({condition})",
        f"COMMENT ON POLICY granted ON {table} IS {literal(condition)}",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    ):
        connection.exec_driver_sql(statement)


def _secure_views(connection: sa.Connection, changes: list[str], notes: list[str]) -> list[str]:
    """Let views ask as their reader; those that members of the group may read: of packed tables at least."""
    packed = [table_name(model) for model in packed_models()]
    if server_version(connection) < INVOKER_VERSION:
        _guard_packed(connection)
        return packed
    names = [*packed, *(f"{table}_latest" for table in latest_views()), *(view.name for view in EVERYDAY)]
    owners_rights = connection.exec_driver_sql(
        f"SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace({literal(SCHEMA)}) "
        "AND relkind = 'v' AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'"
    ).scalars()
    made = [name for name in owners_rights if name in names]
    for name in made:
        connection.exec_driver_sql(f"ALTER VIEW {quoted(SCHEMA, name)} SET (security_invoker = true)")
    _tell(changes, "view", "changed rights of", made)
    notes += [
        f"role {role} may read the view {view} and not its tables, which it now needs: "
        f"GRANT sigmasight_reader TO {role}"
        for role, view in connection.exec_driver_sql(_VIEWS_ALONE)
    ]
    return names


def _guard_packed(connection: sa.Connection) -> None:
    """On an older server, let the views of packed tables ask what the policies of these would."""
    for model in packed_models():
        free = (
            f"NOT row_security_active({literal(stored(model))}::regclass) "
            f"OR NOT pg_has_role({literal(GROUP)}, 'USAGE')"
        )
        connection.exec_driver_sql(
            f"CREATE OR REPLACE VIEW {named(model)} WITH (security_barrier) AS "
            f"{rows_of_packed(model)} WHERE {free} OR ({condition(model)})"
        )


def _tell(changes: list[str], kind: str, what: str, names: list[str]) -> None:
    """Say what became of tables or views that were not made just now."""
    told = {f"{verb} {kind} {name}" for verb in ("created", "changed") for name in names}
    older = len(names) - len(told.intersection(changes))
    if older:
        changes.append(f"{what} {older} {kind}s")


_VIEWS_ALONE: Final = (
    "SELECT DISTINCT ON (1) a.grantee::regrole::text, c.relname FROM pg_class AS c "
    "CROSS JOIN LATERAL aclexplode(c.relacl) AS a "
    f"WHERE c.relnamespace = to_regnamespace({literal(SCHEMA)}) AND c.relkind = 'v' AND a.grantee <> 0 "
    "AND a.privilege_type = 'SELECT' "
    "AND coalesce(c.reloptions, '{}') @> '{security_invoker=true}' AND NOT "
    "has_table_privilege(a.grantee, coalesce("
    f"to_regclass('{SCHEMA}.' || quote_ident(c.relname || '_packed')), "
    f"to_regclass({literal(f'{SCHEMA}.publications')})), 'SELECT') "
    "ORDER BY 1, 2"
)
