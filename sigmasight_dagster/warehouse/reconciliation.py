"""Tables against each other, in the database: orphans, gaps, and partitions whose row counts differ.

Only published partitions count: a table may keep rows of a ledger that was replaced or removed.
"""

from typing import Final

from sigmasight_core.tables import (
    TABLES,
    Grain,
    PositionGreeks,
    Positions,
    PositionValues,
    Publications,
    Table,
    grain,
    table_name,
)
from sigmasight_dagster.partitions.keys import SEPARATOR
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import rows_of_stored, stored
from sigmasight_dagster.warehouse.sql import literal, quoted

LEDGER: Final = "position without a row in the ledger"
GREEKS: Final = "position value without Greeks"
COUNTS: Final = "partition with other rows than published"

_PUBLISHED: Final = quoted(SCHEMA, table_name(Publications))


def _lacking(model: type[Table], other: type[Table], check: str, *, dated: bool) -> str:
    """Rows of a published partition of `model` without their position in `other` (published as well)."""
    mine, theirs = quoted(SCHEMA, table_name(model)), quoted(SCHEMA, table_name(other))
    published = (
        f"p.table_name = {literal(table_name(model))} AND p.date = t.date AND p.portfolio = t.portfolio"
    )
    same = "o.portfolio = t.portfolio AND o.position_id = t.position_id" + (
        " AND o.date = t.date" if dated else ""
    )
    both = (
        f" JOIN {_PUBLISHED} q ON q.table_name = {literal(table_name(other))}"
        " AND q.date = t.date AND q.portfolio = t.portfolio"
        if dated
        else ""
    )
    return (
        f'SELECT {literal(check)} AS "check", {literal(table_name(model))} AS table_name, count(*) AS n,'
        f" coalesce(min(t.date || '{SEPARATOR}' || t.portfolio || ' ' || t.position_id), '') AS example"
        f" FROM {mine} t JOIN {_PUBLISHED} p ON {published}{both}"
        f" WHERE NOT EXISTS (SELECT FROM {theirs} o WHERE {same})"
    )


def _miscounted(model: type[Table]) -> str:
    name = table_name(model)
    keys = ", ".join(grain(model).value)
    portfolio = " AND c.portfolio = p.portfolio" if grain(model) is Grain.DATE_PORTFOLIO else ""
    return (
        f'SELECT {literal(COUNTS)} AS "check", {literal(name)} AS table_name, count(*) AS n,'
        f" coalesce(min(p.date || '{SEPARATOR}' || p.portfolio || ': ' || coalesce(c.n, 0)"
        " || ' rows, published ' || p.n_rows), '') AS example"
        f" FROM {_PUBLISHED} p LEFT JOIN"
        f" (SELECT {keys}, sum({rows_of_stored(model)}) AS n FROM {stored(model)} GROUP BY {keys}) c"
        f" ON c.date = p.date{portfolio}"
        f" WHERE p.table_name = {literal(name)} AND p.n_rows <> coalesce(c.n, 0)"
    )


def statement() -> str:
    """One line a check and table: check, table_name, n, example."""
    return " UNION ALL ".join(
        [
            _lacking(PositionValues, Positions, LEDGER, dated=False),
            _lacking(PositionGreeks, Positions, LEDGER, dated=False),
            _lacking(PositionValues, PositionGreeks, GREEKS, dated=True),
            *(_miscounted(model) for model in TABLES if grain(model) is not Grain.UNPARTITIONED),
        ]
    )
