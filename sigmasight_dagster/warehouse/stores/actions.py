"""Of which symbols the corporate actions are known, and actions on dates whose partitions lack them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.found import found_in
from sigmasight_core.market.action_coverage import assumed
from sigmasight_core.tables import (
    ActionCoverage,
    CorporateActions,
    Corrections,
    LedgerChanges,
    Positions,
    PositionValues,
    Publications,
    table_name,
    validate,
)
from sigmasight_dagster.warehouse import corrections, versions
from sigmasight_dagster.warehouse.checksums.partitions import changing
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rectangle import Rectangle, published_statement
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import literal, lock_key, one_of, quoted, where
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select

_KEY: Final = ["date", "symbol", "kind"]
_COVERAGE: Final = quoted(SCHEMA, table_name(ActionCoverage))
_ACTIONS: Final = quoted(SCHEMA, table_name(CorporateActions))
_PUBLISHED: Final = quoted(SCHEMA, table_name(Publications))
_EVER: Final = pd.Timestamp("2200-01-01", tz="UTC")


@dataclass(frozen=True)
class LearnedActions:
    """What a source said of held symbols beyond the partitions that were computed.

    :param dates: of those partitions. :param fetched: symbols that were asked for on them; None = every one.
    :param rows: `tables.CorporateActions` of other dates, of the symbols in `asked`, from `first` on.
    :param coverage: `tables.ActionCoverage` rows that hold from now on.
    :param news: date and symbol of results that were computed while the actions were not known.
    :param first_date: of the project: what is earlier concerns results from it on.
    """

    dates: pd.DatetimeIndex
    fetched: Sequence[str] | None
    asked: Sequence[str]
    first: pd.Timestamp
    rows: pd.DataFrame
    coverage: pd.DataFrame
    news: pd.DataFrame
    first_date: pd.Timestamp


class ActionStore(Reader):
    """Knowledge of corporate actions, by symbol."""

    def action_coverage(self, *, complete: bool = False) -> pd.DataFrame:
        """Rows of `ActionCoverage`, as `assumed` for symbols that are held and without a record.

        :param complete: whether partitions have every symbol, those too that are in no ledger yet.
        """
        stored = self.read(ActionCoverage)
        positions, changes = (quoted(SCHEMA, table_name(model)) for model in (Positions, LedgerChanges))
        known = where([f"NOT {one_of('underlying', stored['symbol'])}"])
        moment = "'1970-01-01'::timestamptz" if complete else "min(least(p.computed_at, c.computed_at))"
        since = self._database.query(
            f"SELECT p.underlying AS symbol, {moment} AS since FROM {positions} p "
            f"LEFT JOIN {changes} c ON c.portfolio = p.portfolio AND c.position_id = p.position_id "
            f"AND c.action = 'added'{known} GROUP BY p.underlying ORDER BY p.underlying"
        ).to_pandas()
        if since.empty:
            return stored
        found = self._database.query(
            corrections.computed_statement(CorporateActions, pd.Timestamp.min.ceil("D"), _EVER)
        ).to_pandas()
        published = found.assign(date=pd.to_datetime(found["date"]).astype("datetime64[ns]"))
        earlier = assumed(published=published, since=since)
        return pd.concat([stored, earlier], ignore_index=True) if len(earlier) else stored

    def learn_actions(self, learned: LearnedActions, stamp: AuditStamp) -> int:
        """Store what a source said beyond the partitions of a run, in one transaction.

        Actions are added to the dates of other partitions, and are corrections there; on dates that are no
        partitions they replace those that were stored. :returns: number of actions added.
        """
        locks = Rectangle.of(CorporateActions, learned.dates, None).lock_keys
        with self._database.transaction(*locks, lock_key("action coverage")) as cursor:
            _forget(cursor, learned)
            added = _add_rows(cursor, learned, stamp)
            _cover(cursor, learned, stamp)
            news = _with_results(cursor, learned.news)
            late = pd.concat([added[["date", "symbol"]], news], ignore_index=True)
            _correct(cursor, late, learned.first_date, stamp)
        return len(added)


def _forget(cursor: Any, learned: LearnedActions) -> None:
    """What is known of symbols that were not asked for: the partitions have been replaced without them."""
    if learned.fetched is None:
        return
    first, last = learned.dates[0], learned.dates[-1]
    others = where(
        [
            f"NOT {one_of('symbol', learned.fetched)}",
            f"first_known_date <= '{last:%Y-%m-%d}'",
            f"last_known_date >= '{first:%Y-%m-%d}'",
        ]
    )
    cursor.execute(f"DELETE FROM {_COVERAGE}{others}")


def _add_rows(cursor: Any, learned: LearnedActions, stamp: AuditStamp) -> pd.DataFrame:
    if not len(learned.asked):
        return learned.rows
    last = max([learned.dates[-1], *learned.rows["date"]])
    within = (learned.first, last)
    stored = fetch(cursor, CorporateActions, select(CorporateActions, within, symbols=learned.asked))
    cursor.execute(published_statement(CorporateActions, within, None))
    published = from_arrow(Publications, cursor.fetch_arrow_table())["date"]
    free = stored[~stored["date"].isin(published)]
    cursor.execute(
        f"DELETE FROM {_ACTIONS} t WHERE t.date BETWEEN '{within[0]:%Y-%m-%d}' AND '{last:%Y-%m-%d}' "
        f"AND {one_of('symbol', learned.asked)} AND NOT EXISTS (SELECT FROM {_PUBLISHED} p WHERE "
        f"p.table_name = {literal(table_name(CorporateActions))} AND p.date = t.date)"
    )
    rows = learned.rows[~found_in(learned.rows, stored[stored["date"].isin(published)], _KEY)]
    added = rows.loc[rows["date"].isin(published), "date"].unique()
    with changing(cursor, CorporateActions, added):
        copy_in(cursor, CorporateActions, to_arrow(CorporateActions, rows, stamp))
    same = [*_KEY, "amount"]
    changed = pd.concat([rows[same], free[same]]).drop_duplicates(keep=False)
    new = rows[found_in(rows, changed, _KEY)]
    absent = new.assign(row_key=new["symbol"] + "/" + new["kind"], old_row=None)
    versions.record(cursor, CorporateActions, absent[["date", "row_key", "old_row"]], stamp)
    return changed


def _cover(cursor: Any, learned: LearnedActions, stamp: AuditStamp) -> None:
    """Write the coverage: of a symbol asked for since its entry this; else joined to what adjoins."""
    coverage = learned.coverage
    if coverage.empty:
        return
    stored = fetch(cursor, ActionCoverage, select(ActionCoverage, symbols=coverage["symbol"].tolist()))
    both = coverage.merge(stored, on=["symbol", "source"], how="left", suffixes=("", "_stored"))
    touching = ~both["symbol"].isin(learned.asked)
    touching &= (both["first_known_date_stored"] <= both["last_known_date"]) & (
        both["last_known_date_stored"] >= both["first_known_date"]
    )
    for name, least in (("first_asked_date", True), ("first_known_date", True), ("last_known_date", False)):
        pair = both[[name, f"{name}_stored"]]
        joined = pair.min(axis=1) if least else pair.max(axis=1)
        both[name] = joined.where(touching, both[name])
    rows = validate(ActionCoverage, both[list(coverage.columns)])
    cursor.execute(f"DELETE FROM {_COVERAGE}{where([one_of('symbol', rows['symbol'])])}")
    copy_in(cursor, ActionCoverage, to_arrow(ActionCoverage, rows, stamp))


def _with_results(cursor: Any, news: pd.DataFrame) -> pd.DataFrame:
    """Those up to whose dates positions have been valued."""
    if news.empty:
        return news
    values = literal(table_name(PositionValues))
    cursor.execute(f"SELECT max(date) AS date FROM {_PUBLISHED} WHERE table_name = {values}")
    latest = from_arrow(Publications, cursor.fetch_arrow_table())["date"].iloc[0]
    return news[news["date"] <= latest]


def _correct(cursor: Any, rows: pd.DataFrame, first_date: pd.Timestamp, stamp: AuditStamp) -> None:
    """Results that were computed without these actions are stale, from the first session concerned on."""
    if rows.empty:
        return
    days = rows["date"].where(rows["date"] > first_date, first_date)
    name, now = table_name(CorporateActions), AuditStamp.now(stamp.run_id).computed_at
    made = rows.assign(date=calendar.next_sessions(days)).drop_duplicates()
    made = made.assign(table_name=name, changed_at=now)
    copy_in(cursor, Corrections, to_arrow(Corrections, made, stamp))
