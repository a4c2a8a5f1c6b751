"""Sums of positions: by portfolio (for the snapshot), underlying, tag and sector."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers, text_column, timestamps
from sigmasight_core.arrays.types import Floats, Ints

_KEY = ["date", "portfolio", "position_id"]
GREEK_COLUMNS = ("position_delta", "position_gamma", "position_theta", "position_vega", "position_rho")
_GREEKS = ["underlying_price", *GREEK_COLUMNS, "delta_exposure"]


def with_greeks(*, position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Rows of position_values with their Greeks; 0 for closed positions, NaN where a row has none."""
    closed = (position_values["quantity"] == 0).to_numpy()
    greeks = position_greeks[[*_KEY, *_GREEKS]]
    if not _same_keys(position_values[~closed], greeks):
        greeks = position_values.loc[~closed, _KEY].merge(greeks, on=_KEY, how="left", validate="one_to_one")
    columns = np.zeros((len(_GREEKS), len(position_values)))
    columns[:, ~closed] = greeks[_GREEKS].to_numpy(dtype=float).T
    return position_values.assign(held=~closed, **dict(zip(_GREEKS, columns, strict=True)))


def _same_keys(values: pd.DataFrame, greeks: pd.DataFrame) -> bool:
    """Whether both frames have the same keys in the same order, as they have when read in key order."""
    return len(values) == len(greeks) and all(
        bool((values[name].array == greeks[name].array).all()) for name in _KEY
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


def by_underlying(*, position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Sums by underlying: a stock and the options on it are one row. See `by_sector` for the columns."""
    return _by_column(position_values, position_greeks, "underlying")


def by_sector(*, position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Sums by sector of the underlying.

    :returns: `date`, `portfolio`, `sector`, `gross_exposure` (of |exposure|), `net_exposure`, `delta_usd`,
        `daily_pnl` (USD), `position_delta` (shares), the positions' `gamma`, `theta`, `vega`, `rho` (units as
        in `tables.PositionGreeks`), `n_positions` (held) and `n_priced`. Sums leave out what is NULL
        (n_priced < n_positions says so) and are NaN where every value is NULL.
    """
    return _by_column(position_values, position_greeks, "sector")


def by_tag(*, position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Sums by tag. A position counts in each of its tags, so that the rows do not add up to the portfolio;
    positions without one are under the empty tag. See `by_sector` for the columns.
    """
    codes, texts = pd.factorize(position_values["tags"])
    lists = [text.split(",") for text in texts]
    lengths = np.array([len(tags) for tags in lists], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    repeats = lengths[codes]
    rows = np.repeat(np.arange(len(codes)), repeats)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    labels, of_place = np.unique(
        np.array([tag for tags in lists for tag in tags], dtype=str), return_inverse=True
    )
    of_row = of_place[starts[codes[rows]] + within]
    return _summed(
        with_greeks(position_values=position_values, position_greeks=position_greeks),
        rows,
        "tag",
        of_row,
        labels,
    )


def _by_column(values: pd.DataFrame, greeks: pd.DataFrame, column: str) -> pd.DataFrame:
    codes, labels = pd.factorize(values[column], sort=True)
    return _summed(
        with_greeks(position_values=values, position_greeks=greeks),
        np.arange(len(values)),
        column,
        codes,
        np.asarray(labels, dtype=str),
    )


def _summed(
    rows: pd.DataFrame, at: Ints, group: str, group_codes: Ints, labels: npt.NDArray[np.str_]
) -> pd.DataFrame:
    """Sums of the rows `at` (with repeats) by date, portfolio and group, ordered by them."""
    days, day = np.unique(day_numbers(rows["date"]), return_inverse=True)
    portfolio, names = pd.factorize(rows["portfolio"], sort=True)
    of_row = ((day * len(names) + portfolio)[at]) * len(labels) + group_codes
    present, codes = np.unique(of_row, return_inverse=True)
    pairs, label = np.divmod(present, max(len(labels), 1))
    date, name = np.divmod(pairs, max(len(names), 1))
    held = rows["held"].to_numpy(dtype=bool)
    exposure = rows["exposure"].to_numpy(dtype=float)
    columns = {
        "gross_exposure": np.abs(exposure),
        "net_exposure": exposure,
        "delta_usd": rows["delta_exposure"].to_numpy(dtype=float),
        "position_delta": rows["position_delta"].to_numpy(dtype=float),
        **{name.removeprefix("position_"): rows[name].to_numpy(dtype=float) for name in GREEK_COLUMNS[1:]},
        "daily_pnl": rows["daily_pnl"].to_numpy(dtype=float),
        "n_positions": held.astype(float),
        "n_priced": (held & ~np.isnan(exposure)).astype(float),
    }
    sums = group_sums(codes, len(present), {name: values[at] for name, values in columns.items()})
    keys = {
        "date": timestamps(days[date]),
        "portfolio": text_column(names, name),
        group: text_column(labels, label),
    }
    return pd.DataFrame(keys).join(sums.astype({"n_positions": "int64", "n_priced": "int64"}))
