"""How the true parameters of the simulated market's symbols are drawn.

Betas of stocks come from the priors to which the estimator shrinks (market 1 +- 0.45, styles 0 +- 0.7, rates
0 +- 0.05 per percentage point), so that its standard errors can be held to their word. Funds, bonds and real
assets are near the centres that the catalogue gives them; a factor's proxy is the factor.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.factors.config import DEFAULT_PRIORS
from sigmasight_core.simulated.catalogue import KNOWN, PROXIES, Security, security
from sigmasight_core.simulated.factors import (
    PROXY_MARKET_LOADING,
    PROXY_RATES_LOADING,
    STYLES,
    YIELD_ON_MARKET,
)
from sigmasight_core.simulated.streams import Purpose, stream
from sigmasight_core.simulated.symbols import FACTOR_IDS, RATES, Parameters

Table = Mapping[str, tuple[float, ...]]

SPREAD: Final[Table] = {
    "stock": (DEFAULT_PRIORS["market"][1], DEFAULT_PRIORS["style"][1], DEFAULT_PRIORS["rates"][1]),
    "fund": (0.08, 0.20, 0.005),
    "bond": (0.02, 0.02, 0.002),
    "real_asset": (0.10, 0.20, 0.010),
}
"""By kind: standard deviations of the market beta, the style betas and the rate beta."""
NOISE: Final[Table] = {
    "stock": (0.28, 0.25),
    "fund": (0.05, 0.20),
    "bond": (0.006, 0.10),
    "real_asset": (0.13, 0.15),
}
"""By kind: median annual specific volatility, and the standard deviation of its logarithm."""
BOND_NOISE_PER_RATES: Final = 0.25
"""Of a bond's specific volatility: added for each unit of its rate beta (0.155: 3.9% a year)."""
ALPHA: Final[Table] = {"stock": (0.02, -0.25), "fund": (0.005, 0.0), "real_asset": (0.01, 0.0)}
"""By kind: standard deviation a year, and the multiple of the specific variance that is added."""
DIVIDENDS: Final[Table] = {
    "stock": (0.6, 0.020, 0.5),
    "fund": (0.9, 0.012, 0.2),
    "bond": (1.0, 0.030, 0.1),
    "real_asset": (0.3, 0.030, 0.2),
    "proxy": (1.0, 0.015, 0.1),
}
"""By kind: share that pays, median yield, standard deviation of its logarithm."""
LARGEST_YIELD: Final = 0.08
SPLIT_RATIOS: Final = np.array([2.0, 3.0, 4.0, 5.0, 10.0])
LEAST_SPLIT_PRICE: Final = 250.0
REVIEW_SESSIONS: Final = 63
GAPPY: Final = 0.04
LATE: Final = 0.05
"""Shares of the symbols outside of the catalogue that have sessions without a price, or are listed late."""
LATEST_LISTING: Final = 8 * SESSIONS_PER_YEAR
SKEW: Final[Table] = {"stock": (-0.06, 0.02), "volatility": (0.08, 0.02)}
OTHER_SKEW: Final = (-0.10, 0.02)
"""Of the volatility smile: slope and curvature per standardised moneyness."""
N_DRAWS: Final = 16


