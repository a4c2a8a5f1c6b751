"""Interest-rate betas of symbols, and the P&L of portfolios for moves of Treasury yields.

``r = a + b_m r_market + b_y dy`` by ordinary least squares over a window of sessions: r and r_market are log
returns, dy is the change of one yield in percentage points. With the market in the regression b_y is what
rates do beyond it; without it, it would carry the market's own reaction. Fisher and Weil (1971) have minus
the duration for the b_y of a riskless bond.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, repeated_dates, tiled
from sigmasight_core.arrays.windows import Bools, Floats, Ints, session_positions
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import Factor, FactorModelConfig
from sigmasight_core.factors.estimates import EstimateArrays, estimate_arrays
from sigmasight_core.factors.exposures import (
    BASIS_POINTS,
    PORTFOLIO,
    position_factor_exposures,
    sums_over_positions,
)
from sigmasight_core.factors.model import status_codes
from sigmasight_core.tables.factors import YIELD_SERIES

DIFFUSE: Final = 1e6
"""Prior standard deviation with which ridge is least squares to rounding error."""
RATES: Final = 1
"""Position of the yield among the two regressors."""


def wide_yields(
    treasury_yields: pd.DataFrame, sessions: pd.DatetimeIndex
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `tables.TreasuryYields` as sessions x series: yields in percent (NaN = none), and statuses.

    A session or series without a row has no status (NaN).
    """
    at = treasury_yields.set_index(["date", "series"])
    yields, statuses = (
        at[column].unstack("series").reindex(index=sessions, columns=list(YIELD_SERIES))  # noqa: PD010
        for column in ("yield_percent", "status")
    )
    return yields.astype(float), statuses


