"""What a command prints for programs: JSON of cells as they are stored, null where there is none."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd


def print_json(content: Any) -> None:
    """Print one JSON document on standard output.

    A frame is a list of rows. NaN, NaT and NA are null, so are infinities; no number is rounded. A midnight
    without a time zone is a date.

    :raises TypeError: on a value that JSON has no form for.
    """
    click.echo(json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """The value in types that JSON has."""
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(name): plain(cell) for name, cell in value.items()}
    if isinstance(value, list | tuple | np.ndarray | pd.Series):
        return [plain(cell) for cell in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dt.datetime):
        is_date = value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if is_date else value.isoformat()
    return _text(value)


def _text(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
