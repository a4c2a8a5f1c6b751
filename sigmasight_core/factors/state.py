"""The state: market, yield changes and styles made orthogonal to what comes before them, per window.

For the window of each date, on centred returns (METHODS: Frisch and Waugh, 1933)::

    m = market,  dy_perp = dy - b_y m,  s_perp = s - b m - c dy_perp

so a total return of any factor is ``b m + c dy_perp + itself`` with its own loadings b and c (both 0 for the
market, c 0 for rates). Arrays are [date, factor] or [date, factor, session of the window].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks, pad_windows, trailing_windows
from sigmasight_core.conventions import OK
from sigmasight_core.factors.config import FactorModelConfig

NO_PROXY = "unavailable: no proxy configured"
VANISHES = 1e-16
"""Share of a factor's variance below which what is left after orthogonalising is rounding error."""


@dataclass(frozen=True)
class StateBlock:
    """The state of a run of dates that share their available factors (A of them), windows of W sessions."""

    at: Ints
    """Positions of the dates in the caller's `ends`, [d]."""
    columns: Ints
    """Positions of the available factors in the configuration, [A]; the market is among them."""
    observed: Floats
    """1 where every available factor has a return, else 0, [d, W]."""
    n_obs: Floats
    """Common observations, [d]."""
    values: Floats
    """Returns as given, 0 where not observed, [d, A, W]."""
    centred: Floats
    """The same with the mean of the window removed, [d, A, W]."""
    design: Floats
    """The centred orthogonal state, 0 for a factor that vanishes, [d, A, W]."""
    market_loading: Floats
    rates_loading: Floats
    vanishes: Bools
    """Factors that are constant or a combination of the market and rates in the window, [d, A]."""
    market: int
    rates: int | None

    def centred_squares(self) -> Floats:
        """Centred sums of squares of the returns as given, [d, A]."""
        return np.einsum("dkw,dkw->dk", self.centred, self.centred)

    def orthogonal(self, values: Floats) -> Floats:
        """Apply the loadings to returns [d, A, ...]: the state without removal of a mean."""
        return _orthogonal(values, self.market_loading, self.rates_loading, self.market, self.rates)

    def total(self, state: Floats) -> Floats:
        """Inverse of `orthogonal`, for anything linear in the state, [d, A, ...]."""
        total = state + self.market_loading[..., None] * state[:, self.market, None]
        if self.rates is not None:
            total += self.rates_loading[..., None] * state[:, self.rates, None]
        return total


def _orthogonal(x: Floats, b: Floats, c: Floats, market: int, rates: int | None) -> Floats:
    out = x - b[..., None] * x[:, market, None]
    if rates is not None:
        out -= c[..., None] * out[:, rates, None]
    return out


def own_observations(config: FactorModelConfig, factors: Floats, ends: Ints) -> Ints:
    """Returns of each factor alone in each window, [D, K]."""
    finite = np.isfinite(factors)
    total = np.concatenate([np.zeros((1, finite.shape[1]), dtype=np.intp), finite.cumsum(axis=0)])
    return np.asarray(total[ends + 1] - total[np.maximum(ends + 1 - config.window, 0)], dtype=np.intp)


@dataclass(frozen=True)
class _Patterns:
    """The sets of available factors that occur among the windows."""

    factors: Bools
    """[P, K]"""
    of_date: Ints
    """Number of each date's set, [D]."""
    complete: Bools
    """Sessions on which every factor of the set has a return, [T, P]."""
    common: Ints
    """Such sessions in each window, [D]."""


def _patterns(config: FactorModelConfig, factors: Floats, ends: Ints) -> _Patterns:
    available = own_observations(config, factors, ends) >= config.min_obs
    sets, which = np.unique(available, axis=0, return_inverse=True)
    of_date = which.ravel()
    complete = np.asarray(
        (np.isfinite(factors)[:, None, :] | ~sets[None]).all(axis=2) & sets[:, config.market]
    )
    total = np.concatenate([np.zeros((1, len(sets)), dtype=np.intp), complete.cumsum(axis=0)])
    common = total[ends + 1, of_date] - total[np.maximum(ends + 1 - config.window, 0), of_date]
    return _Patterns(sets, of_date, complete, common)


