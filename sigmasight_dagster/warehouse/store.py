"""The warehouse's interface."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sigmasight_core.tables import (
    LedgerChanges,
    Portfolios,
    Positions,
    Publications,
    RejectedRows,
    SupersededRows,
    Table,
    WhatIfSessions,
    table_name,
)
from sigmasight_dagster.warehouse import corrections, reconciliation, retention, versions
from sigmasight_dagster.warehouse.database import SCHEMA, Database
from sigmasight_dagster.warehouse.rectangle import Rectangle, published_statement, require
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import Dates, literal, lock_key, quoted
from sigmasight_dagster.warehouse.stores import alerts, ledger, what_if
from sigmasight_dagster.warehouse.tables import copy_in, select


class Warehouse:
    """The tables of one PostgreSQL database.

    Safe to share between threads and to use after a fork. Every method is one transaction, and every read is
    one query, so that a reader sees whole partitions only. Methods raise WarehouseError, in one line with the
    cure and never with a password, when the database cannot be reached or refuses.

    url: `postgresql://`, `postgres://` or `postgresql+psycopg2://`.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def close(self) -> None:
        """Close idle connections."""
        self._database.close()

    def migrate(self) -> list[str]:
        """Create what is missing and bring an older layout up to date, without loss.

        :returns: what was changed, one line each; nothing on a database that is up to date, except lines
            that begin with "note:", which name what a person may want to see to.
        :raises MigrationError: where only a person can decide, or if a newer code has migrated the database.
        """
        from sigmasight_dagster.warehouse.layout.migration import migrate

        return migrate(self._database)

    def replace(
        self,
        model: type[Table],
        frame: pd.DataFrame,
        dates: Sequence[pd.Timestamp] | pd.DatetimeIndex,
        portfolios: Sequence[str] | None,
        stamp: AuditStamp,
    ) -> int:
        """Replace exactly the partitions dates x portfolios by the frame's rows, in one transaction.

        Readers see all of the old rows or all of the new ones, whatever happens to the writer or the server.
        Each partition is published, those without rows too. Writers of common partitions wait for each other.

        :param frame: rows as `sigmasight_core.tables.validate` returns them; not validated again.
        :param dates: any set of dates. :param portfolios: any set of names; None for a date table.
        :returns: number of rows written.
        :raises WarehouseError: on rows outside of the partitions, or columns other than the model's.
        :raises InputError: on an empty selection, or portfolios that do not fit the table.
        """
        target = Rectangle.of(model, dates, portfolios)
        publications = to_arrow(Publications, target.publications(frame), stamp)
        rows = to_arrow(model, frame, stamp)
        with self._database.transaction(*target.lock_keys) as cursor:
            changed = corrections.changed(cursor, target, frame)
            cursor.execute(f"DELETE FROM {quoted(SCHEMA, table_name(model))}{target.condition}")
            copy_in(cursor, model, rows)
            published = quoted(SCHEMA, table_name(Publications))
            cursor.execute(f"DELETE FROM {published}{target.publications_condition}")
            copy_in(cursor, Publications, publications)
            corrections.record(cursor, model, changed, stamp)
        return len(frame)

    def read(
        self,
        model: type[Table],
        dates: Dates | None = None,
        portfolios: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Rows of a table without audit columns, ordered by key, with the dtypes of its row model.

        :param dates: a (start, end) tuple, both inclusive, or exactly the dates of a list or index.
        :param columns: which columns, in which order; default: the model's.
        :raises InputError: on a column or filter that the table has not, or a range that ends too early.
        """
        return from_arrow(model, self._database.query(select(model, dates, portfolios, columns, symbols)))

    def read_as_of(
        self,
        model: type[Table],
        knowledge: pd.Timestamp,
        dates: Dates | None = None,
    ) -> pd.DataFrame:
        """Rows of a source table as they were known at a moment (UTC), ordered by key.

        Versions are kept since the database was migrated to hold them: rows that were stored before then
        count as known ever since.
        """
        current = self.read(model, dates)
        later = from_arrow(SupersededRows, self._database.query(versions.statement(model, knowledge, dates)))
        return versions.as_of(model, current, later)

    def published(
        self,
        model: type[Table],
        dates: Dates | None = None,
        portfolios: Sequence[str] | None = None,
        run_id: str | None = None,
    ) -> pd.DataFrame:
        """Published partitions among these, empty ones too: date, portfolio ('' in a date table), sorted.

        :param portfolios: None means every portfolio.
        :param run_id: only those that this run published last.
        """
        statement = published_statement(model, dates, portfolios, run_id)
        return from_arrow(Publications, self._database.query(statement))

    def require_published(
        self,
        model: type[Table],
        dates: Sequence[pd.Timestamp] | pd.DatetimeIndex,
        portfolios: Sequence[str] | None = None,
    ) -> None:
        """:raises UpstreamNotPublished: if one of the partitions dates x portfolios was never published."""
        if len(dates) and (portfolios is None or len(portfolios)):
            wanted = Rectangle.of(model, dates, portfolios)
            require(wanted, self.published(model, wanted.dates, portfolios))

    def computed(self, model: type[Table], since: pd.Timestamp, before: pd.Timestamp) -> pd.DataFrame:
        """Publications from a date on, computed before a moment: date, portfolio, computed_at."""
        found = self._database.query(corrections.computed_statement(model, since, before))
        times = found["computed_at"].to_pandas()
        return from_arrow(Publications, found.drop_columns(["computed_at"])).assign(computed_at=times)

    def reconciliation(self) -> pd.DataFrame:
        """Rows that another table lacks, and partitions whose rows are not as many as published.

        :returns: check, table_name, n (how many), example ('' where n is 0); one line a check and table.
        """
        return self._database.query(reconciliation.statement()).to_pandas()

    def retire(self, before: pd.Timestamp, dry_run: bool = False) -> pd.DataFrame:
        """Delete the rows and publications of the tables with `detail` (see Facts) of dates before `before`.

        :returns: table_name, n_partitions, n_rows deleted, or that would be.
        """
        return retention.retire(self._database, before, dry_run=dry_run)

    def count_published(self, run_id: str) -> int:
        """Number of partitions whose last publication was by this run."""
        published = quoted(SCHEMA, table_name(Publications))
        counted = self._database.query(
            f"SELECT count(*) AS n FROM {published} WHERE run_id = {literal(run_id)}"
        )
        return counted["n"][0].as_py()

    def save_portfolio(
        self,
        portfolio: Mapping[str, Any] | pd.Series,
        positions: pd.DataFrame,
        stamp: AuditStamp,
        replace: bool = False,
        command: str = "",
        expected: pd.DataFrame | None = None,
    ) -> ledger.Saved:
        """Register a portfolio with its positions, or replace them, in one transaction, with its history.

        Results of a replaced ledger stay in their tables, but from the first entry date among the positions
        that differ (all dates, if the cash differs) they no longer count as published.

        :param portfolio: one row of `Portfolios`. :param positions: rows of `Positions` of that portfolio.
        :param command: what the history says has made the change; default: the stamp's run id.
        :param expected: positions that an edit was made from: others stored meanwhile refuse it.
        :returns: 'unchanged' if cash and positions are the stored ones (the source may differ).
        :raises InputError: if the stored ones differ and `replace` is not set.
        :raises DataQualityError: if the rows break their row models.
        """
        return ledger.save(
            self._database,
            dict(portfolio),
            positions,
            stamp,
            replace=replace,
            command=command,
            expected=expected,
        )

    def portfolios(self) -> pd.DataFrame:
        """The registry: rows of `Portfolios`."""
        return self.read(Portfolios)

    def positions(self, portfolios: Sequence[str] | None = None) -> pd.DataFrame:
        """The ledger: rows of `Positions` of these portfolios, or of all."""
        return self.read(Positions, portfolios=portfolios)

    def ledger_changes(self, portfolio: str) -> pd.DataFrame:
        """The history of a portfolio's ledger: rows of `LedgerChanges` with `computed_at` (UTC)."""
        table = quoted(SCHEMA, table_name(LedgerChanges))
        found = self._database.query(
            f"SELECT * FROM {table} WHERE portfolio = {literal(portfolio)} ORDER BY change, position_id"
        )
        times = found["computed_at"].to_pandas()
        names = list(LedgerChanges.to_schema().columns)
        return from_arrow(LedgerChanges, found.select(names)).assign(computed_at=times)

    def ledger_symbols(self, portfolio: str | None = None) -> pd.DataFrame:
        """Symbols of a portfolio (None = of all), and since when (UTC) a position in them has been stored.

        The position may be of any portfolio.

        :returns: symbol, underlying, since.
        """
        table = quoted(SCHEMA, table_name(Positions))
        mine = "" if portfolio is None else f" WHERE portfolio = {literal(portfolio)}"
        return self._database.query(
            f"SELECT symbol, underlying, min(computed_at) AS since FROM {table} WHERE symbol IN "
            f"(SELECT symbol FROM {table}{mine}) "
            "GROUP BY symbol, underlying ORDER BY symbol"
        ).to_pandas()

    def remove_portfolio(self, portfolio: str, stamp: AuditStamp) -> int:
        """Remove a portfolio and its positions from the ledger; its history stays.

        Its results stay in their tables, but no longer count as published, and leave the `_latest` views.

        :returns: number of positions removed. :raises InputError: if it is not registered.
        """
        return ledger.remove(self._database, portfolio, stamp)

    def save_what_if(self, name: str, rows: what_if.Rows, stamp: AuditStamp, replace: bool = False) -> None:
        """Store a what-if session in one transaction: the rows of `what_if.MODELS`, the name in each row.

        :raises InputError: if there is a session of this name and `replace` is not set.
        :raises DataQualityError: if the rows break their row models.
        """
        what_if.save(self._database, name, rows, stamp, replace=replace)

    def what_if_sessions(self) -> pd.DataFrame:
        """The saved sessions: rows of `WhatIfSessions`."""
        return self.read(WhatIfSessions)

    def what_if(self, name: str) -> what_if.Rows:
        """One saved session: its rows in each of `what_if.MODELS`. :raises InputError: if there is none."""
        return what_if.load(self._database, name)

    def remove_what_if(self, name: str) -> None:
        """Remove a saved session. :raises InputError: if there is none."""
        what_if.remove(self._database, name)

    def published_since(self, tables: Sequence[str], since: int) -> alerts.Published:
        """Partitions of portfolio tables published after the snapshot of an earlier call (0 = all)."""
        return alerts.published_since(self._database, tables, since)

    def latest_published(self, tables: Sequence[str]) -> pd.DataFrame:
        """The newest published date of each table and registered portfolio: table_name, portfolio, date."""
        return alerts.latest_published(self._database, tables)

    def save_alerts(
        self, evaluated: pd.DataFrame, destinations: Mapping[str, Sequence[str]], stamp: AuditStamp
    ) -> pd.DataFrame:
        """Store alerts that changed, and put them into the outbox of their rule's destinations.

        :param evaluated: rows of `Alerts`, any state. :param destinations: by rule.
        :returns: the alerts to be told. :raises DataQualityError: if the rows break their row model.
        """
        return alerts.save(self._database, evaluated, destinations, stamp)

    def pending_alerts(self) -> pd.DataFrame:
        """What is still to be told: rows of `AlertDeliveries` with the columns of their alerts."""
        return alerts.pending(self._database)

    def record_deliveries(self, tried: pd.DataFrame, stamp: AuditStamp) -> None:
        """Store what became of attempts to tell: rows of `pending_alerts`, changed."""
        alerts.record(self._database, tried, stamp)

    def reject(self, table: str, run_id: str, failures: pd.DataFrame) -> int:
        """Record rows that were refused: the `failures` of a DataQualityError (row, column, check, value).

        :returns: number of rejections recorded, after those of earlier calls for the same table and run.
        """
        rejected = quoted(SCHEMA, table_name(RejectedRows))
        last = (
            f"SELECT coalesce(max(rejection), 0) AS n FROM {rejected} "
            f"WHERE table_name = {literal(table)} AND run_id = {literal(run_id)}"
        )
        with self._database.transaction(lock_key("rejected", table, run_id)) as cursor:
            cursor.execute(last)
            first = cursor.fetchone()[0] + 1
            rows = pd.DataFrame(
                {
                    "table_name": table,
                    "run_id": run_id,
                    "rejection": range(first, first + len(failures)),
                    "row_number": pd.to_numeric(failures["row"], errors="coerce").astype("Int64").to_numpy(),
                    "column_name": _text(failures["column"]),
                    "check_name": _text(failures["check"]),
                    "offending_value": _text(failures["value"]),
                }
            )
            copy_in(cursor, RejectedRows, to_arrow(RejectedRows, rows, AuditStamp.now(run_id)))
        return len(failures)


def _text(values: pd.Series) -> Any:
    return values.astype("str").fillna("").str.replace("\0", "\\0", regex=False).to_numpy(dtype=object)
