"""How much the raw factors say the same: their correlations, condition number and inflation of variance.

It is the raw returns of the proxies that are looked at here. Betas are estimated on the state, which is
orthogonal to market and rates (`factors.state`); `covariance.collinear_pairs` says what is left in it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, repeated_dates
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import OK
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.covariance import COLLINEAR, ewma_moments
from sigmasight_core.factors.model import factor_values
from sigmasight_core.factors.state import (
    StateBlock,
    StateCollector,
    condition_numbers,
    state_blocks,
    variance_inflation,
)

FLAG = "above 0.8"
PAIRS_SHOWN = 10


@dataclass(frozen=True)
class FactorCollinearity:
    """Rows of `tables.FactorCorrelations` and `tables.FactorModelDiagnostics`."""

    correlations: pd.DataFrame
    diagnostics: pd.DataFrame


def factor_collinearity(
    config: FactorModelConfig, factor_log_returns: pd.DataFrame, dates: pd.DatetimeIndex
) -> FactorCollinearity:
    """Correlations of the raw factors on the windows that end at `dates`, and what follows from them.

    Correlations are zero-mean EWMA with weights 0.94^age in sessions (J.P. Morgan/Reuters, RiskMetrics
    Technical Document, 1996, section 5.2); condition number (Belsley, Kuh, Welsch, 1980) and variance
    inflation (Marquardt, 1970) are those of the equally weighted correlation matrix, as in factor_state.

    :param factor_log_returns: sessions x factor ids, as `model.factor_log_returns` returns them.
    :returns: each unordered pair of factors once, in the order of the configuration, with the diagonal, and
        one row of diagnostics for each date. NULL with the reason for a factor that has too little data or
        does not move, and for all without the market factor. A factor that follows from others has
        correlations all the same.
    :raises InputError: for a date without a row.
    """
    factors = factor_values(config, factor_log_returns)
    ends = session_positions(factor_log_returns.index, dates)
    found = _Arrays(config, factors, ends)
    first, second = np.triu_indices(len(config.factors))
    pairs = _pairs(found, first, second)
    size = len(first)
    ids = config.factor_ids
    correlations = pd.DataFrame(
        {
            "date": repeated_dates(dates, size),
            "factor_1": coded(ids, np.tile(first, len(dates))),
            "factor_2": coded(ids, np.tile(second, len(dates))),
            "correlation": pairs.ravel(),
            "n_obs": np.repeat(found.n_obs, size),
            "flag": coded(["", FLAG], _collinear(pairs, first, second).ravel().astype(np.intp)),
            "status": _pair_status(found.reasons(), first, second),
        }
    )
    return FactorCollinearity(correlations, _diagnostics(config, dates, found, first, second, pairs))


class _Arrays:
    """What the blocks of all dates hold; NaN where a factor or the state is missing."""

    def __init__(self, config: FactorModelConfig, factors: Floats, ends: Ints) -> None:
        count, size = len(ends), len(config.factors)
        self.config = config
        self.moments = np.full((count, size, size), np.nan)
        self.vif = np.full((count, size), np.nan)
        self.condition = np.full(count, np.nan)
        self.n_obs = np.zeros(count, dtype=np.intp)
        collector = StateCollector(config, factors, ends)
        for block in state_blocks(config, factors, ends):
            collector.add(block)
            self._add(block)
        self.state = collector.arrays()

    def _add(self, block: StateBlock) -> None:
        self.moments[np.ix_(block.at, block.columns, block.columns)] = ewma_moments(block, block.values)
        self.vif[np.ix_(block.at, block.columns)] = variance_inflation(block.centred)
        self.condition[block.at] = condition_numbers(block.centred)
        self.n_obs[block.at] = block.n_obs

    def reasons(self) -> np.ndarray:
        """'ok' or why a factor has no correlations, [D, K]."""
        variance = self.moments.diagonal(axis1=1, axis2=2)
        proxies = np.array([factor.proxy or "" for factor in self.config.factors], dtype=object)
        still = "unavailable: " + proxies + " does not move in the window"
        return np.where(variance > 0, OK, np.where(variance == 0, still, self.state.status))


def _pairs(found: _Arrays, first: Ints, second: Ints) -> Floats:
    """Correlations, [D, P]."""
    variance = found.moments.diagonal(axis1=1, axis2=2)
    deviation = np.sqrt(np.where(variance > 0, variance, np.nan))
    correlation = found.moments[:, first, second] / (deviation[:, first] * deviation[:, second])
    correlation = np.where(first == second, np.where(np.isnan(correlation), np.nan, 1.0), correlation)
    return np.clip(correlation, -1.0, 1.0)


def _collinear(pairs: Floats, first: Ints, second: Ints) -> Bools:
    return np.asarray((np.abs(pairs) > COLLINEAR) & (first != second))


def _pair_status(reasons: np.ndarray, first: Ints, second: Ints) -> pd.api.extensions.ExtensionArray:
    labels, codes = np.unique(reasons.ravel().astype(str), return_inverse=True)
    codes = codes.reshape(reasons.shape)
    pair = np.where(reasons[:, first] == OK, codes[:, second], codes[:, first])
    return coded(list(labels), pair.ravel())


def _diagnostics(
    config: FactorModelConfig,
    dates: pd.DatetimeIndex,
    found: _Arrays,
    first: Ints,
    second: Ints,
    pairs: Floats,
) -> pd.DataFrame:
    known = np.isfinite(found.condition)
    vif = np.where(np.isnan(found.vif), -np.inf, found.vif)
    labels = ["", *config.factor_ids]
    collinear = _collinear(pairs, first, second)
    market = found.state.status[:, config.market]
    why = np.where(market == OK, "unavailable: no state of the factors", market)
    return pd.DataFrame(
        {
            "date": repeated_dates(dates, 1),
            "condition_number": found.condition,
            "largest_vif": np.where(known, vif.max(axis=1), np.nan),
            "largest_vif_factor": coded(labels, np.where(known, 1 + vif.argmax(axis=1), 0)),
            "n_factors": np.isfinite(found.vif).sum(axis=1),
            "n_collinear_pairs": collinear.sum(axis=1),
            "collinear_pairs": _pair_text(config, pairs, collinear, first, second),
            "n_obs": found.n_obs,
            "status": pd.array(np.where(known, OK, why), dtype="str"),
        }
    )


def _pair_text(
    config: FactorModelConfig, pairs: Floats, collinear: Bools, first: Ints, second: Ints
) -> pd.api.extensions.ExtensionArray:
    """The collinear pairs of each date, strongest first."""
    names = np.array(config.factor_ids, dtype=object)
    names = names[first] + "~" + names[second] + " "
    strength = np.where(collinear, np.abs(pairs), -1.0)
    order = np.argsort(-strength, axis=1, kind="stable")
    count = collinear.sum(axis=1)
    text = np.full(len(pairs), "", dtype=object)
    for rank in range(min(PAIRS_SHOWN, count.max(initial=0))):
        at = np.flatnonzero(count > rank)
        pair = order[at, rank]
        value = np.strings.mod("%.2f", pairs[at, pair])
        text[at] += (", " if rank else "") + names[pair] + value.astype(object)
    more = count > PAIRS_SHOWN
    text[more] += " and " + (count[more] - PAIRS_SHOWN).astype(str).astype(object) + " more"
    return pd.array(text, dtype="str")
