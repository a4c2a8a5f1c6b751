"""Value at risk and expected shortfall of simulated P&L."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Floats, Ints

LEVELS: Final = (0.95, 0.99)

_ROUNDING: Final = 1e-9


class TailLosses(NamedTuple):
    """Losses in the unit of the P&L, loss positive, each (G, L) by series and confidence level."""

    value_at_risk: Floats
    expected_shortfall: Floats


def tail_rank(n: Ints, levels: tuple[float, ...]) -> Ints:
    """(..., L): which of the n worst scenarios is the value at risk, 1 = the worst: ceil(n (1 - level))."""
    return np.ceil(n[..., None] * (1.0 - np.array(levels)) - _ROUNDING).astype(np.intp)


def tail_losses(pnl: Floats, levels: tuple[float, ...]) -> TailLosses:
    """Value at risk and expected shortfall of simulated P&L.

    With n scenarios in rising order x and p = 1 - level, VaR is minus the lower empirical quantile,
    ``-x_k``, k = ceil(n p): the k-th worst scenario. Expected shortfall is the mean of the worst n p
    scenarios, the k-th by its fraction: ``-(x_1 + .. + x_(k-1) + (n p - k + 1) x_k) / (n p)`` (Acerbi and
    Tasche, On the coherence of expected shortfall, 2002, definition 2.6), never below VaR.

    :param pnl: (G, N), a gain is positive; NaN = not a scenario.
    :returns: (G, L); negative where even the tail gains, NaN where there is no scenario.
    """
    n = np.isfinite(pnl).sum(axis=1)
    mass = n[:, None] * (1.0 - np.array(levels))
    last = np.maximum(tail_rank(n, levels) - 1, 0)
    deepest = int(last.max(initial=0))
    worst = np.sort(np.partition(pnl, deepest, axis=1)[:, : deepest + 1], axis=1)
    quantile = np.take_along_axis(worst, last, axis=1)
    before = np.take_along_axis(np.pad(worst.cumsum(axis=1), ((0, 0), (1, 0))), last, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shortfall = -(before + (mass - last) * quantile) / mass
    return TailLosses(0.0 - quantile, shortfall + 0.0)


def tail_weights(pnl: Floats, level: float) -> Floats:
    """Weights of scenarios in the expected shortfall: ``-(weights * pnl).sum()`` is that of `tail_losses`.

    1 / (n p) of each scenario below the quantile; what is left of 1 is shared by those that equal it.

    :param pnl: (G, N), NaN = not a scenario. :returns: (G, N), 0 where there is no scenario.
    """
    quantile = -tail_losses(pnl, (level,)).value_at_risk
    mass = np.isfinite(pnl).sum(axis=1, keepdims=True) * (1.0 - level)
    below, equal = pnl < quantile, pnl == quantile
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (mass - below.sum(axis=1, keepdims=True)) / equal.sum(axis=1, keepdims=True)
        return np.nan_to_num((below + equal * rest) / mass)
