"""Money-weighted returns of many periods at once: the rate at which the flows grow to the final value."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints

MAX_STEPS: Final = 60
_TERMS: Final = 4_000_000
_STEP: Final = 2.0


class Flows(NamedTuple):
    """Dated flows, those of one series together and in order; positive = paid in (USD)."""

    day: Ints
    amount: Floats


class Periods(NamedTuple):
    """Periods (n): the values at both ends, and the flows between."""

    first_day: Ints
    last_day: Ints
    opening: Floats
    closing: Floats
    first_flow: Ints
    """Place in the flows of the first one after `first_day`; `end_flow` is one beyond the last."""
    end_flow: Ints


def money_weighted(periods: Periods, flows: Flows) -> Floats:
    """Return of each period (n), not annualised: (1 + XIRR) ** (days / 365) - 1.

    R solves opening (1 + R) + sum of F(i) (1 + R) ** u(i) = closing, u the share of the period that is left
    when the flow comes. Newton's steps in log(1 + R), which are bounded, from the Modified Dietz return. For
    flows of both signs there may be several roots: it is the one near Modified Dietz.

    :returns: NaN where nothing was invested, the closing value is not positive, or no root is found.
    """
    result = np.full(len(periods.opening), np.nan)
    if not len(result):
        return result
    counts = np.maximum(periods.end_flow - periods.first_flow, 0)
    edges = np.searchsorted(np.cumsum(counts + 1), np.arange(0, (counts + 1).sum(), _TERMS))
    for start, end in zip(edges, [*edges[1:], len(result)], strict=True):
        rows = np.arange(start, end)
        result[rows] = _solved(Periods._make(column[rows] for column in periods), flows)
    return result


def _solved(periods: Periods, flows: Flows) -> Floats:
    row, left, amount = _terms(periods, flows)
    n_rows = len(periods.opening)

    def sums(values: Floats) -> Floats:
        return np.bincount(row, weights=values, minlength=n_rows).astype(float)

    total, weighted = sums(amount), sums(amount * left)
    dietz = np.divide(periods.closing - total, weighted, out=np.full(n_rows, np.nan), where=weighted > 0)
    possible = (periods.opening >= 0) & (periods.closing > 0) & (dietz > -1) & (sums(np.abs(amount)) > 0)
    rate = np.log1p(np.where(possible, dietz, 0.0))
    open_rows: Bools = possible.copy()
    for _ in range(MAX_STEPS):
        wanted = open_rows[row]
        growth = amount[wanted] * np.exp(rate[row[wanted]] * left[wanted])
        value = np.bincount(row[wanted], weights=growth, minlength=n_rows)
        slope = np.bincount(row[wanted], weights=growth * left[wanted], minlength=n_rows)
        gap = np.where(open_rows, periods.closing - value, 0.0)
        step = np.divide(gap, slope, out=np.zeros(n_rows), where=open_rows & (np.abs(slope) > 0))
        step = np.clip(step, -_STEP, _STEP)
        rate += step
        settled = np.abs(step) <= 1e-13 * np.maximum(np.abs(rate), 1.0)
        exact = np.abs(gap) <= 1e-9 * np.maximum(np.abs(periods.closing), 1.0)
        open_rows &= ~settled
        possible &= ~settled | exact
        if not open_rows.any():
            break
    return np.where(possible & ~open_rows, np.expm1(rate), np.nan)


def _terms(periods: Periods, flows: Flows) -> tuple[Ints, Floats, Floats]:
    """Row, share of the period left, and amount of every flow, the opening value first."""
    n_rows = len(periods.opening)
    counts = np.maximum(periods.end_flow - periods.first_flow, 0)
    owner = np.repeat(np.arange(n_rows), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    place += np.repeat(periods.first_flow, counts)
    days = (periods.last_day - periods.first_day).astype(float)[owner]
    remaining = (periods.last_day[owner] - flows.day[place]).astype(float)
    left = np.divide(remaining, days, out=np.ones(len(days)), where=days > 0)
    return (
        np.concatenate([np.arange(n_rows), owner]),
        np.concatenate([np.ones(n_rows), left]),
        np.concatenate([periods.opening, flows.amount[place]]),
    )
