"""Daily figures linked over periods by Carino: what contributions and attribution have in common."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.portfolio_returns import panel
from sigmasight_core.account.performance.returns import LEAST_BASE, first_rows
from sigmasight_core.arrays.types import Bools, Floats, Ints


def log_ratio(returns: Floats) -> Floats:
    """log(1 + r) / r, Carino's k of a return above -1; its limit near 0."""
    small = np.abs(returns) < 1e-12
    safe = np.where(small, 1.0, returns)
    return np.where(small, 1.0 - returns / 2, np.log1p(safe) / safe)


_CASH: Final = ("dividends", "interest", "fees")


@dataclass(frozen=True)
class Days:
    """Each (sessions, portfolios), and first (portfolios)."""

    first: Ints
    """Row of the first transaction."""
    begun: Bools
    pnl: Floats
    cash: Floats
    """Dividends, interest and fees, USD; NaN = not known."""
    base: Floats
    """Value at the previous close + inflow, USD; 0 where the day has no return."""
    weight: Floats
    """k / base of the day, 1/USD; 0 where the day has no return."""
    gap: Bools
    """The return should be there, or the cash, and is not known."""

    def bare(self, stored: Ints) -> Bools:
        """Days with P&L of prices of which no position is stored: retention deletes them.

        :param stored: (sessions, portfolios) how many positions.
        """
        return self.begun & (stored == 0) & (self.pnl != self.cash) & np.isfinite(self.pnl)


def days_of(
    *,
    portfolio_returns: pd.DataFrame,
    portfolio_cash: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    first_dates: "pd.Series[pd.Timestamp]",
) -> Days:
    """Days that can be linked; the parameters are those of `contributions.return_contributions`."""
    first, earlier = first_rows(first_dates, sessions, names)
    begun = np.arange(len(sessions))[:, None] >= first
    total, pnl, flow = (
        np.where(begun, panel(portfolio_returns, name, sessions, names), 0.0)
        for name in ("total_value", "daily_pnl", "external_flow")
    )
    cash = np.where(begun, sum(panel(portfolio_cash, name, sessions, names) for name in _CASH), 0.0)
    daily = panel(portfolio_returns, "daily_return", sessions, names)
    base = np.vstack([np.where(earlier, np.nan, 0.0)[None, :], total])[:-1] + np.maximum(flow, 0.0)
    based = base >= LEAST_BASE
    usable = based & (daily > -1.0)
    weight = np.where(usable, log_ratio(np.where(usable, daily, 0.0)) / np.where(usable, base, 1.0), 0.0)
    gap = begun & (np.isnan(base) | np.isnan(pnl) | np.isnan(cash) | (based & np.isnan(daily)))
    return Days(first, begun, pnl, cash, np.where(usable, base, 0.0), weight, gap)
