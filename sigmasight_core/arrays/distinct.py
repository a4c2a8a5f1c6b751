"""Rows that are the same in every column, so that what depends on the columns alone is worked out once."""

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints


def distinct_rows(*columns: Floats | Ints | Bools) -> tuple[Ints, Ints]:
    """The first of each kind of row, and the place of every row's kind among them.

    :param columns: of the same length (n,); NaN is like no other.
    :returns: places of rows (k,), and the kind of each row (n,): ``column[first][kind]`` is the column.
    """
    rows = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, kind.ravel()
