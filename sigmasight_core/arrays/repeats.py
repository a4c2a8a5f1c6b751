"""Rows that stand for several each: how ragged lists become flat arrays."""

import numpy as np

from sigmasight_core.arrays.types import Ints


def repeated(counts: Ints) -> tuple[Ints, Ints]:
    """Each row (n,) as often as it counts, in order (m,), and which repeat of the row it is, from 0 (m,)."""
    row = np.repeat(np.arange(len(counts)), counts)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
