"""P&L of positions that have ended: what later snapshots add to the P&L of the positions still held."""

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.as_of import FAR_DAY, day_numbers, timestamps
from sigmasight_core.arrays.types import Bools, Ints
from sigmasight_core.conventions import OK
from sigmasight_core.options.black_scholes import intrinsic_value
from sigmasight_core.options.market import Market, settlement_days
from sigmasight_core.positions.book import Book


def settlement_price_dates(
    positions: pd.DataFrame, until: pd.Timestamp, max_price_age_days: int
) -> pd.DatetimeIndex:
    """Sessions whose `daily_prices` `settled_pnl` needs: settlements up to `until`, and the days before each.

    Load the prices of the options' underlyings on just these sessions; empty where no option has settled.
    """
    last, _, expires = ends(positions, until)
    if not expires.any():
        return pd.DatetimeIndex([], dtype="datetime64[ns]")
    wanted = np.unique(last[expires][:, None] - np.arange(max_price_age_days + 1))
    sessions = calendar.sessions(*timestamps(wanted[[0, -1]]))
    return sessions[np.isin(day_numbers(sessions), wanted)]


def settled_pnl(
    *,
    positions: pd.DataFrame,
    prices: pd.DataFrame,
    corporate_actions: pd.DataFrame,
    until: pd.Timestamp,
    max_price_age_days: int,
) -> pd.DataFrame:
    """Whole P&L, from entry to end, of every position that was exited or settled up to `until`, inclusive.

    Exits at the exit price; options at their intrinsic value over the underlying's last close on or before
    the settlement session. Equal to `realized_pnl` of `position_values` on the day of the end.

    :param positions: `tables.Positions` rows.
    :param prices: `tables.DailyPrices` rows of at least the sessions of `settlement_price_dates`.
    :param corporate_actions: `tables.CorporateActions` rows since the first entry date.
    :returns: `portfolio`, `position_id`, `underlying`, `date` (of the end), `pnl` (USD; NaN = no price or
        split ratio) and `status` (ok, or why the P&L is NaN), ordered by date, portfolio and position_id.
    """
    last, exits, expires = ends(positions, until)
    ended = exits | expires
    rows = positions[ended]
    market = Market.of(
        pd.Index(rows["underlying"].unique()),
        prices=prices,
        corporate_actions=corporate_actions,
        max_price_age_days=max_price_age_days,
    )
    book = Book.of(rows, day=last[ended], settlement_day=last[ended], market=market)
    close = market.close(book.codes, at=book.day, unit=book.day).price
    settlement = intrinsic_value(close, book.strike, book.is_call)
    price = np.where(exits[ended], rows["exit_price"].to_numpy(dtype=float), settlement)
    pnl = book.quantity * book.multiplier * (price - book.entry_price)
    status = np.where(np.isnan(pnl), "no settlement price or split ratio: " + rows["underlying"], OK)
    settled = rows[["portfolio", "position_id", "underlying"]].assign(
        date=timestamps(last[ended]), pnl=pnl, status=pd.array(status, dtype="str")
    )
    return settled.sort_values(["date", "portfolio", "position_id"], ignore_index=True)


def ends(positions: pd.DataFrame, until: pd.Timestamp) -> tuple[Ints, Bools, Bools]:
    """Day number of each position's end, and which have been exited or have settled up to `until`."""
    limit = int(day_numbers([until])[0])
    exit_day = day_numbers(positions["exit_date"])
    settlement = settlement_days(positions["expiry_date"], limit)
    exits = exit_day != FAR_DAY
    last = np.where(exits, exit_day, settlement)
    done = last <= limit
    return last, done & exits, done & ~exits
