"""Late data: which rows of the source tables changed after they were published, and when."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.tables import (
    TABLES,
    Corrections,
    Grain,
    Kind,
    Publications,
    SecurityMaster,
    Table,
    facts,
    grain,
    table_name,
)
from sigmasight_dagster.warehouse import versions
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import literal, one_of, quoted, where
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select

_PUBLISHED: Final = quoted(SCHEMA, table_name(Publications))


@dataclass(frozen=True)
class Changes:
    """What the replacement of a rectangle changes.

    :ivar corrections: (date, symbol) whose rows differ, for `Corrections`.
    :ivar versions: rows that become history, for `SupersededRows`.
    """

    corrections: pd.DataFrame
    versions: pd.DataFrame


def changed(cursor: Any, target: Rectangle, frame: pd.DataFrame) -> Changes | None:
    """How the stored rows of a source table differ from those that are to replace them; None = no source.

    A partition that is published for the first time after market results of its date or a later one were
    counts as changed in every row (symbol ''), because those may have been computed without it; not so the
    security master, which nothing looks back on.
    """
    if facts(target.model).kind is not Kind.SOURCE:
        return None
    cursor.execute(f"SELECT date FROM {_PUBLISHED}{target.publications_condition}")
    published = pd.DatetimeIndex(from_arrow(Publications, cursor.fetch_arrow_table())["date"])
    late = target.dates[:0] if target.model is SecurityMaster else target.dates.difference(published)
    pieces = [_late(cursor, late)]
    stored = differing = frame.iloc[:0]
    if len(published):
        stored = fetch(cursor, target.model, select(target.model, dates=published))
        differing = _differing(stored, frame.loc[frame["date"].isin(published), list(stored.columns)])
        symbols = differing.get(facts(target.model).concerns, "")
        pieces.append(differing[["date"]].assign(symbol=symbols).drop_duplicates())
    found = pd.concat(pieces, ignore_index=True).astype({"symbol": "str"})
    return Changes(found, versions.superseded(target, published, stored, differing))


def _differing(stored: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Rows of either side without an equal on the other.

    Those that are stored keep their index, that of the others is from len(stored) on.
    """
    both = [stored, given.set_axis(pd.RangeIndex(len(stored), len(stored) + len(given)))]
    if len(stored) == len(given):
        # What is fetched again is mostly what there is, in its order: only the others are searched for
        unequal = np.zeros(len(stored), dtype=bool)
        for name in stored.columns:
            one, other = stored[name].array, given[name].array
            unequal |= ~(np.asarray(one == other, dtype=bool) | (one.isna() & other.isna()))
        both = [rows[unequal] for rows in both]
    return pd.concat(both).drop_duplicates(keep=False)


def _late(cursor: Any, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Those of the dates up to which market results have been published."""
    if len(dates):
        condition = where([one_of("table_name", _market_results()), "portfolio = ''"])
        cursor.execute(f"SELECT max(date) AS date FROM {_PUBLISHED}{condition}")
        dates = dates[dates <= from_arrow(Publications, cursor.fetch_arrow_table())["date"].iloc[0]]
    return pd.DataFrame({"date": dates, "symbol": ""})


@cache
def _market_results() -> list[str]:
    results = (model for model in TABLES if facts(model).kind is Kind.RESULT)
    return [table_name(model) for model in results if grain(model) is Grain.DATE]


def record(cursor: Any, model: type[Table], found: Changes | None, stamp: AuditStamp) -> None:
    """Append what `changed` found, at this moment: the last thing before the transaction commits.

    A result that was computed from the old rows began before it, and is older than the correction.
    """
    if found is None:
        return
    versions.record(cursor, model, found.versions, stamp)
    rows = found.corrections
    if len(rows):
        now = AuditStamp.now(stamp.run_id).computed_at
        made = rows.assign(table_name=table_name(model), changed_at=now)
        copy_in(cursor, Corrections, to_arrow(Corrections, made, stamp))


def computed_statement(model: type[Table], since: pd.Timestamp, before: pd.Timestamp) -> str:
    """SELECT of the publications of a table from a date on that were computed before a moment."""
    conditions = [
        f"table_name = {literal(table_name(model))}",
        f"date >= {literal(since.strftime('%Y-%m-%d'))}",
        f"computed_at < {literal(before.isoformat())}::timestamptz",
    ]
    return f"SELECT date, portfolio, computed_at FROM {_PUBLISHED}{where(conditions)}"
