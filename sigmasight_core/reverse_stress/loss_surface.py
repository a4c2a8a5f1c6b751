"""P&L of portfolios as a function of the state of the factors, with its slope, for searches for losses.

The state is x = C z with C C' the covariance: z counts standard deviations, and |z| is the plausibility of
the state (`stress.states`). Positions respond as in `stress`: linear ones by ``exposure (exp(beta'x) - 1)``,
options by full revaluation; their volatility follows the market of the state, their rate its 10-year yield.
Surfaces with options are searched by quick values (`quick_options`).
"""

from dataclasses import dataclass, replace

import numpy as np

from sigmasight_core.arrays.repeats import repeated
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.reverse_stress.quick_options import QuickOptions
from sigmasight_core.stress.options import StressedOptions


@dataclass(frozen=True)
class LossSurface:
    """Portfolios (G) with up to P positions each, as many as the largest has; the rest are zeros."""

    exposure: Floats
    """(G, P) USD, 0 for options."""
    sensitivity: Floats
    """(G, P, K): C'beta, log return per standard deviation."""
    options: StressedOptions | QuickOptions
    """(O)"""
    option_group: Ints
    """(O) portfolio of each option, not falling."""
    option_slot: Ints
    """(O) its place among the portfolio's positions."""
    roots: Floats
    """(G, K, K): C, rows are factors."""
    market: Floats
    """(G, K): log move of the market per unit of z."""
    rates: Floats
    """(G, K): move of the 10-year yield per unit of z, percentage points; 0 where unavailable."""

    def __len__(self) -> int:
        return len(self.roots)

    def select(self, chosen: Ints) -> "LossSurface":
        """Some of the portfolios, by place, some more than once."""
        starts = np.searchsorted(self.option_group, np.arange(len(self) + 1))
        first, count = starts[:-1][chosen], np.diff(starts)[chosen]
        group, slot = repeated(count)
        options = first[group] + slot
        return LossSurface(
            exposure=self.exposure[chosen],
            sensitivity=self.sensitivity[chosen],
            options=self.options.take(options),
            option_group=group,
            option_slot=self.option_slot[options],
            roots=self.roots[chosen],
            market=self.market[chosen],
            rates=self.rates[chosen],
        )

    def quick(self) -> "LossSurface":
        """To search by: itself without options."""
        if not isinstance(self.options, StressedOptions) or not len(self.option_group):
            return self
        return replace(self, options=QuickOptions.of(self.options))

    def exact(self) -> "LossSurface":
        """The exact P&L of a quick surface, with its quick slopes."""
        if isinstance(self.options, StressedOptions):
            return self
        return replace(self, options=replace(self.options, exact=True))

    def kinks(self) -> list[tuple["LossSurface", Floats]]:
        """The P&L while the market stands still, where the slope of the volatility jumps."""
        length = np.linalg.norm(self.market, axis=1, keepdims=True)
        if not len(self.option_group) or not length.any():
            return []
        normal = self.market / np.where(length > 0, length, 1.0)
        still = replace(
            self,
            sensitivity=self.sensitivity - (self.sensitivity @ normal[..., None]) * normal[:, None],
            market=np.zeros(self.market.shape),
            rates=self.rates - (self.rates * normal).sum(axis=1, keepdims=True) * normal,
        )
        return [(still, normal)]

    def pnl(self, z: Floats) -> Floats:
        """USD (G, N) at the states z (G, N, K)."""
        moves = self.sensitivity @ z.swapaxes(1, 2)
        option_moves = moves[self.option_group, self.option_slot]
        values = np.expm1(moves, out=moves)
        values *= self.exposure[..., None]
        if len(self.option_group):
            found = self.options.pnl_in_state(option_moves, *self._market_and_rates(z))
            values[self.option_group, self.option_slot] = found
        return _total(values)

    def pnl_and_slope(self, z: Floats) -> tuple[Floats, Floats]:
        """USD (G, N) and its derivative by z (G, N, K)."""
        moves = self.sensitivity @ z.swapaxes(1, 2)
        option_moves = moves[self.option_group, self.option_slot]
        values = np.expm1(moves, out=moves)
        values *= self.exposure[..., None]
        # d/dr of exposure (exp(r) - 1) is exposure exp(r)
        by_move = values + self.exposure[..., None]
        through_market = np.zeros(z.shape)
        if len(self.option_group):
            found = self.options.slopes(option_moves, *self._market_and_rates(z))
            values[self.option_group, self.option_slot] = found.pnl
            by_move[self.option_group, self.option_slot] = found.by_log_move
            starts = np.flatnonzero(np.diff(self.option_group, prepend=-1))
            groups = self.option_group[starts]
            for column, direction in ((found.by_market, self.market), (found.by_rate, self.rates)):
                total = np.add.reduceat(column, starts, axis=0)
                through_market[groups] += total[..., None] * direction[groups][:, None]
        # Chain rule: (G, N, P) by log move x (G, P, K), and what options add by volatility and rate
        slope = by_move.swapaxes(1, 2) @ self.sensitivity + through_market
        return _total(values), slope

    def _market_and_rates(self, z: Floats) -> tuple[Floats, Floats]:
        """Moves (O, N) of the market and of the 10-year yield."""
        market, rates = ((z @ row[..., None])[..., 0] for row in (self.market, self.rates))
        return market[self.option_group], rates[self.option_group]


def _total(values: Floats) -> Floats:
    """(G, N) of positions (G, P, N), one added after the other: zeros at the end change no bit."""
    return np.asarray(np.add.accumulate(values, axis=1)[:, -1], dtype=np.float64)
