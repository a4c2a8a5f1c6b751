"""Parametric factor + specific risk of portfolios, and its Euler decomposition by factor and by position.

Value at risk is z sigma_p, with z the normal quantile and no mean; sigma_p and its components are those of
`factor_risk`.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.parametric.factor_risk import FactorRisk, ModelRisk, Parts, model_risk

SPECIFIC: Final = "specific"
DECOMPOSED_LEVEL: Final = 0.95


def normal_quantile(level: float) -> float:
    """1.6449 for 0.95."""
    return float(ndtri(level))


class ParametricRisk(NamedTuple):
    """Parametric risk of partitions (G)."""

    volatility: Floats
    """(G) USD per session; NaN where the status says why."""
    n_obs: Ints
    """(G)"""
    status: Texts
    """(G)"""
    contributions: pd.DataFrame
    """Rows of `tables.RiskContributions`."""


def parametric_risk(
    book: RiskBook,
    panel: ReturnPanel,
    *,
    betas: pd.DataFrame,
    covariance: pd.DataFrame,
    factor_returns: pd.DataFrame,
    window: int,
) -> ParametricRisk:
    """Volatility and its decomposition, options at delta exposure.

    A position without price, Greeks or beta is left out and named; factors without a covariance on a date
    are 'unavailable' rows, and the risk is that of the others and the specific part of the same regression.

    :param panel: of the book's symbols. :param betas: rows of `tables.FactorBetas`.
    :param covariance: rows of `tables.FactorCovariance`.
    :param factor_returns: the panel's sessions x factors, as `factors.model.factor_log_returns` gives them.
    :param window: sessions of the regression.
    :raises InputError: for factor returns of other sessions than the panel's.
    """
    if not factor_returns.index.equals(panel.sessions):
        raise InputError("the returns of symbols and factors cover different sessions; give both the same")
    found = model_risk(
        book,
        returns=panel.returns,
        ends=panel.ends(book.dates),
        betas=betas,
        covariance=covariance,
        factor_returns=factor_returns,
        window=window,
    )
    contributions = pd.concat(
        [
            _factor_rows(book, found.factors, found.euler.factors, found.volatility, found.status),
            _position_rows(book, found),
        ],
        ignore_index=True,
    )
    return ParametricRisk(found.volatility, found.n_obs, found.status, contributions)


def _factor_rows(
    book: RiskBook, risk: FactorRisk, parts: Parts, volatility: Floats, status: Texts
) -> pd.DataFrame:
    names = pd.array([*risk.factors, SPECIFIC], dtype="str")
    count, size = parts.exposure.shape
    reasons = np.column_stack([risk.reasons, np.full(len(book.dates), OK, dtype=object)])
    usable = np.column_stack([risk.available, np.ones(len(book.dates), dtype=bool)])
    row = np.repeat(np.arange(count), size)
    lost = ~usable[book.partition_date].ravel()
    words = np.where(lost, reasons[book.partition_date].ravel(), status[row])
    frame = book.partitions.take(row).reset_index(drop=True)
    own = np.sqrt(risk.covariance.diagonal(axis1=1, axis2=2))
    own = np.column_stack([own, np.ones(len(own))])[book.partition_date]
    frame = frame.assign(
        kind="factor", item=names.take(np.tile(np.arange(size), count)), volatility=own.ravel()
    )
    return _with_values(frame, parts.exposure.ravel(), parts.marginal.ravel(), volatility[row], lost, words)


def _position_rows(book: RiskBook, found: ModelRisk) -> pd.DataFrame:
    parts, volatility, status, risk = found.euler.positions, found.volatility, found.status, found.factors
    # each element is a sum of its own, whatever else is in the batch
    variance = np.einsum("dsk,dkl,dsl->ds", risk.betas, risk.covariance, risk.betas) + risk.specific**2
    own = np.sqrt(np.maximum(variance, 0.0))[book.date, book.symbol]
    frame = book.partitions.take(book.partition).reset_index(drop=True)
    frame = frame.assign(kind="position", item=book.rows["position_id"].array, volatility=own)
    words = np.where(np.isnan(volatility[book.partition]), status[book.partition], OK)
    words = np.where(book.priced, words, np.where(book.is_option, "no Greeks", "no price"))
    no_betas = "no beta for " + book.rows["underlying"].to_numpy(dtype=object)
    words = np.where(found.no_beta, no_betas, words)
    return _with_values(frame, parts.exposure, parts.marginal, volatility[book.partition], ~found.used, words)


def _with_values(
    frame: pd.DataFrame,
    exposure: Floats,
    marginal: Floats,
    volatility: Floats,
    lost: Bools,
    words: Texts,
) -> pd.DataFrame:
    """Value columns in terms of value at risk; NULL where `lost`, unknown or without risk.

    :param frame: with the items' own volatility per unit of exposure.
    """
    quantile = normal_quantile(DECOMPOSED_LEVEL)
    gone = lost | np.isnan(volatility)
    riskless = ~gone & (volatility == 0)
    component = np.where(gone, np.nan, quantile * marginal * exposure + 0.0)
    total = np.where(gone | riskless, np.nan, quantile * volatility)
    note = np.where(words == OK, "no risk to share", words + "; no risk to share")
    own = frame["volatility"].to_numpy(dtype=float)
    correlation = np.divide(marginal, own, out=np.zeros(len(own)), where=own > 0)
    return frame.assign(
        exposure=np.where(gone, np.nan, exposure),
        volatility=np.where(gone, np.nan, own),
        correlation=np.where(gone | riskless, np.nan, correlation),
        component_var_usd=component,
        marginal_var=np.where(gone | riskless, np.nan, quantile * marginal + 0.0),
        share=component / total,
        status=pd.array(np.where(riskless, note, words), dtype="str"),
    )
