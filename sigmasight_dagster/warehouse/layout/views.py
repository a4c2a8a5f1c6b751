"""Every view of the warehouse: `<table>_latest`, from the row models, and those of `everyday` and `complete`,
on top of those of `packed`, which are as tables.

What the others have in common: a row counts only while its partition is published, and scenarios that are
kept for comparison alone are left out. The tables below them keep both.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import sqlalchemy as sa

from sigmasight_core.tables import TABLES, Grain, Table, grain, primary_key, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.errors import MigrationError
from sigmasight_dagster.warehouse.layout.complete import COMPLETE_DATES
from sigmasight_dagster.warehouse.layout.everyday import (
    CORRELATED_PAIRS,
    PORTFOLIO_TODAY,
    POSITIONS_TODAY,
    RISK_MEASURES_WIDE,
    WORST_STRESS,
)
from sigmasight_dagster.warehouse.layout.packed import packed_models, rows_of_packed
from sigmasight_dagster.warehouse.layout.schema import (
    column_comment,
    stored_columns,
    stored_name,
    table_comment,
)
from sigmasight_dagster.warehouse.layout.view import NOT_COMPARISON, PUBLICATIONS, REGISTRY
from sigmasight_dagster.warehouse.sql import literal, quoted

EVERYDAY: Final = (
    PORTFOLIO_TODAY,
    POSITIONS_TODAY,
    WORST_STRESS,
    RISK_MEASURES_WIDE,
    COMPLETE_DATES,
    CORRELATED_PAIRS,
)
"""In the order of the documentation."""


def latest_views() -> dict[str, str]:
    """SELECT of each `<table>_latest` view, by table.

    Date tables: the rows of the latest published date. Portfolio tables: for each registered portfolio,
    the rows of its own latest published date.
    """
    return {table_name(m): _latest(m) for m in TABLES if grain(m) is not Grain.UNPARTITIONED}


def _latest(model: type[Table]) -> str:
    name = table_name(model)
    table = quoted(SCHEMA, name)
    newest = f"SELECT max(p.date) AS date FROM {PUBLICATIONS} AS p WHERE p.table_name = {literal(name)}"
    if grain(model) is Grain.DATE:
        return f"SELECT t.* FROM {table} AS t WHERE t.date = ({newest} AND p.portfolio = '')"
    comparison = f" WHERE {NOT_COMPARISON.format(alias='t')}" if "scenario" in primary_key(model) else ""
    return (
        f"SELECT t.* FROM {REGISTRY} AS r"
        f" CROSS JOIN LATERAL ({newest} AND p.portfolio = r.portfolio) AS newest"
        f" JOIN {table} AS t ON t.portfolio = r.portfolio AND t.date = newest.date{comparison}"
    )


def digest() -> str:
    """Of the definitions and comments of all views."""
    everyday = [(view.name, view.select(), view.about, view.described()) for view in EVERYDAY]
    packed = [(rows_of_packed(model), table_comment(model), _described(model)) for model in packed_models()]
    said = repr((sorted(latest_views().items()), everyday, packed))
    return blake2b(said.encode(), digest_size=16).hexdigest()


def create_views(connection: sa.Connection, stored_digest: str | None) -> list[str]:
    """Make every view that is not there or not as it is declared; what was changed.

    :param stored_digest: that of the views that the last migration made, if there was one.
    :raises MigrationError: when a view of the user's own hangs on one that must get other columns.
    """
    code_changed = stored_digest != digest()
    changes = _show_packed(connection, code_changed=code_changed)
    inspector = sa.inspect(connection)
    existing = set(inspector.get_view_names(SCHEMA))
    for table, definition in latest_views().items():
        name = f"{table}_latest"
        wanted = [column["name"] for column in inspector.get_columns(table, SCHEMA)]
        shown = [column["name"] for column in inspector.get_columns(name, SCHEMA)] if name in existing else []
        if code_changed or wanted != shown:
            connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {quoted(SCHEMA, name)} AS {definition}")
            _comment(
                connection, "VIEW", quoted(SCHEMA, name), f"Rows of {table} of the latest published date"
            )
            changes.append(f"{'changed' if shown else 'created'} view {name}")
    for view in EVERYDAY:
        if code_changed or view.name not in existing:
            _replace(connection, view.name, view.select(), view.about, view.described())
            changes.append(f"{'changed' if view.name in existing else 'created'} view {view.name}")
    return changes


def drop_views_of(connection: sa.Connection, table: str) -> None:
    """Those that show a table, of which a column's type changes; `create_views` makes them again."""
    packed = {stored_name(model): table_name(model) for model in packed_models()}
    shown = packed.get(table, table)
    used = [view.name for view in EVERYDAY if quoted(SCHEMA, shown) in view.select()]
    for name in (f"{shown}_latest", *used, *([shown] if table in packed else [])):
        _drop(connection, name)


def _show_packed(connection: sa.Connection, *, code_changed: bool) -> list[str]:
    """Make the views of packed tables, which others are made of; what was changed."""
    existing = set(sa.inspect(connection).get_view_names(SCHEMA))
    changes = []
    for model in packed_models():
        name = table_name(model)
        if code_changed or name not in existing:
            _replace(connection, name, rows_of_packed(model), table_comment(model), _described(model))
            changes.append(f"{'changed' if name in existing else 'created'} view {name}")
    return changes


def _described(model: type[Table]) -> dict[str, str]:
    return {name: column_comment(column) for name, column in stored_columns(model).items()}


def _replace(
    connection: sa.Connection, view: str, select: str, about: str, described: Mapping[str, str]
) -> None:
    name = quoted(SCHEMA, view)
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {name} AS {select}")
    except sa.exc.ProgrammingError:  # its columns are others: it cannot be replaced as it stands
        drop_views_of(connection, view)
        _drop(connection, view)
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {select}")
    _comment(connection, "VIEW", name, about)
    for column, meaning in described.items():
        _comment(connection, "COLUMN", f"{name}.{quoted(column)}", meaning)


def _drop(connection: sa.Connection, view: str) -> None:
    try:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {quoted(SCHEMA, view)}")
    except sa.exc.InternalError as error:
        reason = " ".join(str(error.orig).split())
        raise MigrationError(
            f"view {view} has to be made anew and views of your own hang on it ({reason}); "
            "drop those, migrate, and make them again"
        ) from None


def _comment(connection: sa.Connection, kind: str, name: str, text: str) -> None:
    connection.exec_driver_sql(f"COMMENT ON {kind} {name} IS {literal(text)}".replace("%", "%%"))