def state_blocks(
    config: FactorModelConfig, factors: Floats, ends: Ints, *, cells_per_date: int = 0, budget: int = 2**16
) -> Iterator[StateBlock]:
    """The state of the windows that end at rows `ends` of `factors` [T, K] (NaN = no return).

    A factor is available where it has `min_obs` returns in the window; sessions on which an available factor
    has none are left out of the window. Dates without a market factor, or with fewer than `min_obs` common
    sessions, have no state and are in no block.
    """
    found = _patterns(config, factors, ends)
    cells = max(cells_per_date, 4 * config.window * len(config.factors))
    for number, pattern in enumerate(found.factors):
        columns, complete = np.flatnonzero(pattern), found.complete[:, number]
        padded = pad_windows(np.where(complete[:, None], factors[:, columns], 0.0), config.window, 0.0)
        weight = pad_windows(complete.astype(float)[:, None], config.window, 0.0)
        rows = np.flatnonzero((found.of_date == number) & (found.common >= config.min_obs))
        for at in blocks(rows, cells, budget):
            values = trailing_windows(padded, ends[at], config.window).swapaxes(1, 2)
            observed = trailing_windows(weight, ends[at], config.window)[:, :, 0]
            yield _block(config, at, columns, np.ascontiguousarray(values), np.ascontiguousarray(observed))


def _block(
    config: FactorModelConfig, at: Ints, columns: Ints, values: Floats, observed: Floats
) -> StateBlock:
    market = int(np.flatnonzero(columns == config.market)[0])
    place = np.flatnonzero(columns == (-1 if config.rates is None else config.rates))
    rates = int(place[0]) if len(place) else None
    n_obs = observed.sum(axis=1)
    centred = (values - values.sum(axis=2, keepdims=True) / n_obs[:, None, None]) * observed[:, None]
    raw = np.einsum("dkw,dkw->dk", centred, centred)
    scale = np.einsum("dkw,dkw->dk", values, values)

    # First pass, on the market: b = cov(x, m) / var(m). Second, on what of the yield change that leaves: c
    b = _loadings(centred, centred[:, market], raw[:, market] > VANISHES * scale[:, market])
    b[:, market] = 0.0
    c = np.zeros_like(b)
    design = _orthogonal(centred, b, c, market, None)
    if rates is not None:
        change = design[:, rates]
        varies = np.einsum("dw,dw->d", change, change) > VANISHES * scale[:, rates]
        c = _loadings(design, change, varies)
        c[:, [market, rates]] = 0.0
        design -= c[..., None] * change[:, None]
    vanishes = np.einsum("dkw,dkw->dk", design, design) <= VANISHES * scale
    design[vanishes] = 0.0
    return StateBlock(at, columns, observed, n_obs, values, centred, design, b, c, vanishes, market, rates)


def _loadings(x: Floats, on: Floats, varies: Bools) -> Floats:
    variance = np.where(varies, np.einsum("dw,dw->d", on, on), 1.0)
    return np.where(varies[:, None], np.einsum("dkw,dw->dk", x, on) / variance[:, None], 0.0)


def variance_inflation(centred: Floats) -> Floats:
    """Variance inflation factors of factors [d, A, W]: the diagonal of the inverse correlation matrix.

    Marquardt (1970). Exact multiples give about 1e15, never infinity; a constant factor gives 1.
    """
    values, vectors = _correlation_spectrum(centred)
    # diag(V diag(1 / lambda) V'), without the inverse itself
    inverse = vectors**2 @ (1 / values)[..., None]
    return np.maximum(inverse[..., 0], 1.0)


def condition_numbers(centred: Floats) -> Floats:
    """Largest over smallest eigenvalue of the correlation matrix of factors [d, A, W], [d].

    Belsley, Kuh, Welsch, Regression Diagnostics (1980), section 3.2 (theirs is the root of it). Exact
    multiples give about 1e16, never infinity.
    """
    values, _ = _correlation_spectrum(centred)
    return values[:, -1] / values[:, 0]


