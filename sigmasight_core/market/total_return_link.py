"""Adjusted closes of two fetches on one scale: what makes them a total-return index that is never restated.

A source restates the whole past of its adjusted closes after each dividend and split, so that those of two
fetches differ by a factor. Only their ratios mean anything: a return over the seam is right once the later
fetch is multiplied by the ratio of the two adjustment factors (adjusted close / close as traded) of a session
that both have. Not by that of the adjusted closes: a corrected close there would bend the level of all that
follows.
"""

import pandas as pd

KEYS = ["date", "symbol"]


def link_scale(*, fetched: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    """Factor of each fetched adjusted close that brings it to the scale of the stored ones.

    It is the symbol's ratio of adjustment factors on the nearest session on which both have one (the earlier
    of two as near), 1 for a symbol without such a session.

    :param fetched: and `stored`: date, symbol, close, adjusted_close (NaN = none); each date and symbol once.
    :returns: positive factors, in the index of `fetched`.
    """
    factors = (rows[KEYS].assign(factor=rows["adjusted_close"] / rows["close"]) for rows in (fetched, stored))
    known = next(factors).merge(next(factors), on=KEYS, suffixes=("", "_stored"))
    known["scale"] = known["factor_stored"] / known["factor"]
    known = known.loc[known["scale"].notna(), [*KEYS, "scale"]].sort_values("date")
    if known.empty:
        return pd.Series(1.0, index=fetched.index)
    ordered = fetched[KEYS].sort_values("date", kind="stable")
    near = pd.merge_asof(ordered, known, on="date", by="symbol", direction="nearest")["scale"]
    return pd.Series(near.fillna(1.0).to_numpy(), index=ordered.index).reindex(fetched.index)


def differing_closes(*, fetched: pd.DataFrame, stored: pd.DataFrame, tolerance: float = 1e-6) -> pd.DataFrame:
    """Sessions on which the closes as traded differ by more than a relative `tolerance`: a correction.

    :returns: date, symbol, close (fetched), close_stored, in the order of `fetched`.
    """
    both = fetched[[*KEYS, "close"]].merge(stored[[*KEYS, "close"]], on=KEYS, suffixes=("", "_stored"))
    apart = (both["close"] / both["close_stored"] - 1).abs() > tolerance
    return both[apart].reset_index(drop=True)
