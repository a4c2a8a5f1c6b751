"""The trades of least turnover that bring a measure of a portfolio to a target.

Turnover is the sum of |trade| in USD. Trades are split into buys and sells, so that it is linear in them. A
linear measure, and a weight while no holding changes its sign, make it a linear programme (HiGHS); value at
risk a smooth one with one constraint (SLSQP; Kraft, 1988). Less risk is a convex one, and its least turnover
the least there is; of more risk it may be a local one.
"""

from typing import Final, NamedTuple

import numpy as np
import scipy

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.what_if.measures import Holdings, Linear, Measure, NormalRisk, Weight

_STEPS: Final = 60
"""Of a bisection."""
_CLOSE: Final = 1e-9
"""Relative: a target this far outside of what can be reached is on its edge."""
_REACHED: Final = 1e-6
"""Of the risk: how far from the target the smooth programme may end."""
_SAME: Final = 1e-4
"""Relative: rates of change per USD that differ less are the same."""
_COLUMNS: Final = 12
"""Buys or sells that are tried beside those that are tried already."""


class Suggested(NamedTuple):
    """The trades, or that there are none.

    :ivar change: (n) units; None when the target cannot be reached.
    :ivar lowest: and `highest`: what the measure can be made; infinite = without bound.
    """

    change: Floats | None
    lowest: float
    highest: float


def least_turnover(holdings: Holdings, measure: Measure, target: float) -> Suggested:
    """Trades that make `measure.value` the target.

    :raises TypeError: on a measure that there is no programme for.
    """
    match measure:
        case Linear():
            lowest, highest = _reach(holdings, measure)
            found = _linear(holdings, measure, target) if _inside(lowest, target, highest) else None
        case Weight():
            lowest, highest = _reach_of_weight(holdings, measure)
            inside = _inside(lowest, target, highest)
            found = _linear(holdings, measure.at(target), 0.0) if inside else None
        case NormalRisk():
            lowest, highest = _reach_of_risk(holdings, measure)
            found = _risk(holdings, measure, target) if _inside(lowest, target, highest) else None
        case _:
            raise TypeError(f"no programme for {type(measure).__name__}")
    return Suggested(found, lowest, highest)


def _inside(lowest: float, target: float, highest: float) -> bool:
    sizes = [abs(bound) for bound in (lowest, target, highest) if np.isfinite(bound)]
    slack = _CLOSE * max(sizes)
    return lowest - slack <= target <= highest + slack


def _reach(holdings: Holdings, measure: Linear) -> tuple[float, float]:
    """Least and greatest value of a linear measure in the box."""
    slope = measure.slope
    moving = slope != 0
    at_lower = slope[moving] * holdings.lower[moving]
    at_upper = slope[moving] * holdings.upper[moving]
    least, most = np.minimum(at_lower, at_upper).sum(), np.maximum(at_lower, at_upper).sum()
    return float(measure.fixed + least), float(measure.fixed + most)


def _reach_of_weight(holdings: Holdings, measure: Weight) -> tuple[float, float]:
    """By bisection: the weights that can be made are an interval around that of today, within -1 and 1.

    Where one end is 0, within rounding, it is 0 with nothing held, which has no weights.
    """
    now = float(measure.value(holdings.quantity))
    noise = _CLOSE * float(np.abs(holdings.quantity) @ holdings.unit_value)

    def edge(outer: float) -> float:
        inner = now
        for _ in range(_STEPS):
            middle = (inner + outer) / 2
            least, most = _reach(holdings, measure.at(middle))
            inner, outer = (middle, outer) if least < -noise and most > noise else (inner, middle)
        return inner

    return edge(-1.0), edge(1.0)


def _linear(holdings: Holdings, measure: Linear, target: float) -> Floats | None:
    """In USD of buys and of sells; the constraint is scaled to a largest coefficient of 1."""
    slope = measure.slope / holdings.unit_value
    scale = np.abs(slope).max(initial=0.0)
    gap = target - float(measure.value(holdings.quantity))
    if scale == 0 or gap == 0:
        return np.zeros(len(slope)) if gap == 0 else None
    buys, sells = _room(holdings)
    result = scipy.optimize.linprog(
        np.ones(2 * len(slope)),
        A_eq=np.concatenate([slope, -slope])[None, :] / scale,
        b_eq=[gap / scale],
        bounds=np.column_stack([np.zeros(2 * len(slope)), np.concatenate([buys, sells])]),
        method="highs",
    )
    return _units(holdings, result.x) if result.success else None


