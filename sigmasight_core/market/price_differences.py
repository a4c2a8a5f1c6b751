"""Closes of two sources, held against each other."""

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK


def price_differences(*, prices: pd.DataFrame, others: pd.DataFrame, other_source: str) -> pd.DataFrame:
    """Every stored close beside that of another source, on the same date.

    :param prices: `tables.DailyPrices` rows; marks that are carried forward are left out.
    :param others: date, symbol, close (as traded, NaN = none) of the other source; rows of other symbols and
        dates are ignored.
    :returns: rows in the shape of `tables.PriceDifferences`; relative_difference = close / other_close - 1,
        NULL with the reason where one of the two has no close.
    """
    held = prices[prices["price_date"].isna()]
    both = held[["date", "symbol", "source", "close"]].merge(
        others[["date", "symbol", "close"]].rename(columns={"close": "other_close"}),
        on=["date", "symbol"],
        how="left",
        validate="one_to_one",
    )
    no_own, no_other = both["close"].isna(), both["other_close"].isna()
    status = np.select(
        [no_own & no_other, no_own, no_other],
        ["no close at either", f"a close at {other_source} alone", f"no close at {other_source}"],
        OK,
    )
    return both.assign(
        other_source=other_source,
        relative_difference=both["close"] / both["other_close"] - 1,
        status=pd.array(status, dtype="str"),
    )
