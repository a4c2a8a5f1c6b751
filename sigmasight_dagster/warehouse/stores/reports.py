"""Stored reports, and when that was computed which they are made of."""

from collections.abc import Iterable

import pandas as pd

from sigmasight_core.tables import PortfolioReports, Publications, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.sql import on_dates, one_of, quoted, where


class ReportStore(Reader):
    """Reads of reports, each one statement."""

    def stored_reports(
        self, portfolio: str, dates: tuple[pd.Timestamp, pd.Timestamp], documents: bool = True
    ) -> pd.DataFrame:
        """The reports of a portfolio between two dates, both inclusive: date, document, computed_at.

        :param documents: without them, only which there are.
        """
        conditions = [one_of("portfolio", [portfolio]), on_dates(dates)]
        columns = ", ".join(quoted(name) for name in ("date", *(["document"] if documents else [])))
        table = quoted(SCHEMA, table_name(PortfolioReports))
        statement = f"SELECT {columns}, computed_at FROM {table}{where(conditions)} ORDER BY date"
        rows = self._database.query(statement).to_pandas()
        return rows.assign(date=pd.to_datetime(rows["date"]))

    def computed_at(
        self, portfolio: str, date: pd.Timestamp, tables: Iterable[str]
    ) -> "pd.Series[pd.Timestamp]":
        """When each of some tables was published for a portfolio and date, by name; only those that were."""
        conditions = [
            one_of("table_name", tables),
            one_of("portfolio", [portfolio, ""]),
            on_dates([date]),
        ]
        table = quoted(SCHEMA, table_name(Publications))
        statement = f"SELECT table_name, computed_at FROM {table}{where(conditions)}"
        rows = self._database.query(statement).to_pandas()
        return rows.set_index("table_name")["computed_at"]
