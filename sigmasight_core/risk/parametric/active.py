"""Ex-ante tracking error: the volatility that the factor model forecasts of portfolio less benchmark.

The active book holds the portfolio's positions and is short its benchmark for its total value V: active
factor exposures are a = e - V b, active specific exposures those of each underlying, less V of the benchmark
itself, so that a holding of the benchmark nets against it. With the matrices of `factor_risk`,
``TE^2 = (a' S a + d' C d) / V^2`` per session, times 252 for a year (Grinold and Kahn, Active Portfolio
Management, 2nd ed. 1999, ch. 3; Litterman, Modern Investment Management, 2003, ch. 8). Cash is part of V and
has no exposure: a portfolio half in its benchmark and half in cash has half of its volatility.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.positions.held import KEY
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.parametric.factor_risk import ModelRisk, model_risk

BENCHMARK: Final = "benchmark"
"""Position id of what the active book is short."""
_VALUES: Final = ["symbol", "underlying", "position_type", "multiplier", "quantity", "exposure"]
NONE: Final = "none"
NO_VALUE: Final = "no tracking error: total value is not positive"


class ActiveRisk(NamedTuple):
    """Each (G)."""

    tracking_error: Floats
    """Per sqrt(year), fraction of the total value; NaN where the status says why."""
    n_obs: Ints
    """Sessions of the factor covariance."""
    status: Texts


def tracking_error(
    book: RiskBook,
    *,
    total_value: Floats,
    benchmarks: "pd.Series[str]",
    log_returns: pd.DataFrame,
    betas: pd.DataFrame,
    covariance: pd.DataFrame,
    factor_returns: pd.DataFrame,
    window: int,
) -> ActiveRisk:
    """Forecast tracking error of every partition.

    A position without price, Greeks or beta is left out and named, as in `parametric_risk`. Without a beta of
    the benchmark there is none.

    :param total_value: (G) USD, NaN = not known. :param benchmarks: symbol by portfolio; NONE: there is none.
    :param log_returns: sessions x symbols, the sessions of `factor_returns`.
    :param betas: rows of `tables.FactorBetas`, also of the benchmarks.
    :param covariance: and the others: as `parametric_risk` takes them.
    """
    short = np.where(total_value > 0, total_value, 0.0)
    active = _active_book(book, short, benchmarks)
    returns = log_returns.reindex(columns=active.symbols).to_numpy(dtype=float)
    found = model_risk(
        active,
        returns=np.ascontiguousarray(returns.T),
        ends=session_positions(log_returns.index, active.dates),
        betas=betas,
        covariance=covariance,
        factor_returns=factor_returns,
        window=window,
    )
    lost = _without_benchmark(active, found)
    symbols = benchmarks.reindex(active.partitions["portfolio"]).fillna(NONE).to_numpy(dtype=object)
    status = np.where(lost, "no tracking error: no beta of the benchmark " + symbols, found.status)
    status = np.where(symbols == NONE, "no tracking error: there is no benchmark", status)
    status = np.where(total_value > 0, status, NO_VALUE)
    usable = (total_value > 0) & ~lost & np.isfinite(found.volatility)
    scaled = found.volatility * np.sqrt(SESSIONS_PER_YEAR)
    with np.errstate(over="ignore"):  # what overflows is infinite, and told so by the caller
        values = np.divide(scaled, short, out=np.full(len(short), np.nan), where=usable)
    return ActiveRisk(values, np.where(usable, found.n_obs, 0), status)


def _active_book(book: RiskBook, short: Floats, benchmarks: "pd.Series[str]") -> RiskBook:
    """The positions of each portfolio and, as one more, its benchmark sold for its total value."""
    symbol = benchmarks.reindex(book.partitions["portfolio"]).fillna(NONE).to_numpy(dtype=object)
    sold = book.partitions.assign(
        position_id=BENCHMARK,
        symbol=symbol,
        underlying=symbol,
        position_type="SHORT",
        multiplier=1,
        quantity=-1.0,
        exposure=-short,
        delta_exposure=-short,
    )
    rows = pd.concat([book.rows, sold.reindex(columns=book.rows.columns).astype(book.rows.dtypes)])
    greeks = rows.drop(columns=_VALUES)
    return RiskBook.of(book.partitions, rows[[*KEY, *_VALUES]], greeks)


def _without_benchmark(active: RiskBook, found: ModelRisk) -> Bools:
    """(G) whose benchmark is not in the model."""
    sold = (active.rows["position_id"] == BENCHMARK).to_numpy()
    lost = np.zeros(len(active.partitions), dtype=bool)
    lost[active.partition[sold & ~found.used]] = True
    return lost
