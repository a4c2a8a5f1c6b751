"""Answers on the market: prices, securities, option quotes, the factor model."""

from typing import Final

from sigmasight_core.tables import (
    DailyPrices,
    FactorCorrelations,
    Factors,
    OptionQuotes,
    OptionVolatilities,
    Positions,
    Publications,
    SecurityMaster,
    table_name,
)
from sigmasight_dagster.warehouse.answers.source import Source, table
from sigmasight_dagster.warehouse.layout.view import View, named, same
from sigmasight_dagster.warehouse.sql import literal

_HELD: Final = (
    f"SELECT h.symbol FROM {named(Positions)} AS h WHERE h.portfolio = %(portfolio)s AND h.strike IS NULL "
    f"UNION SELECT h.underlying FROM {named(Positions)} AS h WHERE h.portfolio = %(portfolio)s"
)
_PROXIES: Final = f"SELECT f.proxy FROM {named(Factors)} AS f WHERE f.active = 'yes'"

PRICES_OF_PORTFOLIO: Final = table(
    DailyPrices,
    always=f"v.symbol IN ({_HELD} UNION {_PROXIES})",
    switches={"factor_proxies": f"v.symbol IN ({_HELD})"},
)
PRICES_OF_FACTORS: Final = table(DailyPrices, always=f"v.symbol IN ({_PROXIES})")
SECURITIES: Final = table(SecurityMaster)
FACTOR_DEFINITIONS: Final = table(Factors)
FACTOR_CORRELATIONS: Final = table(FactorCorrelations)

QUOTES: Final = Source(
    View(
        "quotes",
        "",
        DailyPrices,
        {"t": DailyPrices, "b": DailyPrices},
        {"date": "d.date"}
        | same("t", "symbol", "close", "volume", "price_date")
        | {"previous_date": "b.date", "previous_close": "b.close"}
        | same("t", "source", "status"),
        f"JOIN {named(DailyPrices)} AS t ON t.date = d.date LEFT JOIN {named(DailyPrices)} AS b "
        f"ON b.symbol = t.symbol AND b.date = (SELECT max(p.date) FROM {named(Publications)} AS p "
        f"WHERE p.table_name = {literal(table_name(DailyPrices))} AND p.portfolio = '' AND p.date < d.date)",
        {"previous_date": "The session published before `date`", "previous_close": "Its close [USD]"},
    ),
    ("date", "symbol"),
    "market",
)
"""Closes of a date beside those of the session before: cells of one table."""

OPTION_CHAIN: Final = Source(
    View(
        "option_chain",
        "",
        OptionQuotes,
        {"t": OptionQuotes, "o": OptionVolatilities},
        {"date": "d.date"}
        | same("t", "underlying", "contract", "bid", "ask", "last", "open_interest")
        | {"quoted_implied_volatility": "t.implied_volatility"}
        | same("o", "price", "price_source", "implied_volatility", "implied_vol_source", "exercise_style")
        | same("o", "underlying_price")
        | {"source": "t.source", "status": "t.status", "volatility_status": "o.status"},
        f"JOIN {named(OptionQuotes)} AS t ON t.date = d.date LEFT JOIN {named(OptionVolatilities)} AS o "
        f"ON o.date = d.date AND o.contract = t.contract AND EXISTS (SELECT FROM {named(Publications)} AS p "
        f"WHERE p.table_name = {literal(table_name(OptionVolatilities))} AND p.portfolio = '' "
        "AND p.date = d.date)",
        {"volatility_status": "option_volatilities.status; NULL = the contract is not held"},
    ),
    ("date", "contract"),
    "market",
)
