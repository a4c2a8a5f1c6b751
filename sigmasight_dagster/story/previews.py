"""The first rows of a partition as a table of the UI."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pandas as pd

from sigmasight_core.tables import Table, columns_by_role, grain, primary_key

ROWS = 8
MOST_VALUES = 6
SIGNIFICANT_DIGITS = 9


def preview(model: type[Table], rows: pd.DataFrame, columns: tuple[str, ...]) -> dg.TableMetadataValue:
    """The first rows; without `columns`, the key and the first values."""
    shown = rows[list(columns or _default_columns(model))].head(ROWS)
    names = [str(name) for name in shown.columns]
    cells = ([_cell(cell) for cell in row] for row in shown.to_numpy(dtype=object))
    records = [dg.TableRecord(dict(zip(names, row, strict=True))) for row in cells]
    schema = dg.TableSchema([dg.TableColumn(name, _type(shown[name])) for name in names])
    return dg.TableMetadataValue(records=records, schema=schema)


def all_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of their key."""
    return rows


def largest(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Rows of largest |value| of a column first, NULL last."""
    return lambda rows: rows.sort_values(column, key=abs, ascending=False, kind="stable")


def _default_columns(model: type[Table]) -> list[str]:
    partition = grain(model).value
    keys = [name for name in primary_key(model) if name not in partition]
    status = [name for name in columns_by_role(model, "label") if name == "status"]
    return [*keys, *columns_by_role(model, "value")[:MOST_VALUES], *status]


def _type(column: pd.Series) -> str:
    return "float" if pd.api.types.is_numeric_dtype(column) else "string"


def _cell(value: Any) -> str | float | None:
    if pd.isna(value):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return float(f"{float(value):.{SIGNIFICANT_DIGITS}g}")
