"""Options over the past sessions that a book is tested on: their gains as curves in the volatility forecast.

The moves of one scenario on all tested sessions are one standardised return times the volatility that was
forecast for each session, so that the gain of an option in it is a function of that volatility alone. It is
worked out at five Chebyshev-Lobatto nodes between the least and the largest forecast, and a polynomial gives
the gain on every session: 5 valuations in place of 252.

What the parabola through every second node misses at the nodes between, ten times, bounds the error of the
polynomial through all. Where the gain bends once, as that of an option that expires next does at its strike,
the error is at most 1.86 times what was missed, wherever the bend is. American options at volatilities of 5%
bend twice, and got to 3.3 times. Where the gain is smooth, the error is a small part of what was missed.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from sigmasight_core.arrays.distinct import distinct_rows
from sigmasight_core.arrays.types import Floats, Ints, Singles
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.revaluation import Options

NODES: Final = 5
_PLACES: Final = np.cos(np.pi * np.arange(NODES) / (NODES - 1))
_TO_COEFFICIENTS: Final = np.linalg.inv(chebvander(_PLACES, NODES - 1))
_HALF: Final = (NODES - 1) // 2
_BETWEEN: Final = chebvander(_PLACES[1::2], _HALF) @ np.linalg.inv(chebvander(_PLACES[::2], _HALF))
"""From values at every second node to those at the nodes between, of the polynomial through the former."""

_SAFETY: Final = 10.0

LARGEST_SUM: Final = 2.0
"""Of the absolute weights of a polynomial's nodes, which multiplies rounding errors; it is 1.8."""

_BLOCK: Final = 40_000
"""Gains at a time: they and what they need stay in the processor's cache."""


@dataclass(frozen=True)
class OptionCurves:
    """Gains of distinct contracts (C) per share, on sessions (s), in the scenarios (k) of all of them.

    In units of `size`, so that none is beyond single precision.
    """

    one_share: Options
    """(C)"""
    kind: Ints
    """(O) the contract of each option."""
    gains: Singles
    """(C, NODES, k) at the nodes."""
    weights: Singles
    """(C, s, NODES) of the nodes on each session."""
    error: Singles
    """(C, k) bound of what the polynomials miss."""
    size: Floats
    """(C) USD, largest absolute gain at a node; 1 where there is none."""

    @classmethod
    def of(cls, options: Options, panel: ReturnPanel, sessions: Ints, past: Ints) -> "OptionCurves":
        """Of options (O) of one date.

        :param sessions: (s) those that are tested. :param past: (k) sessions of the scenarios; one before the
            first of the panel is as if nothing had moved, and so is one without a standardised return.
        """
        terms = (column[:, 0] for column in (*vars(options.european).values(), options.price))
        first, kind = distinct_rows(options.symbol, options.contract, *terms)
        one = replace(options.take(first), units=np.ones((len(first), 1)))
        forecast = panel.volatility[one.symbol][:, sessions]
        least = np.nan_to_num(np.fmin.reduce(forecast, axis=1))[:, None]
        most = np.nan_to_num(np.fmax.reduce(forecast, axis=1))[:, None]
        middle, reach = 0.5 * (least + most), 0.5 * (most - least)
        place = np.nan_to_num((forecast - middle) / np.where(reach > 0, reach, 1.0))
        gains = _at_nodes(one, panel, middle + reach * _PLACES, past)
        size = np.abs(gains).max(axis=(1, 2), initial=0.0)
        size[size == 0] = 1.0
        gains /= size[:, None, None]
        missed = np.abs(gains[:, 1::2] - _BETWEEN @ gains[:, ::2]).max(axis=1)
        return cls(
            one_share=one,
            kind=kind,
            gains=gains.astype(np.float32),
            weights=(chebvander(place, NODES - 1) @ _TO_COEFFICIENTS).astype(np.float32),
            error=(_SAFETY * missed).astype(np.float32),
            size=size,
        )

    def on(self, chosen: slice, count: int) -> Singles:
        """(C, s', k') gains on some of the sessions, in all scenarios of these, `count` before each."""
        last = chosen.stop + count - 1
        return np.asarray(self.weights[:, chosen] @ self.gains[:, :, chosen.start : last], dtype=np.float32)

    def exactly(self, contract: Ints, log_move: Floats, growth: Floats) -> Floats:
        """Gains (w) of some contracts (w), each in one scenario."""
        gains = self.one_share.pnl(contract, log_move[:, None], growth[:, None])[:, 0]
        return np.asarray(gains / self.size[contract], dtype=np.float64)


def _at_nodes(one: Options, panel: ReturnPanel, volatility: Floats, past: Ints) -> Floats:
    """(C, NODES, k), from the volatilities (C, NODES) of the nodes."""
    there, past = past >= 0, np.maximum(past, 0)
    residuals = np.where(there, np.nan_to_num(panel.residuals[:, past]), 0.0)
    growth = np.where(there, panel.growth[:, past], 1.0)
    gains = np.empty((*volatility.shape, len(past)))
    for rows in blocks(np.arange(len(gains), dtype=np.intp), NODES * len(past), _BLOCK):
        symbol = one.symbol[rows]
        moves = (volatility[rows][:, :, None] * residuals[symbol][:, None]).reshape(-1, len(past))
        factors = np.repeat(growth[symbol], NODES, axis=0)
        gains[rows] = one.pnl(np.repeat(rows, NODES), moves, factors).reshape(-1, NODES, len(past))
    return gains