def _room(holdings: Holdings) -> tuple[Floats, Floats]:
    """(n) USD that may be bought and sold of each."""
    buys = (holdings.upper - holdings.quantity) * holdings.unit_value
    sells = (holdings.quantity - holdings.lower) * holdings.unit_value
    return np.maximum(buys, 0.0), np.maximum(sells, 0.0)


def _units(holdings: Holdings, dollars: Floats) -> Floats:
    """(n) units of USD of buys and of sells (2n), within the bounds."""
    size = len(holdings.quantity)
    change = (dollars[:size] - dollars[size:]) / holdings.unit_value
    after = np.clip(holdings.quantity + change, holdings.lower, holdings.upper)
    return after - holdings.quantity


def _reach_of_risk(holdings: Holdings, measure: NormalRisk) -> tuple[float, float]:
    """The least risk is that of a convex programme; the greatest is at a corner, found by going uphill.

    With several corners the greatest that is found may not be the greatest there is.
    """
    unit = holdings.unit_value
    box = scipy.optimize.Bounds(holdings.lower * unit, holdings.upper * unit)
    least = scipy.optimize.minimize(
        lambda dollars: float(measure.value(dollars / unit)),
        holdings.quantity * unit,
        jac=lambda dollars: measure.gradient(dollars / unit) / unit,
        bounds=box,
        method="L-BFGS-B",
        options={"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-12},
    )
    movable = (holdings.lower < holdings.upper) & (np.diag(measure.covariance) > 0)
    free = ~np.isfinite(holdings.lower) | ~np.isfinite(holdings.upper)
    if (movable & free).any():
        return float(least.fun), np.inf
    place = holdings.quantity
    for _ in range(_STEPS):
        uphill = measure.gradient(place) > 0
        corner = np.where(uphill, holdings.upper, holdings.lower)
        if (corner == place).all():
            break
        place = corner
    return float(least.fun), max(float(measure.value(place)), float(measure.value(holdings.quantity)))


def _risk(holdings: Holdings, measure: NormalRisk, target: float) -> Floats | None:
    """In parts of the gross exposure; the constraint in parts of the risk of today.

    Most holdings are not traded, so that a few columns (a buy or a sell of one) are enough: those that change
    the risk most per USD, and more of them until no other one would do it for less (Kuhn-Tucker).
    """
    size = len(holdings.quantity)
    gross = float(np.abs(holdings.quantity * holdings.unit_value).sum()) or 1.0
    room = np.concatenate(_room(holdings)) / gross
    now = float(measure.value(holdings.quantity))
    scale = max(abs(now), abs(target)) or 1.0
    direction = np.sign(target - now)
    parts, working = np.zeros(2 * size), np.zeros(2 * size, dtype=bool)
    while True:
        change = _units(holdings, parts * gross)
        one = measure.gradient(holdings.quantity + change) * gross / holdings.unit_value / scale
        rate = np.where(room > 0, direction * np.concatenate([one, -one]), -np.inf)
        reached = abs(float(measure.value(holdings.quantity + change)) - target) / scale < _REACHED
        inner = working & (parts > 0) & (parts < room)
        least = rate[inner].min(initial=np.inf) * (1 + _SAME) if reached else -np.inf
        better = np.flatnonzero(~working & (rate > least))
        if len(better) == 0:
            return change if reached else None
        working[better[np.argsort(-rate[better], kind="stable")[:_COLUMNS]]] = True
        parts = np.zeros(2 * size)
        parts[working] = _solved(holdings, measure, target, np.flatnonzero(working), room, gross, scale)


def _solved(
    holdings: Holdings,
    measure: NormalRisk,
    target: float,
    columns: Ints,
    room: Floats,
    gross: float,
    scale: float,
) -> Floats:
    """The smooth programme in some of the columns alone."""
    size = len(holdings.quantity)
    symbol, sign = columns % size, np.where(columns < size, 1.0, -1.0)
    units = sign * gross / holdings.unit_value[symbol]

    def after(parts: Floats) -> Floats:
        return holdings.quantity + np.bincount(symbol, parts * units, minlength=size)

    result = scipy.optimize.minimize(
        lambda parts: float(parts.sum()),
        np.zeros(len(columns)),
        jac=np.ones_like,
        bounds=scipy.optimize.Bounds(np.zeros(len(columns)), room[columns]),
        constraints={
            "type": "eq",
            "fun": lambda parts: float(measure.value(after(parts)) - target) / scale,
            "jac": lambda parts: measure.gradient(after(parts))[symbol] * units / scale,
        },
        method="SLSQP",
        options={"maxiter": 300, "ftol": 1e-11},
    )
    return result.x
