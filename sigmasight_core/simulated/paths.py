"""Price paths of the simulated market's symbols, made forward in time: nothing is ever restated."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.simulated.draws import REVIEW_SESSIONS
from sigmasight_core.simulated.factors import FactorPaths, volatility_index
from sigmasight_core.simulated.streams import Purpose, stream
from sigmasight_core.simulated.symbols import Parameters

TAIL_DOF: Final = 5
"""Of the noise, Student t scaled to variance 1."""
GAP_SHARE: Final = 0.01
"""Of the sessions of a symbol with gaps."""
VOLATILITY_PREMIUM: Final = 1.05
"""Implied over expected volatility."""


class Actions(NamedTuple):
    """Ex-dates as positions of sessions, and amounts."""

    at: Ints
    amount: Floats


class Path(NamedTuple):
    """One symbol on the sessions from the first one on [T]; NaN where it has no price."""

    close: Floats
    """As traded, USD."""
    adjusted: Floats
    """Total return index: the first close x what one share of then has become with its dividends."""
    splits: Actions
    """New shares per old share."""
    dividends: Actions
    """USD per share of the ex-date."""


def paths(seed: int, symbols: Parameters, factors: FactorPaths, count: int) -> list[Path]:
    """Paths of symbols over the first `count` sessions.

    Total return: ln r = alpha + sum of beta x state + noise. A quarterly dividend is a quarter of the yield x
    the close before; on ex-dates the price return is the total return less the dividend. Every 63 sessions a
    stock is split as often as its price calls for: the number of splits so far follows from the highest price
    at a review, in units of the first session.
    """
    returns = _log_returns(seed, symbols, factors, count)
    paid = _ex_dividend(symbols, factors, count) * symbols.dividend_yield / 4
    growth = np.exp(returns)
    growth[0] = 1.0
    # [T, N]: price return = total return - dividend / close before
    unsplit = symbols.start * np.cumprod(growth - paid, axis=0)
    before = np.vstack([unsplit[:1], unsplit[:-1]])
    factor = _split_factor(symbols, before)
    close, adjusted = unsplit / factor, np.exp(np.cumsum(returns, axis=0))
    first = np.minimum(symbols.listed, count - 1), np.arange(close.shape[1])
    adjusted *= close[first] / adjusted[first]
    known = _known(seed, symbols, count)
    close, adjusted = np.where(known, close, np.nan), np.where(known, adjusted, np.nan)
    is_index = symbols.kinds() == "volatility"
    close[:, is_index] = volatility_index(factors.volatility[:count], VOLATILITY_PREMIUM)[:, None]
    adjusted[:, is_index] = close[:, is_index]
    ratio = np.vstack([np.ones((1, close.shape[1])), factor[1:] / factor[:-1]])
    listed = np.arange(count)[:, None] > symbols.listed
    splits = _actions(np.where(listed, ratio, 1.0), 1.0)
    dividends = _actions(np.where(listed, paid * before / factor, 0.0), 0.0)
    columns = zip(
        np.ascontiguousarray(close.T), np.ascontiguousarray(adjusted.T), splits, dividends, strict=True
    )
    return [Path(*column) for column in columns]


def _log_returns(seed: int, symbols: Parameters, factors: FactorPaths, count: int) -> Floats:
    """Elementwise alone, so that a value does not depend on how many symbols or sessions are computed."""
    scale = np.sqrt((TAIL_DOF - 2) / TAIL_DOF / SESSIONS_PER_YEAR)
    found = np.empty((count, len(symbols.symbols)))
    for column, name in enumerate(symbols.symbols):  # each has its own generator
        found[:, column] = stream(seed, name, Purpose.NOISE).standard_t(TAIL_DOF, count)
    found *= scale * symbols.specific_volatility
    found += symbols.alpha
    for moves, betas in zip(factors.state()[:count].T, np.nan_to_num(symbols.betas).T, strict=True):
        found += moves[:, None] * betas
    found[0] = 0.0
    return found


def _ex_dividend(symbols: Parameters, factors: FactorPaths, count: int) -> Bools:
    """Sessions on which a quarterly dividend is due [T, N]."""
    sessions = factors.sessions[:count]
    month = sessions.year.to_numpy() * 12 + sessions.month.to_numpy()
    first = np.searchsorted(month, month)
    place = (np.arange(count) - first)[:, None]
    due = (month[:, None] % 3 == symbols.dividend_month) & (place == symbols.dividend_session)
    due[0] = False
    return np.asarray(due & (symbols.dividend_yield > 0))


def _split_factor(symbols: Parameters, before: Floats) -> Floats:
    """Shares that one share of the first session has become [T, N].

    :param before: unsplit closes of the session before each [T, N].
    """
    turn = np.arange(len(before))[:, None] - symbols.review
    reviewed = np.where((turn > 0) & (turn % REVIEW_SESSIONS == 0), before, 0.0)
    # The highest reviewed price never falls, so neither does the number of splits: nothing is undone
    highest = np.maximum.accumulate(reviewed, axis=0)
    row, column = (highest >= symbols.split_above).nonzero()
    excess = np.log(highest[row, column] / symbols.split_above[column])
    ratio = symbols.split_ratio[column]
    factor = np.ones(before.shape)
    factor[row, column] = ratio ** (np.floor(excess / np.log(ratio)) + 1)
    return factor


def _known(seed: int, symbols: Parameters, count: int) -> Bools:
    """Sessions with a price [T, N]; the session of the listing always has one."""
    at = np.arange(count)[:, None]
    known = at >= symbols.listed
    for column in symbols.gappy.nonzero()[0]:
        draws = stream(seed, symbols.symbols[column], Purpose.GAPS).random(count)
        known[:, column] &= (draws >= GAP_SHARE) | (at[:, 0] == symbols.listed[column])
    return np.asarray(known)


def _actions(amounts: Floats, nothing: float) -> list[Actions]:
    """By column: where the amounts [T, N] are not `nothing`."""
    column, row = (amounts != nothing).T.nonzero()
    cuts = np.searchsorted(column, np.arange(1, amounts.shape[1]))
    pairs = zip(np.split(row, cuts), np.split(amounts[row, column], cuts), strict=True)
    return [Actions(*pair) for pair in pairs]
