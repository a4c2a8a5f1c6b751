"""Greeks of every held position, per share and for the position."""

from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers, text_column
from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError
from sigmasight_core.options.exercise import AMERICAN, EUROPEAN, early_exercise_likely
from sigmasight_core.options.market import (
    Market,
    OptionInputs,
    OptionMarket,
    OptionTables,
    settlement_days,
)
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.quotes import VOLATILITY_SOURCES
from sigmasight_core.positions.book import Book
from sigmasight_core.positions.held import entered_quantity
from sigmasight_core.positions.status import no_volatility

LIKELY = "likely"
GREEKS = ("delta", "gamma", "theta", "vega", "rho")
_KEY = ["portfolio", "position_id"]
_LEDGER = ["quantity", "entry_price", "entry_date", "expiry_date", "strike"]


def position_greeks(
    *,
    position_values: pd.DataFrame,
    positions: pd.DataFrame,
    prices: pd.DataFrame,
    option_tables: OptionTables,
    corporate_actions: pd.DataFrame,
    parameters: OptionParameters,
    max_price_age_days: int,
) -> pd.DataFrame:
    """Greeks by exercise style (see `options.pricing`) of every row of `position_values` that is not closed.

    Inputs are of the session of the underlying's last close: that close; the volatility that the contract's
    quote implies, or its neighbours in the chain (`implied_vol_source` 'quote', 'chain_neighbour'), else the
    underlying's realized volatility ('realized': also of a contract that a split adjusted since entry); the
    Treasury yield at the expiry, else the settings' rate; the dividend yield. Time runs from the row's date,
    also where the close was carried forward.

    `early_exercise` is 'likely' for an American call in the money whose price is above the intrinsic value by
    less than the next dividend, expected before its expiry. Nothing is computed from that.

    Linear positions: delta 1, the other Greeks 0, option columns NULL, status 'linear'. At settlement the
    intrinsic convention: delta 0 or +-1, the other Greeks 0, 0 days, status 'expired'.

    Units per share: theta per calendar day, vega per volatility point, rho per percentage point; position
    Greeks are those x quantity x multiplier, so that a short option's are negated.

    NaN policy: where there is no price, all Greeks of an option (and the delta_exposure of a linear position)
    are NULL, with the status of the position's value; where a quote gives the price and nothing the
    volatility, the status says so.

    :param position_values: `tables.PositionValues` rows; the other frames as in `valuation.position_values`
        (prices and option tables of the rows' dates and max_price_age_days before are enough).
    :returns: rows in the shape of `tables.PositionGreeks`, in the order of `position_values`.
    :raises InputError: if a row's position is not in `positions`.
    """
    held = position_values[(position_values["quantity"] != 0).to_numpy()]
    rows = with_ledger(held=held, positions=positions)
    names = pd.Index(positions["underlying"].unique())
    market = Market.of(
        names, prices=prices, corporate_actions=corporate_actions, max_price_age_days=max_price_age_days
    )
    day = day_numbers(rows["date"])
    settlement = settlement_days(rows["expiry_date"], int(day.max(initial=0)))
    option_market = OptionMarket.of(market, option_tables, parameters)
    book = Book.of(
        rows, day=day, settlement_day=settlement, market=market, contracts=option_market.quotes.contracts
    )
    inputs = book.inputs(option_market, day)
    expired = book.at_settlement(day)
    greeks = _per_share(book, inputs)
    size = book.quantity * book.multiplier
    scaled = {f"position_{name}": values * size for name, values in greeks.items()}
    return rows[["date", *_KEY]].assign(
        underlying_price=inputs.underlying.price,
        **_option_columns(book, inputs, expired, option_market),
        exercise_style=text_column(
            ("linear", EUROPEAN, AMERICAN), np.where(book.is_option, 1 + book.is_american, 0)
        ),
        early_exercise=_early_exercise(book, inputs, held["price"].to_numpy(dtype=float), expired),
        **greeks,
        **scaled,
        delta_exposure=scaled["position_delta"] * inputs.underlying.price,
        status=_status(rows, book, inputs, greeks["delta"], expired),
    )


