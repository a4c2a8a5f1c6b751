"""Positions as sectors and tags: rows whose P&L sums to that of the positions."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded
from sigmasight_core.positions.tags import tags_of_rows

CASH_GROUP: Final = "(cash)"
NO_TAG: Final = "(no tag)"
SEVERAL: Final = "(several tags)"
"""Less what positions with several tags count more than once."""

_KEPT: Final = ["date", "portfolio", "item", "daily_pnl"]


def by_sector(position_values: pd.DataFrame) -> pd.DataFrame:
    """date, portfolio, item (the sector of the underlying on the date) and daily_pnl."""
    return position_values.rename(columns={"sector": "item"})[_KEPT]


def by_tag(position_values: pd.DataFrame) -> pd.DataFrame:
    """date, portfolio, item (a tag) and daily_pnl.

    A position counts fully in each of its tags; what is counted more than once is taken off in SEVERAL.
    """
    row, code, tags = tags_of_rows(position_values["tags"])
    repeats = np.bincount(row, minlength=len(position_values))
    plain = position_values[["date", "portfolio", "daily_pnl"]]
    each = plain.iloc[row].assign(item=coded([tag or NO_TAG for tag in tags], code))
    again = plain[repeats > 1].assign(item=SEVERAL)
    again["daily_pnl"] *= 1.0 - repeats[repeats > 1]
    return pd.concat([each, again], ignore_index=True).astype({"item": "str"})[_KEPT]
