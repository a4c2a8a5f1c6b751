"""Late data: which rows of source tables and of market results changed after they were published, and when.

A market result that was stale and comes out otherwise is a change too: what was computed from it meanwhile,
after the correction of its source, looks younger than that correction.
"""

from dataclasses import dataclass, field
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
    :ivar versions: rows that become history, for `SupersededRows`; None of a result.
    :ivar equal: dates of a source table that are published with the very rows that are given.
    """

    corrections: pd.DataFrame
    versions: pd.DataFrame | None
    equal: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))


def changed(cursor: Any, target: Rectangle, frame: pd.DataFrame) -> Changes | None:
    """How the stored rows of a source table differ from those that are to replace them.

    Of a market result only where it may have been stale: published before the latest correction. None = no
    change is to be recorded.

    A partition that is published for the first time after market results of its date or a later one were
    counts as changed in every row (symbol ''), because those may have been computed without it; not so the
    security master, which nothing looks back on.
    """
    if _is_market_result(target.model):
        older = _older_than_a_correction(cursor, target)
        return Changes(_compared(cursor, target.model, frame, older)[1], None) if len(older) else None
    if facts(target.model).kind is not Kind.SOURCE:
        return None
    cursor.execute(f"SELECT date FROM {_PUBLISHED}{target.publications_condition}")
    published = pd.DatetimeIndex(from_arrow(Publications, cursor.fetch_arrow_table())["date"])
    late = target.dates[:0] if target.model is SecurityMaster else target.dates.difference(published)
    pieces = [_late(cursor, late)]
    stored = differing = frame.iloc[:0]
    if len(published):
        (stored, differing), concerned = _compared(cursor, target.model, frame, published)
        pieces.append(concerned)
    found = pd.concat(pieces, ignore_index=True).astype({"symbol": "str"})
    equal = published.difference(pd.DatetimeIndex(differing["date"]))
    return Changes(found, versions.superseded(target, published, stored, differing), equal)


def _compared(
    cursor: Any, model: type[Table], frame: pd.DataFrame, dates: pd.DatetimeIndex
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Stored rows of some dates, rows of either side without an equal on the other; whom those concern.

    :returns: the last as date and symbol ('' where rows belong to none).
    """
    stored = fetch(cursor, model, select(model, dates=dates))
    new = frame.loc[frame["date"].isin(dates), list(stored.columns)]
    differing = _differing(stored, new)
    column = facts(model).concerns
    if _is_market_result(model):
        column = next((name for name in ("underlying", "symbol") if name in differing), "")
    concerned = differing[["date"]].assign(symbol=differing.get(column, "")).drop_duplicates()
    return (stored, differing), concerned.astype({"symbol": "str"})


def _is_market_result(model: type[Table]) -> bool:
    return facts(model).kind is Kind.RESULT and grain(model) is Grain.DATE


def _older_than_a_correction(cursor: Any, target: Rectangle) -> pd.DatetimeIndex:
    """Published dates of a rectangle that were computed before the latest correction of anything."""
    latest = f"SELECT max(changed_at) FROM {quoted(SCHEMA, table_name(Corrections))}"
    condition = f"{target.publications_condition} AND computed_at < ({latest})"
    cursor.execute(f"SELECT date FROM {_PUBLISHED}{condition}")
    return pd.DatetimeIndex(from_arrow(Publications, cursor.fetch_arrow_table())["date"])


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
            # of types that know NA a comparison with it is NA
            equal = pd.array(one == other, dtype="boolean").to_numpy(dtype=bool, na_value=False)
            unequal |= ~(equal | (one.isna() & other.isna()))
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
    return [table_name(model) for model in TABLES if _is_market_result(model)]


def record(cursor: Any, model: type[Table], found: Changes | None, stamp: AuditStamp) -> None:
    """Append what `changed` found, at this moment: the last thing before the transaction commits.

    A result that was computed from the old rows began before it, and is older than the correction.
    """
    if found is None:
        return
    if found.versions is not None:
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
