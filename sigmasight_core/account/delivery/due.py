"""Options that reach their last session without an exit: which of them turn into shares, at what strike."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.as_of import codes_of, day_numbers, timestamps
from sigmasight_core.arrays.types import Bools
from sigmasight_core.options.exercise import is_settled_in_cash
from sigmasight_core.options.market import Market
from sigmasight_core.positions.book import Book
from sigmasight_core.positions.held import is_option
from sigmasight_core.positions.settlement import ends

PHYSICAL: Final = "physical"
"""What `portfolios.settlement` says of portfolios whose options turn into shares."""
_LEAST: Final = 1e-9
"""Share of the strike by which an option is in the money: at the strike it is not."""


def settled_options(
    *, positions: pd.DataFrame, portfolios: pd.DataFrame, until: pd.Timestamp
) -> pd.DataFrame:
    """Options of portfolios with physical settlement whose last session is not after `until`.

    :param positions: rows of `tables.Positions`. :param portfolios: rows of `tables.Portfolios`.
    :returns: their rows with `settled_on`, their last session, and `delivered_on`, the session after it.
    """
    physical = portfolios.loc[portfolios["settlement"] == PHYSICAL, "portfolio"]
    mine = positions[positions["portfolio"].isin(physical).to_numpy() & is_option(positions)]
    last, _, expires = ends(mine, until)
    rows, day = mine[expires], last[expires]
    return rows.assign(settled_on=timestamps(day), delivered_on=calendar.next_sessions(timestamps(day + 1)))


def due(*, options: pd.DataFrame, prices: pd.DataFrame, corporate_actions: pd.DataFrame) -> pd.DataFrame:
    """What the options deliver.

    An option in the money by the close of its last session turns into the shares of its contract at the
    strike. One at the strike or out of it ends worthless. Cash at the intrinsic value as ever, with a `note`
    that says why: of an index option, of a contract that a distribution adjusted (what it delivers is not
    known), and where there is no close of the last session itself.

    :param options: of `settled_options`. :param prices: `tables.DailyPrices` rows of their last sessions.
    :param corporate_actions: `tables.CorporateActions` rows since the first entry.
    :returns: the rows with `shares` (signed: positive = received, 0 = none) and `at_strike` (USD per share),
        both in shares of `delivered_on`, and `note` ('' = delivered, or worthless).
    """
    market = Market.of(
        pd.Index(options["underlying"].unique()),
        prices=prices,
        corporate_actions=corporate_actions,
        max_price_age_days=0,
    )
    last, after = day_numbers(options["settled_on"]), day_numbers(options["delivered_on"])
    book = Book.of(options, day=after, settlement_day=last, market=market)
    close = market.close(book.codes, at=last, unit=after).price
    side = np.where(book.is_call, 1.0, -1.0)
    in_the_money = side * (close - book.strike) > _LEAST * book.strike
    index = is_settled_in_cash(options["symbol"])
    adjusted = _adjusted(options, corporate_actions)
    delivers = in_the_money & ~index & ~adjusted & ~np.isnan(book.quantity)
    note = np.full(len(options), "", dtype=object)
    note[np.isnan(close)] = "settled in cash: no close of its last session"
    note[adjusted] = "settled in cash: a distribution adjusted the contract"
    note[index] = "settled in cash: an index option"
    return options.assign(
        shares=np.where(delivers, side * book.quantity * book.multiplier, 0.0),
        at_strike=book.strike,
        note=note,
    )


def _adjusted(options: pd.DataFrame, corporate_actions: pd.DataFrame) -> Bools:
    """Whether a spin-off or stock dividend between entry and delivery changed what the contract delivers."""
    paid = corporate_actions.loc[corporate_actions["kind"] == "distribution", ["date", "symbol"]]
    symbols = pd.Index(options["underlying"].unique())
    terms = pd.DataFrame(
        {
            "row": np.arange(len(options)),
            "code": codes_of(symbols, options["underlying"]),
            "entry": options["entry_date"].to_numpy(),
            "end": options["delivered_on"].to_numpy(),
        }
    )
    found = terms.merge(paid.assign(code=codes_of(symbols, paid["symbol"])), on="code")
    within = (found["date"] > found["entry"]) & (found["date"] <= found["end"])
    return np.isin(terms["row"], found.loc[within, "row"])
