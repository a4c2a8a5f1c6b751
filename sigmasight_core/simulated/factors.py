"""Factors of the simulated market: market, volatility, Treasury yields and styles, from 2014-01-02 on.

By session t, with standard normal z, e, w and v_k (`Purpose` names their streams)::

    h_t  = 0.985 h_{t-1} + 0.06 (0.8 e_{t-1} - 0.6 z_{t-1})   log-volatility; falls raise it
    m_t  = mu + sigma_t z_t,  sigma_t = sigma exp(h_t - var h)  market log return, E sigma_t^2 = sigma^2
    dy_t = kappa (theta - y_{t-1}) + b_y m_t + s_y w_t          10-year yield, percentage points
    u_t  = diag(s) L v_t, L L' = STYLE_CORRELATION              pure style components
    s_k  = b_k m + c_k dy_perp + u_k                            log return of a style's proxy

with dy_perp = dy - b_y m. The other yields are the 10-year's plus spreads that revert to their means. All is
linear filters of the noise: no session depends on a later one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.types import Floats
from sigmasight_core.conventions import DAYS_PER_YEAR, SESSIONS_PER_YEAR
from sigmasight_core.errors import InputError
from sigmasight_core.simulated.streams import Purpose, stream
from sigmasight_core.tables.factors import YIELD_SERIES

FIRST_SESSION: Final = pd.Timestamp("2014-01-02")
STYLES: Final = ("value", "growth", "momentum", "quality", "size", "low_volatility")

MARKET_DRIFT: Final = 0.065 / SESSIONS_PER_YEAR
MARKET_VOLATILITY: Final = 0.16
"""Annualised, in the long run."""
PERSISTENCE: Final = 0.985
VOLATILITY_SHOCK: Final = 0.06
LEVERAGE: Final = -0.6
LOG_VOLATILITY_VARIANCE: Final = VOLATILITY_SHOCK**2 / (1 - PERSISTENCE**2)

YIELD_LEVEL: Final = 3.2
YIELD_REVERSION: Final = 0.8 / SESSIONS_PER_YEAR
YIELD_SHOCK: Final = 0.05
YIELD_ON_MARKET: Final = 1.5
"""b_y, percentage points per unit of market log return."""
YIELD_START: Final = 2.9
SPREADS: Final = {"3M": (-0.9, 0.35, 0.022), "2Y": (-0.4, 0.75, 0.018), "30Y": (0.45, 0.93, 0.012)}
"""By series: mean spread in points, share of the 10-year's distance from its mean, shock a session."""

STYLE_VOLATILITY: Final = np.array([0.05, 0.045, 0.09, 0.03, 0.05, 0.055])
"""Annualised, of the pure components."""
STYLE_CORRELATION: Final = np.array(
    [
        [1.00, -0.90, -0.25, -0.10, 0.30, 0.30],
        [-0.90, 1.00, 0.20, 0.05, -0.30, -0.35],
        [-0.25, 0.20, 1.00, 0.10, -0.15, -0.05],
        [-0.10, 0.05, 0.10, 1.00, -0.10, 0.15],
        [0.30, -0.30, -0.15, -0.10, 1.00, 0.10],
        [0.30, -0.35, -0.05, 0.15, 0.10, 1.00],
    ]
)
PROXY_MARKET_LOADING: Final = np.array([0.92, 1.06, 1.02, 0.99, 1.03, 0.72])
PROXY_RATES_LOADING: Final = np.array([0.010, -0.008, 0.000, -0.002, 0.004, -0.015])


@dataclass(frozen=True)
class FactorPaths:
    """The factors on the sessions [T] from FIRST_SESSION on; moves are 0 on the first."""

    sessions: pd.DatetimeIndex
    market: Floats
    """Log returns [T]."""
    volatility: Floats
    """Market volatility as of each close, annualised [T]: sigma of the session after it."""
    yields: dict[str, Floats]
    """Percent, by series [T]."""
    rates: Floats
    """dy_perp, percentage points [T]."""
    styles: Floats
    """Pure components u, log returns [T, 6], in the order of STYLES."""

    def state(self) -> Floats:
        """Market, the styles and rates [T, 8], in the order of the standard factors."""
        return np.column_stack([self.market, self.styles, self.rates])


