"""Covariance of the factor state: zero-mean EWMA over the window, shrunk towards its diagonal."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, repeated_dates, tiled
from sigmasight_core.arrays.types import Floats
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import EWMA_DECAY, OK
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.model import factor_values
from sigmasight_core.factors.state import StateBlock, StateCollector, state_blocks

SHRINKAGE: Final = 0.1
"""Weight of the diagonal: variances stay, covariances are multiplied by 1 - SHRINKAGE."""

COLLINEAR: Final = 0.8
"""Correlation above which two factors are called one bet."""


def factor_covariance(
    config: FactorModelConfig, factor_log_returns: pd.DataFrame, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Rows of `tables.FactorCovariance` for every date and every ordered pair of factors.

    ``S = sum(w x x') / sum(w)`` with ``w = 0.94^age`` in sessions, no mean removed (J.P. Morgan/Reuters,
    RiskMetrics Technical Document, 1996, section 5.2), x the state with the loadings of the date; then
    ``0.9 S + 0.1 diag(S)``, positive definite where no component vanishes.

    :param factor_log_returns: sessions x factor ids, as `model.factor_log_returns` returns them.
    :returns: daily covariances, rates in percentage points; pairs with an unavailable factor are NULL, their
        status is that factor's reason.
    :raises InputError: for a date without a row.
    """
    factors = factor_values(config, factor_log_returns)
    ends = session_positions(factor_log_returns.index, dates)
    size = len(config.factors)
    collector = StateCollector(config, factors, ends)
    covariance = np.full((len(dates), size, size), np.nan)
    for block in state_blocks(config, factors, ends):
        collector.add(block)
        covariance[np.ix_(block.at, block.columns, block.columns)] = _shrunk(block)
    state = collector.arrays()
    available = state.status == OK
    pairs = available[:, :, None] & available[:, None, :]
    covariance[~pairs] = np.nan
    deviation = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
    correlation = covariance / (deviation[:, :, None] * deviation[:, None, :])

    reasons, which = np.unique(state.status.ravel().astype(str), return_inverse=True)
    which = which.reshape(state.status.shape)
    code = np.where(available[:, :, None], which[:, None, :], which[:, :, None])
    pair = np.arange(size)
    return pd.DataFrame(
        {
            "date": repeated_dates(dates, size * size),
            "factor_1": coded(config.factor_ids, np.tile(np.repeat(pair, size), len(dates))),
            "factor_2": tiled(config.factor_ids, len(dates) * size),
            "covariance": covariance.ravel(),
            "correlation": correlation.ravel(),
            "n_obs": np.minimum(state.n_obs[:, :, None], state.n_obs[:, None, :]).ravel(),
            "status": coded(list(reasons), code.ravel()),
        }
    )


def ewma_moments(block: StateBlock, values: Floats) -> Floats:
    """Zero-mean EWMA second moments of values [d, A, W] over the observed sessions of a block, [d, A, A]."""
    window = block.observed.shape[1]
    # Newest session last: age 0 has weight 1; what is not observed has none
    weight = block.observed * EWMA_DECAY ** np.arange(window - 1, -1, -1)
    weight /= weight.sum(axis=1, keepdims=True)
    sample = (values * weight[:, None]) @ values.swapaxes(1, 2)
    return (sample + sample.swapaxes(1, 2)) / 2


def _shrunk(block: StateBlock) -> Floats:
    """Shrunk covariance of the available factors' state, [d, A, A]."""
    sample = ewma_moments(block, block.orthogonal(block.values))
    diagonal = np.eye(sample.shape[1], dtype=bool)
    return np.where(diagonal, sample, (1 - SHRINKAGE) * sample)


def collinear_pairs(factor_covariance: pd.DataFrame, threshold: float = COLLINEAR) -> pd.DataFrame:
    """Pairs of factors that are one bet: |EWMA correlation| of their state components above `threshold`.

    :param factor_covariance: rows of `tables.FactorCovariance`; the shrinkage in them is undone.
    :returns: columns date, factor_1, factor_2 (as first met in the rows), correlation; each pair once a date.
    """
    order = {name: place for place, name in enumerate(factor_covariance["factor_1"].unique())}
    once = factor_covariance["factor_1"].map(order) < factor_covariance["factor_2"].map(order)
    rows = factor_covariance.loc[once, ["date", "factor_1", "factor_2", "correlation"]]
    rows = rows.assign(correlation=rows["correlation"] / (1 - SHRINKAGE))
    return rows[rows["correlation"].abs() > threshold].reset_index(drop=True)
