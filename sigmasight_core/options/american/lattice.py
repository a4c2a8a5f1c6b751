"""American options on a binomial lattice: two exercise boundaries, or dividends in cash.

Broadie and Detemple, American option valuation (Review of Financial Studies, 1996): the lattice of Cox, Ross
and Rubinstein with Black-Scholes-Merton values one step before expiry, extrapolated from two sizes (BBSR).
Dividends in cash: see `escrowed`. Within 1e-4 of the strike of finite differences; some 50 times slower than
`pricing`.
"""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.black_scholes import Floats, OptionValues, option_price

STEPS: Final = 128
_ROWS: Final = 128


class Contracts(NamedTuple):
    """Options (m,) with years > 0 and volatility > 0; `call` is 1 or 0."""

    spot: Floats
    """Less the present value of the dividends in cash, if there are any."""
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    volatility: Floats
    call: Floats


class CashDividends(NamedTuple):
    """Dividends in cash, arrays (m, dividends); an amount of 0 pads the shorter lists."""

    years: Floats
    amount: Floats

    def present_value(self, rate: Floats, after: Floats, before: Floats) -> Floats:
        """Value at `after` of what has its ex-date in (after, before); years from today, all (m,)."""
        total = np.zeros_like(rate)
        for time, amount in zip(self.years.T, self.amount.T, strict=True):
            total += np.where((time > after) & (time < before), amount * np.exp(-rate * (time - after)), 0.0)
        return total


def lattice_price(contracts: Contracts, dividends: CashDividends | None = None) -> Floats:
    """Prices (m,); NaN where the drift is too large for the volatility on the lattice."""
    prices = np.empty_like(contracts.spot)
    for first in range(0, prices.size, _ROWS):
        block = slice(first, first + _ROWS)
        rows = Contracts(*(array[block] for array in contracts))
        cash = None if dividends is None else CashDividends(*(array[block] for array in dividends))
        prices[block] = 2 * _on_lattice(rows, cash, 2 * STEPS) - _on_lattice(rows, cash, STEPS)
    return prices


def _on_lattice(contracts: Contracts, dividends: CashDividends | None, steps: int) -> Floats:
    spot, strike, years, rate, dividend_yield, volatility, call = contracts
    step = years / steps
    up = np.exp(volatility * np.sqrt(step))
    probability = (np.exp((rate - dividend_yield) * step) * up - 1) / (np.square(up) - 1)
    discount = np.exp(-rate * step)
    rise, fall = discount * probability, discount * (1 - probability)
    sign = 2 * call - 1
    shares = spot * up ** np.arange(-(steps - 1), steps)[:, None]
    exercise = sign * (shares - strike)
    values = option_price(shares[::2], strike, step, rate, dividend_yield, volatility, call > 0)
    for level in range(steps - 1, -1, -1):
        edge = steps - 1 - level
        if level < steps - 1:
            values = rise * values[1:] + fall * values[:-1]
        paid = exercise[edge : len(exercise) - edge : 2]
        if dividends is not None:
            paid = paid + sign * dividends.present_value(rate, level * step, years)
        np.maximum(values, paid, out=values)
    return np.where((probability >= 0) & (probability <= 1), values[0], np.nan)


def lattice_values(contracts: Contracts, dividends: CashDividends | None = None) -> OptionValues:
    """Price, and Greeks by central differences, in the units of `OptionValues`."""
    spread = contracts.volatility * np.sqrt(contracts.years)
    move = 0.1 * contracts.spot * np.minimum(spread, 0.5)
    day = np.minimum(0.25 / DAYS_PER_YEAR, 0.1 * contracts.years)
    points = 0.05 * contracts.volatility
    basis = np.full_like(move, 1e-3)

    def price(**changed: Floats) -> Floats:
        return lattice_price(contracts._replace(**changed), dividends)

    def later(wait: Floats) -> Floats:
        moved = None if dividends is None else dividends._replace(years=dividends.years - wait[:, None])
        return lattice_price(contracts._replace(years=contracts.years - wait), moved)

    middle = price()
    up, down = price(spot=contracts.spot + move), price(spot=contracts.spot - move)
    theta = (later(day) - later(-day)) / (2 * day) / DAYS_PER_YEAR
    volatility, rate = contracts.volatility, contracts.rate
    vega = (
        (price(volatility=volatility + points) - price(volatility=volatility - points)) / (2 * points) / 100
    )
    rho = (price(rate=rate + basis) - price(rate=rate - basis)) / (2 * basis) / 100
    gamma = (up - 2 * middle + down) / np.square(move)
    return OptionValues(middle, (up - down) / (2 * move), gamma, theta, vega, rho)
