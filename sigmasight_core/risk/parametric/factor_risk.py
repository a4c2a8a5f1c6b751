"""Factor + specific volatility of portfolios, and its Euler components.

With factor exposures e (delta exposure x beta, summed over the positions), the daily covariance S of the
factor state and the net delta exposure d_u of each underlying with its specific volatility s_u,
``sigma_p^2 = e' S e + d' C d``: C_uv = s_u s_v x the correlation of their residuals (`residuals`). It is
homogeneous of degree one in the positions, so that the components, each marginal volatility x exposure, sum
to the total (Euler; Litterman, Hot Spots and Hedges, 1996; Tasche, 1999).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.parametric.residuals import specific_pull

NOT_FINITE: Final = "not finite: an amount, a return or a ratio of them is beyond every number"


class Parts(NamedTuple):
    """Exposures to the sources of risk (..., I), and volatility per unit of each: components are products."""

    exposure: Floats
    marginal: Floats


class Euler(NamedTuple):
    """Volatility of partitions (G) in USD per session, by K factors and 'specific', and by position (R)."""

    volatility: Floats
    factors: Parts
    """(G, K + 1)"""
    positions: Parts
    """(R)"""


@np.errstate(over="ignore", invalid="ignore")  # what overflows is NULL with NOT_FINITE
def euler(
    *, delta: Floats, partition: Ints, betas: Floats, specific_pull: Floats, covariance: Floats
) -> Euler:
    """Decompose the volatility of portfolios.

    :param delta: (R) delta exposures, USD. :param partition: (R) number of the portfolio, 0..G-1.
    :param betas: (R, K), rates per percentage point. :param specific_pull: (R) C d of the underlying.
    :param covariance: (G, K, K) of the state per session. Nothing here may be NaN.
    :returns: marginals are 0 where the volatility is 0.
    """
    count = len(covariance)
    exposure = np.column_stack(
        [np.bincount(partition, delta * column, minlength=count) for column in betas.T]
    ).reshape(count, betas.shape[1])
    pull = (covariance * exposure[:, None, :]).sum(axis=2)
    specific_variance = np.maximum(np.bincount(partition, delta * specific_pull, minlength=count), 0.0)
    volatility = np.sqrt(np.maximum((exposure * pull).sum(axis=1), 0.0) + specific_variance)
    scale = np.divide(1.0, volatility, out=np.zeros(count), where=volatility > 0)
    specific_exposure = np.sqrt(specific_variance)
    factors = Parts(
        np.column_stack([exposure, specific_exposure]),
        np.column_stack([pull, specific_exposure]) * scale[:, None],
    )
    reach = (betas * pull[partition]).sum(axis=1) + specific_pull
    return Euler(volatility, factors, Parts(delta, reach * scale[partition]))


@dataclass(frozen=True)
class FactorRisk:
    """Factor covariance and betas on dates (D), for factors (K) and symbols (S)."""

    factors: tuple[str, ...]
    covariance: Floats
    """(D, K, K), 0 where a factor is unavailable."""
    available: Bools
    """(D, K)"""
    n_obs: Ints
    """(D) sessions behind the covariance; 0 without any."""
    reasons: Texts
    """(D, K) why a factor is unavailable, else 'ok'."""
    betas: Floats
    """(D, S, K), 0 for unavailable factors, NaN where a symbol has none."""
    specific: Floats
    """(D, S) specific volatility per session, NaN where there is none."""

    @classmethod
    def of(
        cls, dates: pd.DatetimeIndex, symbols: pd.Index, betas: pd.DataFrame, covariance: pd.DataFrame
    ) -> "FactorRisk":
        """Pivot rows of the two tables; other dates and symbols are ignored."""
        factors = pd.Index(covariance["factor_1"].unique())
        size = len(factors)
        d, i, j = (
            index.get_indexer(pd.Index(covariance[name]))
            for index, name in ((dates, "date"), (factors, "factor_1"), (factors, "factor_2"))
        )
        known = d >= 0
        cell = (d[known], i[known], j[known])
        matrix = np.full((len(dates), size, size), np.nan)
        counts = np.zeros(matrix.shape, dtype=np.intp)
        reasons = np.full(matrix.shape, "no factor covariance", dtype=object)
        matrix[cell] = covariance["covariance"].to_numpy(dtype=float, na_value=np.nan)[known]
        counts[cell] = covariance["n_obs"].to_numpy()[known]
        reasons[cell] = covariance["status"].to_numpy(dtype=object)[known]
        available = np.isfinite(matrix.diagonal(axis1=1, axis2=2))
        pairs = available[:, :, None] & available[:, None, :]
        beta, specific = _beta_arrays(dates, symbols, factors, betas)
        return cls(
            factors=tuple(factors),
            covariance=np.where(pairs, matrix, 0.0),
            available=available,
            n_obs=np.where(pairs, counts, 0).max(axis=(1, 2), initial=0),
            reasons=reasons.diagonal(axis1=1, axis2=2),
            betas=np.where(available[:, None, :], beta, 0.0),
            specific=specific,
        )


def _beta_arrays(
    dates: pd.DatetimeIndex, symbols: pd.Index, factors: pd.Index, betas: pd.DataFrame
) -> tuple[Floats, Floats]:
    d, s, f = (
        index.get_indexer(pd.Index(betas[name]))
        for index, name in ((dates, "date"), (symbols, "symbol"), (factors, "factor"))
    )
    known = (d >= 0) & (s >= 0) & (f >= 0)
    cell = (d[known], s[known], f[known])
    arrays = np.full((2, len(dates), len(symbols), len(factors)), np.nan)
    for array, column in zip(arrays, ("beta", "annualized_specific_volatility"), strict=True):
        array[cell] = betas[column].to_numpy(dtype=float, na_value=np.nan)[known]
    specific = np.fmax.reduce(arrays[1], axis=2, initial=-np.inf)
    return arrays[0], np.where(specific < 0, np.nan, specific) / np.sqrt(SESSIONS_PER_YEAR)


class ModelRisk(NamedTuple):
    """What the factor model says of the partitions (G) and positions (R) of a book."""

    factors: FactorRisk
    euler: Euler
    used: Bools
    """(R) whether a position is in it: it has a price, Greeks and betas."""
    no_beta: Bools
    """(R)"""
    volatility: Floats
    """(G) USD per session; NaN where the status says why."""
    n_obs: Ints
    """(G)"""
    status: Texts
    """(G)"""


def model_risk(
    book: RiskBook,
    *,
    returns: Floats,
    ends: Ints,
    betas: pd.DataFrame,
    covariance: pd.DataFrame,
    factor_returns: pd.DataFrame,
    window: int,
) -> ModelRisk:
    """Factor and specific volatility of each portfolio; parameters and gaps as in `parametric_risk`.

    :param returns: (S, T) log returns of the book's symbols on the sessions of `factor_returns`.
    :param ends: (D) places of the dates among the sessions.
    """
    risk = FactorRisk.of(book.dates, book.symbols, betas, covariance)
    date, count = book.date, len(book.partitions)
    beta, specific = risk.betas[date, book.symbol], risk.specific[date, book.symbol]
    modelled = np.isfinite(beta).all(axis=1) & np.isfinite(specific)
    used = book.priced & modelled
    delta = np.where(used, book.delta_exposure, 0.0)
    result = euler(
        delta=delta,
        partition=book.partition,
        betas=np.where(used[:, None], beta, 0.0),
        specific_pull=specific_pull(
            book,
            delta,
            np.where(used, specific, 0.0),
            returns,
            factor_returns.to_numpy(dtype=float),
            ends,
            window,
        ),
        covariance=risk.covariance[book.partition_date],
    )
    no_beta = book.priced & ~modelled
    gaps = gap_texts(
        [*book.price_gaps(), ("no beta for", book.partition[no_beta], book.rows["underlying"][no_beta])],
        count,
    )
    held = book.held()
    nothing_left = np.bincount(book.partition[~used], minlength=count) == held
    status = np.where(held > 0, gap_status(gaps, nothing_left), OK)
    no_model = (held > 0) & ~risk.available[book.partition_date].any(axis=1)
    status[no_model] = "unavailable: no factor covariance"
    infinite = ~np.isfinite(result.volatility)
    status[infinite] = NOT_FINITE
    unknown = no_model | (nothing_left & (held > 0)) | infinite
    volatility = np.where(unknown, np.nan, result.volatility)
    n_obs = np.where(held > 0, risk.n_obs[book.partition_date], 0)
    return ModelRisk(risk, result, used, no_beta, volatility, n_obs, status)
