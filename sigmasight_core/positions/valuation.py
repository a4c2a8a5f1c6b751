"""Positions at the close of each date: what is held, at which price, and its profit and loss.

Signs: quantities and exposures are negative for shorts, prices and market values never. All amounts are in
USD, in units of the row's date: quantities, entry prices and strikes are restated for splits since entry.
"""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import FAR_DAY, LastKnown, codes_of, day_numbers, text_column
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.errors import InputError
from sigmasight_core.market.action_coverage import reasons
from sigmasight_core.market.plausibility.standing import DOUBTFUL
from sigmasight_core.options.market import (
    Market,
    OptionMarket,
    OptionTables,
)
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.quotes import PRICE_SOURCES
from sigmasight_core.positions.book import Book, Mark, mark, starts_at_entry
from sigmasight_core.positions.held import CLOSED, EXPIRED, NOTE, held_positions
from sigmasight_core.positions.status import value_status

_LEAST_BASE: Final = 0.005
"""Below half a cent a position's previous value is no base for a return."""


def position_values(
    *,
    dates: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    positions: pd.DataFrame,
    prices: pd.DataFrame,
    option_tables: OptionTables,
    corporate_actions: pd.DataFrame,
    securities: pd.DataFrame,
    parameters: OptionParameters,
    max_price_age_days: int,
) -> pd.DataFrame:
    """Value and P&L of every position shown on every date (see `held_positions`), in one call.

    Prices: linear positions at the close; options at their quote of the session of the underlying's close
    (`price_source` 'quote mid' or 'quote last'), without one at their model price by exercise style
    ('model', see `options.pricing`) of the inputs of `position_greeks`, at settlement at their intrinsic
    value ('intrinsic'), once exited at the exit price ('exit'). A missing close is carried forward for at
    most `max_price_age_days` calendar days, an option's with its price of that session. A contract that a
    split adjusted since entry has no quote from then on: the one of its symbol is another contract.

    P&L: `daily_pnl = quantity x multiplier x (price - previous price)` with the previous close restated for
    splits, or the entry price on the entry session (and as long as there was no close since entry). A
    carried-forward price has none: NULL, and the next real price's P&L covers the whole move. At exit and
    expiry the whole P&L since entry moves from `unrealized_pnl` (then 0) to `realized_pnl`. It is price
    P&L: dividends are not in it. An option whose underlying has no close on the settlement session is
    settled at the last one, as no later price can correct it; its status says so.

    NaN policy: what has no price is NULL with a status that says why; `weight` is of the gross exposure of
    the priced positions, 0 for a closed position.

    :param dates: sessions to value; all must be in `sessions`, and not the first of them.
    :param sessions: every session from before the first date to the last one.
    :param positions: `tables.Positions` rows, of any number of portfolios.
    :param prices: `tables.DailyPrices` rows of the underlyings, from max_price_age_days before the session
        before the first date.
    :param option_tables: rows of the same sessions.
    :param corporate_actions: `tables.CorporateActions` rows since the first entry date.
    :param securities: `tables.SecurityMaster` rows; the last one on or before a date gives the sector.
    :returns: rows in the shape of `tables.PositionValues`, ordered by key.
    :raises InputError: if a date is not a session with one before it.
    """
    held = held_positions(positions, dates)
    names = pd.Index(positions["underlying"].unique())
    market = Market.of(
        names, prices=prices, corporate_actions=corporate_actions, max_price_age_days=max_price_age_days
    )
    option_market = OptionMarket.of(market, option_tables, parameters)
    contracts, settlement = option_market.quotes.contracts, day_numbers(held["settlement_date"])
    book = Book.of(
        held, day=day_numbers(held["date"]), settlement_day=settlement, market=market, contracts=contracts
    )
    previous = previous_sessions(book.day, dates, sessions)
    today, before = mark(option_market, book, book.day), mark(option_market, book, previous)
    closed, expired = (held["state"] == CLOSED).to_numpy(), (held["state"] == EXPIRED).to_numpy()
    amounts = _amounts(
        book, held["exit_price"].to_numpy(dtype=float), today, before, previous, closed, expired
    )
    values = held[["date", "portfolio", "position_id", "symbol", "underlying", "position_type"]].assign(
        quantity=np.where(closed, 0.0, book.quantity),
        multiplier=held["multiplier"],
        price=amounts["price"],
        price_source=_price_source(book, prices, today, closed),
        price_age_days=_price_age(book, today, amounts["price"], closed),
        market_value=amounts["exposure"].abs(),
        **amounts.drop(columns="price"),
        weight=_weights(held, amounts["exposure"].to_numpy()),
        sector=_sectors(names, book, securities),
        tags=held["tags"],
    )
    unknown = reasons(
        names=names, corporate_actions=corporate_actions, codes=book.codes, entry=book.entry_day, day=book.day
    )
    doubtful = _doubtful_closes(names, book, prices)
    states = held[["state", NOTE]] if NOTE in held else held[["state"]].assign(**{NOTE: ""})
    status = value_status(values, states, book, today, max_price_age_days, unknown, doubtful)
    return values.assign(status=status)


