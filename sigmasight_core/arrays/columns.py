"""Columns of long frames from few distinct labels, without a Python string per row."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd


def coded(labels: Iterable[str], codes: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """`labels[code]` for every code, as an array of pandas' str dtype."""
    return pd.array(list(labels), dtype="str").take(codes)


def tiled(labels: Sequence[str], times: int) -> pd.api.extensions.ExtensionArray:
    """All labels in their order, repeated as a whole."""
    return coded(labels, np.tile(np.arange(len(labels)), times))


def repeated_dates(dates: pd.DatetimeIndex, times: int) -> np.ndarray:
    """Each date `times` times, as datetime64[ns]."""
    return np.repeat(dates.to_numpy().astype("datetime64[ns]"), times)
