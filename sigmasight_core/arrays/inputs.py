"""What callers pass, any array-like, as float arrays in which NaN is missing."""

from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats


def as_floats(values: Any) -> Floats:
    """Any array-like of numbers as a float array, a missing value as NaN."""
    if isinstance(values, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)


def as_calls(is_call: Any) -> Floats:
    """1.0 for a call, 0.0 for a put, NaN where it is missing, from any array-like of booleans."""
    calls = is_call if hasattr(is_call, "dtype") else np.asarray(is_call)
    if pd.api.types.is_object_dtype(calls):
        calls = pd.array(np.ravel(calls), dtype="boolean")
    return as_floats(calls).reshape(np.shape(is_call))
