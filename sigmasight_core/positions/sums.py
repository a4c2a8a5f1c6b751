"""Positions with their Greeks, and sums of them over what is known."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats, Ints

_KEY = ["date", "portfolio", "position_id"]
GREEK_COLUMNS = ("position_delta", "position_gamma", "position_theta", "position_vega", "position_rho")
_GREEKS = ["underlying_price", *GREEK_COLUMNS, "delta_exposure"]


def with_greeks(*, position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Rows of position_values with their Greeks; 0 for closed positions, NaN where a row has none."""
    closed = (position_values["quantity"] == 0).to_numpy()
    greeks = position_greeks[[*_KEY, *_GREEKS]]
    if not same_keys(position_values[~closed], greeks):
        greeks = position_values.loc[~closed, _KEY].merge(greeks, on=_KEY, how="left", validate="one_to_one")
    columns = np.zeros((len(_GREEKS), len(position_values)))
    columns[:, ~closed] = greeks[_GREEKS].to_numpy(dtype=float).T
    return position_values.assign(held=~closed, **dict(zip(_GREEKS, columns, strict=True)))


def same_keys(rows: pd.DataFrame, others: pd.DataFrame) -> bool:
    """Whether both frames have the same keys in the same order, as they have when read in key order."""
    return len(rows) == len(others) and all(
        bool((rows[name].array == others[name].array).all()) for name in _KEY
    )


def group_sums(codes: Ints, n_groups: int, columns: Mapping[str, Floats]) -> pd.DataFrame:
    """Sums per group over the rows that have a value.

    :param codes: group of each row, 0..n_groups-1.
    :returns: one row per group: 0 for a group without rows, NaN where a group has rows and none has a value.
    """
    rows = np.bincount(codes, minlength=n_groups)
    sums = {}
    for name, values in columns.items():
        known = ~np.isnan(values)
        total = np.bincount(codes[known], weights=values[known], minlength=n_groups)
        count = np.bincount(codes[known], minlength=n_groups)
        sums[name] = np.where((count == 0) & (rows > 0), np.nan, total)
    return pd.DataFrame(sums)
