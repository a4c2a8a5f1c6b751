"""Portfolio tables: positions at the close of a date, their Greeks, and the portfolio's totals."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.conventions import POSITION_TYPES
from sigmasight_core.tables.base import PortfolioTable, key, label, value


class PositionValues(PortfolioTable):
    """One position at the close of one trading date."""

    position_id: Series[str] = key("symbol@entry_date")
    symbol: Series[str] = label("Symbol; for an option the compact OCC symbol")
    underlying: Series[str] = label("Underlying symbol of an option; the symbol itself otherwise")
    position_type: Series[str] = label("LONG, SHORT, LC, SC, LP or SP", isin=POSITION_TYPES)
    quantity: Series[float] = value(
        "Split-adjusted shares or contracts, negative = short; 0 once closed", "units"
    )
    multiplier: Series[int] = label("Shares per unit of quantity: 100 for listed options, else 1")
    price: Series[float] = value("Closing price per share", "USD", ge=0)
    price_source: Series[str] = label(
        "Provider of the close; options: 'quote mid', 'quote last', 'model' (Black-Scholes-Merton) or "
        "'intrinsic' (expiry); 'exit', or 'none'"
    )
    price_age_days: Series[pd.Int64Dtype] = value("Calendar days since the price was made", "days", ge=0)
    market_value: Series[float] = value("|quantity| x price x multiplier", "USD", ge=0)
    exposure: Series[float] = value("quantity x price x multiplier, short is negative", "USD")
    cost_basis: Series[float] = value("quantity x entry price x multiplier, short is negative", "USD")
    unrealized_pnl: Series[float] = value("exposure - cost_basis; 0 once closed", "USD")
    realized_pnl: Series[float] = value("P&L locked in by the exit or expiry of this session, else 0", "USD")
    daily_pnl: Series[float] = value(
        "P&L since the previous close, or since entry on the entry session; NULL when a price is missing",
        "USD",
    )
    daily_return: Series[float] = value("daily_pnl / |value at the previous close or at entry|", "fraction")
    weight: Series[float] = value("exposure / gross exposure of the portfolio", "fraction")
    sector: Series[str] = label("Sector of the underlying, or 'unclassified'")
    tags: Series[str] = label("Tags, comma-separated; empty = none")
    status: Series[str] = label("ok, expired, closed, or why a value is NULL")

    class Config:
        name = "position_values"


class PositionGreeks(PortfolioTable):
    """Greeks of one position held at the close of one trading date."""

    position_id: Series[str] = key("symbol@entry_date")
    underlying_price: Series[float] = value("Closing price of the underlying", "USD", gt=0)
    strike: Series[float] = value("Strike; NULL for a linear position", "USD", gt=0)
    days_to_expiry: Series[pd.Int64Dtype] = value("Calendar days to expiry; NULL if linear", "days", ge=0)
    implied_volatility: Series[float] = value(
        "Annualised volatility used; NULL if linear", "1/sqrt(year)", ge=0
    )
    implied_vol_source: Series[str] = label(
        "quote (of the contract), chain_neighbour (same expiry, nearest strikes), realized (EWMA of the "
        "underlying), none, or linear",
        isin=("quote", "chain_neighbour", "realized", "none", "linear"),
    )
    risk_free_rate: Series[float] = value(
        "Continuously compounded rate used; NULL if linear", "fraction per year"
    )
    risk_free_rate_source: Series[str] = label(
        "treasury (the yields of the session of underlying_price, or of the day named), or where the rate "
        "comes from without yields; 'linear' if not used"
    )
    dividend_yield: Series[float] = value(
        "Continuous dividend yield used; NULL if linear", "fraction per year"
    )
    dividend_yield_source: Series[str] = label("Where the yield comes from; 'linear' if not used")
    delta: Series[float] = value("Per share; 1 for a linear position", "USD per USD")
    gamma: Series[float] = value("Per share; 0 for a linear position", "delta per USD")
    theta: Series[float] = value("Per share and calendar day", "USD per day")
    vega: Series[float] = value("Per share and 1 volatility point", "USD per volatility point")
    rho: Series[float] = value("Per share and 1 percentage point of rate", "USD per percentage point")
    position_delta: Series[float] = value("delta x quantity x multiplier", "shares")
    position_gamma: Series[float] = value("gamma x quantity x multiplier", "shares per USD")
    position_theta: Series[float] = value("theta x quantity x multiplier", "USD per day")
    position_vega: Series[float] = value("vega x quantity x multiplier", "USD per volatility point")
    position_rho: Series[float] = value("rho x quantity x multiplier", "USD per percentage point")
    delta_exposure: Series[float] = value(
        "position_delta x underlying_price: the exposure of a linear position, signed", "USD"
    )
    status: Series[str] = label("ok, linear (option columns do not apply), expired, or why a value is NULL")

    class Config:
        name = "position_greeks"


class PortfolioSnapshots(PortfolioTable):
    """One portfolio at the close of one trading date: sums over its positions."""

    total_value: Series[float] = value("net_exposure + cash", "USD")
    cash: Series[float] = value("Cash balance of the registry", "USD")
    gross_exposure: Series[float] = value("Sum of |exposure|", "USD", ge=0)
    net_exposure: Series[float] = value("Sum of exposure", "USD")
    long_exposure: Series[float] = value("Sum of the positive exposures", "USD", ge=0)
    short_exposure: Series[float] = value("Sum of the negative exposures, <= 0", "USD", le=0)
    options_exposure: Series[float] = value("Sum of exposure of the options", "USD")
    stock_exposure: Series[float] = value("Sum of exposure of the linear positions", "USD")
    notional: Series[float] = value(
        "Linear positions: |exposure|; options: underlying price x 100 x |contracts|", "USD", ge=0
    )
    delta_adjusted_exposure: Series[float] = value("Sum of |delta_exposure|", "USD", ge=0)
    daily_pnl: Series[float] = value("Sum of the positions' daily_pnl", "USD")
    daily_return: Series[float] = value(
        "daily_pnl / total value at the previous close, with new positions at entry price", "fraction"
    )
    cumulative_pnl: Series[float] = value("Realized + unrealized P&L since entry", "USD")
    portfolio_delta: Series[float] = value("Sum of position_delta", "shares")
    portfolio_gamma: Series[float] = value("Sum of position_gamma", "shares per USD")
    portfolio_theta: Series[float] = value("Sum of position_theta", "USD per day")
    portfolio_vega: Series[float] = value("Sum of position_vega", "USD per volatility point")
    portfolio_rho: Series[float] = value("Sum of position_rho", "USD per percentage point")
    delta_usd: Series[float] = value("Sum of delta_exposure: net dollar delta", "USD")
    n_positions: Series[int] = value("Positions held at the close", "positions", ge=0)
    n_long: Series[int] = value("Held positions with quantity > 0", "positions", ge=0)
    n_short: Series[int] = value("Held positions with quantity < 0", "positions", ge=0)
    n_options: Series[int] = value("Held option positions", "positions", ge=0)
    n_priced: Series[int] = value("Held positions with a price", "positions", ge=0)
    status: Series[str] = label("ok, or 'partial: ...' with what is left out of the sums, or why NULL")

    class Config:
        name = "portfolio_snapshots"
