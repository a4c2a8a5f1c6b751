"""Option quotes and yields for the tests of what prices options, with an independent pricer."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import QuantLib as ql

from sigmasight_core.options.occ import format_occ, parse_occ
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.volatilities import option_volatilities
from sigmasight_core.tables import (
    DailyPrices,
    DividendYields,
    OptionQuotes,
    OptionVolatilities,
    TreasuryYields,
    validate,
)
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN, PARAMETERS, World, none_of, typed


def quote(day: str, contract: str, bid: float, ask: float, last: float = NAN, **other: Any) -> dict[str, Any]:
    """One row of `tables.OptionQuotes`; the underlying is the root."""
    missing = "test: incomplete" if np.isnan([bid, ask, last]).any() else "ok"
    return {
        "date": pd.Timestamp(day),
        "contract": contract,
        "underlying": str(parse_occ(pd.Series([contract]))["root"].iloc[0]),
        "bid": bid,
        "ask": ask,
        "last": last,
        "implied_volatility": 9.99,
        "open_interest": 1.0,
        "source": "test",
        "status": missing,
        **other,
    }


def mid(day: str, contract: str, price: float) -> dict[str, Any]:
    """A narrow quote whose mid is the price, and whose last trade is far from it."""
    return quote(day, contract, price * 0.999, price * 1.001, price * 7)


def yields(day: str, **percent: float) -> list[dict[str, Any]]:
    """Rows of `tables.TreasuryYields`: yields('2024-01-02', m3=5, y10=4); NaN = NULL."""
    names = {"m3": "3M", "y2": "2Y", "y10": "10Y", "y30": "30Y"}
    return [
        {
            "date": pd.Timestamp(day),
            "series": names[name],
            "yield_percent": value,
            "source": "test",
            "status": "ok" if value == value else "no yield",
        }
        for name, value in percent.items()
    ]


def curve(*rows: list[dict[str, Any]]) -> pd.DataFrame:
    return typed(TreasuryYields, [row for day in rows for row in day])


def closes(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Rows of `tables.DailyPrices` from (date, symbol, close)."""
    fixed = dict.fromkeys(("open", "high", "low", "adjusted_close", "volume"), 1.0)
    other = {"price_date": pd.NaT, "source": "test", "status": "ok", **fixed}
    named = [{"date": pd.Timestamp(day), "symbol": name, "close": close} for day, name, close in rows]
    return typed(DailyPrices, [{**row, **other} for row in named])


def implied(
    quotes: Iterable[dict[str, Any]],
    prices: pd.DataFrame,
    treasury: pd.DataFrame | None = None,
    parameters: OptionParameters = PARAMETERS,
    dividends: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`option_volatilities`, held to the table's contract, indexed by contract."""
    rows = typed(OptionQuotes, list(quotes))
    found = option_volatilities(
        quotes=rows,
        prices=prices,
        yields=curve() if treasury is None else treasury,
        dividends=none_of(DividendYields) if dividends is None else dividends,
        parameters=parameters,
    )
    return validate(OptionVolatilities, found).set_index("contract", drop=False)


def quote_world(world: World, *quotes: dict[str, Any]) -> World:
    """The world with the quotes that a market asset would have made of its prices."""
    priced = world.prices.assign(price_date=pd.NaT)
    made = option_volatilities(
        quotes=typed(OptionQuotes, quotes),
        prices=priced,
        yields=world.yields,
        dividends=world.dividends,
        parameters=PARAMETERS,
    )
    world.quoted = validate(OptionVolatilities, made)
    return world


def contract(strike: float, is_call: bool, expiry: str = "2024-06-21", root: str = "XSP") -> str:
    return format_occ(root, expiry, is_call, strike)


def ql_values(
    spot: float, strike: float, days: float, rate: float, dividend: float, volatility: float, is_call: bool
) -> dict[str, float]:
    """Price and Greeks by QuantLib's Black calculator, in the units of `tables.PositionGreeks`."""
    years = days / 365
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    forward = spot * np.exp((rate - dividend) * years)
    made = ql.BlackCalculator(payoff, forward, volatility * np.sqrt(years), np.exp(-rate * years))
    return {
        "price": made.value(),
        "delta": made.delta(spot),
        "gamma": made.gamma(spot),
        "theta": made.theta(spot, years) / 365,
        "vega": made.vega(years) / 100,
        "rho": made.rho(years) / 100,
    }
