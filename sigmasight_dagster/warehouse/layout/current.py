"""Whether a database is known to be as this code declares it, by one question instead of a comparison.

A migration that leaves nothing to be done or told stores the digest of the catalogue that it leaves, with
that of what the code declares. While both are the same, another migration would change nothing. To compare
every table takes a good part of the time of a short command.
"""

from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from typing import Final

import sqlalchemy as sa

from sigmasight_core.tables import OPERATIONS_TABLES, TABLES, facts, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.policies import condition
from sigmasight_dagster.warehouse.layout.roles import GROUP, PRIVILEGES
from sigmasight_dagster.warehouse.layout.schema import metadata
from sigmasight_dagster.warehouse.layout.storage import OF_ARRAYS, OF_KEYS, OF_LONG_VALUES, OF_TABLES
from sigmasight_dagster.warehouse.layout.views import digest
from sigmasight_dagster.warehouse.sql import literal, quoted

VERSION_TABLE: Final = quoted(SCHEMA, "schema_version")
_SCHEMA: Final = f"to_regnamespace({literal(SCHEMA)})"
_ROLES: Final = ", ".join(f"to_regrole({literal(role)})::text" for role in (*PRIVILEGES, GROUP))
_CATALOGUE: Final = f"""SELECT md5(string_agg(line, ';' ORDER BY line COLLATE "C")) FROM (
    SELECT concat_ws('|', 'relation', relname, relkind, pg_get_userbyid(relowner), relacl,
                     reloptions, relrowsecurity,
                     (SELECT t.reloptions FROM pg_class t WHERE t.oid = pg_class.reltoastrelid),
                     obj_description(oid, 'pg_class'),
                     CASE WHEN relkind = 'i' THEN pg_get_indexdef(oid) END)
           AS line FROM pg_class WHERE relnamespace = {_SCHEMA}
    UNION ALL
    SELECT concat_ws('|', 'column', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
                     a.attnotnull, l.collname, a.atthasdef, a.attacl, a.attstattarget,
                     col_description(c.oid, a.attnum))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = {_SCHEMA} AND c.relkind <> 'i'
    UNION ALL
    SELECT concat_ws('|', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = {_SCHEMA}
    UNION ALL SELECT concat_ws('|', 'schema', nspacl) FROM pg_namespace WHERE oid = {_SCHEMA}
    UNION ALL
    SELECT concat_ws('|', 'default', pg_get_userbyid(defaclrole), defaclobjtype, defaclacl)
    FROM pg_default_acl WHERE defaclnamespace = {_SCHEMA}
    UNION ALL
    SELECT concat_ws('|', 'policy', polrelid::regclass, polname, polcmd, polpermissive, polroles::regrole[],
                     pg_get_expr(polqual, polrelid), obj_description(p.oid, 'pg_policy'))
    FROM pg_policy p JOIN pg_class c ON c.oid = polrelid WHERE c.relnamespace = {_SCHEMA}
    UNION ALL SELECT concat_ws('|', 'member', roleid::regrole, member::regrole) FROM pg_auth_members
    UNION ALL SELECT concat_ws('|', 'roles', current_user, {_ROLES}, current_setting('server_version_num'))
) AS lines"""
"""What a migration looks at or sets, a line each. Without object ids: copies of a database agree."""


def layout_digest(connection: sa.Connection) -> str:
    """Of the catalogue as it is and of what this code declares."""
    found = connection.exec_driver_sql(_CATALOGUE).scalar()
    return f"{_declared()}/{found}"


def is_current(connection: sa.Connection) -> bool:
    """Whether the last migration left nothing to be done or told, and nothing has changed since."""
    has_column = (
        f"SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass({literal(VERSION_TABLE)}) "
        "AND attname = 'layout' AND NOT attisdropped)"
    )
    if not connection.exec_driver_sql(has_column).scalar():
        return False
    stored = connection.exec_driver_sql(f"SELECT code_version, views, layout FROM {VERSION_TABLE}").all()
    if [tuple(row)[:2] for row in stored] != [(version("sigmasight"), digest())] or not stored[0][2]:
        return False
    return bool(stored[0][2] == layout_digest(connection))


@cache
def _declared() -> str:
    tables = [
        (
            table.name,
            table.comment,
            [(column.name, str(column.type), column.nullable, column.comment) for column in table.columns],
            [column.name for column in table.primary_key.columns],
            sorted((str(index.name), [column.name for column in index.columns]) for index in table.indexes),
        )
        for table in metadata().sorted_tables
    ]
    models = (*TABLES, *OPERATIONS_TABLES)
    policies = [(table_name(model), condition(model), facts(model).private) for model in models]
    parameters = (OF_TABLES, OF_LONG_VALUES, OF_KEYS, OF_ARRAYS)
    said = repr((tables, parameters, sorted(PRIVILEGES.items()), GROUP, policies))
    return blake2b(said.encode(), digest_size=16).hexdigest()
