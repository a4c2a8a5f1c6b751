"""Stored reports, and when that was computed which they are made of."""

from collections.abc import Iterable

import pandas as pd

from sigmasight_core.tables import PortfolioReports
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, named, published
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.sql import on_dates, one_of, where


class ReportStore(Reader):
    """Reads of reports, each one statement."""

    def stored_report(self, portfolio: str, date: pd.Timestamp) -> pd.DataFrame:
        """The published report of a portfolio on a date: document, computed_at; no row = there is none.

        One of a ledger that was replaced stays in the table, and is no more published.
        """
        conditions = [one_of("portfolio", [portfolio]), on_dates([date]), published(PortfolioReports, "t")]
        statement = f"SELECT document, computed_at FROM {named(PortfolioReports)} AS t{where(conditions)}"
        return self._database.query(statement).to_pandas()

    def computed_at(
        self, portfolio: str, date: pd.Timestamp, tables: Iterable[str]
    ) -> "pd.Series[pd.Timestamp]":
        """When each of some tables was published for a portfolio and date, by name; only those that were."""
        conditions = [
            one_of("table_name", tables),
            one_of("portfolio", [portfolio, ""]),
            on_dates([date]),
        ]
        statement = f"SELECT table_name, computed_at FROM {PUBLICATIONS}{where(conditions)}"
        rows = self._database.query(statement).to_pandas()
        return rows.set_index("table_name")["computed_at"]
