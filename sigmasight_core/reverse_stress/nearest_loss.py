"""From a state near a loss surface, P&L(z) = -L, to the nearest point of it: for many portfolios and losses.

Sequential quadratic programming on minimise |z|^2 / 2 subject to P&L(z) / L + 1 = 0, with a damped BFGS
estimate of the Lagrangian's curvature and an L1 merit function (Nocedal and Wright, Numerical Optimization,
2006, sections 18.3 to 18.6).
"""

from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats

ACCURACY: Final = 1e-9
"""Largest |P&L + L| / L of a point of the surface."""
_AIM: Final = 1e-13
_TIGHT: Final = 4 * np.finfo(float).eps
_ROOT_ITERATIONS: Final = 80
_ITERATIONS: Final = 60
_HALVINGS: Final = 12
_STEP: Final = 1e-9
"""Relative step at which the descent ends."""
_DECREASE: Final = 1e-4
_DAMPING: Final = 0.2


class Surface(Protocol):
    """P&L of portfolios (G) as a function of states z (G, N, K) in standard deviations; 0 at the origin."""

    def __len__(self) -> int: ...
    def select(self, chosen: Bools) -> Self:
        """Some of the portfolios, by mask."""

    def pnl(self, z: Floats) -> Floats:
        """(G, N)"""

    def pnl_and_slope(self, z: Floats) -> tuple[Floats, Floats]:
        """(G, N) and (G, N, K)."""


def nearest_points(surface: Surface, losses: Floats, start: Floats) -> Floats:
    """Points of the surfaces (G, N, K) that are nearest to the origin, around the starts.

    A start is given only up to its length. NaN where the start is NaN or its ray does not meet the surface.
    """
    points = np.full(start.shape, np.nan)
    wanted = np.isfinite(start[..., 0])
    chosen = np.asarray(wanted.any(axis=1))
    if not chosen.any():
        return points
    part, aims = surface.select(chosen), losses[chosen]
    met = scaled_to_loss(part, aims, start[chosen])[0]
    found = scaled_to_loss(part, aims, _descended(part, aims, met))[0]
    points[chosen] = nearer(met, found)
    return points


def nearer(first: Floats, second: Floats) -> Floats:
    """Elementwise the shorter of two vectors (G, N, K); NaN is infinitely long."""
    lengths = [np.nan_to_num(np.linalg.norm(z, axis=2), nan=np.inf) for z in (first, second)]
    return np.where((lengths[1] < lengths[0])[..., None], second, first)


def scaled_to_loss(
    surface: Surface, losses: Floats, z: Floats, aim: float = _AIM, accuracy: float = ACCURACY
) -> tuple[Floats, Floats]:
    """Each z (G, N, K) made longer or shorter until it loses what it should: Newton, or bisection.

    :param aim: relative miss at which it ends. :param accuracy: the largest one.
    :returns: states (G, N, K) and their P&L (G, N), NaN where the loss is not met.
    """
    radius = np.linalg.norm(z, axis=2)
    live = np.isfinite(radius)
    radius = np.where(live, radius, 0.0)
    direction = np.where(live[..., None], z, 0.0) / np.where(radius > 0, radius, 1.0)[..., None]
    low, high = np.zeros(radius.shape), np.full(radius.shape, np.inf)
    met = np.zeros(radius.shape, dtype=bool)
    for _ in range(_ROOT_ITERATIONS):
        some = (live & ~met).any(axis=1)
        if not some.any():
            break
        r, d, wanted = radius[some], direction[some], losses[some]
        pnl, slope = surface.select(some).pnl_and_slope(r[..., None] * d)
        gap = pnl + wanted
        low[some] = np.where(gap > 0, r, low[some])
        high[some] = np.where(gap > 0, high[some], r)
        met[some] |= (np.abs(gap) <= aim * wanted) | (high[some] - low[some] <= _TIGHT * r)
        # Newton on the radius, P&L(r d) + L = 0; bisection where it leaves the bracket; outwards by a quarter
        # as long as no radius that loses enough is known
        steepness = np.einsum("gnk,gnk->gn", slope, d)
        newton = r - gap / np.where(steepness == 0, np.nan, steepness)
        inside = (newton > low[some]) & (newton < high[some])
        far = np.where(np.isinf(high[some]), 1.25 * r, 0.0)
        middle = np.where(far > 0, far, (low[some] + np.minimum(high[some], far + r)) / 2)
        radius[some] = np.where(met[some], r, np.where(inside, newton, middle))
    scaled = radius[..., None] * direction
    pnl = surface.pnl(scaled)
    found = live & (np.abs(pnl + losses) <= accuracy * losses)
    return np.where(found[..., None], scaled, np.nan), np.where(found, pnl, np.nan)


