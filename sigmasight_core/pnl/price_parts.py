"""P&L of a session by what moved: the underlying, its volatility, time, the rate; trades apart."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.market.corporate_actions import Dividends
from sigmasight_core.options.market import OptionMarket, settlement_days, years_to_expiry
from sigmasight_core.positions.book import Book, Mark, mark, starts_at_entry

POINTS: Final = 100.0
"""Volatility points, or percentage points, in 1."""


@dataclass(frozen=True)
class PriceParts:
    """One element per row of position_values; USD unless said otherwise. NaN where daily_pnl is."""

    codes: Ints
    """Position of the underlying in the names of the market."""
    base_day: Ints
    """Day number of the close that the P&L starts from."""
    last_day: Ints
    """Day number of the close that it ends at."""
    moved: Bools
    """The P&L, or some of it, is from close to close."""
    unpriced_exit: Bools
    """Exited without a price at the close: the whole P&L is trading P&L."""
    no_volatility: Bools
    """Priced by quotes, without a volatility at one of the closes: it has no vega P&L, or only a residual."""
    base_exposure: Floats
    """Delta exposure at the first close; 0 where not `moved`."""
    log_return: Floats
    """Of the underlying with its dividends; 0 where not `moved`."""
    trading: Floats
    dividend: Floats
    """NaN too where the amount is not known."""
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats
    residual: Floats


def price_parts(
    rows: pd.DataFrame,
    *,
    closed: Bools,
    price: Floats,
    daily_pnl: Floats,
    previous: Ints,
    market: OptionMarket,
    dividends: Dividends,
) -> PriceParts:
    """Taylor terms of every row's daily_pnl, from the Greeks of the close that it starts from.

    That close is the previous session's, or the last one carried forward to it. On the entry session the
    whole P&L is trading P&L, as is what lies between the close and the exit price on the exit. Volatility
    and rate are those of the contract at the two closes, whatever their source; at settlement they count as
    unchanged: the value no longer depends on them.

    :param rows: rows of position_values with their ledger columns (`greeks.with_ledger`).
    :param closed: exited on the session. :param price: USD per share, the exit price where closed.
    :param previous: day number of the session before each row's.
    """
    day = day_numbers(rows["date"])
    settlement = settlement_days(rows["expiry_date"], int(day.max(initial=0)))
    book = Book.of(
        rows, day=day, settlement_day=settlement, market=market.market, contracts=market.quotes.contracts
    )
    before, today = mark(market, book, previous), mark(market, book, day)
    start, end = before.inputs, today.inputs
    unpriced_exit = closed & (np.isnan(today.price) | (today.made_on < day))
    known = np.isfinite(daily_pnl)
    held_before = known & ~starts_at_entry(book, before, previous)
    moved, unmoved = held_before & ~unpriced_exit, np.where(known, 0.0, np.nan)
    size = np.where(moved, book.quantity * book.multiplier, 0.0)
    trading = np.where(moved, np.where(closed, size * (price - today.price), 0.0), daily_pnl) + 0.0

    delta, gamma, theta, vega, rho = _greeks(book, before, moved)
    spot, change = start.underlying.price, end.underlying.price - start.underlying.price
    paid = dividends.paid(book.codes, after=before.made_on, until=end.underlying.made_on, unit=day)
    between_closes = daily_pnl - trading
    option = book.is_option
    volatility, rate = _changes(book, before, today)
    parts = {
        "delta": np.where(option, delta * change, 0.0) * size,
        "gamma": 0.5 * gamma * change**2 * size,
        "vega": POINTS * vega * volatility * size,
        "theta": theta * _days_passed(book, before.made_on) * size,
        "rho": POINTS * rho * rate * size,
    }
    parts = {name: np.where(moved, values + 0.0, unmoved) for name, values in parts.items()}
    residual = np.where(option, between_closes - sum(map(np.nan_to_num, parts.values())), 0.0)
    parts["delta"] = np.where(option, parts["delta"], between_closes)
    total_return = (end.underlying.price + np.nan_to_num(paid)) / np.where(moved, spot, 1.0)
    return PriceParts(
        codes=book.codes,
        base_day=before.made_on,
        last_day=end.underlying.made_on,
        moved=moved,
        unpriced_exit=unpriced_exit & held_before,
        no_volatility=moved & np.isnan(parts["vega"]),
        base_exposure=np.where(moved, delta * size * spot, 0.0),
        log_return=np.log(np.where(moved, total_return, 1.0)),
        trading=trading,
        dividend=np.where(moved, 0.0 - delta * size * paid, unmoved),
        residual=np.where(moved, residual, unmoved),
        **parts,
    )


def _greeks(book: Book, before: Mark, moved: Bools) -> list[Floats]:
    """Delta, gamma, theta, vega and rho per share at the first close; 1 and zeros if linear."""
    values = [np.full(book.day.shape, unit) for unit in (1.0, 0.0, 0.0, 0.0, 0.0)]
    options = book.is_option & moved
    for column, greek in zip(values, book.greeks(before.inputs, before.made_on, options), strict=True):
        column[options] = greek
    return values


def _changes(book: Book, before: Mark, today: Mark) -> tuple[Floats, Floats]:
    """Changes of the volatility and of the rate that the contract is priced with."""
    still, start, end = ~book.is_option | book.at_settlement(book.day), before.inputs, today.inputs
    volatility, rate = end.volatility - start.volatility, end.rates.rate - start.rates.rate
    return np.where(still, 0.0, volatility), np.where(still, 0.0, rate)


def _days_passed(book: Book, since: Ints) -> Floats:
    """Calendar days of option time between the two closes."""
    left = [
        years_to_expiry(expiry=book.expiry_day, at=at, settlement=book.settlement_day)
        for at in (since, book.day)
    ]
    return np.where(book.is_option, (left[0] - left[1]) * DAYS_PER_YEAR, 0.0)
