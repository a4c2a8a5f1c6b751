"""Stored reports, and when that was computed which they are made of."""

from collections.abc import Iterable

import pandas as pd

from sigmasight_core.tables import PortfolioReports
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, named, published
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.sql import on_dates, one_of, quoted, where


class ReportStore(Reader):
    """Reads of reports, each one statement."""

    def stored_reports(
        self, portfolio: str, dates: tuple[pd.Timestamp, pd.Timestamp], documents: bool = True
    ) -> pd.DataFrame:
        """Published reports of a portfolio between two dates, both inclusive: date, document, computed_at.

        One of a ledger that was replaced stays in the table, and is no more published.

        :param documents: without them, only which there are.
        """
        conditions = [
            one_of("portfolio", [portfolio]),
            on_dates(dates),
            published(PortfolioReports, "t"),
        ]
        columns = ", ".join(quoted(name) for name in ("date", *(["document"] if documents else [])))
        table = named(PortfolioReports)
        statement = f"SELECT {columns}, computed_at FROM {table} AS t{where(conditions)} ORDER BY date"
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
        statement = f"SELECT table_name, computed_at FROM {PUBLICATIONS}{where(conditions)}"
        rows = self._database.query(statement).to_pandas()
        return rows.set_index("table_name")["computed_at"]
