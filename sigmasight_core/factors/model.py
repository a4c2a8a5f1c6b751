"""The factor model: returns of the factors, the state, and betas of every symbol on every date.

The market comes first, then the change of the 10-year yield without the market's part, then each style
without both (`factors.state`). Betas are shrunk towards a market beta of 1 by ridge (`ridge`); univariate
OLS stands beside them for comparison with other tools.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, repeated_dates, tiled
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import Factor, FactorModelConfig
from sigmasight_core.factors.estimates import EstimateArrays, estimate_arrays
from sigmasight_core.factors.state import NO_PROXY, StateArrays
from sigmasight_core.market.returns import log_returns
from sigmasight_core.tables.factors import QUALITIES


@dataclass(frozen=True)
class FactorEstimates:
    """Rows of `tables.FactorBetas` and `tables.FactorState`."""

    betas: pd.DataFrame
    state: pd.DataFrame


def factor_log_returns(
    config: FactorModelConfig, adjusted_close_wide: pd.DataFrame, yields_10y: pd.Series | None
) -> pd.DataFrame:
    """Session-by-session moves of the factors.

    :param adjusted_close_wide: sessions x symbols, NaN = no price; columns that are no proxy are not used.
    :param yields_10y: 10-year Treasury yield in percent by session, None = there is none. Sessions without a
        yield are not filled: the changes into and out of them are NaN.
    :returns: sessions x factor ids; log returns, for rates changes in percentage points. NaN where either end
        of the move is missing, in a whole column where the factor has no proxy or no data.
    """
    closes = {factor.id: _levels(factor, adjusted_close_wide, yields_10y) for factor in config.factors}
    sessions = adjusted_close_wide.index
    levels = pd.DataFrame(
        closes, index=sessions, columns=pd.Index(config.factor_ids, dtype="str"), dtype=float
    )
    moves = log_returns(levels)
    if config.rates is not None:
        moves.isetitem(config.rates, levels.iloc[:, config.rates].diff().to_numpy())
    return moves


def _levels(factor: Factor, closes: pd.DataFrame, yields_10y: pd.Series | None) -> pd.Series | float:
    if factor.proxy is None:
        return np.nan
    if factor.kind == "rates":
        return np.nan if yields_10y is None else yields_10y.reindex(closes.index).astype(float)
    return closes[factor.proxy].astype(float) if factor.proxy in closes.columns else np.nan


def factor_returns(
    config: FactorModelConfig, factor_log_returns: pd.DataFrame, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Rows of `tables.FactorReturns` for every date and factor: simple returns, for rates percentage points.

    :raises InputError: for a date that `factor_log_returns` lacks, or columns that are not the factors.
    """
    moves = factor_values(config, factor_log_returns)
    moves = moves[session_positions(factor_log_returns.index, dates)]
    is_rates = np.array([factor.kind == "rates" for factor in config.factors])
    returns = np.where(is_rates, moves, np.expm1(moves))
    reasons = [
        NO_PROXY if f.proxy is None else f"unavailable: no return of {f.proxy} on this session"
        for f in config.factors
    ]
    size = len(config.factors)
    codes = np.where(np.isfinite(returns), 0, 1 + np.arange(size))
    return pd.DataFrame(
        {
            "date": repeated_dates(dates, size),
            "factor": tiled(config.factor_ids, len(dates)),
            "proxy": tiled([factor.proxy or "" for factor in config.factors], len(dates)),
            "return": returns.ravel(),
            "status": coded([OK, *reasons], codes.ravel()),
        }
    )


def estimate(
    config: FactorModelConfig,
    *,
    symbol_log_returns: pd.DataFrame,
    factor_log_returns: pd.DataFrame,
    dates: pd.DatetimeIndex,
) -> FactorEstimates:
    """Betas and state of every date, from the window of sessions that ends at it, inclusive.

    A symbol with gaps is estimated on its own sessions, with the state of the date. NULL with a status:
    factors that are unavailable at the date (nothing else stops for them, but all for the market, which the
    others are measured against), symbols with fewer than `min_obs` returns, and constant ones.

    :param symbol_log_returns: sessions x symbols, NaN = no return.
    :param factor_log_returns: the same sessions x factor ids, as `factor_log_returns` returns them.
    :returns: rows for every (date, symbol, factor) and every (date, factor) of the configuration.
    :raises InputError: for a date without a row, or when the two frames differ in their sessions.
    """
    if not symbol_log_returns.index.equals(factor_log_returns.index):
        raise InputError(
            "the returns of symbols and factors cover different sessions; give both the same index"
        )
    ends = session_positions(symbol_log_returns.index, dates)
    factors = factor_values(config, factor_log_returns)
    found = estimate_arrays(
        config, symbol_returns=symbol_log_returns.to_numpy(dtype=float), factor_returns=factors, ends=ends
    )
    symbols = [str(symbol) for symbol in symbol_log_returns.columns]
    return FactorEstimates(_beta_rows(config, found, symbols, dates), state_rows(config, found.state, dates))


