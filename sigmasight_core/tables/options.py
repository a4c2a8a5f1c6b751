"""Option tables: quotes of contracts, and the volatilities that they imply."""

from pandera.typing import Series

from sigmasight_core.tables.base import DateTable, Facts, Kind, key, label, value

IMPLIED_SOURCES = ("quote", "chain_neighbour", "none")
QUOTE_PRICES = ("quote mid", "quote last", "quote ask", "none")


class OptionQuotes(DateTable):
    """One quote of one listed option contract at the close of one session."""

    contract: Series[str] = key("Compact OCC symbol, as in positions.symbol")
    underlying: Series[str] = label("Symbol of the underlying")
    bid: Series[float] = value("Best bid at the close, per share", "USD", ge=0)
    ask: Series[float] = value("Best ask at the close, per share", "USD", ge=0)
    last: Series[float] = value("Last trade of the session, per share", "USD", gt=0)
    implied_volatility: Series[float] = value(
        "Implied volatility as the provider states it; for comparison, never used", "fraction per year", gt=0
    )
    open_interest: Series[float] = value("Contracts outstanding", "contracts", ge=0)
    source: Series[str] = label("Provider")
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "option_quotes"
        metadata = {"facts": Facts(kind=Kind.SOURCE, concerns="underlying")}


class OptionVolatilities(DateTable):
    """Price and implied volatility of one option contract from the quotes of one session."""

    contract: Series[str] = key("Compact OCC symbol, as in positions.symbol", of="option_quotes.*")
    underlying: Series[str] = label("Symbol of the underlying", of="option_quotes.*")
    exercise_style: Series[str] = label(
        "american or european, by the contract's root; NULL = no OCC symbol, or older than this column",
        nullable=True,
        of="contract",
    )
    price: Series[float] = value(
        "Mid of bid and ask, the last trade, or halfway from the least possible value to the ask, per share",
        "USD",
        gt=0,
        of="option_quotes.bid option_quotes.ask option_quotes.last underlying_price",
    )
    price_source: Series[str] = label(
        "quote mid (both sides positive, not crossed), quote last, quote ask (no bid), or none",
        isin=QUOTE_PRICES,
        of="option_quotes.bid option_quotes.ask option_quotes.last",
    )
    implied_volatility: Series[float] = value(
        "Volatility of the price by exercise style, or of the neighbours in the chain",
        "1/sqrt(year)",
        gt=0,
        of="price underlying_price risk_free_rate dividend_yield exercise_style",
    )
    implied_vol_source: Series[str] = label(
        "quote (the contract's own), chain_neighbour (same expiry, nearest strikes), or none",
        isin=IMPLIED_SOURCES,
        of="price underlying_price risk_free_rate",
    )
    underlying_price: Series[float] = value(
        "Close of the underlying on the session", "USD", gt=0, of="daily_prices.close"
    )
    risk_free_rate: Series[float] = value(
        "Continuously compounded rate to the expiry", "fraction per year", of="treasury_yields.yield_percent"
    )
    risk_free_rate_source: Series[str] = label(
        "treasury (yields of the session, or of the day named; extrapolated from the maturity "
        "named), or where the rate comes from instead",
        of="treasury_yields.yield_percent",
    )
    dividend_yield: Series[float] = value(
        "Continuous dividend yield", "fraction per year", of="dividend_yields.*"
    )
    dividend_yield_source: Series[str] = label(
        "Where the yield comes from (see dividend_yields); 'escrowed: ' before it: expected cash dividends "
        "count, not the yield; NULL = older than this column",
        nullable=True,
        of="dividend_yields.*",
    )
    n_neighbours: Series[int] = value(
        "Strikes that a chain_neighbour volatility comes from",
        "strikes",
        ge=0,
        of="price underlying_price risk_free_rate",
    )
    status: Series[str] = label("ok, or why the price does not imply a volatility, or why there is none")

    class Config:
        name = "option_volatilities"
