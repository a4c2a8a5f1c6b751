"""The most likely state that loses a given amount: the point of a loss surface that is nearest to the origin.

Minimise |z| subject to P&L(z) = -L, z in standard deviations. In structural reliability this is the design
point (Hasofer and Lind, 1974; Rackwitz and Fiessler, 1978). There may be several local minima. Walkers leave
the origin along the moves of single factors and the slope of the P&L; at each radius they turn towards larger
losses (the maximum-loss iteration of Studer, 1997), until each loss is met. From the nearest meetings
`nearest_loss` goes down. For a P&L that is linear, b'x, the answer is x* = -L Sigma b / (b' Sigma b).
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol, Self

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.reverse_stress.nearest_loss import Surface, nearer, nearest_points, scaled_to_loss

MAX_SIGMA: Final = 40.0
"""States further away are not searched."""
_RADII: Final = np.geomspace(0.1, MAX_SIGMA, 20)
_BEYOND: Final = 1.5
"""A portfolio's walk ends at this multiple of its furthest nearest meeting."""
_PORTFOLIOS: Final = 512
"""That walk at once: bounds memory; results do not depend on it."""
_CLOSEST: Final = 1e-3
_WIDER: Final = 1.5
_NARROWER: Final = 4.0
_NEAR_KINK: Final = 0.02
_STARTS: Final = 3
_EXACT_AIM: Final = 1e-10
_IN_A_JUMP: Final = 1e-4
_APART: Final = 0.7
"""Cosine above which two meetings are no different starts."""


class FactorSurface(Surface, Protocol):
    """A surface that knows the moves of single factors, and may have a quick one to be searched by."""

    @property
    def roots(self) -> Floats:
        """(G, K, K): rows are the moves of the factors by z."""

    def kinks(self) -> Sequence[tuple[Self, Floats]]:
        """Planes through the origin on which the slope jumps: the P&L on each, and its normals (G, K)."""

    def quick(self) -> Self:
        """About the same P&L for less: itself where there is no such thing."""

    def exact(self) -> Self:
        """The exact P&L of a quick surface, with its slopes."""


class MostLikely(NamedTuple):
    """By portfolio (G) and loss (N)."""

    z: Floats
    """(G, N, K): NaN where the loss is not reached within MAX_SIGMA."""
    pnl: Floats
    """(G, N)"""
    largest_loss: Floats
    """(G): the largest loss met in the search."""


def most_likely_losses(surface: FactorSurface, losses: Floats) -> MostLikely:
    """Nearest states that lose `losses` (G, N): positive, rising along N.

    The search goes by the quick surface; what it finds is moved along its ray to where the exact one loses as
    much. An exact P&L may jump by 2e-5 of a price where an option is exercised: a loss in the jump is met to
    1e-4.
    """
    quick = surface.quick()
    z, largest_loss = _nearest(quick, losses)
    found = np.isfinite(z[..., 0])
    group, level = np.nonzero(found)
    pnl = np.full(losses.shape, np.nan)
    exact = quick.exact().select(group)
    z[found], pnl[found] = scaled_to_loss(
        exact, losses[group, level], z[found], aim=_EXACT_AIM, accuracy=_IN_A_JUMP
    )
    return MostLikely(z, pnl, largest_loss)


def _nearest(surface: FactorSurface, losses: Floats) -> tuple[Floats, Floats]:
    """States (G, N, K), NaN = not met, and the largest loss on the way (G)."""
    meetings = _walked(surface, losses)
    z = nearest_points(surface, losses, list(_starts(meetings)))
    for plane, normal in surface.kinks():
        across = np.abs(np.einsum("gk,gnk->gn", normal, z)) > _NEAR_KINK * np.linalg.norm(z, axis=2)
        on_plane = nearest_points(plane, losses, [np.where(across[..., None], np.nan, z)])
        z = nearer(z, on_plane)
    # The nearest state cannot be further for a smaller loss than for a larger one: start again from there
    for level in range(losses.shape[1] - 2, -1, -1):
        z = nearer(z, nearest_points(surface, losses, [_from_larger_loss(z, level)]))
    return z, meetings.largest_loss


class _Meetings(NamedTuple):
    """Where walkers (D) first meet the losses (N)."""

    radius: Floats
    """(G, N, D): about where the walker's ray meets the loss; inf = it does not."""
    direction: Floats
    """(G, N, D, K): of that ray, length 1."""
    largest_loss: Floats
    """(G): the largest loss on the way."""