def with_ledger(*, held: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """Rows of position_values with their position's ledger columns, in the same order.

    :raises InputError: for a position that is not in the ledger.
    """
    values = held[["date", *_KEY, "symbol", "underlying", "position_type", "multiplier", "status"]]
    rows = values.merge(positions[[*_KEY, *_LEDGER]], on=_KEY, how="left", validate="many_to_one")
    closed = (held["quantity"] == 0).to_numpy()
    orphans = rows["entry_date"].isna().to_numpy()
    if orphans.any():
        first = rows.loc[orphans, _KEY].iloc[0]
        raise InputError(
            f"position {first['position_id']} of portfolio {first['portfolio']} has a value but is not in "
            "the ledger; compute position_values again"
        )
    held_quantity = entered_quantity(rows.assign(closed=closed), positions=positions)
    return rows.assign(quantity=held_quantity)


def _per_share(book: Book, inputs: OptionInputs) -> dict[str, np.ndarray]:
    values = {name: np.zeros(book.day.shape) for name in GREEKS}
    values["delta"] += 1.0
    for name, greek in zip(GREEKS, book.greeks(inputs, book.day, book.is_option), strict=True):
        values[name][book.is_option] = greek
    return values


def _option_columns(book: Book, inputs: OptionInputs, expired: Bools, market: OptionMarket) -> dict[str, Any]:
    options = book.is_option
    days = pd.Series(np.where(expired | ~options, 0, book.expiry_day - book.day), dtype="Int64")
    kind = np.where(options, 1, 0)
    return {
        "strike": book.strike,
        "days_to_expiry": days.mask(~options),
        "implied_volatility": np.where(options, inputs.volatility, np.nan),
        "implied_vol_source": text_column(
            ("linear", *VOLATILITY_SOURCES), kind * (1 + inputs.volatility_source)
        ),
        "risk_free_rate": np.where(options, inputs.rates.rate, np.nan),
        "risk_free_rate_source": market.risk_free.sources(inputs.rates, inputs.rated_on, options, "linear"),
        "dividend_yield": np.where(options, inputs.dividends.dividend_yield, np.nan),
        "dividend_yield_source": market.dividends.source_texts(inputs.dividends, options, "linear"),
    }


def _early_exercise(book: Book, inputs: OptionInputs, price: Floats, expired: Bools) -> Any:
    """Whether a dividend before expiry is likely to have the option exercised."""
    dividends, spot = inputs.dividends, inputs.underlying.price
    could = book.is_option & book.is_american & book.is_call & ~expired
    due = np.where(dividends.ex_day <= book.expiry_day, dividends.amount, 0.0)
    likely = could & early_exercise_likely(spot, book.strike, price, due, book.is_call)
    unknown = could & np.isnan(price + spot + book.strike + dividends.amount)
    code = np.select([~book.is_option, likely, unknown], [0, 1, 3], 2)
    return text_column(("linear", LIKELY, "not expected", "not known"), code)


def _status(
    rows: pd.DataFrame, book: Book, inputs: OptionInputs, delta: np.ndarray, expired: Bools
) -> "pd.api.extensions.ExtensionArray":
    """The value's own status where there is no price or the close is old; else what the row is."""
    what = np.where(book.is_option, np.where(expired, "expired", OK), "linear").astype(object)
    missing = np.isnan(delta) | np.isnan(inputs.underlying.price) | np.isnan(book.quantity)
    old = book.is_option & ~expired & (inputs.underlying.made_on < book.day)
    status = np.where(missing | old, rows["status"].to_numpy(dtype=object), what)
    bare = missing & book.is_option & ~np.isnan(inputs.underlying.price) & ~np.isnan(book.quantity)
    status[bare] = no_volatility(rows["underlying"].to_numpy(dtype=object)[bare])
    return pd.array(status, dtype="str")
