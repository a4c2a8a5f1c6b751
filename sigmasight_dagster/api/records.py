"""Frames of the ledger as lists of JSON objects, by the rules of every answer."""

from typing import Any

import pandas as pd

_MOMENTS = ("computed_at",)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Dates YYYY-MM-DD, moments in UTC to the millisecond, NULL as None."""
    shown = frame.copy()
    for name in shown.columns:
        column = shown[name]
        if name in _MOMENTS or str(name).endswith("_at"):
            utc = pd.to_datetime(column, utc=True).dt.strftime("%Y-%m-%dT%H:%M:%S.%f")
            shown[name] = utc.str[:-3] + "Z"
        elif pd.api.types.is_datetime64_any_dtype(column):
            shown[name] = column.dt.strftime("%Y-%m-%d")
    plain = shown.astype(object).where(shown.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
