"""Prices and implied volatilities of option contracts from the quotes of a session."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, take, text_column
from sigmasight_core.arrays.found import found_in
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.options.black_scholes import intrinsic_value
from sigmasight_core.options.cash_dividends import affordable, implied_volatility, option_price
from sigmasight_core.options.chain_doubts import crossed_strikes, far_from_its_chain
from sigmasight_core.options.dividend_yields import DividendLookup
from sigmasight_core.options.exercise import AMERICAN, exercise_style
from sigmasight_core.options.implied_volatility import quote_price
from sigmasight_core.options.market import settlement_days, years_to_expiry
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.quotes import (
    CHAIN_NEIGHBOUR,
    DOUBTS,
    FAR,
    NONE,
    OLD_TRADE,
    PRICE_SOURCES,
    QUOTE,
    QUOTE_LAST,
    QUOTE_MID,
    WIDE_USD,
)

NO_QUOTE: Final = "no quote of the contract"
UNIDENTIFIED: Final = "the price says too little of the volatility: its own error is a point or more of it"
_POINT: Final = 0.01
_ROUNDING_USD: Final = 0.005
_OF_SPREAD: Final = 0.1
_OF_TRADE: Final = 0.001
_OF_YIELD: Final = 0.003
"""The error of a price: half a cent, a tenth of the quote's spread, a thousandth of a trade; of an American
price, by which a yield misses dividends in cash (docs/options.md)."""
_MID: Final = PRICE_SOURCES.index(QUOTE_MID)
_LAST: Final = PRICE_SOURCES.index(QUOTE_LAST)
_OFF: Final = 2.0
"""By which factor a last trade alone may differ from what its chain implies."""
_AT_THE_END: Final = 1.25
"""By which factor the volatility may go on changing beyond the last strike of a chain."""

_Inputs = tuple[Floats, Floats, Floats, Floats, Floats]
"""Spot, strike, years, rate and dividend yield."""
_Cash = tuple[Floats, Floats, Floats]
"""Of `Expected.cash`."""

_STRIKES: Final = 1 << 27
"""More than the largest strike of an OCC symbol, in thousandths of a dollar."""


def option_volatilities(
    *,
    quotes: pd.DataFrame,
    prices: pd.DataFrame,
    yields: pd.DataFrame,
    dividends: pd.DataFrame,
    parameters: OptionParameters,
) -> pd.DataFrame:
    """Price, implied volatility and its inputs of every quote.

    The price is the quote's mid where both sides are positive and not crossed, else its last trade unless
    the ask is lower, else, with an ask alone, halfway between the contract's least value and the ask. Its
    volatility is that of its exercise style (`pricing.implied_volatility`) from the underlying's close of the
    session, the Treasury yield at the expiry (`risk_free`) and the dividend yield. The least value is what
    exercise pays, of European contracts the discounted intrinsic value.

    A price without a bid, one of a wide quote (`quotes.WIDE_USD`) and one whose ask is below the least value
    imply none, and one whose volatility the strikes beside it contradict (`chain_doubts`) counts for none:
    the status says so. A price without a bid and with such an ask is no price either. A contract whose price
    implies none (below the least value, above the bound, no price at all) keeps its price and takes the
    volatility of its neighbours, calls or puts of the same underlying and expiry with one of their own:
    linear in strike between the nearest on each side, the nearest where there is one side only, its own
    strike where the other type has it. A call and a put of one strike count with their mean.

    NaN policy: what is not known is NULL, with a status that says why; from the settlement session on
    (the last one up to the expiry) there is no volatility.

    :param quotes: `tables.OptionQuotes` rows of any number of sessions.
    :param prices: `tables.DailyPrices` rows of the underlyings on the same sessions; only closes of the
        session itself count.
    :param yields: `tables.TreasuryYields` rows, from `risk_free.MAX_YIELD_AGE_DAYS` before.
    :param dividends: `tables.DividendYields` rows of the same sessions.
    :returns: rows in the shape of `tables.OptionVolatilities`, in the order of `quotes`.
    """
    names = pd.Index(quotes["underlying"].unique())
    codes, day = codes_of(names, quotes["underlying"]), day_numbers(quotes["date"])
    terms = parse_occ(quotes["contract"])
    expiry, strike = day_numbers(terms["expiry_date"]), terms["strike"].to_numpy(dtype=float)
    years = years_to_expiry(
        expiry=expiry, at=day, settlement=settlement_days(terms["expiry_date"], int(day.max(initial=0)))
    )
    spot = _closes(prices, names, codes, day)
    risk_free = parameters.rates(yields)
    rates, lookup = risk_free.at(day, expiry), DividendLookup.of(names, dividends, parameters)
    expected = affordable(lookup.at(codes, day), spot, expiry, day, rates.rate)
    cash, style = expected.cash(day), exercise_style(terms["root"])
    is_call = terms["is_call"].fillna(value=False).to_numpy(dtype=bool)
    inputs = (spot, strike, years, rates.rate, expected.dividend_yield)
    price, price_source, doubt = _prices(quotes, _least(inputs, is_call, style == AMERICAN, cash))
    how = (is_call, style == AMERICAN, *cash)
    own, reason = implied_volatility(price, *inputs, *how)
    chain = _chains(codes, day, expiry)
    bid, ask = (
        quotes[name].where(price_source == _MID).to_numpy(float, na_value=np.nan) for name in ("bid", "ask")
    )
    crossed = crossed_strikes(chain, is_call, strike, bid, ask)
    doubt[(doubt == 0) & far_from_its_chain(chain, strike, own, crossed)] = DOUBTS.index(FAR)
    spread = ask - bid
    vague = _unidentified(spread, price, own, inputs, how)
    clear = np.where(vague | (doubt > 0) | (price_source == _LAST), np.nan, own)
    doubt[(doubt == 0) & _old_trades(chain, price, price_source, clear, inputs, how)] = DOUBTS.index(
        OLD_TRADE
    )
    own[vague], reason[vague] = np.nan, UNIDENTIFIED
    doubted = (doubt > 0) & (years > 0)
    own[doubted], reason[doubted] = np.nan, np.array(DOUBTS, dtype=object)[doubt[doubted]]
    near = _neighbours(chain, strike, own)
    given = np.isfinite(near.volatility)
    kind = np.where(np.isfinite(own), 1, np.where(given, 2, 0))
    status = _status(quotes, reason, np.isnan(price) & ~doubted, np.isnan(spot), np.isnan(strike))
    status[given] = CHAIN_NEIGHBOUR + ": " + status[given]
    return quotes[["date", "contract", "underlying"]].assign(
        exercise_style=pd.array(style, dtype="str"),
        price=price,
        price_source=text_column(PRICE_SOURCES, price_source),
        implied_volatility=np.where(given, near.volatility, own),
        implied_vol_source=text_column((NONE, QUOTE, CHAIN_NEIGHBOUR), kind),
        underlying_price=spot,
        risk_free_rate=rates.rate,
        risk_free_rate_source=risk_free.sources(rates, day, np.ones(day.shape, dtype=bool), NONE),
        dividend_yield=expected.dividend_yield,
        dividend_yield_source=lookup.source_texts(expected, np.ones(day.shape, dtype=bool), NONE),
        n_neighbours=near.strikes,
        status=pd.array(status, dtype="str"),
    )


def with_lacking(*, quotes: pd.DataFrame, contracts: pd.DataFrame, source: str) -> pd.DataFrame:
    """The quotes, and a row of NULLs for each contract that a session's chain lacks.

    A chain is what a session has of an underlying and expiry: its quotes may give the contract a volatility.

    :param quotes: `tables.OptionQuotes` rows.
    :param contracts: `symbol`, `underlying` and `expiry_date` of contracts, each once.
    :param source: of the rows of NULLs.
    """
    expiry = parse_occ(quotes["contract"])["expiry_date"]
    chains = quotes[["date", "underlying"]].assign(expiry_date=expiry).drop_duplicates()
    wanted = chains.merge(contracts, on=["underlying", "expiry_date"]).rename(columns={"symbol": "contract"})
    key = ["date", "contract"]
    known = found_in(wanted, quotes, key)
    lacking = wanted.loc[~known, [*key, "underlying"]]
    if lacking.empty:
        return quotes
    rows = lacking.reindex(columns=quotes.columns).astype(quotes.dtypes.drop(["source", "status"]))
    return pd.concat([quotes, rows.assign(source=source, status=NO_QUOTE)], ignore_index=True)


def _least(inputs: _Inputs, is_call: Bools, american: Bools, cash: _Cash) -> Floats:
    """What a contract is worth at least: on exercise, which European ones must wait for."""
    waiting = option_price(*inputs, 0.0, is_call, False, *cash)
    return np.where(american, intrinsic_value(inputs[0], inputs[1], is_call), waiting)


def _prices(quotes: pd.DataFrame, least: Floats) -> tuple[Floats, Ints, Ints]:
    """Price of each quote, its source (place in PRICE_SOURCES) and what is doubtful of it (in DOUBTS)."""
    bid, ask, last = (quotes[name].to_numpy(dtype=float, na_value=np.nan) for name in ("bid", "ask", "last"))
    no_bid = (ask > 0) & ~(bid > 0)
    price, words = quote_price(bid, ask, np.where(no_bid & (last > ask), np.nan, last))
    source = np.where(words == "mid", 1, np.where(words == "last", 2, 0))
    wide = (source == 1) & (ask - bid > np.maximum(WIDE_USD, price))
    alone = no_bid & (source == 0) & (least <= ask)
    price[alone] = 0.5 * (least + ask)[alone]
    contradictory = (ask > 0) & (ask < least) & ((source > 0) | no_bid)
    doubt = np.select([contradictory, wide, alone], [3, 1, 2], 0)
    return price, np.where(alone, 3, source), doubt


def _unidentified(
    spread: Floats, price: Floats, own: Floats, inputs: _Inputs, how: tuple[Floats | Bools, ...]
) -> Bools:
    """Volatilities that the error of their price moves by a point: at a point less the price is as good.

    :param spread: ask less bid where the price is their mid, else NaN.
    """
    error = np.fmax(np.where(np.isnan(spread), _OF_TRADE * price, _OF_SPREAD * spread), _ROUNDING_USD)
    is_american, interval = how[1].astype(bool), how[3]
    by_yield = is_american & (inputs[-1] > 0) & ~(interval > 0)
    error = np.where(by_yield, np.fmax(error, _OF_YIELD * price), error)
    less = option_price(*inputs, np.maximum(own - _POINT, 0.0), *how)
    with np.errstate(invalid="ignore"):
        return np.asarray(price - less < error)


def _old_trades(
    chain: Ints,
    price: Floats,
    price_source: Ints,
    clear: Floats,
    inputs: _Inputs,
    how: tuple[Floats | Bools, ...],
) -> Bools:
    """Last trades alone whose price is far from the one at the volatility of the quotes beside them.

    :param clear: volatilities of quotes with two sides; NaN elsewhere.
    """
    far = np.zeros(price.shape, dtype=bool)
    rows = np.flatnonzero((price_source == _LAST) & (price > 0))
    if not rows.size:
        return far
    near = _neighbours(chain, inputs[1], clear)
    room = np.where(near.strikes[rows] > 1, 1.0, _AT_THE_END)
    terms, other = ([values[rows] for values in arrays] for arrays in (inputs, how))
    low, high = (option_price(*terms, near.volatility[rows] * by, *other) for by in (1 / room, room))
    with np.errstate(invalid="ignore"):
        far[rows] = (price[rows] < low / _OFF) | (price[rows] > high * _OFF)
    return far


def _closes(prices: pd.DataFrame, names: pd.Index, codes: Ints, day: Ints) -> Floats:
    closes = prices["close"].to_numpy(dtype=float)
    known = np.isfinite(closes) & prices["price_date"].isna().to_numpy()
    index = LastKnown.of(codes_of(names, prices["symbol"]), day_numbers(prices["date"]), known)
    return take(closes, index.find(codes, day, max_age=0))


def _chains(codes: Ints, day: Ints, expiry: Ints) -> Ints:
    """Number of each contract's chain: its session, underlying and expiry."""
    keys = pd.DataFrame({"day": day, "underlying": codes, "expiry": expiry})
    numbers = keys.groupby(["day", "underlying", "expiry"]).ngroup().to_numpy()
    return np.asarray(numbers, dtype=np.int64)


