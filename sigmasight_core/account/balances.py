"""Cash balances of dates x portfolios in closed form: interest, inferred deposits, stated balances.

A balance follows B(t) = B(t-1) (1 + r(t)) + flows(t) + inferred(t) + adjustment(t). Divided by the growth
index D(t), the product of the (1 + r), it is a sum; the deposits that keep it from falling below zero are, up
to t, the largest shortfall so far: max(0, max over s <= t of -(opening + sum of flows up to s)). A stated
balance ends one such stretch and opens the next. So there is no loop over dates.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints

_DUST: float = 1e-6
"""USD below which an inferred deposit is the rounding of a sum."""


class Balances(NamedTuple):
    """Each (dates, portfolios), USD: closing = opening + flows + interest + inferred + adjustment."""

    opening: Floats
    interest: Floats
    inferred: Floats
    """Deposits that nobody stated, >= 0: what purchases cost beyond the cash there was."""
    adjustment: Floats
    """Stated less computed balance, on the days of a statement."""
    closing: Floats


def balances(
    flows: Floats, *, stated: Floats, margin: Bools, rates: Floats, borrow_rates: Floats
) -> Balances:
    """Balances from zero before the first date.

    The flows of a day come before its statement. A portfolio with margin, or with a negative stated balance,
    infers no deposits: its cash may be negative and pays the borrow rate. Which rate a day has depends on the
    sign of the balance before it; the signs are found by repeating until they stay. Each pass settles at
    least one more change of sign, in order, so that it ends, mostly after one or two.

    :param flows: (dates, portfolios), every known flow but interest, positive = received (USD).
    :param stated: (dates, portfolios) balance at the close as stated, NaN = none.
    :param margin: (portfolios). :param rates: and `borrow_rates`: (dates, portfolios or 1), earned and paid
        on the opening balance from the date before to the date, as fractions.
    """
    owing = margin | (np.nan_to_num(stated) < 0).any(axis=0)
    negative = np.zeros(flows.shape, dtype=bool)
    for _ in range(len(flows) + 1):
        growth = np.where(negative, borrow_rates, rates)
        found = _at_rates(flows, stated, owing, growth)
        signs = found.opening < 0
        if (signs == negative).all():
            break
        negative = signs
    return found


def _at_rates(flows: Floats, stated: Floats, owing: Bools, growth: Floats) -> Balances:
    """Balances at a known rate of every day and portfolio."""
    index = np.cumprod(1.0 + growth, axis=0)
    summed = np.cumsum(flows / index, axis=0)
    before = _last_statement(stated)
    start, column = np.maximum(before, 0), np.arange(flows.shape[1])
    known = before >= 0
    opening = np.where(known, stated[start, column] / index[start, column] - summed[start, column], 0.0)
    level = opening + summed
    shortfall = np.where(owing, 0.0, np.maximum(-level, 0.0))
    added = _running_maximum(shortfall, before)
    computed = index * (level + added)
    closing = np.where(np.isnan(stated), computed, stated)
    opened = np.vstack([np.zeros((1, flows.shape[1])), closing[:-1]]) if len(closing) else closing
    inferred = index * (added - _previous(added, before))
    return Balances(
        opened,
        opened * growth,
        np.where(inferred > _DUST, inferred, 0.0),
        np.where(np.isnan(stated), 0.0, stated - computed),
        closing,
    )


def _last_statement(stated: Floats) -> Ints:
    """Row of the last statement before each date; -1 = none."""
    row = np.where(np.isnan(stated), -1, np.arange(len(stated))[:, None])
    latest = np.maximum.accumulate(row, axis=0)
    return np.vstack([np.full((1, stated.shape[1]), -1), latest[:-1]]) if len(stated) else latest


def _running_maximum(values: Floats, stretch: Ints) -> Floats:
    """Largest value so far in each column's stretch (equal numbers of `stretch`)."""
    n_dates, n_columns = values.shape
    codes = (stretch + 1) + (n_dates + 1) * np.arange(n_columns)
    return pd.Series(values.ravel()).groupby(codes.ravel()).cummax().to_numpy().reshape(values.shape)


def _previous(values: Floats, stretch: Ints) -> Floats:
    """The value of the date before, 0 at the start of a stretch."""
    if not len(values):
        return values
    shifted = np.vstack([np.zeros((1, values.shape[1])), values[:-1]])
    same = np.vstack([np.zeros((1, values.shape[1]), dtype=bool), stretch[1:] == stretch[:-1]])
    return np.where(same, shifted, 0.0)
