"""Versions of source rows: what was known of them before they were replaced, and reads as of a moment."""

import json
from typing import Any

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import SupersededRows, Table, primary_key, table_name, validate
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import Dates, literal, on_dates, quoted, where
from sigmasight_dagster.warehouse.tables import copy_in

PARTITION = ""
"""Key of the marker that a partition was absent before."""
FORGOTTEN = "*"
"""Key of the marker that retention has deleted versions: what was known before `known_until` is lost."""


def superseded(
    target: Rectangle, published: pd.DatetimeIndex, stored: pd.DataFrame, differing: pd.DataFrame
) -> pd.DataFrame:
    """What the replacement of a rectangle of a source table makes history: date, row_key, old_row.

    :param published: dates of the rectangle that were published before.
    :param stored: their rows. :param differing: rows of either side without an equal on the other; the index
        of those that are stored is less than len(stored).
    """
    old = differing[differing.index < len(stored)]
    new = differing[differing.index >= len(stored)]
    known = pd.MultiIndex.from_frame(_keys(target.model, stored[stored["date"].isin(new["date"])]))
    absent = _keys(target.model, new)
    absent = absent[~pd.MultiIndex.from_frame(absent).isin(known)].assign(old_row=None)
    first = pd.DataFrame({"date": target.dates.difference(published), "row_key": PARTITION, "old_row": None})
    parts = [_keys(target.model, old).assign(old_row=_json(old)), absent, first]
    return pd.concat([part for part in parts if len(part)] or [first], ignore_index=True)


def record(cursor: Any, model: type[Table], rows: pd.DataFrame, stamp: AuditStamp) -> None:
    """Append what `superseded` found, in the transaction that replaces the rows."""
    if len(rows):
        now = AuditStamp.now(stamp.run_id).computed_at
        made = rows.assign(table_name=table_name(model), known_until=now)
        copy_in(cursor, SupersededRows, to_arrow(SupersededRows, made, stamp))


def forget(cursor: Any, condition: str, stamp: AuditStamp) -> None:
    """Note up to when versions of each source table are about to go. :param condition: on rows `t`."""
    table = quoted(SCHEMA, table_name(SupersededRows))
    last = (
        f"SELECT table_name, max(known_until) AS known_until FROM {table} AS t WHERE {condition} GROUP BY 1"
    )
    marked = f"row_key = {literal(FORGOTTEN)}"
    cursor.execute(
        f"DELETE FROM {table} WHERE {marked} AND table_name IN (SELECT table_name FROM ({last}) AS l)"
    )
    cursor.execute(
        f"INSERT INTO {table} (table_name, date, row_key, known_until, run_id, code_version, computed_at) "
        f"SELECT table_name, known_until::date, {literal(FORGOTTEN)}, known_until, {stamp.literals} "
        f"FROM ({last}) AS l"
    )


def statement(model: type[Table], knowledge: pd.Timestamp, dates: Dates | None) -> str:
    """SELECT of the versions of a table's rows that were replaced after a moment, the earliest first.

    The marker of what was forgotten is among them, whatever the dates, where it concerns the moment.
    """
    chosen = "true" if dates is None else f"({on_dates(dates)} OR row_key = {literal(FORGOTTEN)})"
    conditions = [
        f"table_name = {literal(table_name(model))}",
        f"known_until > {literal(knowledge.isoformat())}::timestamptz",
        chosen,
    ]
    table = quoted(SCHEMA, table_name(SupersededRows))
    return f"SELECT date, row_key, old_row, known_until FROM {table}{where(conditions)} ORDER BY known_until"


def as_of(model: type[Table], current: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Rows as they were known at a moment, from those of now and the versions replaced since.

    :raises InputError: when retention has deleted versions that were replaced after the moment.
    """
    forgotten = later.loc[later["row_key"] == FORGOTTEN, "known_until"]
    if len(forgotten):
        raise InputError(
            f"{table_name(model)}: what was known before {forgotten.iloc[0]:%Y-%m-%d %H:%M:%S} UTC is not "
            "kept any more (SIGMASIGHT_KEEP_HISTORY_DAYS); ask for a later moment"
        )
    versions = later.drop_duplicates(["date", "row_key"])
    absent = versions.loc[versions["row_key"] == PARTITION, "date"]
    known = versions[(versions["row_key"] != PARTITION) & ~versions["date"].isin(absent)]
    keys = pd.MultiIndex.from_frame(_keys(model, current))
    kept = current[~current["date"].isin(absent) & ~keys.isin(pd.MultiIndex.from_frame(_pairs(known)))]
    texts = known["old_row"].dropna()
    if texts.empty:
        return kept.reset_index(drop=True)
    old = pd.DataFrame([json.loads(text) for text in texts]).reindex(columns=list(current.columns))
    old["date"] = pd.to_datetime(old["date"])
    return validate(model, pd.concat([kept, old], ignore_index=True) if len(kept) else old)


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["date", "row_key"]].astype({"date": "datetime64[ns]", "row_key": "str"})


def _keys(model: type[Table], rows: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in primary_key(model) if name != "date"]
    texts = rows[names].astype("str")
    return _pairs(rows[["date"]].assign(row_key=texts[names[0]].str.cat(texts[names[1:]], sep="/")))


def _json(rows: pd.DataFrame) -> list[str]:
    plain = rows.astype("object").where(rows.notna(), None)
    return [json.dumps(row, default=str) for row in plain.to_dict("records")]
