"""Prices, Greeks and implied volatilities with dividends by the yield or in cash, row by row.

The functions are those of `pricing` with three more arguments, elementwise, of `Expected.cash`: days to the
next ex-date, days between ex-dates, USD per dividend. An interval of 0 means the yield: such rows are those
of `pricing`, bit for bit. Elsewhere the yield does not count: the share less the present value of the
dividends up to the expiry moves (the escrowed model). European rows, and American ones without a dividend
before expiry, are those of `pricing` on that share; the others come from `american.escrowed`.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.as_of import FAR_DAY
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options import pricing
from sigmasight_core.options.american import escrowed
from sigmasight_core.options.american.lattice import STEPS
from sigmasight_core.options.black_scholes import OptionValues
from sigmasight_core.options.dividend_yields import Expected

_OPENING_DAYS: Final = 0.25
"""A dividend whose ex-date is the expiry is paid at its opening, this long before its close."""
_LEAST_VOLATILITY: Final = 1e-4
_MARGIN: Final = 2e-3
_SLACK: Final = 0.2
"""Room for the bumps of the Greeks."""

_Outputs = tuple[np.ndarray, ...]


def option_price(*terms: Any) -> Floats:
    """Price, USD per share; arguments of `pricing.option_price` and `Expected.cash`."""
    return _by_model(_plain_price, _lattice_price, (), terms)[0]


def option_values(*terms: Any) -> OptionValues:
    """Price and Greeks, theta and rho at an unchanged whole share; arguments as of `option_price`."""
    return OptionValues(*_by_model(_plain_values, _lattice_values, (), terms))


def implied_volatility(price: Any, *terms: Any) -> tuple[Floats, Texts]:
    """Volatility at which `option_price` returns `price`, and a status; arguments without the volatility."""
    found = _by_model(_plain_volatility, _lattice_volatility, (price,), (*terms[:5], np.nan, *terms[5:]))
    return found[0], found[1]


def affordable(expected: Expected, spot: Floats, expiry: Ints, at: Ints, rate: Floats) -> Expected:
    """By the yield where the dividends up to the expiry are worth more than the share, or there is no expiry.

    :param expiry: day numbers; FAR_DAY = none. :param at: the day of the close `spot`.
    """
    if not (expected.interval > 0).any():
        return expected
    interval = np.where(expiry == FAR_DAY, 0, expected.interval)
    rows = np.flatnonzero(interval > 0)
    years = (expiry - at) / DAYS_PER_YEAR
    schedule = _schedule(years[rows], tuple(values[rows] for values in expected.cash(at)))
    interval[rows[schedule.worth(rate[rows]) >= spot[rows]]] = 0
    return expected._replace(interval=interval)


class _Schedule(NamedTuple):
    """Dividends of options up to their expiry, (options, dividends); amounts of 0 pad the shorter lists."""

    years: Floats
    amount: Floats

    def worth(self, rate: Floats) -> Floats:
        """Present value (options,)."""
        return (self.amount * np.exp(-rate[:, None] * self.years)).sum(axis=1)


def _schedule(years: Floats, cash: tuple[Floats, ...]) -> _Schedule:
    days_to_next, interval, amount = cash
    ends = years * DAYS_PER_YEAR
    number = np.where(amount > 0, np.floor((ends - days_to_next) / interval + 1e-9) + 1, 0)
    days = days_to_next[:, None] + interval[:, None] * np.arange(max(1, int(number.max(initial=0))))
    due = (days > 0) & (days <= ends[:, None] + 1e-9) & (amount[:, None] > 0)
    days = np.minimum(days, np.maximum(ends - _OPENING_DAYS, 0.5 * ends)[:, None])
    return _Schedule(np.where(due, days / DAYS_PER_YEAR, 0.0), np.where(due, amount[:, None], 0.0))


class _Rows(NamedTuple):
    """Rows of a calculation, each (options,), and their dividends in cash."""

    given: tuple[Floats, ...]
    """What comes before the terms: nothing, or the price."""
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    volatility: Floats
    is_call: Bools
    is_american: Bools
    cash: _Schedule

    def take(self, chosen: Bools) -> "_Rows":
        picked = {name: getattr(self, name)[chosen] for name in self._fields[1:-1]}
        cash = _Schedule(*(array[chosen] for array in self.cash))
        return _Rows(tuple(array[chosen] for array in self.given), **picked, cash=cash)

    def net(self) -> tuple[Any, ...]:
        """Arguments of `pricing` on the share less its dividends."""
        spot = self.spot - self.cash.worth(self.rate)
        terms = (self.strike, self.years, self.rate, 0.0, self.volatility, self.is_call, self.is_american)
        return spot, *terms

    def lattice(self) -> tuple[Any, ...]:
        """Arguments of `escrowed_values`; the lattice needs a volatility above its drift."""
        drift = (np.abs(self.rate) + _MARGIN) * np.sqrt(self.years / STEPS)
        least = np.maximum((1 + _SLACK) * drift, _LEAST_VOLATILITY)
        volatility = np.where(self.volatility >= 0, np.maximum(self.volatility, least), np.nan)
        return self.spot, self.strike, self.years, self.rate, volatility, self.is_call, *self.cash


def _by_model(
    plain: Callable[..., _Outputs],
    on_lattice: Callable[[_Rows], _Outputs],
    given: tuple[Any, ...],
    terms: tuple[Any, ...],
) -> _Outputs:
    """Outputs of `pricing` where the yield counts, elsewhere of the share less its dividends."""
    *by_yield, days_to_next, interval, amount = terms
    cash = np.asarray(interval, dtype=float) > 0
    if not cash.any():
        return plain(*given, *by_yield)
    shape = np.broadcast_shapes(*(np.shape(values) for values in (*given, *terms)))
    *arrays, days_to_next, interval, amount = (
        np.broadcast_to(np.asarray(values), shape) for values in (*given, *terms)
    )
    outputs = plain(*(array[~cash] for array in arrays))
    results = tuple(np.empty(shape, dtype=output.dtype) for output in outputs)
    _fill(results, ~cash, outputs)
    first, rest = (
        tuple(array[cash] for array in arrays[: len(given)]),
        [a[cash] for a in arrays[len(given) :]],
    )
    spot, strike, years, rate, _, volatility, is_call, is_american = rest
    schedule = _schedule(years, (days_to_next[cash], interval[cash], amount[cash]))
    rows = _Rows(first, spot, strike, years, rate, volatility, is_call, is_american, schedule)
    early = is_american.astype(bool) & (schedule.amount > 0).any(axis=1)
    places = np.flatnonzero(cash)
    for chosen, made in ((~early, lambda some: _on_net(plain, some)), (early, on_lattice)):
        if chosen.any():
            _fill(results, places[chosen], made(rows.take(chosen)))
    return results


def _fill(results: _Outputs, where: Any, outputs: _Outputs) -> None:
    for result, output in zip(results, outputs, strict=True):
        result[where] = output


def _on_net(plain: Callable[..., _Outputs], rows: _Rows) -> _Outputs:
    outputs = plain(*rows.given, *rows.net())
    if len(outputs) == len(OptionValues._fields):
        return escrowed.at_whole_share(OptionValues(*outputs), rows.rate, *rows.cash)
    return outputs


def _plain_price(*terms: Any) -> _Outputs:
    return (pricing.option_price(*terms),)


def _plain_values(*terms: Any) -> _Outputs:
    return pricing.option_values(*terms)


def _plain_volatility(price: Any, *terms: Any) -> _Outputs:
    return pricing.implied_volatility(price, *terms[:5], *terms[6:])


def _lattice_price(rows: _Rows) -> _Outputs:
    return (escrowed.escrowed_price(*rows.lattice()),)


def _lattice_values(rows: _Rows) -> _Outputs:
    return escrowed.escrowed_values(*rows.lattice())


def _lattice_volatility(rows: _Rows) -> _Outputs:
    terms = (rows.spot, rows.strike, rows.years, rows.rate, rows.is_call)
    return escrowed.escrowed_implied_volatility(rows.given[0], *terms, rows.cash.years, rows.cash.amount)