def rate_betas(
    symbol_log_returns: pd.DataFrame,
    market_log_returns: pd.Series,
    yields: pd.DataFrame,
    dates: pd.DatetimeIndex,
    window: int = 252,
    min_obs: int = 60,
    *,
    yield_status: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rows of `tables.RateBetas` for every date, symbol and series, each on the window that ends at its date.

    A session without the market's return or a change of the yield is left out, a symbol with gaps is fitted
    on its own sessions; nothing is filled.

    :param symbol_log_returns: sessions x symbols, NaN = no return.
    :param market_log_returns: the same sessions.
    :param yields: the same sessions x series, in percent, NaN = no yield.
    :param yield_status: why yields are missing, in the shape of `yields`.
    :returns: NULL with a status where the series has no change in the window (with the reason of
        `yield_status` at the date where that has one), or the regression fewer than `min_obs` observations,
        a constant symbol, or a yield that does not move by itself.
    :raises InputError: for a date without a row, different sessions, or an unknown series.
    """
    sessions = symbol_log_returns.index
    if not (sessions.equals(market_log_returns.index) and sessions.equals(yields.index)):
        raise InputError("returns, market and yields cover different sessions; give all the same index")
    unknown = sorted(set(yields.columns) - set(YIELD_SERIES))
    if unknown:
        raise InputError(f"unknown yield series {', '.join(unknown)}; use {', '.join(YIELD_SERIES)}")
    ends = session_positions(sessions, dates)
    returns = symbol_log_returns.to_numpy(dtype=float)
    market = market_log_returns.to_numpy(dtype=float)
    names = [str(name) for name in yields.columns]
    fits, labels, codes, counts = [], list[str](), [], []
    for series in names:
        moves = np.column_stack([market, np.diff(yields[series].to_numpy(dtype=float), prepend=np.nan)])
        config = _config(series, window, min_obs)
        given = None if yield_status is None else yield_status[series].to_numpy(dtype=object)[ends]
        found = _with_reasons(estimate_arrays(config, returns, moves, ends), given)
        texts, code = _statuses(config, found, series)
        fits.append(_values(found))
        codes.append(len(labels) + code)
        counts.append(np.where(_available(found), found.n_obs, 0))
        labels += texts
    symbols, size = [str(symbol) for symbol in symbol_log_returns.columns], len(names)
    columns = ("beta_per_percentage_point", "std_error", "t_stat", "r_squared")
    rows = {
        "date": repeated_dates(dates, len(symbols) * size),
        "symbol": coded(symbols, np.tile(np.repeat(np.arange(len(symbols)), size), len(dates))),
        "series": tiled(names, len(dates) * len(symbols)),
        **dict(zip(columns, (values.ravel() for values in np.stack(fits, axis=-1)), strict=True)),
        "n_obs": np.stack(counts, axis=-1).ravel(),
        "status": coded(labels, np.stack(codes, axis=-1).ravel()),
    }
    return pd.DataFrame(rows)


def _config(series: str, window: int, min_obs: int) -> FactorModelConfig:
    market = Factor("market", "market", "market", 0.0, DIFFUSE)
    return FactorModelConfig((market, Factor("rates", series, "rates", 0.0, DIFFUSE)), window, min_obs)


def _with_reasons(found: EstimateArrays, given: np.ndarray | None) -> EstimateArrays:
    """The estimates with the yields' own reason where the window has no change of the yield."""
    if given is None:
        return found
    status = found.state.status.copy()
    reasons = pd.Series(given, dtype="str")
    none = (status[:, RATES] != OK) & (found.state.n_obs[:, RATES] == 0)
    here = none & reasons.notna().to_numpy() & (reasons != OK).to_numpy()
    words = reasons.where(reasons.str.startswith("unavailable", na=False), "unavailable: " + reasons)
    status[here, RATES] = words.to_numpy(dtype=object)[here]
    return replace(found, state=replace(found.state, status=status))


def _undetermined(found: EstimateArrays) -> Bools:
    """Where the market and the yield cannot be told apart: the beta is dropped or the prior's, [D, S]."""
    std_error = found.std_error[:, :, RATES]
    return np.asarray((std_error == 0) | (std_error > DIFFUSE / 1000))


def _available(found: EstimateArrays) -> Bools:
    return np.asarray(found.state.status[:, RATES] == OK)[:, None]


def _values(found: EstimateArrays) -> Floats:
    """Beta, standard error, t and R2, [4, D, S]."""
    known = _available(found) & ~_undetermined(found)
    beta, std_error, r_squared = (
        np.where(known, values, np.nan)
        for values in (found.beta[:, :, RATES], found.std_error[:, :, RATES], found.r_squared)
    )
    return np.stack([beta, std_error, beta / std_error, r_squared])


def _statuses(config: FactorModelConfig, found: EstimateArrays, series: str) -> tuple[list[str], Ints]:
    labels, codes = status_codes(config, found)
    alone = f"insufficient: {series} does not move apart from the market on the symbol's sessions"
    return [*labels, alone], np.where(_undetermined(found), len(labels), codes[:, :, RATES])


def rate_exposures(
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    betas: pd.DataFrame,
    portfolios: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of `tables.RateExposures`: every row of `portfolios` x every series.

    ``pnl_up_100bp_usd = sum(delta_exposure x b_y)``, to first order in the yield; per basis point it is a
    hundredth. Positive = gains when yields rise. A portfolio without positions has 0.

    :param position_values: rows of `tables.PositionValues`, for the underlyings.
    :param position_greeks: rows of `tables.PositionGreeks`, for the delta exposures in USD, signed.
    :param betas: rows of `tables.RateBetas`.
    :param portfolios: date and portfolio, together unique.
    :returns: sums over the positions that have a beta and a delta exposure. Status 'partial: ...' names the
        others; where none is left the sums are NULL with the reason.
    :raises InputError: for a position that `position_values` lacks, or whose portfolio `portfolios` lacks.
    """
    as_factors = betas.rename(columns={"series": "factor", "beta_per_percentage_point": "beta"})
    positions = position_factor_exposures(
        position_values, position_greeks, as_factors, YIELD_SERIES, rates="", source="rate_betas"
    )
    sums = sums_over_positions(positions, portfolios, YIELD_SERIES)
    sums = sums.rename(columns={"factor": "series", "exposure_usd": "pnl_up_100bp_usd"})
    per_point = sums["pnl_up_100bp_usd"] / BASIS_POINTS
    sums.insert(len(PORTFOLIO) + 1, "exposure_usd_per_bp", per_point)
    return sums
