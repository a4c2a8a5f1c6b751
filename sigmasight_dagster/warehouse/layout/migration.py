"""Migration: bring a database to the layout that the row models declare.

There are no revision scripts. The row models are the one declaration of every table; a script per change
would be a second one, to be kept equal to the first by hand. `migrate` compares the database as it is with
the layout derived from the row models (Alembic's autogenerate, at run time) and applies what cannot lose
anything: new tables, new columns, longer keys, wider types, comments, views. Everything else is kept and
reported, or refused with a cure. It is one transaction: a failed migration changes nothing.

A new label that may not be NULL is added as nullable to a table that has rows, and made NOT NULL by the
first migration that finds no NULL left in it. A key may grow by texts at its end: they are empty in the rows
that are there, which it tells apart as before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from packaging.version import Version

from sigmasight_core.tables import Table, table_name
from sigmasight_dagster.warehouse.database import LAYOUT_LOCK, SCHEMA, Database
from sigmasight_dagster.warehouse.errors import MigrationError
from sigmasight_dagster.warehouse.layout.current import is_current, layout_digest
from sigmasight_dagster.warehouse.layout.packed import pack_stored, unpacked_models
from sigmasight_dagster.warehouse.layout.policies import secure
from sigmasight_dagster.warehouse.layout.roles import grant_roles
from sigmasight_dagster.warehouse.layout.schema import metadata
from sigmasight_dagster.warehouse.layout.storage import set_parameters
from sigmasight_dagster.warehouse.layout.views import create_views, digest, drop_views_of
from sigmasight_dagster.warehouse.requirements.declared import TABLES, refuse
from sigmasight_dagster.warehouse.requirements.facts import FACTS, Facts
from sigmasight_dagster.warehouse.sql import quoted

LOCK_SECONDS = 60
_WIDER = {
    "BIGINT": {"SMALLINT", "INTEGER"},
    "NUMERIC": {"SMALLINT", "INTEGER", "BIGINT"},
    "DOUBLE PRECISION": {"REAL", "SMALLINT", "INTEGER"},
    "TEXT": {"VARCHAR", "CHAR"},
}
"""New type -> old types, every value of which it holds."""


Unpacked = tuple[type[Table], ...]


@dataclass
class Migration:
    """One migration under way: its connection, Alembic's operations, and what it has to tell."""

    connection: sa.Connection
    operations: Any
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def migrate(database: Database, fill: Mapping[str, str]) -> list[str]:
    """See `Warehouse.migrate`. Concurrent migrations and writers wait for each other, at most a minute.

    :param fill: statement by table, for one that an older layout has not had.
    """
    with database.layout() as connection:
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LAYOUT_LOCK})"))
        found = Facts.of(connection.exec_driver_sql(FACTS).mappings().one())
        refuse(TABLES, found, database.name, to_write=True)
        if is_current(connection):
            return []
        changes = _create_schema(connection)
        stored_views = _refuse_newer(connection)
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        }
        context = MigrationContext.configure(connection, opts=options)
        migration = Migration(connection, Operations(context), changes)
        unpacked = tuple(unpacked_models(connection))
        _bring_keys(migration, unpacked)
        _apply_differences(migration, context, unpacked)
        for name, statement in fill.items():
            if f"created table {name}" in migration.changes:
                connection.exec_driver_sql(statement)
        for model in unpacked:
            drop_views_of(connection, table_name(model))
            pack_stored(connection, model)
            migration.changes.append(f"packed table {table_name(model)}")
        set_parameters(connection, migration.changes)
        migration.changes += create_views(connection, stored_views)
        grant_roles(migration.connection, migration.changes, migration.notes)
        secure(migration.connection, migration.changes, migration.notes)
        _record_version(migration)
        return migration.changes + [f"note: {note}" for note in migration.notes]


def _create_schema(connection: sa.Connection) -> list[str]:
    if sa.inspect(connection).has_schema(SCHEMA):
        return []
    connection.execute(sa.schema.CreateSchema(SCHEMA))
    return [f"created schema {SCHEMA}"]


def _refuse_newer(connection: sa.Connection) -> str | None:
    """The digest of the views that the last migration made, if there was one."""
    if not sa.inspect(connection).has_table("schema_version", SCHEMA):
        return None
    table = _version_table()
    row = connection.execute(sa.select(table.c.code_version, table.c.views)).mappings().first()
    ours = version("sigmasight")
    if row and Version(row["code_version"]) > Version(ours):
        raise MigrationError(
            f"SigmaSight {row['code_version']} migrated this database and this is {ours}; upgrade SigmaSight"
        )
    return row["views"] if row else None


def _bring_keys(migration: Migration, unpacked: Unpacked) -> None:
    """Let keys grow by new texts. :raises MigrationError: where a key is another one."""
    inspector = sa.inspect(migration.connection)
    for table in metadata(unpacked).sorted_tables:
        if not inspector.has_table(table.name, SCHEMA):
            continue
        ours = [column.name for column in table.primary_key.columns]
        stored = inspector.get_pk_constraint(table.name, SCHEMA)
        theirs = stored["constrained_columns"]
        if ours == theirs:
            continue
        there = {column["name"] for column in inspector.get_columns(table.name, SCHEMA)}
        more = [table.columns[name] for name in ours[len(theirs) :]]
        grown = theirs and ours[: len(theirs)] == theirs
        if not grown or any(column.name in there or not isinstance(column.type, sa.Text) for column in more):
            raise MigrationError(
                f"{table.name}: its key is ({', '.join(theirs)}) and must be ({', '.join(ours)}); "
                f"rename the table, migrate, and compute it again"
            )
        _grow_key(migration, table, more, str(stored["name"]))