def parameters(seed: int, symbols: Sequence[str]) -> Parameters:
    """Parameters of symbols, in their order: of each from its own stream."""
    streams = [stream(seed, symbol, Purpose.PARAMETERS) for symbol in symbols]
    uniform = np.array([own.random(N_DRAWS) for own in streams]).reshape(-1, N_DRAWS)
    normal = np.array([own.standard_normal(N_DRAWS) for own in streams]).reshape(-1, N_DRAWS)
    known = tuple(security(symbol, row) for symbol, row in zip(symbols, uniform, strict=True))
    kinds = np.array([item.kind for item in known], dtype=object)
    drawn = ~np.isin(np.array(symbols, dtype=object), list(KNOWN))
    betas = _betas(symbols, known, kinds, normal)
    specific = _lognormal(_of(NOISE, kinds, 2), normal[:, 8])
    specific += np.where(kinds == "bond", BOND_NOISE_PER_RATES * np.abs(betas[:, RATES]), 0.0)
    dividends = _dividends(kinds, uniform[:, 3], normal[:, 9])
    start = _start(known, normal[:, 10])
    split_above = np.maximum(LEAST_SPLIT_PRICE * np.exp(0.5 * np.abs(normal[:, 11])), 2 * start)
    return Parameters(
        symbols=tuple(symbols),
        securities=known,
        betas=betas,
        specific_volatility=specific,
        alpha=_alpha(kinds, normal[:, 12], specific, dividends),
        start=start,
        dividend_yield=dividends,
        dividend_month=_whole(uniform[:, 4], 3),
        dividend_session=_whole(uniform[:, 5], 15),
        split_above=np.where(kinds == "stock", split_above, np.inf),
        split_ratio=SPLIT_RATIOS[_whole(uniform[:, 6], len(SPLIT_RATIOS))],
        review=_whole(uniform[:, 7], REVIEW_SESSIONS),
        gappy=np.asarray(drawn & (uniform[:, 8] < GAPPY)),
        listed=np.where(drawn & (uniform[:, 9] < LATE), 1 + _whole(uniform[:, 10], LATEST_LISTING), 0),
        market_cap=_market_cap(known, normal[:, 13]),
        skew=_of(SKEW, kinds, 2, OTHER_SKEW) * np.exp(0.2 * normal[:, 14])[:, None],
    )


def _of(table: Table, kinds: np.ndarray, width: int, default: tuple[float, ...] | None = None) -> Floats:
    """Values of a table by kind [N, width]; zeros, or the default, for a kind that it lacks."""
    other = default or (0.0,) * width
    return np.array([table.get(kind, other) for kind in kinds], dtype=float).reshape(-1, width)


def _lognormal(table: Floats, normal: Floats) -> Floats:
    return np.asarray(table[:, 0] * np.exp(table[:, 1] * normal))


def _whole(uniform: Floats, count: int) -> Ints:
    return np.asarray((uniform * count).astype(np.intp))


def _betas(symbols: Sequence[str], known: Sequence[Security], kinds: np.ndarray, normal: Floats) -> Floats:
    centres = np.array([(item.market, item.rates) for item in known], dtype=float).reshape(-1, 2)
    spread = np.repeat(_of(SPREAD, kinds, 3), (1, len(STYLES), 1), axis=1)
    betas = spread * normal[:, : len(FACTOR_IDS)]
    betas[:, RATES] += centres[:, 1]
    betas[:, 0] += centres[:, 0] + np.where(kinds == "bond", YIELD_ON_MARKET * betas[:, RATES], 0.0)
    style_of = {symbol: place for place, symbol in enumerate(PROXIES.values())}
    place = np.array([style_of.get(symbol, 0) for symbol in symbols], dtype=np.intp)
    style = (place > 0).nonzero()[0]
    # A style's proxy is the style: beta 1, with the loadings of the factor itself, and no other
    betas[style, place[style]] = 1.0
    betas[style, 0] = PROXY_MARKET_LOADING[place[style] - 1]
    betas[style, RATES] = PROXY_RATES_LOADING[place[style] - 1]
    betas[kinds == "volatility"] = np.nan
    return betas


def _dividends(kinds: np.ndarray, uniform: Floats, normal: Floats) -> Floats:
    table = _of(DIVIDENDS, kinds, 3)
    pays: Bools = uniform < table[:, 0]
    return np.where(pays, np.minimum(_lognormal(table[:, 1:], normal), LARGEST_YIELD), 0.0)


def _alpha(kinds: np.ndarray, normal: Floats, specific: Floats, dividends: Floats) -> Floats:
    """A session's; bonds earn what they pay, stocks less the more they vary."""
    table = _of(ALPHA, kinds, 2)
    annual = table[:, 0] * normal + table[:, 1] * specific**2 + np.where(kinds == "bond", dividends, 0.0)
    return np.asarray(annual / SESSIONS_PER_YEAR)


def _start(known: Sequence[Security], normal: Floats) -> Floats:
    given = np.array([item.start for item in known], dtype=float)
    return np.where(given > 0, given, np.clip(60 * np.exp(0.6 * normal), 5, 400))


def _market_cap(known: Sequence[Security], normal: Floats) -> Floats:
    is_index = np.array([item.security_type == "index" for item in known], dtype=bool)
    return np.where(is_index, np.nan, np.round(10 ** (10 + 0.6 * normal)))
