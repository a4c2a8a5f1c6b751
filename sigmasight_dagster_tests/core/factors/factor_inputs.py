"""Inputs of the factor tests, and a slow reference: one symbol and date at a time by least squares."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.factors.config import DEFAULT_KINDS, FactorModelConfig
from sigmasight_core.factors.model import estimate

IDS = tuple(DEFAULT_KINDS)
CONFIG = FactorModelConfig.default({name: f"P_{name}" for name in IDS})
SMALL = FactorModelConfig.default({name: f"P_{name}" for name in IDS}, window=80, min_obs=30)


def sessions(count: int) -> pd.DatetimeIndex:
    return pd.bdate_range("2020-01-01", periods=count, name="date")


def factor_moves(count: int, seed: int = 0) -> pd.DataFrame:
    """Log returns of collinear factors, as ETFs of one market are; rates in percentage points."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0004, 0.011, (count, 1))
    styles = market * rng.uniform(0.8, 1.1, 6) + rng.normal(0, 0.003, (count, 6))
    rates = rng.normal(0, 0.055, (count, 1)) + 1.5 * market
    return pd.DataFrame(np.hstack([market, styles, rates]), index=sessions(count), columns=list(IDS))


def symbol_moves(factors: pd.DataFrame, count: int, seed: int = 1, noise: float = 0.015) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    loads = rng.normal(0, 0.4, (factors.shape[1], count))
    loads[0] += 1
    loads[-1] *= 0.05
    values = factors.fillna(0).to_numpy() @ loads + rng.normal(0.0002, noise, (len(factors), count))
    return pd.DataFrame(values, index=factors.index, columns=[f"S{i}" for i in range(count)])


@dataclass
class Reference:
    design: np.ndarray
    beta: np.ndarray
    std_error: np.ndarray
    r_squared: float
    specific_volatility: float


def residual(y: np.ndarray, *on: np.ndarray) -> np.ndarray:
    x = np.column_stack([np.ones(len(y)), *on])
    return y - x @ np.linalg.lstsq(x, y, rcond=None)[0]


def state(factors: np.ndarray, config: FactorModelConfig) -> np.ndarray:
    """The orthogonal state of one window, [n, K], by least squares with a constant."""
    market = factors[:, config.market]
    before = [market]
    columns = {config.market: residual(market)}
    if config.rates is not None:
        columns[config.rates] = residual(factors[:, config.rates], market)
        before.append(columns[config.rates])
    for k in range(len(config.factors)):
        if k not in columns:
            columns[k] = residual(factors[:, k], *before)
    return np.column_stack([columns[k] for k in range(len(config.factors))])


def reference(y: np.ndarray, factors: np.ndarray, config: FactorModelConfig) -> Reference:
    """METHODS section 2, step 4, for one symbol in one window; NaN in y = no return.

    The market's standard error holds that of the window's loadings, METHODS section 7; every one what the
    prior pulls beyond two of its deviations.
    """
    known = np.isfinite(y)
    whole = state(factors, config)
    g = whole[known]
    g, y = g - g.mean(axis=0), y[known] - y[known].mean()
    n, k = g.shape
    ols = np.linalg.lstsq(g, y, rcond=None)[0]
    variance = ((y - g @ ols) ** 2).sum() / (n - k - 1)
    mean = np.array([f.prior_mean for f in config.factors])
    penalty = variance * np.diag([f.prior_std**-2 for f in config.factors])
    system = g.T @ g + penalty
    beta = np.linalg.solve(system, g.T @ y + penalty @ mean)
    left = ((y - g @ beta) ** 2).sum()
    posterior = variance * np.diag(np.linalg.inv(system))
    std = np.array([f.prior_std for f in config.factors])
    posterior += posterior**2 / std**2 * np.maximum(((beta - mean) / std) ** 2 - 4, 0)
    market = config.market
    of_others = np.cov(np.delete(whole, market, axis=1) @ np.delete(beta, market))
    posterior[market] += of_others / (len(whole) * np.cov(whole[:, market]))
    return Reference(
        g,
        beta,
        np.sqrt(posterior),
        1 - left / (y @ y),
        float(np.sqrt(left / (n - k - 1) * 252)),
    )


def restrict(config: FactorModelConfig, *ids: str) -> FactorModelConfig:
    """The configuration of some of the factors alone."""
    return FactorModelConfig(
        tuple(f for f in config.factors if f.id in ids), window=config.window, min_obs=config.min_obs
    )


VALUES = [
    "beta", "std_error", "t_stat", "univariate_beta", "univariate_std_error", "univariate_p_value",
    "univariate_r_squared", "r_squared", "annualized_specific_volatility",
]  # fmt: skip


def betas(
    config: FactorModelConfig,
    symbols: pd.DataFrame,
    factors: pd.DataFrame,
    dates: pd.DatetimeIndex | None = None,
) -> pd.DataFrame:
    """Rows of factor_betas, at the last session unless dates are given."""
    return estimate(
        config,
        symbol_log_returns=symbols,
        factor_log_returns=factors,
        dates=symbols.index[-1:] if dates is None else dates,
    ).betas


def of(rows: pd.DataFrame, symbol: str, column: str = "beta") -> np.ndarray:
    return rows.loc[rows["symbol"] == symbol, column].to_numpy()
