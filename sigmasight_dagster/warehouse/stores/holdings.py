"""What the benchmarks of portfolios hold: replaced as a whole, with its history in that of the ledger."""

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import position_changes
from sigmasight_core.tables import BenchmarkHoldings, Portfolios, table_name, validate
from sigmasight_dagster.warehouse.checksums.seals import seal
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import one_of, quoted
from sigmasight_dagster.warehouse.stores.history import locks, note
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select
from sigmasight_dagster.warehouse.unpublish import unpublish_beside_holdings


class HoldingsStore(Reader):
    """Holdings of benchmarks, by portfolio."""

    def save_benchmark_holdings(
        self, portfolio: str, holdings: pd.DataFrame, stamp: AuditStamp, command: str
    ) -> Literal["unchanged", "replaced"]:
        """Replace what the benchmark of a portfolio holds, in one transaction, with its history.

        Results that are held against it stay in their tables, but no longer count as published.

        :param holdings: rows of `BenchmarkHoldings` of that portfolio and its benchmark.
        :param command: what the history says has made the change.
        :raises InputError: if the portfolio is not registered, or beside another benchmark.
        :raises DataQualityError: if the rows break their row model.
        """
        wanted = validate(BenchmarkHoldings, holdings)
        with self._database.transaction(*locks(portfolio)) as cursor:
            registered = fetch(cursor, Portfolios, select(Portfolios, portfolios=[portfolio]))
            if set(registered["benchmark"]) != set(wanted["benchmark"]):
                raise InputError(f"portfolio {portfolio}: beside another benchmark meanwhile; repeat it")
            stored = _stored(cursor, portfolio)
            changes = _changes(stored, wanted)
            if changes.empty:
                return "unchanged"
            drop(cursor, portfolio)
            copy_in(cursor, BenchmarkHoldings, to_arrow(BenchmarkHoldings, wanted, stamp))
            note(cursor, portfolio, changes, command, stamp)
            seal(cursor, portfolio, stamp, [BenchmarkHoldings])
            unpublish_beside_holdings(cursor, portfolio)
        return "replaced"

    def benchmark_holdings(self, portfolios: Sequence[str] | None = None) -> pd.DataFrame:
        """Rows of `BenchmarkHoldings` of these portfolios, or of all."""
        return self.read(BenchmarkHoldings, portfolios=portfolios)


def drop(cursor: Any, portfolio: str) -> pd.DataFrame:
    """Delete what the benchmark of a portfolio holds; :returns: that as rows of its history."""
    stored = _stored(cursor, portfolio)
    table = quoted(SCHEMA, table_name(BenchmarkHoldings))
    cursor.execute(f"DELETE FROM {table} WHERE {one_of('portfolio', [portfolio])}")
    return _changes(stored, stored.iloc[:0])


def _stored(cursor: Any, portfolio: str) -> pd.DataFrame:
    return fetch(cursor, BenchmarkHoldings, select(BenchmarkHoldings, portfolios=[portfolio]))


def _changes(stored: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Rows of the history: a holding is named by its date and symbol."""
    return position_changes(stored=_named(stored), wanted=_named(wanted))


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    day = rows["holdings_date"].dt.strftime("%Y-%m-%d").astype("str")
    named = rows.assign(holdings_date=day, position_id="holding/" + day + "/" + rows["symbol"])
    return named.drop(columns=["source", "source_line"])
