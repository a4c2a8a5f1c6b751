"""The status of a position's value: ok, or in words why a value is NULL or not of today."""

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import iso_dates
from sigmasight_core.arrays.types import Bools, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.options.quotes import DOUBTS
from sigmasight_core.positions.book import Book, Mark
from sigmasight_core.positions.held import CLOSED, EXPIRED, NOTE


def no_volatility(underlyings: Texts) -> Texts:
    """Status of options whose underlying has a price, and nothing a volatility."""
    return "no volatility: " + underlyings + " has none for the session of its last price"


def value_status(
    values: pd.DataFrame,
    states: pd.DataFrame,
    book: Book,
    today: Mark,
    max_price_age_days: int,
    unknown_actions: tuple[Bools, Texts],
    doubtful: Bools,
) -> "pd.api.extensions.ExtensionArray":
    """One status per row of position_values (without its status); where several reasons hold, the gravest.

    :param states: `state` and `held.NOTE` of each row.
    :param unknown_actions: from `action_coverage.reasons`.
    :param doubtful: rows on whose own session the close is in doubt, and so is not used.
    """
    status: Texts = np.full(len(values), OK, dtype=object)
    names = values["underlying"].to_numpy(dtype=object)
    state, notes = states["state"], states[NOTE].to_numpy(dtype=object)
    closed, expired = (state == CLOSED).to_numpy(), (state == EXPIRED).to_numpy()
    no_pnl = values["daily_pnl"].isna().to_numpy()
    unpriced = values["price"].isna().to_numpy()
    old = (today.made_on >= 0) & (today.made_on < book.day)

    def say(rows: Bools, before: str, dates: bool = False, after: str = "") -> None:
        middle = iso_dates(today.made_on[rows]) if dates else ""
        status[rows] = before + middle + after

    def say_name(rows: Bools, before: str, after: str) -> None:
        status[rows] = before + names[rows] + after

    doubted = today.inputs.quote_doubt > 0  # also where the quote is so bad that the model gives the price
    status[doubted] = np.array(DOUBTS, dtype=object)[today.inputs.quote_doubt[doubted]]
    no_return = values["daily_return"].isna().to_numpy()
    say(no_return, "no daily return: worth less than half a cent at the previous close")
    say_name(
        no_pnl, "no previous price: ", f" has none within {max_price_age_days} days of the previous session"
    )
    say(old, "stale: last price ", dates=True)
    say(expired, EXPIRED)
    say(expired & no_pnl, "expired: no price at the previous session, so no daily P&L")
    say(expired & old, "expired: settled at the close of ", dates=True)
    status[unpriced] = no_volatility(names[unpriced])
    say_name(unpriced & (today.made_on < 0), "no price: ", f" has none within {max_price_age_days} days")
    unused = doubtful & (old | unpriced) & ~expired
    status[unused] += "; the close of " + iso_dates(book.day[unused]) + " is doubtful"
    say(closed, CLOSED)
    say(closed & no_pnl, "closed: no price at the previous session, so no daily P&L")
    noted = (closed | expired) & (notes != "")
    status[noted] += ": " + notes[noted]
    say_name(np.isnan(book.quantity), "no split ratio: ", " has a split since entry whose ratio is not known")
    status[unknown_actions[0]] = unknown_actions[1]
    return pd.array(status, dtype="str")