def factor_values(config: FactorModelConfig, frame: pd.DataFrame) -> Floats:
    """Factor returns as an array [T, K]; an InputError if the columns are not the configuration's factors."""
    if tuple(frame.columns) != config.factor_ids:
        raise InputError(
            f"the factor returns have columns {', '.join(map(str, frame.columns))}; "
            f"the configuration has {', '.join(config.factor_ids)}"
        )
    return frame.to_numpy(dtype=float)


def state_rows(config: FactorModelConfig, state: StateArrays, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """Rows of `tables.FactorState`."""
    return pd.DataFrame(
        {
            "date": repeated_dates(dates, len(config.factor_ids)),
            "factor": tiled(config.factor_ids, len(dates)),
            "market_loading": state.market_loading.ravel(),
            "rates_loading": state.rates_loading.ravel(),
            "residual_volatility": state.residual_volatility.ravel(),
            "variance_inflation_factor": state.variance_inflation_factor.ravel(),
            "n_obs": state.n_obs.ravel(),
            "status": pd.array(state.status.ravel(), dtype="str"),
        }
    )


def _beta_rows(
    config: FactorModelConfig, found: EstimateArrays, symbols: list[str], dates: pd.DatetimeIndex
) -> pd.DataFrame:
    count, size = len(symbols), len(config.factor_ids)
    available = found.state.status == OK
    fitted = available[:, None, :] & np.isfinite(found.r_squared)[:, :, None]

    def joint(values: Floats) -> Floats:
        return np.where(fitted, values[:, :, None], np.nan).ravel()

    quality = _quality(config, found)
    labels, codes = status_codes(config, found)
    t_stat = found.beta / found.std_error
    return pd.DataFrame(
        {
            "date": repeated_dates(dates, count * size),
            "symbol": coded(symbols, np.tile(np.repeat(np.arange(count), size), len(dates))),
            "factor": tiled(config.factor_ids, len(dates) * count),
            "beta": found.beta.ravel(),
            "std_error": found.std_error.ravel(),
            "t_stat": t_stat.ravel(),
            "univariate_beta": found.univariate_beta.ravel(),
            "univariate_std_error": found.univariate_std_error.ravel(),
            "univariate_p_value": found.univariate_p_value().ravel(),
            "univariate_r_squared": found.univariate_r_squared.ravel(),
            "r_squared": joint(found.r_squared),
            "annualized_specific_volatility": joint(found.annualized_specific_volatility),
            "n_obs": np.where(available[:, None, :], found.n_obs[:, :, None], 0).ravel(),
            "quality": coded(QUALITIES, quality.ravel()),
            "status": coded(labels, codes.ravel()),
        }
    )


def _quality(config: FactorModelConfig, found: EstimateArrays) -> np.ndarray:
    """Positions in `QUALITIES`, [D, S, K]."""
    available = found.state.status == OK
    common = np.where(available, found.state.n_obs, 0).max(axis=1)[:, None]
    full = (found.n_obs == common) & (common >= config.full_obs)
    quality = np.where(np.isfinite(found.r_squared), np.where(full, 0, 1), 2)
    return np.where(available[:, None, :], quality[:, :, None], 3)


def status_codes(config: FactorModelConfig, found: EstimateArrays) -> tuple[list[str], Ints]:
    """The statuses that occur, and which of them each date, symbol and factor has, [D, S, K]."""
    reasons, which = np.unique(found.state.status.ravel().astype(str), return_inverse=True)
    labels = [
        OK,
        "insufficient: constant returns in the window",
        "partial: the factor is constant on the symbol's sessions, no univariate beta",
        *(f"insufficient: {n} of {config.min_obs} observations" for n in range(config.min_obs)),
        *reasons,
    ]
    short = 3 + np.minimum(found.n_obs, config.min_obs - 1)
    of_symbol = np.where(found.n_obs < config.min_obs, short, 1)[:, :, None]
    solved = np.where(np.isfinite(found.univariate_beta), 0, 2)
    of_symbol = np.where(np.isfinite(found.r_squared)[:, :, None], solved, of_symbol)
    of_factor = 3 + config.min_obs + which.reshape(found.state.status.shape)
    unavailable = (found.state.status != OK)[:, None, :]
    return labels, np.where(unavailable, of_factor[:, None, :], of_symbol)
