"""Betas with errors, R2 and p-values of 3,000 symbols x 252 dates, 8 factors, windows of 252 sessions.

The plain way is one statsmodels OLS on all factors for each symbol and date. Ours makes the shrunk joint fit
and the eight univariate ones, with their p-values. Symbols with gaps are fitted on their own sessions.
"""

import numpy as np
import statsmodels.api as sm

from benchmarks.measure import compare
from sigmasight_core.factors.config import DEFAULT_KINDS, FactorModelConfig
from sigmasight_core.factors.estimates import estimate_arrays

SYMBOLS, DATES, WINDOW, N_PLAIN = 3_000, 252, 252, 400
CONFIG = FactorModelConfig.default({factor: factor for factor in DEFAULT_KINDS}, window=WINDOW)


def returns() -> tuple[np.ndarray, np.ndarray]:
    """Log returns of symbols and factors, styles and rates correlated with the market."""
    rng = np.random.default_rng(5)
    sessions, size = DATES + WINDOW - 1, len(CONFIG.factors)
    market = rng.normal(0, 0.01, (sessions, 1))
    own = rng.normal(0, 0.004, (sessions, size)) * (np.arange(size) > 0)
    factors = market + own
    symbols = market * rng.normal(1, 0.3, SYMBOLS) + rng.normal(0, 0.015, (sessions, SYMBOLS))
    return symbols, factors


def main() -> None:
    symbols, factors = returns()
    gaps = symbols.copy()
    gaps[np.random.default_rng(6).random(gaps.shape) < 0.02] = np.nan
    ends = np.arange(WINDOW - 1, WINDOW - 1 + DATES)

    def plain() -> None:
        for i in range(N_PLAIN):
            rows = slice(i % DATES, i % DATES + WINDOW)
            fit = sm.OLS(symbols[rows, i], sm.add_constant(factors[rows])).fit()
            _ = fit.params, fit.bse, fit.pvalues, fit.rsquared

    def ours(values: np.ndarray) -> None:
        estimate_arrays(CONFIG, symbol_returns=values, factor_returns=factors, ends=ends).univariate_p_value()

    scale = SYMBOLS * DATES / N_PLAIN
    compare("betas of 3,000 x 252, statsmodels OLS", plain, lambda: ours(symbols), ">= 100", scale)
    compare("  gaps in every symbol; without gaps", lambda: ours(gaps), lambda: ours(symbols), "cost <= 3", 1)