@dataclass
class _Iterate:
    """Where the descent is: states, constraint P&L / L + 1 and its slope, curvature and penalty."""

    z: Floats
    miss: Floats
    normal: Floats
    curvature: Floats
    penalty: Floats

    def at(self, some: Bools) -> "_Iterate":
        return _Iterate(*(values[some] for values in vars(self).values()))

    def put(self, some: Bools, part: "_Iterate") -> None:
        for values, new in zip(vars(self).values(), vars(part).values(), strict=True):
            values[some] = new


def _constraint(surface: Surface, losses: Floats, z: Floats) -> tuple[Floats, Floats]:
    pnl, slope = surface.pnl_and_slope(z)
    return pnl / losses + 1.0, slope / losses[..., None]


def _descended(surface: Surface, losses: Floats, start: Floats) -> Floats:
    """Local minima (G, N, K), not quite on the surface; NaN where the start is."""
    live = np.isfinite(start[..., 0])
    missing = ~live
    z = np.nan_to_num(start)
    identity = np.broadcast_to(np.eye(z.shape[2]), (*z.shape, z.shape[2])).copy()
    found = _Iterate(z, *_constraint(surface, losses, z), identity, np.zeros(live.shape))
    for _ in range(_ITERATIONS):
        some = np.asarray(live.any(axis=1))
        if not some.any():
            break
        before = found.at(some)
        after, moved = _iteration(surface.select(some), losses[some], before, live[some])
        found.put(some, after)
        live[some] &= moved
    return np.where(missing[..., None], np.nan, found.z)


def _iteration(surface: Surface, losses: Floats, now: _Iterate, live: Bools) -> tuple[_Iterate, Bools]:
    """One step with its line search, and which states moved."""
    step, multiplier = _quadratic_step(now)
    # Above the multiplier the L1 merit |z|^2 / 2 + penalty |miss| has the same minimum
    penalty = np.maximum(now.penalty, 2 * np.abs(multiplier))
    merit = _merit(now.z, now.miss, penalty)
    descent = (now.z * step).sum(axis=2) - penalty * np.abs(now.miss)
    z, miss, normal = now.z.copy(), now.miss.copy(), now.normal.copy()
    share, open_ = np.ones(live.shape), live.copy()
    for _ in range(_HALVINGS):
        trial = np.where(open_[..., None], now.z + share[..., None] * step, z)
        trial_miss, trial_normal = _constraint(surface, losses, trial)
        good = open_ & (_merit(trial, trial_miss, penalty) <= merit + _DECREASE * share * descent)
        z[good], miss[good], normal[good] = trial[good], trial_miss[good], trial_normal[good]
        open_ &= ~good
        if not open_.any():
            break
        share = np.where(open_, share / 2, share)
    moved = np.linalg.norm(z - now.z, axis=2) > _STEP * (1 + np.linalg.norm(z, axis=2))
    curvature = _updated(now.curvature, z - now.z, multiplier[..., None] * (normal - now.normal))
    return _Iterate(z, miss, normal, curvature, penalty), moved


def _merit(z: Floats, miss: Floats, penalty: Floats) -> Floats:
    return (z**2).sum(axis=2) / 2 + penalty * np.abs(miss)


def _quadratic_step(now: _Iterate) -> tuple[Floats, Floats]:
    """Minimum of the quadratic model on the linear constraint, no longer than 1 + |z|; its multiplier."""
    # KKT system by its Schur complement: B^-1 z and B^-1 a at once, a the slope of the constraint
    both = np.linalg.solve(now.curvature, np.stack([now.z, now.normal], axis=-1))
    across = (now.normal * both[..., 1]).sum(axis=2)
    steep = across > 0
    level = now.miss - (now.normal * both[..., 0]).sum(axis=2)
    multiplier = np.where(steep, level / np.where(steep, across, 1.0), 0.0)
    step = -both[..., 0] - multiplier[..., None] * both[..., 1]
    longest = 1 + np.linalg.norm(now.z, axis=2)
    length = np.maximum(np.linalg.norm(step, axis=2), longest)
    return step * (longest / length)[..., None], multiplier


def _updated(curvature: Floats, step: Floats, bend: Floats) -> Floats:
    """Damped BFGS update: stays positive definite."""
    along = np.einsum("gnkl,gnl->gnk", curvature, step)
    size = (step * along).sum(axis=2)
    change = step + bend
    product = (step * change).sum(axis=2)
    damped = product < _DAMPING * size
    weight = np.where(damped, (1 - _DAMPING) * size / np.where(damped, size - product, 1.0), 1.0)[..., None]
    # Powell's damping (Nocedal and Wright, procedure 18.2): s'r >= 0.2 s'Bs
    change = weight * change + (1 - weight) * along
    product = (step * change).sum(axis=2)
    usable = (size > 0) & (product > 0)
    one, two = (np.where(usable, values, 1.0)[..., None, None] for values in (product, size))
    added = (
        change[..., :, None] * change[..., None, :] / one - along[..., :, None] * along[..., None, :] / two
    )
    return np.where(usable[..., None, None], curvature + added, curvature)
