"""Measures of a portfolio as functions of its holdings, for the search of trades that reach a target."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats


@dataclass(frozen=True)
class Holdings:
    """What is held, and how far it may be traded: n symbols.

    :param quantity: (n) net units, short is negative. :param unit_value: (n) USD per unit, > 0.
    :param lower: (n) and `upper`: bounds of the quantity afterwards; both are it where nothing is traded.
    """

    symbols: tuple[str, ...]
    quantity: Floats
    unit_value: Floats
    lower: Floats
    upper: Floats


class Measure(Protocol):
    """A number of the portfolio as a function of what is held."""

    def value(self, quantity: Floats) -> Floats:
        """:param quantity: (..., n). :returns: (...)"""
        ...


@dataclass(frozen=True)
class Linear:
    """fixed + slope x quantity. :param slope: (n) per unit; 0 where nothing is traded."""

    slope: Floats
    fixed: float

    def value(self, quantity: Floats) -> Floats:
        return self.fixed + quantity @ self.slope


@dataclass(frozen=True)
class Weight:
    """Net exposure of a group over the gross exposure of the portfolio, while no holding changes its sign.

    :param net: (n) USD per unit of the members, else 0; and `gross`: signed so that it counts positive.
    :param fixed_net: USD of what is not among the holdings; and `fixed_gross`.
    """

    net: Floats
    gross: Floats
    fixed_net: float = 0.0
    fixed_gross: float = 0.0

    def value(self, quantity: Floats) -> Floats:
        gross = self.fixed_gross + quantity @ self.gross
        net = self.fixed_net + quantity @ self.net
        return np.divide(net, gross, out=np.zeros_like(gross), where=gross > 0)

    def at(self, weight: float) -> Linear:
        """Zero exactly where the weight is this one: net - weight x gross."""
        return Linear(self.net - weight * self.gross, self.fixed_net - weight * self.fixed_gross)


@dataclass(frozen=True)
class NormalRisk:
    """Normal value at risk z sqrt(q' V q), plus what corrects it where it was computed in full.

    The correction makes value and gradient at one place those of the full computation (first-order model
    management; Alexandrov, Dennis, Lewis and Torczon, 1998, eq. 5).

    :param covariance: V (n, n), USD squared per unit and unit, of one session. :param quantile: z.
    :param place: (n) quantity at which it was computed; `offset` (USD) and `tilt` (n): its value and gradient
        there less those of z sqrt(q' V q).
    """

    covariance: Floats
    quantile: float
    place: Floats
    offset: float = 0.0
    tilt: Floats = field(default_factory=lambda: np.zeros(0))

    def value(self, quantity: Floats) -> Floats:
        pull = quantity @ self.covariance
        risk = self.quantile * np.sqrt(np.maximum((pull * quantity).sum(axis=-1), 0.0))
        return risk + self.offset + ((quantity - self.place) @ self.tilt if len(self.tilt) else 0.0)

    def gradient(self, quantity: Floats) -> Floats:
        """(n) USD per unit at a quantity (n); 0 where there is no risk."""
        pull = self.covariance @ quantity
        deviation = np.sqrt(max(float(quantity @ pull), 0.0))
        own = self.quantile * pull / deviation if deviation > 0 else np.zeros(len(quantity))
        return own + self.tilt if len(self.tilt) else own

    def corrected(self, quantity: Floats, value: float, gradient: Floats) -> "NormalRisk":
        """The same, right at this quantity. :param gradient: (n) USD per unit; NaN = not computed there."""
        plain = NormalRisk(self.covariance, self.quantile, quantity)
        tilt = np.nan_to_num(gradient - plain.gradient(quantity))
        return NormalRisk(
            self.covariance, self.quantile, quantity, value - float(plain.value(quantity)), tilt
        )


def effects(measure: Measure, quantity: Floats, change: Floats) -> Floats:
    """What each trade does beside all others: the measure with all less that with all but it.

    :param change: (n) trades in units. :returns: (n); of a linear measure they sum to its whole change.
    """
    after = quantity + change
    return measure.value(after) - measure.value(after - np.diag(change))


def whole_units(holdings: Holdings, change: Floats) -> Floats:
    """Trades in whole units: the nearest, or the next towards zero where that is out of bounds."""
    near = np.round(change)
    after = holdings.quantity + near
    inside: Bools = (after >= holdings.lower) & (after <= holdings.upper)
    return np.where(inside, near, np.trunc(change)) + 0.0
