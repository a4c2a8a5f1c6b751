"""Rows of the correlation tables out of arrays by book (a date and portfolio) and holding."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import OK
from sigmasight_core.correlation.cluster_names import cluster_nicknames
from sigmasight_core.correlation.holdings import Holdings
from sigmasight_core.correlation.pairwise import WindowStatistics

REASONS = (
    "no significant holdings",
    "fewer than 2 significant holdings",
    "fewer than 2 holdings with enough returns",
    "effective bets undefined: the holdings hedge each other to no variance",
)
VALUES = (
    "average_correlation",
    "cluster_concentration",
    "effective_positions",
    "effective_bets",
    "psd_adjustment",
)
CONSTANT = "returns of one do not vary over the common sessions"


@dataclass(frozen=True)
class CorrelationResult:
    """Frames in the shapes of `PositionCorrelations`, `CorrelationSummary` and `CorrelationClusters`."""

    correlations: pd.DataFrame
    summary: pd.DataFrame
    clusters: pd.DataFrame


@dataclass(frozen=True)
class PairResults:
    """Unordered pairs of holdings, the diagonal included; those of a book together, ordered by symbols."""

    book: list[NDArray[np.int32]] = field(default_factory=list)
    symbol_1: list[NDArray[np.int32]] = field(default_factory=list)
    symbol_2: list[NDArray[np.int32]] = field(default_factory=list)
    correlation: list[Floats] = field(default_factory=list)
    n_obs: list[NDArray[np.int32]] = field(default_factory=list)

    def add(self, books: Ints, symbol: Ints, present: Bools, sample: WindowStatistics) -> None:
        """Append the pairs of [N, P] slots; the slots that a book uses come first, in order of symbol."""
        first, second = np.triu_indices(symbol.shape[1])
        row, pair = np.nonzero(present[:, second])
        i, j = first[pair], second[pair]
        self.book.append(books[row].astype(np.int32))
        self.symbol_1.append(symbol[row, i].astype(np.int32))
        self.symbol_2.append(symbol[row, j].astype(np.int32))
        self.correlation.append(sample.correlation[row, i, j])
        self.n_obs.append(sample.n_obs[row, i, j])


@dataclass(frozen=True)
class BookResults:
    """Results by book (n_books) and, of the clusters, by holding; `cluster` 0 = left out."""

    n_symbols: Ints
    n_excluded: Ints
    average_correlation: Floats
    cluster_concentration: Floats
    effective_positions: Floats
    effective_bets: Floats
    psd_adjustment: Floats
    n_clusters: Ints
    cluster: Ints
    cluster_size: Ints

    @classmethod
    def empty(cls, holdings: Holdings) -> Self:
        """Nothing computed yet: counts 0, values NaN."""
        n, m = holdings.n_books, holdings.book.size
        n_symbols, n_excluded, n_clusters = np.zeros((3, n), dtype=np.intp)
        cluster, cluster_size = np.zeros((2, m), dtype=np.intp)
        average, concentration, positions, bets, adjustment = np.full((len(VALUES), n), np.nan)
        return cls(
            n_symbols=n_symbols,
            n_excluded=n_excluded,
            average_correlation=average,
            cluster_concentration=concentration,
            effective_positions=positions,
            effective_bets=bets,
            psd_adjustment=adjustment,
            n_clusters=n_clusters,
            cluster=cluster,
            cluster_size=cluster_size,
        )


def result_frames(
    holdings: Holdings, pairs: PairResults, results: BookResults, min_obs: int
) -> CorrelationResult:
    """The three tables' rows, ordered by key."""
    return CorrelationResult(
        _correlation_rows(holdings, pairs, min_obs),
        _summary_rows(holdings, results),
        _cluster_rows(holdings, results),
    )


def _books(holdings: Holdings, book: NDArray[np.integer]) -> dict[str, Any]:
    day, name = np.divmod(book, max(len(holdings.portfolios), 1))
    return {"date": holdings.dates.take(day), "portfolio": holdings.portfolios.array.take(name)}


def _words(words: list[str], code: NDArray[np.integer]) -> Any:
    return pd.array(words, dtype="str").take(code)


def _joined(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)


def _correlation_rows(holdings: Holdings, pairs: PairResults, min_obs: int) -> pd.DataFrame:
    book = _joined(pairs.book, np.int32)
    order = np.argsort(book, kind="stable")
    correlation, n_obs = _joined(pairs.correlation, float)[order], _joined(pairs.n_obs, np.int32)[order]
    few = [f"only {n} common returns, {min_obs} needed" for n in range(min_obs)]
    defined = ~np.isnan(correlation)
    status = np.where(defined, 0, np.where(n_obs < min_obs, n_obs + 2, 1))
    return pd.DataFrame(
        {
            **_books(holdings, book[order]),
            "symbol_1": holdings.symbols.array.take(_joined(pairs.symbol_1, np.int32)[order]),
            "symbol_2": holdings.symbols.array.take(_joined(pairs.symbol_2, np.int32)[order]),
            "correlation": correlation,
            "n_obs": n_obs.astype(np.int64),
            "status": _words([OK, CONSTANT, *few], status),
        }
    )


def _summary_rows(holdings: Holdings, results: BookResults) -> pd.DataFrame:
    known = results.n_symbols > 1
    values = {name: np.where(known, getattr(results, name), np.nan) for name in VALUES}
    found = results.n_symbols + results.n_excluded
    lacks = [found == 0, found == 1, ~known, np.isnan(values["effective_bets"])]
    reason = np.select(lacks, range(1, len(REASONS) + 1), 0)
    return pd.DataFrame(
        {
            **_books(holdings, np.arange(holdings.n_books)),
            "n_symbols": results.n_symbols,
            "n_excluded": results.n_excluded,
            **values,
            "n_clusters": results.n_clusters,
            "status": _with_unknown(reason, holdings.n_unknown),
        }
    )


def _with_unknown(reason: Ints, n_unknown: Ints) -> Any:
    """Reasons that also say how many underlyings could not be judged, their exposure being unknown."""
    counts, code = np.unique(n_unknown, return_inverse=True)
    notes = [f"underlyings without an exposure left out: {n}" if n else "" for n in counts]
    words = ["; ".join(filter(None, (word, note))) or OK for word in ("", *REASONS) for note in notes]
    return _words(words, reason * len(notes) + code)


def _cluster_rows(holdings: Holdings, results: BookResults) -> pd.DataFrame:
    member = results.cluster > 0
    book, cluster = holdings.book, results.cluster
    n_clusters = np.zeros(holdings.n_books, dtype=np.intp)
    np.maximum.at(n_clusters, book, cluster)
    before = np.cumsum(n_clusters) - n_clusters
    group = np.where(member, before[book] + cluster - 1, -1)
    nickname = cluster_nicknames(holdings, group) if member.any() else pd.array([], dtype="str")
    return pd.DataFrame(
        {
            **_books(holdings, book[member]),
            "symbol": holdings.symbols.array.take(holdings.symbol[member]),
            "cluster": cluster[member],
            "nickname": nickname.take(group[member]),
            "cluster_size": results.cluster_size[member],
            "exposure": holdings.exposure[member],
            "status": _words([OK], np.zeros(member.sum(), dtype=np.intp)),
        }
    )
