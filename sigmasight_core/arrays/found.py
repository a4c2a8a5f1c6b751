"""Rows of one frame that another has too, by their keys."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools


def found_in(rows: pd.DataFrame, other: pd.DataFrame, keys: Sequence[str]) -> Bools:
    """Which rows (n,) have a combination of `keys` that the other frame has."""
    mine, theirs = (pd.MultiIndex.from_frame(frame[list(keys)]) for frame in (rows, other))
    return np.asarray(mine.isin(theirs), dtype=bool)