def factor_paths(seed: int, last: pd.Timestamp) -> FactorPaths:
    """The paths up to a date.

    :raises InputError: for a date before FIRST_SESSION or after the calendar's end.
    """
    if last < FIRST_SESSION:
        raise InputError(f"the simulated market begins on {FIRST_SESSION.date()}; ask for later dates")
    sessions = calendar.sessions(FIRST_SESSION, last)
    count = len(sessions)
    shocks = stream(seed, "market", Purpose.MARKET).standard_normal(count)
    volatility = _volatility(seed, shocks)
    market = np.concatenate([[0.0], MARKET_DRIFT + volatility[:-1] * shocks[1:] / np.sqrt(SESSIONS_PER_YEAR)])
    styles = stream(seed, "styles", Purpose.STYLES).standard_normal((count, len(STYLES)))
    styles = styles @ np.linalg.cholesky(STYLE_CORRELATION).T * STYLE_VOLATILITY / np.sqrt(SESSIONS_PER_YEAR)
    styles[0] = 0.0
    yields = _yields(seed, market)
    rates = np.diff(yields["10Y"], prepend=yields["10Y"][0]) - YIELD_ON_MARKET * market
    return FactorPaths(sessions, market, volatility, yields, rates, styles)


def expected_volatility(volatility: Floats, years: Floats) -> Floats:
    """Square root of the market's mean variance over the next `years`, annualised, given today's volatility.

    The variance reverts to its mean at about the speed of the log-volatility; elementwise.
    """
    speed = -np.log(PERSISTENCE) * SESSIONS_PER_YEAR
    weight = -np.expm1(-speed * years) / np.maximum(speed * years, 1e-12)
    mean = MARKET_VOLATILITY**2
    return np.asarray(np.sqrt(mean + (volatility**2 - mean) * np.where(years > 0, weight, 1.0)))


def volatility_index(volatility: Floats, premium: float) -> Floats:
    """Level of an index of 30-day market volatility in points [T], from volatility at the close [T]."""
    return 100 * premium * expected_volatility(volatility, np.full(volatility.shape, 30 / DAYS_PER_YEAR))


def _volatility(seed: int, shocks: Floats) -> Floats:
    own = stream(seed, "market", Purpose.VOLATILITY).standard_normal(len(shocks))
    moves = VOLATILITY_SHOCK * (np.sqrt(1 - LEVERAGE**2) * own + LEVERAGE * shocks)
    moves[0] = 0.0
    return MARKET_VOLATILITY * np.exp(_reverting(moves, 1 - PERSISTENCE) - LOG_VOLATILITY_VARIANCE)


def _yields(seed: int, market: Floats) -> dict[str, Floats]:
    shocks = stream(seed, "yields", Purpose.YIELDS).standard_normal((len(market), len(YIELD_SERIES)))
    shocks[0] = 0.0
    moves = YIELD_ON_MARKET * market + YIELD_SHOCK * shocks[:, 0]
    moves[0] = YIELD_START - YIELD_LEVEL
    distance = _reverting(moves, YIELD_REVERSION)
    found = {"10Y": YIELD_LEVEL + distance}
    for column, (series, (mean, share, shock)) in enumerate(SPREADS.items(), start=1):
        own = _reverting(shock * shocks[:, column], 4 * YIELD_REVERSION)
        found[series] = YIELD_LEVEL + mean + share * distance + own
    return {series: found[series] for series in YIELD_SERIES}


def _reverting(moves: Floats, reversion: float) -> Floats:
    """x_t = (1 - reversion) x_{t-1} + moves_t from x_{-1} = 0, [T]."""
    # It takes a second to import, and collecting the row models imports every module of the core.
    from scipy.signal import lfilter  # noqa: PLC0415

    return np.asarray(lfilter([1.0], [1.0, reversion - 1.0], moves))