def _correlation_spectrum(centred: Floats) -> tuple[Floats, Floats]:
    moments = centred @ centred.swapaxes(1, 2)
    size = moments.shape[1]
    variance = moments.diagonal(axis1=1, axis2=2)
    scale = 1 / np.sqrt(np.where(variance > 0, variance, 1.0))
    correlation = moments * scale[:, :, None] * scale[:, None, :]
    correlation[:, range(size), range(size)] = 1.0
    values, vectors = np.linalg.eigh(correlation)
    return np.maximum(values, np.finfo(float).eps), vectors


@dataclass(frozen=True)
class StateArrays:
    """What `tables.FactorState` holds, as arrays [D, K]; NaN where the factor is unavailable."""

    market_loading: Floats
    rates_loading: Floats
    residual_volatility: Floats
    variance_inflation_factor: Floats
    n_obs: Ints
    """Common observations of the state; for an unavailable factor its own."""
    status: np.ndarray
    """'ok' or the reason why the factor is unavailable, [D, K] of str."""


class StateCollector:
    """Gathers the blocks of one pass into `StateArrays`."""

    def __init__(self, config: FactorModelConfig, factors: Floats, ends: Ints) -> None:
        self.config = config
        self.own = own_observations(config, factors, ends)
        shape = self.own.shape
        self.values = np.full((4, *shape), np.nan)
        self.common = _patterns(config, factors, ends).common
        self.solved = np.zeros(shape[0], dtype=bool)
        self.available = np.zeros(shape, dtype=bool)

    def add(self, block: StateBlock) -> None:
        """Take over the state of a block."""
        usable = ~block.vanishes & ~block.vanishes[:, [block.market]]
        deviation = np.sqrt(np.einsum("dkw,dkw->dk", block.design, block.design) / (block.n_obs[:, None] - 1))
        found = (block.market_loading, block.rates_loading, deviation, variance_inflation(block.centred))
        place = np.ix_(block.at, block.columns)
        for held, part in zip(self.values, found, strict=True):
            held[place] = np.where(usable, part, np.nan)
        self.available[place] = usable
        self.solved[block.at] = True

    def arrays(self) -> StateArrays:
        """The state of every date, with the reason for everything that is missing."""
        n_obs = np.where(self.available, self.common[:, None], self.own)
        b, c, volatility, inflation = self.values
        return StateArrays(b, c, volatility, inflation, n_obs, self._status())

    def _status(self) -> np.ndarray:
        config, own = self.config, self.own
        proxy = np.array([factor.proxy or "" for factor in config.factors])
        short = _count_text("unavailable: insufficient history of ", own, config.min_obs, proxy)
        common = _count_text(
            "unavailable: insufficient common history of ",
            self.common,
            config.min_obs,
            np.asarray("the factors"),
        )
        enough = own >= config.min_obs
        market = np.broadcast_to(
            (enough & (self.available | ~self.solved[:, None]))[:, [config.market]], own.shape
        )
        needs_market = ~market & (np.arange(own.shape[1]) != config.market)
        vanished = _text("unavailable: ", proxy, " is constant or follows from other factors")
        return _first(
            vanished,
            (self.available, np.asarray(OK)),
            (proxy == "", np.asarray(NO_PROXY)),
            (own == 0, _text("unavailable: no data of ", proxy, " in the window")),
            (own < config.min_obs, short),
            (needs_market, np.asarray("unavailable: needs the market factor")),
            (~self.solved[:, None], common[:, None]),
        )


def _first(otherwise: np.ndarray, *cases: tuple[Bools, np.ndarray]) -> np.ndarray:
    """The text of the first case that holds, element by element."""
    result = otherwise.astype(object)
    for holds, text in reversed(cases):
        result = np.where(holds, text.astype(object), result)
    return result


def _text(lead: str, subject: np.ndarray, tail: str) -> np.ndarray:
    return np.strings.add(np.strings.add(lead, subject), tail)


def _count_text(lead: str, count: Ints, minimum: int, subject: np.ndarray) -> np.ndarray:
    named = _text(lead, subject, ", ")
    return np.strings.add(named, np.strings.add(count.astype(str), f" of {minimum} observations"))
