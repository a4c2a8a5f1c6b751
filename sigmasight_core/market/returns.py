"""Returns and EWMA volatility per symbol, from adjusted closes. Gaps stay gaps: nothing is padded."""

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.conventions import EWMA_DECAY, OK, SESSIONS_PER_YEAR
from sigmasight_core.errors import InputError


def to_wide(
    prices_long: pd.DataFrame, sessions: pd.DatetimeIndex, column: str = "adjusted_close"
) -> pd.DataFrame:
    """One column of daily_prices as a sessions x symbols frame.

    :param prices_long: rows with `date`, `symbol` and `column`, each (date, symbol) once; dates outside
        `sessions` are left out.
    :returns: float frame indexed by `sessions`, columns are the sorted symbols; NaN where there is no price.
    """
    codes, symbols = pd.factorize(prices_long["symbol"], sort=True)
    rows = sessions.get_indexer(pd.DatetimeIndex(prices_long["date"]))
    values = np.full((len(sessions), len(symbols)), np.nan)
    inside = rows >= 0
    values[rows[inside], codes[inside]] = prices_long[column].to_numpy(dtype=float)[inside]
    return pd.DataFrame(values, index=sessions, columns=pd.Index(symbols, dtype="str", name="symbol"))


def log_returns(wide: pd.DataFrame) -> pd.DataFrame:
    """ln(p_t / p_{t-1}) between adjacent rows, same shape as `wide`.

    The first row is NaN, and so is a return next to a missing (or not positive) price: the move over a
    gap belongs to no single session.
    """
    prices = wide.to_numpy(dtype=float)
    logs = np.log(np.where(prices > 0, prices, np.nan))
    values = np.full(logs.shape, np.nan)
    values[1:] = logs[1:] - logs[:-1]
    return pd.DataFrame(values, index=wide.index, columns=wide.columns)


def realized_volatility(
    log_returns: pd.DataFrame, dates: pd.DatetimeIndex, window: int = SESSIONS_PER_YEAR, min_obs: int = 20
) -> pd.DataFrame:
    """Zero-mean EWMA volatility of every symbol at every date, annualised.

    ``sigma^2 = 252 * sum(w_k r_{t-k}^2) / sum(w_k)`` with ``w_k = 0.94^k``, k = 0..window-1, over the
    sessions that have a return (J.P. Morgan/Reuters, RiskMetrics Technical Document, 1996, eq. 5.3, with
    the weights renormalised). A value depends on its own window only, not on which other dates or symbols
    are computed with it, down to the last bit.

    :param log_returns: sessions x symbols, NaN = no return.
    :param dates: sessions to estimate at; each window ends at its date, inclusive.
    :returns: rows in the shape of `tables.RealizedVolatility`, one per date and symbol; NULL with a status
        where fewer than `min_obs` returns are in the window.
    :raises InputError: for a date that is not in the index of `log_returns`.
    """
    ends = _positions(pd.DatetimeIndex(log_returns.index), dates)
    returns = log_returns.to_numpy(dtype=float)
    known = np.isfinite(returns)
    squares = np.where(known, returns, 0.0) ** 2
    total, weight = _ewma(squares, ends, window), _ewma(known.astype(float), ends, window)
    counts = np.vstack([np.zeros((1, known.shape[1]), dtype=np.int64), known.cumsum(axis=0)])
    n_obs = counts[ends + 1] - counts[np.maximum(ends + 1 - window, 0)]
    enough = n_obs >= max(min_obs, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        volatility = np.where(enough, np.sqrt(SESSIONS_PER_YEAR * total / weight), np.nan)
    return _long(log_returns.columns, dates, volatility, n_obs, min_obs)


def _positions(sessions: pd.DatetimeIndex, dates: pd.DatetimeIndex) -> Ints:
    ends = sessions.get_indexer(dates)
    if (ends < 0).any():
        missing = dates[ends < 0][0]
        raise InputError(f"no returns for {missing:%Y-%m-%d}; cure: load prices of every session up to it")
    return ends


def _ewma(values: Floats, ends: Ints, window: int) -> Floats:
    """sum over k < window of decay^k * values[end - k], by Horner's rule from the oldest lag on."""
    padded = np.vstack([np.zeros((window, values.shape[1])), values])
    total = np.zeros((len(ends), values.shape[1]))
    for lag in range(window - 1, -1, -1):
        total *= EWMA_DECAY
        total += padded[ends + window - lag]
    return total


def _long(
    symbols: pd.Index,
    dates: pd.DatetimeIndex,
    volatility: Floats,
    n_obs: Ints,
    min_obs: int,
) -> pd.DataFrame:
    n_dates, n_symbols = volatility.shape
    counts = n_obs.ravel()
    reasons = np.array(
        [f"insufficient: {n} of {min_obs} sessions" for n in range(max(min_obs, 1))], dtype=object
    )
    missing = np.isnan(volatility.ravel())
    status = np.full(counts.size, OK, dtype=object)
    status[missing] = reasons[counts[missing]]
    return pd.DataFrame(
        {
            "date": np.repeat(dates.as_unit("ns"), n_symbols),
            "symbol": pd.Index(symbols, dtype="str").take(np.tile(np.arange(n_symbols), n_dates)),
            "annualized_volatility": volatility.ravel(),
            "n_obs": counts,
            "status": pd.array(status, dtype="str"),
        }
    )
