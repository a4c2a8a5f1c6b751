"""American options on shares with known cash dividends: the escrowed model, and its implied volatility.

The share less the present value of its dividends before expiry moves as in Black and Scholes; exercise is
paid on the whole share (Hull, Options, Futures, and Other Derivatives, on known dollar dividends). The
volatility is that of the share less its dividends. Values come from the lattice, slow next to `pricing`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Floats
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.american.implied_volatility import STATUSES, invert, refusals
from sigmasight_core.options.american.lattice import (
    CashDividends,
    Contracts,
    lattice_price,
    lattice_values,
)
from sigmasight_core.options.black_scholes import OptionValues


def escrowed_values(
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    volatility: Any,
    is_call: Any,
    years_to_dividend: Any,
    amount: Any,
) -> OptionValues:
    """Price and Greeks, in the units of `OptionValues`; option arguments broadcast to (options,).

    :param years_to_dividend: ex-dates, calendar days / 365, (options, dividends).
    :param amount: USD per share, same shape; NaN or 0 pads the shorter lists.
    :returns: values (options,), theta and rho at an unchanged whole share. NaN where an input is missing or
        impossible, where years or volatility are not positive, and where the dividends are worth more than
        the share.
    """
    contracts, dividends = _net(spot, strike, years, rate, volatility, is_call, years_to_dividend, amount)
    with np.errstate(all="ignore"):
        possible = _possible(contracts) & (contracts.years > 0) & (contracts.volatility > 0)
        cleared = Contracts(*(np.where(possible, array, np.nan) for array in contracts))
        values = lattice_values(cleared, dividends)
        return at_whole_share(values, contracts.rate, dividends.years, dividends.amount)


def escrowed_price(
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    volatility: Any,
    is_call: Any,
    years_to_dividend: Any,
    amount: Any,
) -> Floats:
    """The price of `escrowed_values` alone, arguments and limits as there."""
    contracts, dividends = _net(spot, strike, years, rate, volatility, is_call, years_to_dividend, amount)
    with np.errstate(all="ignore"):
        possible = _possible(contracts) & (contracts.years > 0) & (contracts.volatility > 0)
        return lattice_price(Contracts(*(np.where(possible, a, np.nan) for a in contracts)), dividends)


def at_whole_share(values: OptionValues, rate: Floats, times: Floats, amounts: Floats) -> OptionValues:
    """Greeks at an unchanged share, from those at an unchanged share less its dividends.

    The present value of the dividends grows by the rate as time passes and falls as the rate rises.
    """
    worth = amounts * np.exp(-rate[:, None] * times)
    theta = values.theta - values.delta * rate * worth.sum(axis=1) / DAYS_PER_YEAR
    rho = values.rho + values.delta * (worth * times).sum(axis=1) / 100
    return values._replace(theta=theta, rho=rho)


def escrowed_implied_volatility(
    price: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    is_call: Any,
    years_to_dividend: Any,
    amount: Any,
) -> tuple[Floats, NDArray[np.object_]]:
    """Volatility at which `escrowed_values` returns `price`; arguments as there.

    :returns: volatilities (options,) and statuses as in `american_implied_volatility`.
    """
    contracts, dividends = _net(spot, strike, years, rate, 1.0, is_call, years_to_dividend, amount)
    target = np.broadcast_to(as_floats(price), contracts.spot.shape)
    with np.errstate(all="ignore"):
        floor = _certain(contracts, dividends)
        status = refusals(target, contracts, floor)
        volatility = np.full(target.shape, np.nan)
        rows = np.flatnonzero(status == 0)

        def price_at(picked: NDArray[np.intp], volatilities: Floats) -> Floats:
            chosen = Contracts(*(array[rows[picked]] for array in contracts))
            cash = CashDividends(*(array[rows[picked]] for array in dividends))
            return lattice_price(chosen._replace(volatility=volatilities), cash)

        volatility[rows] = invert(price_at, target[rows], floor[rows], np.full(rows.shape, np.nan))
        status[rows[np.isnan(volatility[rows])]] = len(STATUSES) - 1
    return volatility, STATUSES[status]


def _net(
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    volatility: Any,
    is_call: Any,
    years_to_dividend: Any,
    amount: Any,
) -> tuple[Contracts, CashDividends]:
    """Contracts on the share less its dividends before expiry, and the dividends without their gaps."""
    arrays = np.broadcast_arrays(*map(as_floats, (spot, strike, years, rate, volatility)), as_calls(is_call))
    spots, strikes, ends, rates, volatilities, call = (np.atleast_1d(array) for array in arrays)
    times, amounts = (
        np.broadcast_to(as_floats(array), (len(spots), np.shape(array)[-1]))
        for array in (years_to_dividend, amount)
    )
    due = np.isfinite(times) & np.isfinite(amounts) & (times > 0) & (times < ends[:, None])
    dividends = CashDividends(np.where(due, times, 0.0), np.where(due, amounts, 0.0))
    net = spots - dividends.present_value(rates, np.zeros_like(rates), ends)
    return Contracts(net, strikes, ends, rates, np.zeros_like(rates), volatilities, call), dividends


def _possible(contracts: Contracts) -> NDArray[np.bool_]:
    finite = np.isfinite(np.stack(contracts)).all(axis=0)
    return finite & (contracts.spot > 0) & (contracts.strike > 0)


def _certain(contracts: Contracts, dividends: CashDividends) -> Floats:
    """Value without volatility: exercise now, at expiry, just before an ex-date (call) or after (put)."""
    sign = 2 * contracts.call - 1
    best = np.zeros_like(contracts.spot)
    today = np.zeros_like(contracts.years)
    for time in (today, contracts.years, *dividends.years.T):
        edge = np.where(contracts.call > 0, time * (1 - 1e-12), time)
        left = dividends.present_value(contracts.rate, edge, contracts.years)
        strike = contracts.strike - left
        best = np.maximum(best, sign * (contracts.spot - strike * np.exp(-contracts.rate * time)))
    return best
