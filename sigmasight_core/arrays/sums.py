"""Weighted sums of rows by group, the same to the last bit whatever else is computed with them."""

import numpy as np
from scipy.sparse import csr_array

from sigmasight_core.arrays.types import Floats, Ints


def summed(values: Floats, columns: Ints, weights: Floats, groups: Ints, n_groups: int) -> Floats:
    """Sums (G, N) of weights (R) x values[columns] (C, N) by group (R), which is in rising order.

    A sum adds its rows one after the other. A product of dense matrices adds them in an order that depends
    on the other rows and columns, so that its last bits depend on the batch.
    """
    ends = np.concatenate([[0], np.bincount(groups, minlength=n_groups).cumsum()])
    matrix = csr_array((weights, columns, ends), shape=(n_groups, len(values)))
    return np.asarray(matrix @ values, dtype=np.float64)
