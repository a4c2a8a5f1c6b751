"""What leaves the warehouse as files: the published rows of one table, as Arrow."""

from collections.abc import Sequence

import pyarrow as pa

from sigmasight_core.tables import Grain, Table, grain, primary_key, table_name
from sigmasight_dagster.warehouse.layout.schema import arrow_schema, columns
from sigmasight_dagster.warehouse.layout.view import NOT_COMPARISON, PUBLICATIONS
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.sql import Dates, literal, quoted
from sigmasight_dagster.warehouse.tables import select


class ExportStore(Reader):
    """Rows as the views show them, of any date: published, and without comparison scenarios."""

    def published_rows(self, model: type[Table], dates: Dates, portfolios: Sequence[str] | None) -> pa.Table:
        """Rows of a partitioned table without audit columns, ordered by key.

        :param portfolios: of a table by date alone None.
        :raises InputError: when a range ends before it starts.
        """
        of = "t.portfolio" if grain(model) is Grain.DATE_PORTFOLIO else "''"
        shown = [
            f"EXISTS (SELECT FROM {PUBLICATIONS} AS p WHERE p.table_name = {literal(table_name(model))} "
            f"AND p.portfolio = {of} AND p.date = t.date)"
        ]
        if of != "''" and "scenario" in primary_key(model):
            shown.append(NOT_COMPARISON.format(alias="t"))
        order = ", ".join(f"t.{quoted(name)}" for name in primary_key(model))
        found = self._database.query(
            f"SELECT t.* FROM ({select(model, dates, portfolios)}) AS t WHERE {' AND '.join(shown)} "
            f"ORDER BY {order}"
        )
        return found.cast(exported_schema(model))


def exported_schema(model: type[Table]) -> pa.Schema:
    """Types of a table's columns in files: those of the database, decimals as doubles."""
    fields = [field for field in arrow_schema(model) if field.name in columns(model)]
    doubles = [pa.field(f.name, pa.float64()) if pa.types.is_decimal(f.type) else f for f in fields]
    return pa.schema(doubles)
