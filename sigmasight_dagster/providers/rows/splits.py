"""Known splits: taking them out of prices or putting them in, and whether closes show them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError

SMALLEST_CHECKED: Final = float(np.log(1.4))
"""A split smaller than 7:5 (or its reverse) cannot be told from a day's move and is not checked."""

LONGEST_GAP: Final = np.timedelta64(10, "D")
"""A jump over a longer gap in the closes says nothing about a split."""


@dataclass(frozen=True)
class Splits:
    """Known splits.

    :ivar symbol: symbols (S,).
    :ivar ex_date: sessions (S,), datetime64[ns].
    :ivar ratio: new shares per old share (S,).
    """

    symbol: np.ndarray
    ex_date: np.ndarray
    ratio: np.ndarray

    @classmethod
    def none(cls) -> "Splits":
        """No known split."""
        return cls(np.array([], object), np.array([], "datetime64[ns]"), np.array([], float))


def later_ratios(splits: Splits, dates: pd.DatetimeIndex, symbols: np.ndarray) -> np.ndarray:
    """Product of the ratios of the splits with ex-date after each date (T, N); 1 without any."""
    factors = np.ones((len(dates) + 1, len(symbols)))
    column = pd.Index(symbols).get_indexer(splits.symbol)
    known = column >= 0
    at = dates.searchsorted(splits.ex_date[known])
    np.multiply.at(factors, (at, column[known]), splits.ratio[known])
    return np.cumprod(factors[::-1], axis=0)[::-1][1:]


def check_basis(
    splits: Splits, dates: pd.DatetimeIndex, symbols: np.ndarray, closes: np.ndarray, *, as_traded: bool
) -> None:
    """Check that the closes jump at known splits if as traded, and do not if adjusted.

    :param closes: closes as given (T, N), NaN = missing.
    :raises InputError: at the first split where the closes say otherwise; names the setting to change.
    """
    jump = split_jumps(splits, dates, symbols, closes)
    wrong = _contradict(splits, jump, as_traded=as_traded)
    if wrong.any():
        first = int(wrong.argmax())
        raise _basis_error(splits, first, float(jump[first]), as_traded=as_traded)


def basis_contradictions(
    splits: Splits, dates: pd.DatetimeIndex, symbols: np.ndarray, closes: np.ndarray, *, as_traded: bool
) -> np.ndarray:
    """Splits (S,) at which the closes (T, N) say that they are not on the basis they are said to be on."""
    return _contradict(splits, split_jumps(splits, dates, symbols, closes), as_traded=as_traded)


def split_jumps(
    splits: Splits, dates: pd.DatetimeIndex, symbols: np.ndarray, closes: np.ndarray
) -> np.ndarray:
    """Jump of the log close over each split (S,); NaN where the split or the gap tells nothing."""
    column = pd.Index(symbols).get_indexer(splits.symbol)
    checked = ((column >= 0) & (np.abs(np.log(splits.ratio)) >= SMALLEST_CHECKED)).nonzero()[0]
    jump = np.full(len(splits.ratio), np.nan)
    if len(checked):
        jump[checked] = _jumps(dates, closes[:, column[checked]], splits.ex_date[checked])
    return jump


def _contradict(splits: Splits, jump: np.ndarray, *, as_traded: bool) -> np.ndarray:
    jumped = np.abs(jump - np.log(splits.ratio)) < np.abs(jump)
    return ~np.isnan(jump) & (jumped != as_traded)


def _jumps(dates: pd.DatetimeIndex, closes: np.ndarray, ex_date: np.ndarray) -> np.ndarray:
    """log(last close before / first close from the ex-date) by column; NaN if unknown or too far apart."""
    n_sessions, n_splits = closes.shape
    known = ~np.isnan(closes)
    before = dates.to_numpy()[:, None] < ex_date
    positions = np.arange(n_sessions)[:, None]
    last = np.where(known & before, positions, -1).max(axis=0)
    first = np.where(known & ~before, positions, n_sessions).min(axis=0)
    there = (last >= 0) & (first < n_sessions)
    last, first = np.where(there, last, 0), np.where(there, first, 0)
    near = there & (dates.to_numpy()[first] - dates.to_numpy()[last] <= LONGEST_GAP)
    each = np.arange(n_splits)
    return np.where(near, np.log(closes[last, each] / closes[first, each]), np.nan)


def _basis_error(splits: Splits, index: int, jump: float, *, as_traded: bool) -> InputError:
    symbol, ratio = splits.symbol[index], splits.ratio[index]
    day = pd.Timestamp(splits.ex_date[index]).date()
    what = (
        f"the closes do not show the {ratio:g}:1 split, so they are not as traded; set "
        "SIGMASIGHT_FILES_CLOSE_BASIS to split_adjusted or adjusted"
        if as_traded
        else f"the closes fall by a factor of {np.exp(jump):.3g} at the {ratio:g}:1 split, so they are not "
        "adjusted; set SIGMASIGHT_FILES_CLOSE_BASIS to as_traded"
    )
    return InputError(f"{symbol} on {day}: {what}, or correct splits.csv")