def _amounts(
    book: Book,
    exit_price: Floats,
    today: Mark,
    before: Mark,
    previous: Ints,
    closed: Bools,
    expired: Bools,
) -> pd.DataFrame:
    """Price, exposure and P&L columns."""
    base_price = np.where(starts_at_entry(book, before, previous), book.entry_price, before.price)
    price = np.where(closed, exit_price, today.price)
    stale = ~closed & ~expired & (today.made_on < book.day)
    size = book.quantity * book.multiplier
    exposure, cost, base = size * price, size * book.entry_price, np.abs(size * base_price)
    pnl, ended = exposure - cost, closed | expired
    daily = np.where(stale, np.nan, size * (price - base_price))
    return pd.DataFrame(
        {
            "price": price,
            "exposure": np.where(closed, 0.0, exposure),
            "cost_basis": np.where(closed, 0.0, cost),
            "unrealized_pnl": np.where(ended, np.where(closed | ~np.isnan(pnl), 0.0, np.nan), pnl),
            "realized_pnl": np.where(ended, pnl, 0.0),
            "daily_pnl": daily,
            "daily_return": np.divide(
                daily, base, out=np.full(base.shape, np.nan), where=base >= _LEAST_BASE
            ),
        }
    )


def previous_sessions(day: Ints, dates: pd.DatetimeIndex, sessions: pd.DatetimeIndex) -> Ints:
    """Day number of the session before each `day`, all of them days of `dates`.

    :raises InputError: if a date is not a session with one before it.
    """
    known = np.unique(day_numbers(sessions))
    outside = ~np.isin(day_numbers(dates), known[1:])
    if outside.any():
        first = dates[outside][0]
        raise InputError(
            f"{first:%Y-%m-%d} is not among the sessions with one before it; load earlier sessions"
        )
    return known[np.searchsorted(known, day) - 1] if day.size else day


def _price_source(
    book: Book, prices: pd.DataFrame, today: Mark, closed: Bools
) -> "pd.api.extensions.ExtensionArray":
    codes, sources = pd.factorize(prices["source"])
    none = len(sources)
    source = np.full(book.day.shape, none)
    priced = ~np.isnan(today.price)
    linear = priced & ~book.is_option
    source[linear] = codes[today.row[linear]]
    source[priced & book.is_option] = none + 1
    quoted = priced & (today.quote_source > 0)
    source[quoted] = none + 3 + today.quote_source[quoted]
    source[priced & book.at_settlement(book.day)] = none + 2
    source[closed] = none + 3
    return text_column((*sources, "none", "model", "intrinsic", "exit", *PRICE_SOURCES[1:]), source)


def _price_age(book: Book, today: Mark, price: "pd.Series[float]", closed: Bools) -> pd.Series:
    age = pd.Series(np.where(closed, 0, book.day - today.made_on), dtype="Int64")
    return age.mask(price.isna())


def _doubtful_closes(names: pd.Index, book: Book, prices: pd.DataFrame) -> Bools:
    """Rows of whose own session the close is kept out, because it is in doubt; none without statuses."""
    status = prices.get("status", pd.Series("", index=prices.index, dtype="str"))
    said = prices[(prices["close"].isna() & status.str.startswith(DOUBTFUL)).to_numpy(dtype=bool)]
    span = np.int64(FAR_DAY)
    known = codes_of(names, said["symbol"]) * span + day_numbers(said["date"])
    return np.isin(book.codes * span + book.day, known)


def _weights(held: pd.DataFrame, exposure: Floats) -> Floats:
    priced = pd.Series(np.abs(exposure))
    gross = priced.groupby([held["date"], held["portfolio"]]).transform("sum").to_numpy()
    flat = np.where(np.isnan(exposure), np.nan, 0.0)
    return np.divide(exposure, gross, out=flat, where=gross > 0)


def _sectors(names: pd.Index, book: Book, securities: pd.DataFrame) -> "pd.api.extensions.ExtensionArray":
    known = LastKnown.of(codes_of(names, securities["symbol"]), day_numbers(securities["date"]))
    codes, sectors = pd.factorize(securities["sector"])
    row = known.find(book.codes, book.day)
    return text_column((*sectors, "unclassified"), np.append(codes, len(sectors))[row])
