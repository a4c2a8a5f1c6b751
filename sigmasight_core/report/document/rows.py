"""Rows of a table as a report holds them: types from the row model, numbers as written text."""

from collections.abc import Iterable
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any, Final

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, create_model

from sigmasight_core.report.document import precision
from sigmasight_core.tables import Table, table_name

Decimal = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$")]
"""A decimal as text."""
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Row = dict[str, Any]
LEFT_OUT: Final = ("portfolio",)
"""A report is of one portfolio."""


class Strict(BaseModel):
    """A part of a report: no key but those that are declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def row_type(model: type[Table]) -> type[BaseModel]:
    """The type of a table's rows: each column with its meaning and unit; None = NULL, see status."""
    fields: dict[str, Any] = {}
    for name in kept(model):
        column = model.to_schema().columns[name]
        said = unit(model, name)
        extra = {"unit": said} if said else {}
        if _is_float(column):
            extra |= {"precision": _kind(model, name)}
        about = Field(description=str(column.description), json_schema_extra=dict(extra))
        fields[name] = (_type(column) | None, about)
    made: type[BaseModel] = create_model(
        f"{model.__name__}Row",
        __base__=Strict,
        __doc__=cleandoc(model.__doc__ or "").split("\n")[0],
        **fields,
    )
    return made


@cache
def kept(model: type[Table]) -> tuple[str, ...]:
    """Columns of a table that a report holds: scalars, and not the portfolio."""
    columns = model.to_schema().columns
    return tuple(
        str(name) for name, column in columns.items() if name not in LEFT_OUT and not _is_array(column)
    )


def unit(model: type[Table], column: str) -> str:
    """The unit of a column as its row model states it; '' = none."""
    return (model.to_schema().columns[column].metadata or {}).get("unit", "")


def as_written(model: type[Table], frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame, in its order, as a report holds them."""
    columns = {name: _cells(model, name, frame[name]) for name in kept(model)}
    for name in columns:
        if unit(model, name) == precision.AS_ROW:
            kinds = [precision.kind_of(table_name(model), name, said) for said in frame["unit"]]
            numbers = frame[name].to_numpy(dtype=float, na_value=np.nan)
            columns[name] = list(map(precision.written, numbers, kinds))
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _cells(model: type[Table], name: str, values: pd.Series) -> Iterable[Any]:
    column = model.to_schema().columns[name]
    dtype = str(column.dtype).lower()
    if dtype.startswith("datetime"):
        return [None if pd.isna(day) else f"{day:%Y-%m-%d}" for day in values]
    if _is_float(column):
        kind = _kind(model, name)
        return [precision.written(number, kind) for number in values.to_numpy(dtype=float, na_value=np.nan)]
    if dtype.startswith(("int", "bool")):
        return [None if pd.isna(number) else int(number) for number in values]
    return [None if pd.isna(text) else str(text) for text in values]


def _kind(model: type[Table], column: str) -> str:
    return precision.kind_of(table_name(model), column, unit(model, column))


def _type(column: Any) -> Any:
    dtype = str(column.dtype).lower()
    if dtype.startswith("datetime"):
        return Day
    if _is_float(column):
        return Decimal
    return int if dtype.startswith(("int", "bool")) else str


def _is_float(column: Any) -> bool:
    return str(column.dtype).lower().startswith("float")


def _is_array(column: Any) -> bool:
    return bool((column.metadata or {}).get("vector"))
