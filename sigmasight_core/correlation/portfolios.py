"""Correlations, clusters and diversification of every portfolio's significant holdings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.correlation import measures
from sigmasight_core.correlation.clusters import Linkage, cluster_labels, number_clusters
from sigmasight_core.correlation.holdings import FilterMode, Holdings, significant_holdings
from sigmasight_core.correlation.pairwise import (
    chunk_length,
    pairwise_correlations,
    window_history,
    window_statistics,
)
from sigmasight_core.correlation.rows import BookResults, CorrelationResult, PairResults, result_frames
from sigmasight_core.errors import InputError

__all__ = ["CorrelationConfig", "CorrelationResult", "pairwise_correlations", "portfolio_correlations"]

SLOTS: Final = 8
"""Books are laid out in a multiple of so many slots."""


@dataclass(frozen=True)
class CorrelationConfig:
    """What counts as a significant holding, and how its correlations are estimated and clustered."""

    window: int = 90
    """Sessions of log returns, the as-of date included."""
    min_obs: int = 20
    """Least common observations of a pair."""
    shrinkage: float = 0.3
    """Weight of the constant-correlation target in the effective bets."""
    cluster_correlation: float = 0.7
    """Least correlation of every pair in a cluster (of one pair with `connected`)."""
    filter_mode: FilterMode = "both"
    """Which thresholds a holding must reach."""
    min_exposure_usd: float = 10_000.0
    min_weight: float = 0.01
    """Share of the gross exposure, netted by underlying."""
    linkage: Linkage = "complete"

    def __post_init__(self) -> None:
        if not 2 <= self.min_obs <= self.window:
            raise InputError(
                f"correlations: min_obs must be within 2..window ({self.window}), got {self.min_obs}"
            )
        for name, low, high in (
            ("shrinkage", 0, 1),
            ("cluster_correlation", -1, 1),
            ("min_weight", 0, 1),
            ("min_exposure_usd", 0, np.inf),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(
                    f"correlations: {name} must be within {low}..{high}, got {getattr(self, name)}"
                )
        for name, allowed in (
            ("filter_mode", ("value_only", "weight_only", "both", "either")),
            ("linkage", ("complete", "connected")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"correlations: {name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}"
                )


def portfolio_correlations(
    config: CorrelationConfig,
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    log_returns: pd.DataFrame,
    dates: pd.DatetimeIndex,
    portfolios: Sequence[str],
) -> CorrelationResult:
    """Correlation matrix, clusters and diversification of every (date, portfolio).

    Exposures are netted by underlying, options at their delta exposure. `correlations` is the sample
    matrix of all significant holdings, NULL with a status where a pair has too few common returns.
    Holdings are then left out, those with most undefined pairs first, until every pair is defined
    (`n_excluded`); `summary` and `clusters` are of the rest. Average and clusters are of the sample matrix,
    the effective bets of its repair (Higham 2002) shrunk to constant correlation.

    :param position_values, position_greeks: rows of those tables (those of other dates or portfolios
        are ignored).
    :param log_returns: sessions x symbols of the underlyings, up to the last date; NaN = no return.
    :returns: rows of `position_correlations`, `correlation_summary` (one for each date and portfolio, NULL
        with a status below 2 holdings) and `correlation_clusters`, ordered by key.
    :raises InputError: on a date that is not a session of `log_returns`.
    """
    holdings = significant_holdings(
        position_values=position_values,
        position_greeks=position_greeks,
        dates=dates,
        portfolios=portfolios,
        filter_mode=config.filter_mode,
        min_exposure_usd=config.min_exposure_usd,
        min_weight=config.min_weight,
    )
    ends = _window_ends(log_returns, holdings.dates)
    returns = log_returns.reindex(columns=holdings.symbols).to_numpy(dtype=float)
    history = window_history(returns, config.window, config.min_obs)

    bounds = np.searchsorted(holdings.book, np.arange(holdings.n_books + 1))
    books = np.flatnonzero(np.diff(bounds))
    # A book's own size decides the shape in which it is computed: its bits are the same in any batch
    slots = -(-np.diff(bounds)[books] // SLOTS) * SLOTS
    pairs, results = PairResults(), BookResults.empty(holdings)
    for size in np.unique(slots):
        own, step = books[slots == size], chunk_length(int(size))
        for start in range(0, own.size, step):
            part = own[start : start + step]
            _analyse(config, holdings, part, bounds, np.arange(size), history, ends, pairs, results)
    return result_frames(holdings, pairs, results, config.min_obs)


def _window_ends(log_returns: pd.DataFrame, dates: pd.DatetimeIndex) -> Ints:
    """Row of each date in the returns."""
    sessions = pd.DatetimeIndex(log_returns.index).as_unit("ns")
    if not (sessions.is_monotonic_increasing and sessions.is_unique and log_returns.columns.is_unique):
        raise InputError("correlations: log returns must have ascending, unique sessions and unique symbols")
    ends = sessions.get_indexer(dates)
    if (ends < 0).any():
        missing = dates[ends < 0][0].date()
        raise InputError(f"correlations: {missing} is not a session of the log returns; load them up to it")
    return ends


def _analyse(
    config: CorrelationConfig,
    holdings: Holdings,
    books: Ints,
    bounds: Ints,
    slots: Ints,
    history: Floats,
    ends: Ints,
    pairs: PairResults,
    results: BookResults,
) -> None:
    """Compute one chunk of books, laid out as [books, slots], into `pairs` and `results`."""
    # Books have holdings bounds[b] to bounds[b + 1]; slots beyond a book's own repeat its first holding
    width = bounds[books + 1] - bounds[books]
    present = slots < width[:, None]
    holding = bounds[books][:, None] + np.where(present, slots, 0)
    symbol = holdings.symbol[holding]
    exposure = np.where(present, holdings.exposure[holding], 0.0)
    sample = window_statistics(history, symbol, ends[books // len(holdings.portfolios)], config.min_obs)
    pairs.add(books, symbol, present, sample)

    size = np.abs(exposure)
    keep = measures.drop_undefined(sample.correlation, present, size)
    labels = cluster_labels(sample.correlation, keep, config.cluster_correlation, config.linkage)
    number, members = number_clusters(labels, size)
    results.cluster[holding[present]] = number[present]
    results.cluster_size[holding[present]] = members[present]

    gross = np.where(keep, size, 0.0).sum(axis=1)
    weight = np.where(keep, exposure, 0.0) / np.where(gross > 0, gross, np.nan)[:, None]
    repaired, adjustment = measures.repair(sample.correlation, sample.n_obs, keep)
    results.n_symbols[books] = keep.sum(axis=1)
    results.n_excluded[books] = width - keep.sum(axis=1)
    results.average_correlation[books] = measures.average_correlation(sample.correlation, keep)
    results.cluster_concentration[books] = np.where(members > 1, np.abs(weight), 0.0).sum(axis=1)
    results.effective_positions[books] = measures.effective_positions(weight)
    results.effective_bets[books] = measures.effective_bets(
        weight, sample.volatility, repaired, keep, config.shrinkage
    )
    results.psd_adjustment[books] = adjustment
    results.n_clusters[books] = ((labels == slots) & (members > 1)).sum(axis=1)
