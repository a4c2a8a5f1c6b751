"""What ends with the options of a portfolio, by the time to their expiry."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.positions.held import KEY, held_rows, is_option, partition_frame
from sigmasight_core.positions.sums import GREEK_COLUMNS, group_sums
from sigmasight_core.tables.portfolio.horizons import BUCKETS

LAST_DAYS: Final = (7, 30, 60, 90)
"""Last day of each bucket but the last."""


def expiries(
    partitions: pd.DataFrame, *, position_values: pd.DataFrame, position_greeks: pd.DataFrame
) -> pd.DataFrame:
    """Rows of `tables.Expiries`: of every partition the buckets in which it holds options.

    Options on their expiry session are settled at its close and count no more.

    :param partitions: date and portfolio. :param position_values: rows of tables.PositionValues.
    :param position_greeks: rows of tables.PositionGreeks.
    """
    wanted = partition_frame(partitions)
    values = ["symbol", "underlying", "position_type", "quantity", "multiplier", "exposure"]
    greeks = ["underlying_price", "days_to_expiry", "delta_exposure", *GREEK_COLUMNS]
    rows = held_rows(
        partitions=wanted,
        position_values=position_values[[*KEY, *values]],
        position_greeks=position_greeks[[*KEY, *greeks]],
    )
    days = rows["days_to_expiry"].to_numpy(dtype=float, na_value=np.nan)
    rows, days = rows[is_option(rows) & (days > 0)], days[is_option(rows) & (days > 0)]
    bucket = np.searchsorted(LAST_DAYS, days)
    cell = rows["partition"].to_numpy() * len(BUCKETS) + bucket
    present, group = np.unique(cell, return_inverse=True)
    number = {name: rows[name].to_numpy(dtype=float, na_value=np.nan) for name in (*values[3:], *greeks)}
    shares = np.abs(number["quantity"]) * number["multiplier"]
    sums = group_sums(
        group,
        len(present),
        {
            "n_positions": np.ones(len(rows)),
            "notional": shares * number["underlying_price"],
            "net_exposure": number["exposure"],
            "delta_usd": number["delta_exposure"],
            **{name.removeprefix("position_"): number[name] for name in GREEK_COLUMNS},
        },
    ).astype({"n_positions": "int64"})
    partition, place = np.divmod(present, len(BUCKETS))
    names = rows["symbol"].to_numpy(dtype=object)
    unpriced = np.isnan(number["exposure"] + shares * number["underlying_price"])
    no_greeks = np.isnan(number["delta_exposure"]) & ~unpriced
    gaps = [
        (words, group[lost], names[lost])
        for words, lost in (("no price for", unpriced), ("no Greeks for", no_greeks))
    ]
    status = gap_status(gap_texts(gaps, len(present)), sums["delta_usd"].isna().to_numpy())
    frame = wanted.take(partition).reset_index(drop=True)
    return frame.assign(bucket=coded(BUCKETS, place)).join(sums).assign(status=pd.array(status, dtype="str"))