class _Neighbours(NamedTuple):
    """Elementwise; NaN and 0 where a contract needs none or has none."""

    volatility: Floats
    strikes: Ints
    """How many strikes the volatility comes from."""


def _neighbours(chain: Ints, strike: Floats, own: Floats) -> _Neighbours:
    """Volatilities between the nearest strikes of the chain, for contracts without one of their own."""
    volatility, count = np.full(own.shape, np.nan), np.zeros(own.shape, dtype=np.int64)
    place = chain * _STRIKES + np.rint(np.nan_to_num(strike) * 1000).astype(np.int64)
    known = np.isfinite(own)
    lacking = np.flatnonzero(~known & np.isfinite(strike))
    if not (known.any() and len(lacking)):
        return _Neighbours(volatility, count)
    nodes, node = np.unique(place[known], return_inverse=True)
    levels = np.bincount(node.ravel(), weights=own[known]) / np.bincount(node.ravel())
    wanted = place[lacking]
    left = np.searchsorted(nodes, wanted, side="right") - 1
    right = np.searchsorted(nodes, wanted, side="left")
    below = (left >= 0) & (nodes[left] // _STRIKES == chain[lacking])
    inside = np.minimum(right, len(nodes) - 1)
    above = (right < len(nodes)) & (nodes[inside] // _STRIKES == chain[lacking])
    left, right = np.where(below, left, inside), np.where(above, inside, left)
    width = nodes[right] - nodes[left]
    share = np.divide(wanted - nodes[left], width, out=np.zeros(wanted.shape), where=width > 0)
    level = levels[left] * (1 - share) + levels[right] * share
    found = below | above
    volatility[lacking] = np.where(found, level, np.nan)
    count[lacking] = np.where(found, 1 + (left != right), 0)
    return _Neighbours(volatility, count)


def _status(quotes: pd.DataFrame, reason: Texts, unpriced: Bools, no_close: Bools, no_terms: Bools) -> Texts:
    """Why the contract's own price implies no volatility; ok where it does."""
    status = reason.copy()
    status[no_close] = "no close of " + quotes["underlying"].to_numpy(dtype=object)[no_close]
    status[no_close] += " on the session"
    status[unpriced] = "no price: " + quotes["status"].to_numpy(dtype=object)[unpriced]
    status[no_terms] = "the contract is no OCC symbol"
    return status