def _grow_key(migration: Migration, table: sa.Table, more: list[sa.Column[Any]], constraint: str) -> None:
    operations = migration.operations
    for column in more:
        added = column._copy()
        added.server_default = sa.DefaultClause("")
        operations.add_column(table.name, added, schema=SCHEMA)
        operations.alter_column(table.name, column.name, server_default=None, schema=SCHEMA)
    operations.drop_constraint(constraint, table.name, schema=SCHEMA)
    key = [column.name for column in table.primary_key.columns]
    name = str(table.primary_key.name)
    operations.create_primary_key(name, table.name, key, schema=SCHEMA)
    names = ", ".join(column.name for column in more)
    migration.changes.append(f"the key of {table.name} has {names} too")


def _apply_differences(migration: Migration, context: Any, unpacked: Unpacked) -> None:
    for difference in _flat(compare_metadata(context, metadata(unpacked))):
        handler = _HANDLERS.get(difference[0])
        if handler is not None:
            handler(migration, *difference[1:])


def _flat(differences: list[Any]) -> Iterator[tuple[Any, ...]]:
    for difference in differences:
        yield from difference if isinstance(difference, list) else [difference]


def _add_table(migration: Migration, table: sa.Table) -> None:
    table.create(migration.connection)
    migration.changes.append(f"created table {table.name}")


def _remove_table(migration: Migration, table: sa.Table) -> None:
    migration.notes.append(f"table {table.name} is not one of this version's: kept")


def _add_index(migration: Migration, index: sa.Index) -> None:
    index.create(migration.connection, checkfirst=True)
    migration.changes.append(f"created index {index.name}")


def _add_column(migration: Migration, schema: str, table: str, column: sa.Column[Any]) -> None:
    column = column._copy()
    has_rows = migration.connection.execute(
        sa.text(f"SELECT EXISTS (SELECT FROM {quoted(schema, table)})")
    ).scalar()
    was_nullable, column.nullable = column.nullable, bool(column.nullable or has_rows)
    migration.operations.add_column(table, column, schema=schema)
    migration.changes.append(f"added column {table}.{column.name}")
    if column.nullable and not was_nullable:
        migration.notes.append(_has_nulls(table, str(column.name)))


def _has_nulls(table: str, column: str) -> str:
    return f"{table}.{column} is NULL in rows older than the column: compute them again to fill it"


def _remove_column(migration: Migration, schema: str, table: str, column: sa.Column[Any]) -> None:
    if not column.nullable:
        migration.operations.alter_column(table, column.name, nullable=True, schema=schema)
        migration.changes.append(f"{table}.{column.name} may be NULL")
    migration.notes.append(
        f"column {table}.{column.name} is not one of this version's: kept, NULL in new rows"
    )


def _modify_type(
    migration: Migration, schema: str, table: str, column: str, _existing: dict[str, Any], old: Any, new: Any
) -> None:
    was, becomes = (str(kind.compile(dialect=migration.connection.dialect)) for kind in (old, new))
    old_each, each = (text.replace(" COLLATE", "[").partition("[")[0] for text in (was, becomes))
    same_shape = ("[]" in was) == ("[]" in becomes)
    if not same_shape or old_each.partition("(")[0] not in _WIDER.get(each, set()):
        raise MigrationError(
            f"{table}.{column}: its type is {was} and must be {becomes}, which could lose values; "
            f"rename it, migrate, and compute the table again"
        )
    drop_views_of(migration.connection, table)
    migration.operations.alter_column(table, column, type_=new, schema=schema)
    migration.changes.append(f"changed type of {table}.{column} from {was} to {becomes}")


def _modify_nullable(
    migration: Migration,
    schema: str,
    table: str,
    column: str,
    _existing: dict[str, Any],
    _old: bool,
    new: bool,
) -> None:
    nulls = f"SELECT EXISTS (SELECT FROM {quoted(schema, table)} WHERE {quoted(column)} IS NULL)"
    if not new and migration.connection.execute(sa.text(nulls)).scalar():
        migration.notes.append(_has_nulls(table, column))
        return
    migration.operations.alter_column(table, column, nullable=new, schema=schema)
    migration.changes.append(f"{table}.{column} {'may' if new else 'may not'} be NULL")


def _modify_comment(
    migration: Migration, schema: str, table: str, column: str, _existing: dict[str, Any], _old: Any, new: Any
) -> None:
    migration.operations.alter_column(table, column, comment=new, schema=schema)
    migration.changes.append(f"changed comment of {table}.{column}")


def _add_table_comment(migration: Migration, table: sa.Table, _old: Any = None) -> None:
    migration.operations.create_table_comment(table.name, table.comment, schema=table.schema)
    migration.changes.append(f"changed comment of {table.name}")


_HANDLERS: dict[str, Callable[..., None]] = {
    "add_table": _add_table,
    "remove_table": _remove_table,
    "add_index": _add_index,
    "add_column": _add_column,
    "remove_column": _remove_column,
    "modify_type": _modify_type,
    "modify_nullable": _modify_nullable,
    "modify_comment": _modify_comment,
    "add_table_comment": _add_table_comment,
}
"""Alembic's differences that are acted upon. Indexes and constraints of a user's own are left alone."""


def _version_table() -> sa.Table:
    return metadata().tables[f"{SCHEMA}.schema_version"]


def _record_version(migration: Migration) -> None:
    table = _version_table()
    layout = None if migration.notes else layout_digest(migration.connection)
    row = {"code_version": version("sigmasight"), "views": digest(), "layout": layout}
    stored = migration.connection.execute(sa.select(*(table.c[name] for name in row))).mappings()
    if [dict(found) for found in stored] != [row]:
        migration.connection.execute(sa.delete(table))
        migration.connection.execute(sa.insert(table).values(**row, migrated_at=sa.func.now()))
