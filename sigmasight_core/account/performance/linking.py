"""Daily figures linked over periods by Carino: what contributions and attribution have in common."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.portfolio_returns import panel
from sigmasight_core.account.performance.returns import LEAST_BASE
from sigmasight_core.arrays.types import Bools, Floats, Ints


def log_ratio(returns: Floats) -> Floats:
    """log(1 + r) / r, Carino's k of a return above -1; its limit near 0."""
    small = np.abs(returns) < 1e-12
    safe = np.where(small, 1.0, returns)
    return np.where(small, 1.0 - returns / 2, np.log1p(safe) / safe)


@dataclass(frozen=True)
class Days:
    """Each (sessions, portfolios)."""

    begun: Bools
    pnl: Floats
    base: Floats
    """Value at the previous close + inflow, USD; 0 where the day has no return."""
    weight: Floats
    """k / base of the day, 1/USD; 0 where the day has no return."""
    gap: Bools
    """The return should be there and is not known."""


def days_of(
    returns: pd.DataFrame, *, sessions: pd.DatetimeIndex, names: pd.Index, first: Ints, earlier: Bools
) -> Days:
    """Days that can be linked.

    :param returns: rows of `PortfolioReturns`. :param first: (portfolios) row of the first transaction.
    :param earlier: (portfolios) whether that was before the sessions.
    """
    begun = np.arange(len(sessions))[:, None] >= first
    total, pnl, flow = (
        np.where(begun, panel(returns, name, sessions, names), 0.0)
        for name in ("total_value", "daily_pnl", "external_flow")
    )
    daily = panel(returns, "daily_return", sessions, names)
    base = np.vstack([np.where(earlier, np.nan, 0.0)[None, :], total])[:-1] + np.maximum(flow, 0.0)
    based = base >= LEAST_BASE
    usable = based & (daily > -1.0)
    weight = np.where(usable, log_ratio(np.where(usable, daily, 0.0)) / np.where(usable, base, 1.0), 0.0)
    gap = begun & (np.isnan(base) | np.isnan(pnl) | (based & np.isnan(daily)))
    return Days(begun, pnl, np.where(usable, base, 0.0), weight, gap)


def over(cumulated: np.ndarray, end: Ints, start: Ints) -> np.ndarray:
    """Sums over the rows after `start` (dates, columns) up to `end` (dates)."""
    column = np.arange(cumulated.shape[1])
    return cumulated[end] - np.where(start >= 0, cumulated[np.maximum(start, 0), column], 0)
