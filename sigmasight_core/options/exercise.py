"""Exercise: which options are American, and which calls are likely to be exercised before a dividend."""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Bools
from sigmasight_core.options.occ import parse_occ

AMERICAN: Final = "american"
EUROPEAN: Final = "european"
EUROPEAN_ROOTS: Final = frozenset(
    {"SPX", "SPXW", "SPXPM", "XSP", "NANOS", "NDX", "NDXP", "NQX", "XND"}
    | {"RUT", "RUTW", "MRUT", "VIX", "VIXW", "DJX", "DJXW", "XEO"}
)
"""Roots of index options that are exercised at expiry only. OEX is American; so is every share and fund."""
CASH_ROOTS: Final = EUROPEAN_ROOTS | {"OEX", "OEXW", "MXEA", "MXEF", "RUI", "RLG", "RLV"}
"""Roots of options that settle in cash, whatever the owner prefers: an index has no shares."""


def exercise_style(root: Any) -> NDArray[np.object_]:
    """'european' or 'american' for each OCC root, an array-like of str in capitals; None if missing."""
    roots = np.asarray(root, dtype=object)
    flat = [_style(value) for value in roots.ravel()]
    styles = np.empty(len(flat), dtype=object)
    styles[:] = flat
    return styles.reshape(roots.shape)


def is_american(symbols: "pd.Series[str]") -> Bools:
    """Which contracts (n,) may be exercised on any day, by the root of their OCC symbol.

    What is no OCC symbol is no option, so not American either.
    """
    return np.asarray(exercise_style(parse_occ(symbols)["root"]) == AMERICAN, dtype=bool)


def is_settled_in_cash(symbols: "pd.Series[str]") -> Bools:
    """Which contracts (n,) are on an index, by the root of their OCC symbol: they deliver nothing."""
    return parse_occ(symbols)["root"].isin(CASH_ROOTS).to_numpy(dtype=bool)


def _style(root: Any) -> str | None:
    if not isinstance(root, str):
        return None
    return EUROPEAN if root in EUROPEAN_ROOTS else AMERICAN


def early_exercise_likely(
    spot: Any, strike: Any, price: Any, next_dividend: Any, is_call: Any
) -> NDArray[np.bool_]:
    """In-the-money calls whose remaining time value is less than the next dividend.

    :param price: of the option, USD per share: the quote or the model's.
    :param next_dividend: USD per share with its ex-date before expiry; 0 or NaN = none.
    """
    spots, strikes, prices, dividends = (as_floats(value) for value in (spot, strike, price, next_dividend))
    intrinsic = spots - strikes
    return (as_calls(is_call) > 0) & (intrinsic > 0) & (dividends > 0) & (prices - intrinsic < dividends)
