"""Trailing windows over sessions as array views, and the bookkeeping that keeps batches small."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.errors import InputError


def session_positions(sessions: pd.Index, dates: pd.Index) -> Ints:
    """Row numbers of `dates` in `sessions`.

    :raises InputError: if the sessions are not in strictly rising order, or a date is not among them.
    """
    if not (sessions.is_monotonic_increasing and sessions.is_unique):
        raise InputError(
            "the sessions of the returns are not in strictly rising order; sort them, drop repeats"
        )
    found = sessions.get_indexer(dates)
    if (found < 0).any():
        missing = dates[found < 0]
        raise InputError(
            f"{len(missing)} dates have no row of returns, the first is {missing[0]:%Y-%m-%d}; "
            "ask for sessions that the returns cover"
        )
    return np.asarray(found, dtype=np.intp)


def pad_windows(values: NDArray, window: int, fill: float | bool) -> NDArray:
    """`values` [T, C] below window - 1 rows of `fill`, so that every row ends a full window."""
    lead = np.full((window - 1, *values.shape[1:]), fill, dtype=values.dtype)
    return np.concatenate([lead, values])


def trailing_windows(padded: NDArray, ends: Ints, window: int) -> NDArray:
    """Windows [D, window, C] that end at rows `ends` (of the unpadded array), the last row included.

    :param padded: as `pad_windows` returns it, [window - 1 + T, C]. Adjacent `ends` give a view, not a copy.
    """
    windows = sliding_window_view(padded, window, axis=0).swapaxes(1, -1)
    if len(ends) and ends[-1] - ends[0] == len(ends) - 1 and (np.diff(ends) == 1).all():
        return windows[ends[0] : ends[-1] + 1]
    return windows[ends]


def blocks(rows: Ints, cells_per_row: int, budget: int) -> Iterator[Ints]:
    """Cut `rows` into runs of about `budget` cells: results are the same, memory is bounded."""
    size = max(1, budget // max(1, cells_per_row))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


BLAS_ONE_THREAD = 2**18
"""Multiply-adds of one matrix product below which OpenBLAS does not start threads (its default threshold)."""


LANES = 16
"""Columns that every matrix product has a multiple of: a whole number of the processor's registers.

In a product of another shape BLAS adds in another order (a single column is not even a matrix to it), and the
last bits of one symbol would depend on which others are computed with it.
"""


def in_lanes(count: int) -> int:
    """The next multiple of `LANES`, at least one."""
    return max(1, -(-count // LANES)) * LANES


def product(left: Floats, windows: Floats) -> Floats:
    """left [d, Q, W] @ windows [d, W, S], in tiles of symbols too small for BLAS threads.

    Equal bits for a symbol whatever the others are. On a busy machine threads that wait for one another cost
    ten times what they save; on an idle one the products are bound by memory.
    """
    count, rows, width = left.shape
    size = windows.shape[2]
    tile = max(LANES, (BLAS_ONE_THREAD // max(1, rows * width) - 1) // LANES * LANES)
    out = np.empty((count, rows, size))
    whole = size // LANES * LANES
    for start in range(0, whole, tile):
        part = slice(start, min(start + tile, whole))
        np.matmul(left, windows[:, :, part], out=out[:, :, part])
    if whole < size:
        rest = np.zeros((count, width, LANES))
        rest[:, :, : size - whole] = windows[:, :, whole:]
        out[:, :, whole:] = (left @ rest)[:, :, : size - whole]
    return out
