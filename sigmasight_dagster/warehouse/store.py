"""The warehouse's interface."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sigmasight_core.tables import (
    LedgerSeals,
    Positions,
    Publications,
    RejectedRows,
    SupersededRows,
    Table,
    table_name,
)
from sigmasight_dagster.warehouse import corrections, reconciliation, versions
from sigmasight_dagster.warehouse.checksums import seals
from sigmasight_dagster.warehouse.checksums.compare import ChecksumStore
from sigmasight_dagster.warehouse.database import LAYOUT_LOCK, SCHEMA
from sigmasight_dagster.warehouse.fresh import Fresh
from sigmasight_dagster.warehouse.rectangle import Rectangle, published_statement, require
from sigmasight_dagster.warehouse.replacement import Replacement, write
from sigmasight_dagster.warehouse.rows import AuditStamp, as_stored, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import Dates, literal, lock_key, one_of, quoted, where
from sigmasight_dagster.warehouse.stores.actions import ActionStore
from sigmasight_dagster.warehouse.stores.alerts import AlertStore
from sigmasight_dagster.warehouse.stores.basis import Basis, BasisStore, check, said_of
from sigmasight_dagster.warehouse.stores.configured import ConfiguredStore
from sigmasight_dagster.warehouse.stores.doubts import DoubtStore, Findings
from sigmasight_dagster.warehouse.stores.exports import ExportStore
from sigmasight_dagster.warehouse.stores.glance import GlanceStore
from sigmasight_dagster.warehouse.stores.grants import GrantStore
from sigmasight_dagster.warehouse.stores.history import EVERY_LEDGER
from sigmasight_dagster.warehouse.stores.holdings import HoldingsStore
from sigmasight_dagster.warehouse.stores.ledger import LedgerStore
from sigmasight_dagster.warehouse.stores.removal import MendingStore
from sigmasight_dagster.warehouse.stores.reports import ReportStore
from sigmasight_dagster.warehouse.stores.what_if import WhatIfStore
from sigmasight_dagster.warehouse.tables import copy_in
from sigmasight_dagster.warehouse.upkeep import detail, growing, vacuum


class Warehouse(
    LedgerStore,
    HoldingsStore,
    ConfiguredStore,
    WhatIfStore,
    AlertStore,
    ActionStore,
    DoubtStore,
    ReportStore,
    GlanceStore,
    BasisStore,
    GrantStore,
    ExportStore,
    ChecksumStore,
    MendingStore,
):
    """The tables of one PostgreSQL database.

    Safe to share between threads and to use after a fork. Every method is one transaction, and every read is
    one query, so that a reader sees whole partitions only. Methods raise WarehouseError, in one line with the
    cure and never with a password, when the database cannot be reached or refuses.

    url: `postgresql://`, `postgres://` or `postgresql+psycopg2://`. read_only: whether the database is to
    refuse every change.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        super().__init__(url, read_only=read_only)
        self._fresh = Fresh()

    def migrate(self) -> list[str]:
        """Create what is missing and bring an older layout up to date, without loss.

        :returns: what was changed, one line each; nothing on a database that is up to date, except lines
            that begin with "note:", which name what a person may want to see to.
        :raises MigrationError: where only a person can decide, or if a newer code has migrated the database.
        """
        # Alembic takes longer to import than all of the rest; the steps of runs never migrate.
        from sigmasight_dagster.warehouse.layout.migration import migrate  # noqa: PLC0415

        # What a ledger of before there were seals consists of is taken as it is: nothing else is known of it.
        sealed = {table_name(LedgerSeals): seals.seal_every(AuditStamp.now("sigmasight db"))}
        return migrate(self._database, sealed)

    def replace(
        self,
        model: type[Table],
        frame: pd.DataFrame,
        dates: Sequence[pd.Timestamp] | pd.DatetimeIndex,
        portfolios: Sequence[str] | None,
        stamp: AuditStamp,
        findings: Findings | None = None,
    ) -> int:
        """Replace exactly the partitions dates x portfolios by the frame's rows, in one transaction.

        Readers see all of the old rows or all of the new ones, whatever happens to the writer or the server.
        Each partition is published, those without rows too. Writers of common partitions wait for each other.

        :param frame: rows as `sigmasight_core.tables.validate` returns them; not validated again.
        :param dates: any set of dates. :param portfolios: any set of names; None for a date table.
        :param findings: doubts about the rows, and rows of other dates and tables that change with them.
        :returns: number of rows written.
        :raises WarehouseError: on rows outside of the partitions, or columns other than the model's.
        :raises InputError: on an empty selection, or portfolios that do not fit the table.
        """
        return self.publish([Replacement.of(model, frame, dates, portfolios, findings)], stamp)

    def publish(
        self, replacements: Sequence[Replacement], stamp: AuditStamp, basis: Basis | None = None
    ) -> int:
        """As `replace`, of any tables, all in one transaction.

        :param basis: what the rows were computed from.
        :raises InputsChanged: when something of the basis is not what counts any more; nothing is stored.
        """
        given = [(each, each.arrow(stamp)) for each in replacements]
        written = [(each, as_stored(each.target.model, rows)) for each, rows in given]
        keys = [key for each in replacements for key in each.lock_keys]
        shared = EVERY_LEDGER if any(each.of_portfolios for each in replacements) else LAYOUT_LOCK
        with self._database.transaction(*keys, shared=shared) as cursor:
            if basis:
                check(cursor, basis)
            for each, rows in written:
                write(cursor, each, rows, stamp)
            said = [said_of(cursor, each.target) for each in replacements]
        for (each, rows), told in zip(given, said, strict=True):
            self._fresh.keep(each.target, rows, told, stamp.run_id)
        return sum(len(each.frame) for each in replacements)

    def fresh(
        self,
        model: type[Table],
        said: str,
        dates: pd.DatetimeIndex,
        portfolios: Sequence[str] | None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame | None:
        """As `read`, of partitions that this process published last, while they are the published ones.

        :param said: of `note_partitions`. :returns: None where they are not: read them.
        """
        return self._fresh.rows(model, said, dates, portfolios, columns)

    def read_as_of(
        self,
        model: type[Table],
        knowledge: pd.Timestamp,
        dates: Dates | None = None,
    ) -> pd.DataFrame:
        """Rows of a source table as they were known at a moment (UTC), ordered by key.

        Versions are kept since the database was migrated to hold them: rows that were stored before then
        count as known ever since.

        :raises InputError: when retention has deleted versions of after the moment.
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

    def made_with(self, date: pd.Timestamp) -> pd.DataFrame:
        """Publications of tables by date on a date: table_name, made_with (None = not known), computed_at."""
        published = quoted(SCHEMA, table_name(Publications))
        return self._database.query(
            f"SELECT table_name, made_with, computed_at FROM {published} "
            f"WHERE portfolio = '' AND date = {literal(f'{date:%Y-%m-%d}')} ORDER BY table_name"
        ).to_pandas()

    def contracts_since(self, date: pd.Timestamp) -> pd.DataFrame:
        """Options that some portfolio holds on a date: symbol, since (UTC; when the ledger first said so)."""
        positions, day = quoted(SCHEMA, table_name(Positions)), literal(f"{date:%Y-%m-%d}")
        return self._database.query(
            f"SELECT symbol, min(computed_at) AS since FROM {positions} "
            f"WHERE entry_date <= {day} AND expiry_date >= {day} GROUP BY symbol ORDER BY symbol"
        ).to_pandas()

    def reconciliation(self) -> pd.DataFrame:
        """Rows that another table lacks, and partitions whose rows are not as many as published.

        :returns: check, table_name, n (how many), example ('' where n is 0); one line a check and table.
        """
        return self._database.query(reconciliation.statement()).to_pandas()

    def retire(self, before: pd.Timestamp, dry_run: bool = False) -> pd.DataFrame:
        """Delete the rows and publications of the tables with `detail` (see Facts) of dates before `before`.

        :returns: what (table), n_partitions, n_rows and n_bytes (about) that were deleted, or would be.
        """
        return detail.retire(self._database, before, dry_run=dry_run)

    def retire_history(
        self, before: pd.Timestamp, stale_until: pd.Timestamp | None, stamp: AuditStamp, dry_run: bool = False
    ) -> pd.DataFrame:
        """Delete what source rows were, corrections, refused rows and leftovers of users of before a moment.

        Nothing of today is made of it, but reads as of an earlier moment are refused from then on.

        :param stale_until: the last date of which something is stale: corrections up to it stay.
        :returns: what (table), n_rows, n_bytes: the part of the table's room that they take.
        """
        return growing.retire_history(self._database, before, stale_until, stamp, dry_run=dry_run)

    def retire_alerts(self, before: pd.Timestamp, dry_run: bool = False) -> pd.DataFrame:
        """As `retire_history`, of alerts that are older, with what was told of them and who has seen them.

        What is still to be told stays, and so do firing alerts of coverage and checks.
        """
        return growing.retire_alerts(self._database, before, dry_run=dry_run)

    def vacuum_held_back(self, minutes: int = vacuum.HELD_MINUTES) -> list[str]:
        """Who keeps a transaction open for so long, oldest first: replaced rows take room until it ends."""
        return vacuum.held_back(self._database, minutes)

    def count_published(self, run_id: str) -> int:
        """Number of partitions whose last publication was by this run."""
        published = quoted(SCHEMA, table_name(Publications))
        counted = self._database.query(
            f"SELECT count(*) AS n FROM {published} WHERE run_id = {literal(run_id)}"
        )
        return counted["n"][0].as_py()

    def published_by(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """Partitions whose last publication was by one of these runs.

        :returns: run_id, table_name, date, portfolio ('' in a date table), n_rows; sorted.
        """
        published = quoted(SCHEMA, table_name(Publications))
        found = self._database.query(
            f"SELECT run_id, table_name, date, portfolio, n_rows FROM {published}"
            f"{where([one_of('run_id', run_ids)])} ORDER BY run_id, table_name, date, portfolio"
        )
        run_of = found["run_id"].to_pandas().astype("str")
        return from_arrow(Publications, found.drop_columns(["run_id"])).assign(run_id=run_of)

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
