"""True parameters of the simulated market's symbols: a function of the seed and the symbol alone.

`draws` makes them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.factors.config import DEFAULT_KINDS
from sigmasight_core.simulated.catalogue import Security
from sigmasight_core.simulated.factors import STYLE_CORRELATION, STYLE_VOLATILITY, YIELD_SHOCK

FACTOR_IDS: Final = tuple(DEFAULT_KINDS)
RATES: Final = FACTOR_IDS.index("rates")


@dataclass(frozen=True)
class Parameters:
    """Parameters of symbols [N]."""

    symbols: tuple[str, ...]
    securities: tuple[Security, ...]
    betas: Floats
    """True betas [N, 8] in the order of FACTOR_IDS; NaN for what is not of the factor model."""
    specific_volatility: Floats
    """Annualised, of the noise."""
    alpha: Floats
    """Log return a session."""
    start: Floats
    """Price on the first session, USD."""
    dividend_yield: Floats
    """Four quarterly dividends over the price, as a fraction; 0 = none."""
    dividend_month: Ints
    """0, 1 or 2: which months of a quarter."""
    dividend_session: Ints
    """Session of the month on which a share goes ex dividend, from 0."""
    split_above: Floats
    """Price from which on a split is due, USD; infinite = never."""
    split_ratio: Floats
    review: Ints
    """Sessions after the first of the first review of splits; the others follow every 63."""
    gappy: Bools
    listed: Ints
    """Session of the first price, counted from the first of the market."""
    market_cap: Floats
    """USD."""
    skew: Floats
    """Slope and curvature of the volatility smile [N, 2]."""

    def kinds(self) -> np.ndarray:
        """Kind of each symbol [N]."""
        return np.array([item.kind for item in self.securities], dtype=object)

    def types(self) -> np.ndarray:
        """Security type of each symbol [N]."""
        return np.array([item.security_type for item in self.securities], dtype=object)

    def other_variance(self) -> Floats:
        """Annual variance of log returns beside the market's part [N]; NaN outside of the factor model."""
        deviations = self.betas[:, 1:RATES] * STYLE_VOLATILITY
        styles = np.einsum("nk,kl,nl->n", deviations, STYLE_CORRELATION, deviations)
        rates = (self.betas[:, RATES] * YIELD_SHOCK) ** 2 * SESSIONS_PER_YEAR
        return np.asarray(styles + rates + self.specific_volatility**2)
