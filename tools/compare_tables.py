"""Are two projects' tables equal to the bit? `python -m tools.compare_tables URL_1 URL_2` (libpq URLs).

Every table and column of the first is looked for in the second. What says when and by which run a row was
made is left out; so are the warehouse's own books. PostgreSQL writes a double precision with the digits that
give back its bits, so that equal texts are equal numbers.
"""

import sys
from contextlib import closing

import psycopg2
from psycopg2.extensions import cursor as Cursor

from sigmasight_core.tables import OPERATIONS_TABLES, Audit, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.packed import packed_models
from sigmasight_dagster.warehouse.layout.schema import stored_name

_PACKED = packed_models()  # how they are stored is one thing, their rows are the other
_NOT_COMPARED = {
    "schema_version",
    *(table_name(model) for model in OPERATIONS_TABLES),
    *(stored_name(model) for model in _PACKED),
}
_AUDIT = set(Audit.to_schema().columns)


def main() -> None:
    """Print a line a table; exit with 1 when one differs."""
    with (
        closing(psycopg2.connect(sys.argv[1])) as first,
        closing(psycopg2.connect(sys.argv[2])) as second,
        first.cursor() as left,
        second.cursor() as right,
    ):
        found = _tables(left).items()
        differing = [name for name, columns in found if not _same(left, right, name, columns)]
    print(f"{len(differing)} tables differ" + (f": {', '.join(differing)}" if differing else ""))
    sys.exit(1 if differing else 0)


def _tables(rows: Cursor) -> dict[str, list[str]]:
    rows.execute(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) "
        "WHERE table_schema = %s AND (table_type = 'BASE TABLE' OR c.table_name = ANY(%s)) ORDER BY 1, 2",
        [SCHEMA, [table_name(model) for model in _PACKED]],
    )
    found: dict[str, list[str]] = {}
    for table, column in rows.fetchall():
        if table not in _NOT_COMPARED and column not in _AUDIT:
            found.setdefault(table, []).append(column)
    return found


def _same(left: Cursor, right: Cursor, table: str, columns: list[str]) -> bool:
    names = ", ".join(f'"{name}"' for name in columns)
    rows = f'SELECT ROW({names})::text AS row FROM "{SCHEMA}"."{table}"'
    statement = f"SELECT count(*), md5(string_agg(row, E'\\n' ORDER BY row COLLATE \"C\")) FROM ({rows}) rows"
    sums = []
    for side in (left, right):
        try:
            side.execute(statement)
            sums.append(side.fetchone())
        except psycopg2.errors.UndefinedTable:
            side.connection.rollback()
            sums.append((0, "no such table"))
    equal = sums[0] == sums[1]
    print(f"{table:32} {sums[0][0]:>9,} rows {'equal' if equal else f'DIFFERENT: {sums[1][0]:,} rows'}")
    return equal


if __name__ == "__main__":
    main()
