"""Option quotes of the simulated market, for any contract: priced by exercise style, with a volatility smile.

At the close of a session, with spot S as traded, the yield curve's rate r and the dividend yield q::

    sigma(K) = a (1 + slope x + curvature x^2),  x = 3 tanh(ln(K / F) / (3 a sqrt max(T, 1/52)))

a = 1.05 times the volatility that the true parameters give for the next T years (`expected_volatility` for
the market's part), F = S exp((r - q) T). Options on VIX: a falls with the term and the slope is positive.
"""

from typing import Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR, OK
from sigmasight_core.options.exercise import AMERICAN, exercise_style
from sigmasight_core.options.occ import format_occ, parse_occ
from sigmasight_core.options.pricing import option_price
from sigmasight_core.simulated.factors import expected_volatility
from sigmasight_core.simulated.market import SimulatedMarket
from sigmasight_core.simulated.paths import VOLATILITY_PREMIUM
from sigmasight_core.simulated.streams import Purpose, uniforms

NEIGHBOURS: Final = 2
"""Strikes on each side of a contract that are quoted with it."""
STRIKE_STEPS: Final = ((25.0, 0.5), (200.0, 2.5), (np.inf, 5.0))
"""Below this strike: distance of strikes, USD."""
CURVE_YEARS: Final = {"3M": 0.25, "2Y": 2.0, "10Y": 10.0, "30Y": 30.0}
VIX_LEVEL: Final = 1.1
"""Volatility of VIX itself, for a term of no time."""
TICK: Final = 0.01
AT_EXPIRY: Final = "no implied volatility at expiry"
NO_TRADE: Final = "no trade: worth less than half a cent"
NEITHER: Final = "no implied volatility at expiry, no trade: worth less than half a cent"


