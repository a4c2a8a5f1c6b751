"""The array types, by what an element is. Shapes are said where an array is used."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""NaN = not known."""
Singles = NDArray[np.float32]
"""Where half the size matters more than the last digits. NaN = not known."""
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
"""Counts, day numbers, and places in other arrays (-1 = none)."""
Texts = NDArray[np.object_]
"""Python strings."""
