"""What a command prints for programs: JSON of cells as they are stored, null where there is none."""

import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


def print_json(content: Any) -> None:
    """Print one JSON document on standard output.

    A frame is a list of rows. NaN, NaT and NA are null, so are infinities; no number is rounded. A midnight
    without a time zone is a date.

    :raises TypeError: on a value that JSON has no form for.
    """
    click.echo(json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """The value in types that JSON has."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): plain(cell) for name, cell in value.items()}
    if isinstance(value, list | tuple):
        return [plain(cell) for cell in value]
    if isinstance(value, Path):
        return str(value)
    return _of_frames(value)


def _of_frames(value: Any) -> Any:
    # start-up time: `db url` and `db status` have no frames
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, np.ndarray | pd.Series):
        return [plain(cell) for cell in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, dt.datetime):
        is_date = value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if is_date else value.isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value
