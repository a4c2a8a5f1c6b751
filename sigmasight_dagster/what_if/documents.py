"""A comparison as one JSON document and back: what an open session keeps of it until it is saved."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.tables import Table, WhatIfResults, WhatIfSessions, WhatIfTrades

_PARTS: Final[Mapping[str, type[Table]]] = {
    "session": WhatIfSessions,
    "trades": WhatIfTrades,
    "results": WhatIfResults,
}


def as_document(rows: Mapping[type[Table], pd.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """Rows of a comparison as lists of objects; NaN is null, no number is rounded."""
    return {name: as_objects(rows[model]) for name, model in _PARTS.items()}


def from_document(document: Mapping[str, Any]) -> dict[type[Table], pd.DataFrame]:
    """The rows that `as_document` was given, for `Warehouse.save_what_if`."""
    rows: dict[type[Table], pd.DataFrame] = {}
    for name, model in _PARTS.items():
        columns = [column for column in model.to_schema().columns if column != "session"]
        frame = pd.DataFrame(document[name], columns=columns)
        schema = model.to_schema().columns
        numbers = [c for c in columns if str(schema[c].dtype) == "float64"]
        dates = [c for c in columns if str(schema[c].dtype).startswith("datetime")]
        types: dict[str, Any] = dict.fromkeys(numbers, float)
        rows[model] = frame.astype(types).assign(**{c: pd.to_datetime(frame[c]) for c in dates})
    return rows


def as_objects(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON has them: dates YYYY-MM-DD, NaN and NA null."""
    return [{str(name): _plain(cell) for name, cell in row.items()} for row in frame.to_dict("records")]


def _plain(cell: Any) -> Any:
    value = cell.item() if isinstance(cell, np.generic) else cell
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
