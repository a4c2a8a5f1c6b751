"""From a state near a loss surface, P&L(z) = -L, to the nearest point of it: for many portfolios and losses.

Sequential quadratic programming on minimise |z|^2 / 2 subject to P&L(z) / L + 1 = 0, with a damped BFGS
estimate of the Lagrangian's curvature and an L1 merit function (Nocedal and Wright, Numerical Optimization,
2006, sections 18.3 to 18.6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Protocol, Self

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints

ACCURACY: Final = 1e-9
"""Largest |P&L + L| / L of a point of the surface."""
_AIM: Final = 1e-13
_TIGHT: Final = 4 * np.finfo(float).eps
_ROOT_ITERATIONS: Final = 80
_ITERATIONS: Final = 60
_SHARES: Final = (np.ones(1), 0.5 ** np.arange(1, 3), 0.5 ** np.arange(3, 12))
"""Of a step that are tried, those of a line at once, until one lowers the merit."""
_STEP: Final = 1e-9
"""Relative step at which the descent ends."""
_DECREASE: Final = 1e-4
_DAMPING: Final = 0.2


class Surface(Protocol):
    """P&L of portfolios (G) as a function of states z (G, N, K) in standard deviations; 0 at the origin."""

    def __len__(self) -> int: ...
    def select(self, chosen: Ints) -> Self:
        """Some of the portfolios, by place, some more than once."""

    def pnl_and_slope(self, z: Floats) -> tuple[Floats, Floats]:
        """(G, N) and (G, N, K)."""


def nearest_points(surface: Surface, losses: Floats, starts: Sequence[Floats]) -> Floats:
    """Points of the surfaces (G, N, K) that are nearest to the origin, around the starts (G, N, K) each.

    A start is given only up to its length. NaN where every start is NaN or its ray does not meet the surface.
    """
    every = np.stack(starts)
    points = np.full(every.shape, np.nan)
    wanted = np.isfinite(every[..., 0])
    # Each start of each loss of a portfolio goes down on its own, as a portfolio (M) with one loss
    _, group, level = np.nonzero(wanted)
    if len(group):
        parts, aims = surface.select(group), losses[group, level]
        met = scaled_to_loss(parts, aims, every[wanted])[0]
        found = scaled_to_loss(parts, aims, _descended(parts, aims, met))[0]
        points[wanted] = nearer(met, found)
    return reduce(nearer, points)


def nearer(first: Floats, second: Floats) -> Floats:
    """Elementwise the shorter of two vectors (..., K); NaN is infinitely long."""
    lengths = [np.nan_to_num(np.linalg.norm(z, axis=-1), nan=np.inf) for z in (first, second)]
    return np.where((lengths[1] < lengths[0])[..., None], second, first)


def scaled_to_loss(
    surface: Surface, losses: Floats, z: Floats, aim: float = _AIM, accuracy: float = ACCURACY
) -> tuple[Floats, Floats]:
    """Each z (M, K) made longer or shorter until it loses what it should (M): Newton, or bisection.

    :param aim: relative miss at which it ends. :param accuracy: the largest one.
    :returns: states (M, K) and their P&L (M), NaN where the loss is not met.
    """
    radius = np.linalg.norm(z, axis=1)
    live = np.isfinite(radius)
    radius = np.where(live, radius, 0.0)
    direction = np.where(live[:, None], z, 0.0) / np.where(radius > 0, radius, 1.0)[:, None]
    low, high = np.zeros(radius.shape), np.full(radius.shape, np.inf)
    found = np.full(radius.shape, np.nan)
    some = np.flatnonzero(live)
    tried = radius[some]
    for _ in range(_ROOT_ITERATIONS):
        if not len(some):
            break
        r, d, wanted = tried, direction[some], losses[some]
        pnl, slope = _at(_part(surface, some), r[:, None] * d)
        gap = pnl + wanted
        low[some] = np.where(gap > 0, r, low[some])
        high[some] = np.where(gap > 0, high[some], r)
        # Newton on the radius, P&L(r d) + L = 0; bisection where it leaves the bracket; outwards by a quarter
        # as long as no radius that loses enough is known
        steepness = (slope * d).sum(axis=1)
        newton = r - gap / np.where(steepness == 0, np.nan, steepness)
        inside = (newton > low[some]) & (newton < high[some])
        far = np.where(np.isinf(high[some]), 1.25 * r, 0.0)
        middle = np.where(far > 0, far, (low[some] + np.minimum(high[some], far + r)) / 2)
        radius[some], found[some] = r, pnl
        stuck = (high[some] - low[some] <= _TIGHT * r) | (np.abs(newton - r) <= _TIGHT * r)
        open_ = ~(np.abs(gap) <= aim * wanted) & ~stuck
        tried, some = np.where(inside, newton, middle)[open_], some[open_]
    good = np.abs(found + losses) <= accuracy * losses
    return np.where(good[:, None], radius[:, None] * direction, np.nan), np.where(good, found, np.nan)


def _part(surface: Surface, some: Ints) -> Surface:
    """The surface itself where that is all of it."""
    return surface if len(some) == len(surface) else surface.select(some)


def _at(surface: Surface, z: Floats) -> tuple[Floats, Floats]:
    """P&L (M) and its slope (M, K) in one state of each portfolio, (M, K)."""
    pnl, slope = surface.pnl_and_slope(z[:, None])
    return pnl[:, 0], slope[:, 0]


@dataclass
class _Iterate:
    """Where the descents (M) are: states, constraint P&L / L + 1 and its slope, curvature and penalty."""

    z: Floats
    miss: Floats
    normal: Floats
    curvature: Floats
    penalty: Floats

    def at(self, some: Ints) -> "_Iterate":
        return _Iterate(*(values[some] for values in vars(self).values()))

    def put(self, some: Ints, part: "_Iterate") -> None:
        for values, new in zip(vars(self).values(), vars(part).values(), strict=True):
            values[some] = new


def _descended(surface: Surface, losses: Floats, start: Floats) -> Floats:
    """Local minima (M, K), not quite on the surface; NaN where the start is."""
    known = np.isfinite(start[:, 0])
    z = np.nan_to_num(start)
    pnl, slope = _at(surface, z)
    identity = np.broadcast_to(np.eye(z.shape[1]), (*z.shape, z.shape[1])).copy()
    found = _Iterate(z, pnl / losses + 1.0, slope / losses[:, None], identity, np.zeros(len(z)))
    some = np.flatnonzero(known)
    for _ in range(_ITERATIONS):
        if not len(some):
            break
        after, moved = _iteration(_part(surface, some), losses[some], found.at(some))
        found.put(some, after)
        some = some[moved]
    return np.where(known[:, None], found.z, np.nan)


def _iteration(surface: Surface, losses: Floats, now: _Iterate) -> tuple[_Iterate, Bools]:
    """One step with its line search, and which states moved."""
    step, multiplier = _quadratic_step(now)
    # Above the multiplier the L1 merit |z|^2 / 2 + penalty |miss| has the same minimum
    penalty = np.maximum(now.penalty, 2 * np.abs(multiplier))
    merit = _merit(now.z, now.miss, penalty)
    descent = (now.z * step).sum(axis=1) - penalty * np.abs(now.miss)
    z, miss, normal = now.z.copy(), now.miss.copy(), now.normal.copy()
    open_ = np.arange(len(z))
    for shares in _SHARES:
        trial = now.z[open_, None] + shares[:, None] * step[open_, None]
        pnl, slope = _part(surface, open_).pnl_and_slope(trial)
        trial_miss = pnl / losses[open_, None] + 1.0
        allowed = merit[open_, None] + _DECREASE * shares * descent[open_, None]
        good = _merit(trial, trial_miss, penalty[open_, None]) <= allowed
        lower = good.any(axis=1)
        first = good.argmax(axis=1)[lower]
        these = open_[lower]
        z[these], miss[these] = trial[lower, first], trial_miss[lower, first]
        normal[these] = slope[lower, first] / losses[these, None]
        open_ = open_[~lower]
        if not len(open_):
            break
    moved = np.linalg.norm(z - now.z, axis=1) > _STEP * (1 + np.linalg.norm(z, axis=1))
    curvature = _updated(now.curvature, z - now.z, multiplier[:, None] * (normal - now.normal))
    return _Iterate(z, miss, normal, curvature, penalty), moved


def _merit(z: Floats, miss: Floats, penalty: Floats) -> Floats:
    return (z**2).sum(axis=-1) / 2 + penalty * np.abs(miss)


def _quadratic_step(now: _Iterate) -> tuple[Floats, Floats]:
    """Minimum of the quadratic model on the linear constraint, no longer than 1 + |z|; its multiplier."""
    # KKT system by its Schur complement: B^-1 z and B^-1 a at once, a the slope of the constraint
    both = np.linalg.solve(now.curvature, np.stack([now.z, now.normal], axis=-1))
    across = (now.normal * both[..., 1]).sum(axis=1)
    steep = across > 0
    level = now.miss - (now.normal * both[..., 0]).sum(axis=1)
    multiplier = np.where(steep, level / np.where(steep, across, 1.0), 0.0)
    step = -both[..., 0] - multiplier[..., None] * both[..., 1]
    longest = 1 + np.linalg.norm(now.z, axis=1)
    length = np.maximum(np.linalg.norm(step, axis=1), longest)
    return step * (longest / length)[..., None], multiplier


def _updated(curvature: Floats, step: Floats, bend: Floats) -> Floats:
    """Damped BFGS update: stays positive definite."""
    along = np.einsum("mkl,ml->mk", curvature, step)
    size = (step * along).sum(axis=1)
    change = step + bend
    product = (step * change).sum(axis=1)
    damped = product < _DAMPING * size
    weight = np.where(damped, (1 - _DAMPING) * size / np.where(damped, size - product, 1.0), 1.0)[..., None]
    # Powell's damping (Nocedal and Wright, procedure 18.2): s'r >= 0.2 s'Bs
    change = weight * change + (1 - weight) * along
    product = (step * change).sum(axis=1)
    usable = (size > 0) & (product > 0)
    one, two = (np.where(usable, values, 1.0)[..., None, None] for values in (product, size))
    added = (
        change[..., :, None] * change[..., None, :] / one - along[..., :, None] * along[..., None, :] / two
    )
    return np.where(usable[..., None, None], curvature + added, curvature)
