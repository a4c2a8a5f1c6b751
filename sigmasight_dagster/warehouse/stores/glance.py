"""Reading a portfolio at a glance: published rows of one date, as they are, without frames."""

from typing import Any

import pandas as pd

from sigmasight_core.tables import (
    DailyPrices,
    Portfolios,
    PortfolioSnapshots,
    Positions,
    Table,
    table_name,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, View
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.sql import literal, one_of, quoted

Row = dict[str, Any]
"""Cells by column; NULL is None."""


class GlanceStore(Reader):
    """Each read is one statement."""

    def glance(self, view: View, portfolio: str, date: pd.Timestamp) -> list[Row]:
        """Rows of a view of one portfolio on one date."""
        day = f"SELECT {literal(portfolio)}::text AS portfolio, DATE '{date:%Y-%m-%d}' AS date"
        return self._database.query(view.select(day)).to_pylist()

    def glance_dates(self, portfolio: str, model: type[Table] = PortfolioSnapshots) -> list[pd.Timestamp]:
        """Dates of which a portfolio has published rows of a table, the oldest first."""
        name = literal(table_name(model))
        statement = (
            f"SELECT date FROM {PUBLICATIONS} WHERE table_name = {name} AND n_rows > 0 "
            f"AND {one_of('portfolio', [portfolio])} ORDER BY date"
        )
        return [pd.Timestamp(row["date"]) for row in self._database.query(statement).to_pylist()]

    def dates_of_everybody(self) -> pd.DataFrame:
        """Dates of which portfolios have published snapshots, in two statements for all of them.

        :returns: portfolio, date and whether every daily table is published, by portfolio and date.
        """
        name = literal(table_name(PortfolioSnapshots))
        snapshots, complete = (
            self._database.query(statement).to_pandas()
            for statement in (
                f"SELECT portfolio, date FROM {PUBLICATIONS} WHERE table_name = {name} AND n_rows > 0",
                f"SELECT portfolio, date FROM {quoted(SCHEMA, 'complete_dates')}",
            )
        )
        whole = pd.MultiIndex.from_frame(snapshots).isin(pd.MultiIndex.from_frame(complete))
        made = snapshots.assign(date=pd.to_datetime(snapshots["date"]), complete=whole)
        return made.sort_values(["portfolio", "date"], ignore_index=True)

    def position_counts(self) -> "pd.Series[int]":
        """How many positions each portfolio has that has any, by its name."""
        table = quoted(SCHEMA, table_name(Positions))
        found = self._database.query(f"SELECT portfolio, count(*) AS n FROM {table} GROUP BY portfolio")
        return found.to_pandas().set_index("portfolio")["n"]

    def price_sources(self) -> set[str]:
        """Sources of the prices of the first and of the last published date."""
        name = literal(table_name(DailyPrices))
        ends = f"SELECT unnest(ARRAY[min(date), max(date)]) FROM {PUBLICATIONS} WHERE table_name = {name}"
        table = quoted(SCHEMA, table_name(DailyPrices))
        found = self._database.query(
            f"SELECT DISTINCT source FROM {table} WHERE date IN ({ends})"
        ).to_pylist()
        return {row["source"] for row in found}

    def portfolio_names(self) -> list[str]:
        """Registered portfolios, in the order of their names."""
        table = quoted(SCHEMA, table_name(Portfolios))
        found = self._database.query(f"SELECT portfolio FROM {table} ORDER BY portfolio").to_pylist()
        return [row["portfolio"] for row in found]