def _walked(surface: FactorSurface, losses: Floats) -> _Meetings:
    """Of walkers along the slope at the origin and the factors, some portfolios at a time."""
    slope = _unit(surface.pnl_and_slope(np.zeros((len(surface), 1, surface.roots.shape[2])))[1])
    factors = _unit(surface.roots)
    directions = np.concatenate([-slope, slope, factors, -factors], axis=1)
    parts = []
    for first in range(0, len(surface), _PORTFOLIOS):
        here = np.arange(first, min(first + _PORTFOLIOS, len(surface)))
        parts.append(_walk(surface.select(here), losses[here], directions[here]))
    return _Meetings(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _walk(surface: Surface, losses: Floats, directions: Floats) -> _Meetings:
    """Outwards with all walkers at once, until every loss is met by one of them, and a bit further."""
    radius = np.full((*losses.shape, directions.shape[1]), np.inf)
    met_in = np.zeros((*radius.shape, directions.shape[2]))
    largest, inner = np.zeros(len(losses)), 0.0
    turn = np.ones(directions.shape[:2])
    walking, walked = np.arange(len(losses)), surface
    for outer in _RADII:
        goes_on = inner < _BEYOND * radius[walking].min(axis=2).max(axis=1)
        if not goes_on.all():
            walking, directions, turn = walking[goes_on], directions[goes_on], turn[goes_on]
            walked = surface.select(walking)
        if not len(walking):
            break
        directions, turn, pnl, steepness = _turned(walked, outer, directions, turn)
        gap = pnl[:, None] + losses[walking][:, :, None]
        met = np.isinf(radius[walking]) & (gap <= 0)
        falls = np.minimum(steepness, 0.0)[:, None]
        back = np.divide(gap, falls, out=np.zeros(gap.shape), where=met & (falls < 0))
        nearest = np.clip(outer - back, max(inner, _CLOSEST * outer), outer)
        radius[walking] = np.where(met, nearest, radius[walking])
        met_in[walking] = np.where(met[..., None], directions[:, None], met_in[walking])
        largest[walking] = np.maximum(largest[walking], -pnl.min(axis=1))
        inner = outer
    return _Meetings(radius, met_in, largest)


def _turned(
    surface: Surface, radius: float, directions: Floats, turn: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Walkers turned downhill where that loses more, how far to turn next; their P&L and its steepness."""
    pnl, slope = surface.pnl_and_slope(radius * directions)
    steepness = np.einsum("gdk,gdk->gd", slope, directions)
    # Against the slope's part along the sphere: straight out is no turn
    tried = _unit(directions - turn[..., None] * _unit(slope - steepness[..., None] * directions))
    tried_pnl, tried_slope = surface.pnl_and_slope(radius * tried)
    better = tried_pnl < pnl
    directions = np.where(better[..., None], tried, directions)
    slope = np.where(better[..., None], tried_slope, slope)
    steepness = np.einsum("gdk,gdk->gd", slope, directions)
    pnl = np.where(better, tried_pnl, pnl)
    turn = np.where(better, np.minimum(_WIDER * turn, 1.0), turn / _NARROWER)
    return directions, turn, pnl, steepness


def _starts(meetings: _Meetings) -> Iterator[Floats]:
    """The nearest meeting of each loss (G, N, K), then the nearest ones in other directions; NaN = none."""
    radius = meetings.radius.copy()
    for _ in range(_STARTS):
        which = radius.argmin(axis=2)[..., None]
        length = np.take_along_axis(radius, which, axis=2)
        direction = np.take_along_axis(meetings.direction, which[..., None], axis=2)[:, :, 0]
        known = np.isfinite(length)
        yield np.where(known, np.where(known, length, 0.0) * direction, np.nan)
        cosine = np.einsum("gnk,gndk->gnd", direction, meetings.direction)
        radius[cosine > _APART] = np.inf


def _from_larger_loss(z: Floats, level: int) -> Floats:
    """Starts for a loss: the state of the next larger one where that is nearer than its own, else NaN."""
    length = np.nan_to_num(np.linalg.norm(z, axis=2), nan=np.inf)
    closer: Bools = length[:, level + 1] < length[:, level]
    start = np.full(z.shape, np.nan)
    start[closer, level] = z[closer, level + 1]
    return start


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
