"""What a declared view is, and how views join tables: of a portfolio and date, if published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sigmasight_core.tables import Portfolios, Publications, Scenarios, Table, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import literal, quoted


def named(model: type[Table]) -> str:
    return quoted(SCHEMA, table_name(model))


PUBLICATIONS: Final = named(Publications)
REGISTRY: Final = named(Portfolios)
NOT_COMPARISON: Final = (
    f"NOT EXISTS (SELECT FROM {named(Scenarios)} AS c "
    "WHERE c.scenario = {alias}.scenario AND c.comparison = 'yes')"
)
"""Condition: the scenario of a row is not kept for comparison alone."""


@dataclass(frozen=True)
class View:
    """One view.

    :param newest_of: the view shows each registered portfolio on its newest date of this table that has rows.
    :param tables: row model of each alias of `source`. :param columns: expression of each column, by name.
    :param source: what follows `FROM day AS d`, one row a portfolio and date: its joins and conditions.
    :param meanings: of columns that are not simply one of a table.
    """

    name: str
    about: str
    newest_of: type[Table] | None
    tables: Mapping[str, type[Table]]
    columns: Mapping[str, str]
    source: str
    meanings: Mapping[str, str] = field(default_factory=dict)

    def select(self, day: str | None = None) -> str:
        """SELECT of the view.

        :param day: a SELECT of portfolio and date, to show those instead of the newest.
        """
        chosen = ", ".join(f"{what} AS {quoted(name)}" for name, what in self.columns.items())
        days = day or (newest(self.newest_of) if self.newest_of else "")
        begin = f"FROM ({days}) AS d " if days else "FROM "
        return f"SELECT {chosen} {begin}{self.source}"

    def described(self) -> dict[str, str]:
        """The meaning of each column, with its unit."""
        return {name: self.meanings.get(name) or self._meaning(what) for name, what in self.columns.items()}

    def _meaning(self, expression: str) -> str:
        alias, _, name = expression.partition(".")
        if alias == "d":
            return {"date": "Trading date (NYSE session)", "portfolio": "Portfolio name"}[name]
        column = self.tables[alias].to_schema().columns[name]
        unit = (column.metadata or {}).get("unit")
        return f"{column.description} [{unit}]" if unit else str(column.description)


def newest(model: type[Table]) -> str:
    """SELECT of each registered portfolio with its newest published date that has rows of a table."""
    return (
        f"SELECT r.portfolio, max(p.date) AS date FROM {REGISTRY} AS r JOIN {PUBLICATIONS} AS p "
        f"ON p.portfolio = r.portfolio WHERE p.table_name = {literal(table_name(model))} AND p.n_rows > 0 "
        "GROUP BY r.portfolio"
    )


def published(model: type[Table], alias: str) -> str:
    return (
        f"EXISTS (SELECT FROM {PUBLICATIONS} AS p WHERE p.table_name = {literal(table_name(model))} "
        f"AND p.portfolio = {alias}.portfolio AND p.date = {alias}.date)"
    )


def join(model: type[Table], alias: str, condition: str = "", kind: str = "LEFT JOIN") -> str:
    """Join rows of a portfolio table on the portfolio and date of `d`, where they are published."""
    more = f" AND {condition}" if condition else ""
    return (
        f"{kind} {named(model)} AS {alias} ON {alias}.date = d.date AND {alias}.portfolio = d.portfolio "
        f"AND {published(model, alias)}{more} "
    )


def rows_of(model: type[Table], *columns: str, condition: str = "") -> View:
    """Columns of the published rows of one portfolio table: as a view, but not one of the schema."""
    return View(
        table_name(model),
        "",
        model,
        {"t": model},
        DAY | same("t", *columns),
        join(model, "t", condition, kind="JOIN"),
    )


def same(alias: str, *names: str) -> dict[str, str]:
    return {name: f"{alias}.{name}" for name in names}


DAY: Final = same("d", "portfolio", "date")