def option_quotes(
    market: SimulatedMarket, contracts: list[str], start: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    """Rows of `tables.OptionQuotes` without the source, by date and contract, up to each contract's expiry.

    The contracts and, for each, the two nearest strikes on either side. What is no OCC symbol, or whose
    underlying has no close on the session, has no rows. The root is the underlying.
    """
    chain = with_neighbours(contracts)
    first, last = market.range(start, end)
    sessions = market.factors.sessions[first:last]
    names = sorted(set(chain["root"]))
    closes = market.closes(names, start, end).close
    of_name = pd.Index(names).get_indexer(chain["root"])
    days = (chain["expiry_date"].to_numpy()[None] - sessions.to_numpy()[:, None]) / np.timedelta64(1, "D")
    spots = closes[:, of_name] if len(names) else np.empty(days.shape)
    # (session, contract) pairs with a quote; all below is one element per pair
    at, which = ((days >= 0) & np.isfinite(spots)).nonzero()
    years, spot = days[at, which] / DAYS_PER_YEAR, spots[at, which]
    strike, calls = chain["strike"].to_numpy()[which], chain["is_call"].to_numpy(dtype=bool)[which]
    terms = _terms(market, names, of_name[which], first + at, years)
    sigma = _smile(terms, spot, strike, years)
    american = (exercise_style(chain["root"]) == AMERICAN)[which]
    price = option_price(spot, strike, years, terms["rate"], terms["dividend_yield"], sigma, calls, american)
    draws = ndtri(uniforms(market.seed, list(chain["compact"]), Purpose.QUOTES, (first, last), 2))[at, which]
    half = TICK + 0.005 * price
    last_price = np.round(np.maximum(price + 0.5 * half * np.clip(draws[:, 0], -2, 2), 0) / TICK) * TICK
    untraded = (price < TICK / 2) | (last_price < TICK / 2)
    expires = years == 0
    return pd.DataFrame(
        {
            "date": sessions[at],
            "contract": coded(list(chain["compact"]), which),
            "underlying": coded(list(chain["root"]), which),
            "bid": np.maximum(np.floor((price - half) / TICK), 0) * TICK,
            "ask": np.ceil((price + half) / TICK) * TICK,
            "last": np.where(untraded, np.nan, last_price),
            "implied_volatility": np.where(expires, np.nan, sigma),
            "open_interest": _open_interest(spot, strike, draws[:, 1]),
            "status": coded([OK, AT_EXPIRY, NO_TRADE, NEITHER], expires + 2 * untraded),
        }
    )


def with_neighbours(contracts: list[str]) -> pd.DataFrame:
    """Parsed contracts and the nearest strikes around each, every contract once, in their order."""
    given = parse_occ(pd.Series(sorted(set(contracts)), dtype="str")).dropna(subset="compact")
    strikes = given["strike"].to_numpy(dtype=float)
    bounds, steps = np.array(STRIKE_STEPS).T
    step = steps[np.searchsorted(bounds, strikes, side="right")]
    below = np.ceil(strikes / step) * step
    above = np.floor(strikes / step) * step
    offsets = np.arange(1, NEIGHBOURS + 1)[:, None] * step
    near = np.concatenate([strikes[None], below - offsets, above + offsets]).T
    rows = given.loc[given.index.repeat(near.shape[1])].assign(strike=near.ravel())
    rows = rows[rows["strike"] > 0]
    rows["compact"] = [
        format_occ(root, expiry, bool(call), strike)
        for root, expiry, call, strike in zip(
            rows["root"], rows["expiry_date"], rows["is_call"], rows["strike"], strict=True
        )
    ]
    return rows.drop_duplicates("compact").sort_values("compact", ignore_index=True)


def yield_curve_rate(market: SimulatedMarket, at: Ints, years: Floats) -> Floats:
    """Continuous rate of the Treasury curve for a term, straight between its yields and flat outside.

    :param at: positions of sessions (n,).
    """
    terms = np.array(list(CURVE_YEARS.values()))
    yields = np.stack([market.factors.yields[series][at] for series in CURVE_YEARS], axis=1)
    term = np.clip(years, terms[0], terms[-1])
    upper = np.clip(np.searchsorted(terms, term), 1, len(terms) - 1)
    share = (term - terms[upper - 1]) / (terms[upper] - terms[upper - 1])
    rows = np.arange(len(at))
    percent = (1 - share) * yields[rows, upper - 1] + share * yields[rows, upper]
    return np.asarray(2 * np.log1p(percent / 200))


def _terms(
    market: SimulatedMarket, names: list[str], of_name: Ints, at: Ints, years: Floats
) -> dict[str, Floats]:
    known = market.parameters(names)
    expected = expected_volatility(market.factors.volatility[at], years)
    variance = known.betas[of_name, 0] ** 2 * expected**2 + known.other_variance()[of_name]
    is_index = (known.kinds() == "volatility")[of_name]
    level = np.where(is_index, VIX_LEVEL / np.sqrt(1 + 4 * years), VOLATILITY_PREMIUM * np.sqrt(variance))
    return {
        "rate": yield_curve_rate(market, at, years),
        "dividend_yield": -4 * np.log1p(-known.dividend_yield[of_name] / 4),
        "level": level,
        "slope": known.skew[of_name, 0],
        "curvature": known.skew[of_name, 1],
    }


def _smile(terms: dict[str, Floats], spot: Floats, strike: Floats, years: Floats) -> Floats:
    forward = spot * np.exp((terms["rate"] - terms["dividend_yield"]) * years)
    spread = terms["level"] * np.sqrt(np.maximum(years, 1 / 52))
    x = 3 * np.tanh(np.log(strike / forward) / (3 * spread))
    return np.asarray(terms["level"] * (1 + terms["slope"] * x + terms["curvature"] * x**2))


def _open_interest(spot: Floats, strike: Floats, draws: Floats) -> Floats:
    """Contracts: most near the money."""
    return np.round(5000 * np.exp(-8 * np.abs(np.log(strike / spot)) + 0.2 * draws))
