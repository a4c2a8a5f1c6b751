"""Stored reports, when that was computed which they are made of, and standing orders for their files."""

from collections.abc import Iterable

import pandas as pd

from sigmasight_core.tables import PortfolioReports, ReportSchedules
from sigmasight_dagster.warehouse.access.theirs import may_see
from sigmasight_dagster.warehouse.layout.schema import columns
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, named, published
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow
from sigmasight_dagster.warehouse.sql import literal, lock_key, on_dates, one_of, quoted, where


class ReportStore(Reader):
    """Each method is one statement."""

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

    def report_schedules(self) -> pd.DataFrame:
        """Standing orders of users who may still see the portfolio: rows of `ReportSchedules`, by id."""
        chosen = ", ".join(f"s.{quoted(name)}" for name in columns(ReportSchedules))
        statement = (
            f"SELECT {chosen} FROM {named(ReportSchedules)} AS s "
            f"WHERE {may_see('s.email', 's.portfolio')} ORDER BY s.schedule_id"
        )
        return from_arrow(ReportSchedules, self._database.query(statement))

    def record_written(self, schedule_id: str, date: pd.Timestamp, stamp: AuditStamp) -> None:
        """Note that a run has written the files of a standing order; one that was taken back stays so.

        :param stamp: of the run.
        """
        with self._database.transaction(lock_key("report schedules")) as cursor:
            cursor.execute(
                f"UPDATE {named(ReportSchedules)} SET last_report_date = "
                f"greatest(last_report_date, DATE '{date:%Y-%m-%d}'), last_run = {literal(stamp.run_id)}, "
                f"written_at = now(), run_id = {literal(stamp.run_id)}, computed_at = now(), "
                f"code_version = {literal(stamp.code_version)} WHERE {one_of('schedule_id', [schedule_id])}"
            )
