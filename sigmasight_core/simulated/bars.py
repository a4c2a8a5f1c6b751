"""Open, high, low and volume of the simulated market: around the closes, for any range of sessions."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.simulated.factors import MARKET_VOLATILITY
from sigmasight_core.simulated.market import SimulatedMarket
from sigmasight_core.simulated.streams import Purpose, uniforms

OVERNIGHT: Final = 0.35
"""Share of a session's move that has happened by its open."""
WICK: Final = 0.35
"""High and low beyond open and close, in units of the daily volatility."""
TURNOVER: Final = 0.004
"""Share of the market capitalisation that is traded in a session."""
VIX_DAILY_VOLATILITY: Final = 0.05


class Bars(NamedTuple):
    """Bars of symbols on sessions, [T, N] each."""

    sessions: pd.DatetimeIndex
    listed: Bools
    """From a symbol's first price on."""
    fields: dict[str, Floats]
    """open, high, low, close, adjusted_close, volume; NaN = missing."""


def bars(market: SimulatedMarket, symbols: list[str], start: pd.Timestamp, end: pd.Timestamp) -> Bars:
    """Bars from start to end. Funds have closes alone, indexes no volume, nothing has a session in a gap.

    ln open = ln close - (1 - OVERNIGHT) x + noise, x the session's move as traded, splits undone.
    """
    first, last = market.range(start, end)
    known = market.parameters(symbols)
    before = max(first - 1, 0)
    closes = market.closes(symbols, market.factors.sessions[before], end)
    moves = np.diff(np.log(closes.adjusted), axis=0)
    moves = np.vstack([np.zeros((1, len(symbols))), moves])[first - before :][: last - first]
    close, adjusted = closes.close[first - before :], closes.adjusted[first - before :]

    draws = ndtri(uniforms(market.seed, symbols, Purpose.BARS, (first, last), 4))
    daily = np.sqrt((known.betas[:, 0] * MARKET_VOLATILITY) ** 2 + known.other_variance())
    daily = np.nan_to_num(daily / np.sqrt(SESSIONS_PER_YEAR), nan=VIX_DAILY_VOLATILITY)
    opening = close * np.exp((OVERNIGHT - 1) * np.nan_to_num(moves) + 0.3 * daily * draws[:, :, 0])
    high = np.maximum(opening, close) * np.exp(WICK * daily * np.abs(draws[:, :, 1]))
    low = np.minimum(opening, close) * np.exp(-WICK * daily * np.abs(draws[:, :, 2]))
    volume = np.round(TURNOVER * known.market_cap / close * np.exp(0.4 * draws[:, :, 3]))

    is_fund, is_index = known.types() == "mutual_fund", known.types() == "index"
    fields = {
        "open": np.where(is_fund, np.nan, opening),
        "high": np.where(is_fund, np.nan, high),
        "low": np.where(is_fund, np.nan, low),
        "close": close,
        "adjusted_close": adjusted,
        "volume": np.where(is_fund | is_index, np.nan, volume),
    }
    listed = np.arange(first, last)[:, None] >= known.listed
    return Bars(market.factors.sessions[first:last], np.asarray(listed), fields)
