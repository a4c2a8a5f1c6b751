"""Frames to Arrow and back, in the types of the row models."""

import datetime as dt
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, grain, primary_key, table_name
from sigmasight_dagster.warehouse.errors import WarehouseError
from sigmasight_dagster.warehouse.layout.schema import arrow_schema, columns, kind, packed_columns
from sigmasight_dagster.warehouse.sql import literal


@dataclass(frozen=True)
class AuditStamp:
    """Who wrote a row, with which code, and when. A naive `computed_at` is UTC.

    :param made_with: what publications of tables by date say of code, settings and local files.
    """

    run_id: str
    code_version: str
    computed_at: pd.Timestamp
    made_with: str | None = None

    @classmethod
    def now(cls, run_id: str, made_with: str | None = None) -> "AuditStamp":
        """The stamp of the installed code at this moment."""
        return cls(run_id, version("sigmasight"), pd.Timestamp(dt.datetime.now(dt.UTC)), made_with)

    @property
    def moment(self) -> dt.datetime:
        """`computed_at` in UTC, to the microsecond, as it is stored."""
        stamp = pd.Timestamp(self.computed_at)
        return (stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")).to_pydatetime()

    @property
    def literals(self) -> str:
        """The audit columns in their order, in SQL."""
        run_id, code_version = literal(self.run_id), literal(self.code_version)
        return f"{run_id}, {code_version}, {literal(self.moment.isoformat())}::timestamptz"


def to_arrow(model: type[Table], frame: pd.DataFrame, stamp: AuditStamp) -> pa.Table:
    """Rows with their audit columns as they are stored: see `one_by_one` and `as_stored`."""
    return as_stored(model, one_by_one(model, frame, stamp))


def as_stored(model: type[Table], rows: pa.Table) -> pa.Table:
    """Rows of `one_by_one`, those of a packed table one a partition."""
    return _packed(model, rows) if packed_columns(model) else rows


def one_by_one(model: type[Table], frame: pd.DataFrame, stamp: AuditStamp) -> pa.Table:
    """Rows with their audit columns in the types in which they are stored, NaN and NA as NULL.

    :raises WarehouseError: if the frame's columns are not the model's, or a value does not fit its type.
    :raises InputError: for a number that a user typed in and that no exact column can hold.
    """
    if set(frame.columns) != set(columns(model)):
        wrong = sorted(set(frame.columns) ^ set(columns(model)))
        raise WarehouseError(f"{table_name(model)}: missing or surplus columns {', '.join(map(str, wrong))}")
    audit = {
        "run_id": stamp.run_id,
        "code_version": stamp.code_version,
        "computed_at": stamp.moment,
    }
    made = {}
    for field in arrow_schema(model):
        try:
            if field.name in columns(model):
                made[field.name] = _array(frame[field.name], field.type)
            else:
                made[field.name] = pa.repeat(pa.scalar(audit[field.name], field.type), len(frame))
        except (pa.ArrowException, TypeError) as error:
            if pa.types.is_decimal(field.type):
                raise InputError(
                    f"{table_name(model)}.{field.name}: a number is too close to 0, or too large, to be "
                    "stored exactly; give 0, or one between 1e-12 and 1e15"
                ) from None
            raise WarehouseError(f"{table_name(model)}.{field.name}: {str(error).splitlines()[0]}") from None
    return pa.table(made)


def _packed(model: type[Table], rows: pa.Table) -> pa.Table:
    """Rows of a packed table as it stores them: one a partition, in it by key (see `layout.packed`).

    :raises WarehouseError: on two rows with one key, or NULL where there is to be none: arrays have no key.
    """
    starts, in_order, distinct = neighbours(model, rows)
    if not in_order:
        return _packed(model, rows.sort_by([(name, "ascending") for name in primary_key(model)]))
    known = columns(model).items()
    nulls = [name for name, column in known if rows[name].null_count and not column.nullable]
    if nulls or not distinct:
        what = f"null value in column {nulls[0]}" if nulls else "two rows with the same key"
        raise WarehouseError(f"{table_name(model)}: {what}")
    offsets = pa.array([*starts, rows.num_rows], pa.int32())
    arrays = {
        name: pa.ListArray.from_arrays(offsets, rows[name].combine_chunks()) for name in packed_columns(model)
    }
    return pa.table({name: arrays.get(name, rows[name].take(starts)) for name in rows.column_names})


def neighbours(model: type[Table], rows: pa.Table) -> tuple[np.ndarray, bool, bool]:
    """Positions at which a partition starts, whether rows are in the order of their key, whether no two
    beside each other have the same."""
    same = np.ones(max(rows.num_rows - 1, 0), dtype=bool)  # row n and n + 1, in the columns so far
    starts, in_order = same, True
    for place, name in enumerate(primary_key(model), start=1):
        column = rows[name].combine_chunks()
        before, after = column[:-1], column[1:]
        in_order = in_order and not (same & _truth(pc.greater(before, after))).any()
        same = same & _truth(pc.equal(before, after))
        starts = ~same if place == len(grain(model).value) else starts
    first = np.ones(min(rows.num_rows, 1), dtype=bool)
    return np.flatnonzero(np.concatenate([first, starts])), in_order, not same.any()


def _truth(values: pa.Array) -> np.ndarray:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=bool)


def unpacked(stored: pa.Table, lengths: str) -> pa.Table:
    """The rows of a packed table one by one. :param lengths: column that says how many rows each row has."""
    n = stored[lengths].to_numpy()
    rows = np.repeat(np.arange(len(n)), n)
    made = {}
    for name in stored.column_names:
        values = stored[name]
        if not pa.types.is_list(values.type):
            made[name] = values.take(rows)
            continue
        there = np.repeat(values.is_valid().to_numpy(), n)  # a column is not in rows that are older than it
        place = pa.array(np.cumsum(there) - 1, mask=~there)
        made[name] = pc.list_flatten(values).take(place) if values.null_count else pc.list_flatten(values)
    return pa.table(made).drop_columns([lengths])


def _array(values: pd.Series, target: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_list(target):
        return pa.array(values, type=target, from_pandas=True)
    array = pa.Array.from_pandas(values)
    if pa.types.is_decimal(target):
        # the shortest text that gives the same float: 0.1, not 0.1000000000000000055
        array = array.cast(pa.float64()).cast(pa.string())
    return array.cast(target)


def from_arrow(model: type[Table], table: pa.Table) -> pd.DataFrame:
    """Rows as a frame whose columns have the dtypes of the row model.

    An integer column of the model that cannot hold NULL becomes Int64 if there are any, which is so only in
    rows older than the column.
    """
    return pd.DataFrame(
        {name: _series(name, columns(model)[name], table[name]) for name in table.column_names}
    )


def _series(name: str, column: Any, values: pa.ChunkedArray) -> pd.Series:
    storage = kind(name, column)
    if storage == "date":
        return values.cast(pa.timestamp("ns")).to_pandas()
    if storage == "int" and (str(column.dtype) == "Int64" or values.null_count):
        return values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return values.to_pandas()
