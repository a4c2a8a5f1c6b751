"""Portfolio tables: positions at the close of a date, their Greeks, and the portfolio's totals."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.conventions import POSITION_TYPES
from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, key, label, value

PRICED = "underlying_price strike days_to_expiry implied_volatility risk_free_rate dividend_yield"
"""What an option is priced from."""


class PositionValues(PortfolioTable):
    """One position at the close of one trading date."""

    position_id: Series[str] = key("symbol@entry_date", of="positions.*")
    symbol: Series[str] = label("Symbol; for an option the compact OCC symbol", of="positions.*")
    underlying: Series[str] = label(
        "Underlying symbol of an option; the symbol itself otherwise", of="positions.*"
    )
    position_type: Series[str] = label("LONG, SHORT, LC, SC, LP or SP", isin=POSITION_TYPES, of="positions.*")
    quantity: Series[float] = value(
        "Split-adjusted shares or contracts, negative = short; 0 once closed",
        "units",
        of="positions.quantity positions.exit_date positions.expiry_date corporate_actions.amount",
    )
    multiplier: Series[int] = label(
        "Shares per unit of quantity: 100 for listed options, else 1", of="positions.*"
    )
    price: Series[float] = value(
        "Closing price per share",
        "USD",
        ge=0,
        of="daily_prices.close option_volatilities.price option_volatilities.implied_volatility "
        "realized_volatility.annualized_volatility treasury_yields.yield_percent "
        "corporate_actions.amount positions.strike positions.expiry_date positions.exit_price "
        "dividend_yields.dividend_yield",
    )
    price_source: Series[str] = label(
        "Provider of the close; options: 'quote mid', 'quote last', 'quote ask' (no bid), 'model' "
        "(by exercise style) or 'intrinsic' (expiry); 'exit', or 'none'",
        of="daily_prices.source option_volatilities.price_source",
    )
    price_age_days: Series[pd.Int64Dtype] = value(
        "Calendar days since the price was made", "days", ge=0, of="daily_prices.date"
    )
    market_value: Series[float] = value(
        "|quantity| x price x multiplier", "USD", ge=0, of="quantity price multiplier"
    )
    exposure: Series[float] = value(
        "quantity x price x multiplier, short is negative", "USD", of="quantity price multiplier"
    )
    cost_basis: Series[float] = value(
        "quantity x entry price x multiplier, short is negative",
        "USD",
        of="positions.quantity positions.entry_price positions.multiplier",
    )
    unrealized_pnl: Series[float] = value(
        "exposure - cost_basis; 0 once closed", "USD", of="exposure cost_basis"
    )
    realized_pnl: Series[float] = value(
        "P&L locked in by the exit or expiry of this session, else 0", "USD", of="price cost_basis"
    )
    daily_pnl: Series[float] = value(
        "P&L since the previous close, or since entry on the entry session; NULL when a price is missing",
        "USD",
        of="price quantity multiplier positions.entry_price positions.entry_date",
    )
    daily_return: Series[float] = value(
        "daily_pnl / |value at the previous close or at entry|", "fraction", of="daily_pnl"
    )
    weight: Series[float] = value("exposure / gross exposure of the portfolio", "fraction", of="exposure")
    sector: Series[str] = label("Sector of the underlying, or 'unclassified'", of="security_master.*")
    tags: Series[str] = label("Tags, comma-separated; empty = none", of="positions.*")
    status: Series[str] = label("ok, expired, closed, or why a value is NULL or its price doubtful")

    class Config:
        name = "position_values"
        metadata = {
            "facts": Facts(
                detail=True,
                readiness=(
                    Readiness("valuation", "price", "symbol"),
                    Readiness("daily P&L", "daily_pnl", "symbol"),
                ),
            )
        }


class PositionGreeks(PortfolioTable):
    """Greeks of one position held at the close of one trading date."""

    position_id: Series[str] = key("symbol@entry_date", of="position_values.*")
    underlying_price: Series[float] = value(
        "Closing price of the underlying", "USD", gt=0, of="daily_prices.close"
    )
    strike: Series[float] = value(
        "Strike; NULL for a linear position", "USD", gt=0, of="positions.strike corporate_actions.amount"
    )
    days_to_expiry: Series[pd.Int64Dtype] = value(
        "Calendar days to expiry; NULL if linear", "days", ge=0, of="positions.expiry_date"
    )
    implied_volatility: Series[float] = value(
        "Annualised volatility used; NULL if linear",
        "1/sqrt(year)",
        ge=0,
        of="option_volatilities.* realized_volatility.annualized_volatility",
    )
    implied_vol_source: Series[str] = label(
        "quote (of the contract), chain_neighbour (same expiry, nearest strikes), realized (EWMA of the "
        "underlying), none, or linear",
        isin=("quote", "chain_neighbour", "realized", "none", "linear"),
        of="option_volatilities.* realized_volatility.status",
    )
    risk_free_rate: Series[float] = value(
        "Continuously compounded rate used; NULL if linear",
        "fraction per year",
        of="treasury_yields.yield_percent",
    )
    risk_free_rate_source: Series[str] = label(
        "treasury (the yields of the session of underlying_price, or of the day named; extrapolated "
        "from the maturity named), or where the rate "
        "comes from without yields; 'linear' if not used",
        of="treasury_yields.yield_percent",
    )
    dividend_yield: Series[float] = value(
        "Continuous dividend yield used; NULL if linear", "fraction per year", of="dividend_yields.*"
    )
    dividend_yield_source: Series[str] = label(
        "Where the yield comes from (see dividend_yields); 'escrowed: ' before it: priced by expected cash "
        "dividends, the yield is for scenarios alone; 'linear' if not used",
        of="dividend_yields.*",
    )
    exercise_style: Series[str] = label(
        "american, european or linear; NULL = older than the column, and priced as European",
        nullable=True,
        of="position_values.symbol",
    )
    early_exercise: Series[str] = label(
        "likely (an American call in the money whose time value is below the next dividend before its "
        "expiry), not expected, not known (no price or dividends), or linear; NULL = older than this column",
        nullable=True,
        of="underlying_price strike position_values.price dividend_yields.expected_dividend",
    )
    delta: Series[float] = value(
        "Per share; 1 for a linear position",
        "USD per USD",
        of=PRICED,
    )
    gamma: Series[float] = value(
        "Per share; 0 for a linear position",
        "delta per USD",
        of=PRICED,
    )
    theta: Series[float] = value(
        "Per share and calendar day",
        "USD per day",
        of=PRICED,
    )
    vega: Series[float] = value(
        "Per share and 1 volatility point",
        "USD per volatility point",
        of=PRICED,
    )
    rho: Series[float] = value(
        "Per share and 1 percentage point of rate",
        "USD per percentage point",
        of=PRICED,
    )
    position_delta: Series[float] = value(
        "delta x quantity x multiplier",
        "shares",
        of="delta position_values.quantity position_values.multiplier",
    )
    position_gamma: Series[float] = value(
        "gamma x quantity x multiplier",
        "shares per USD",
        of="gamma position_values.quantity position_values.multiplier",
    )
    position_theta: Series[float] = value(
        "theta x quantity x multiplier",
        "USD per day",
        of="theta position_values.quantity position_values.multiplier",
    )
    position_vega: Series[float] = value(
        "vega x quantity x multiplier",
        "USD per volatility point",
        of="vega position_values.quantity position_values.multiplier",
    )
    position_rho: Series[float] = value(
        "rho x quantity x multiplier",
        "USD per percentage point",
        of="rho position_values.quantity position_values.multiplier",
    )
    delta_exposure: Series[float] = value(
        "position_delta x underlying_price: the exposure of a linear position, signed",
        "USD",
        of="position_delta underlying_price",
    )
    status: Series[str] = label("ok, linear (option columns do not apply), expired, or why a value is NULL")

    class Config:
        name = "position_greeks"
        metadata = {"facts": Facts(detail=True, readiness=(Readiness("Greeks", "delta", "position_id"),))}


class PortfolioSnapshots(PortfolioTable):
    """One portfolio at the close of one trading date: sums over its positions."""

    total_value: Series[float] = value("net_exposure + cash", "USD", of="net_exposure cash")
    cash: Series[float] = value("Cash of the account at the close", "USD", of="portfolio_cash.closing")
    gross_exposure: Series[float] = value("Sum of |exposure|", "USD", ge=0, of="position_values.exposure")
    net_exposure: Series[float] = value("Sum of exposure", "USD", of="position_values.exposure")
    long_exposure: Series[float] = value(
        "Sum of the positive exposures", "USD", ge=0, of="position_values.exposure"
    )
    short_exposure: Series[float] = value(
        "Sum of the negative exposures, <= 0", "USD", le=0, of="position_values.exposure"
    )
    options_exposure: Series[float] = value(
        "Sum of exposure of the options", "USD", of="position_values.exposure position_values.position_type"
    )
    stock_exposure: Series[float] = value(
        "Sum of exposure of the linear positions",
        "USD",
        of="position_values.exposure position_values.position_type",
    )
    notional: Series[float] = value(
        "Linear positions: |exposure|; options: underlying price x 100 x |contracts|",
        "USD",
        ge=0,
        of="position_values.exposure position_values.quantity position_greeks.underlying_price",
    )
    delta_adjusted_exposure: Series[float] = value(
        "Sum of |delta_exposure|", "USD", ge=0, of="position_greeks.delta_exposure"
    )
    price_pnl: Series[float] = value(
        "Sum of the positions' daily_pnl; NULL in rows of before there were accounts",
        "USD",
        of="position_values.daily_pnl",
    )
    income: Series[float] = value(
        "Dividends and interest of the day, less fees and taxes",
        "USD",
        of="portfolio_cash.dividends portfolio_cash.interest portfolio_cash.fees",
    )
    daily_pnl: Series[float] = value("price_pnl + income", "USD", of="price_pnl income")
    external_flow: Series[float] = value(
        "Paid in (positive) or out: what changes total_value without P&L", "USD", of="portfolio_cash.*"
    )
    daily_return: Series[float] = value(
        "daily_pnl / (total value at the previous close + inflow of the day)",
        "fraction",
        of="daily_pnl total_value external_flow",
    )
    cumulative_pnl: Series[float] = value(
        "Realized + unrealized P&L since entry + income to date",
        "USD",
        of="position_values.unrealized_pnl position_values.realized_pnl positions.quantity "
        "positions.entry_price positions.exit_price daily_prices.close corporate_actions.amount "
        "portfolio_cash.income_to_date",
    )
    portfolio_delta: Series[float] = value(
        "Sum of position_delta", "shares", of="position_greeks.position_delta"
    )
    portfolio_gamma: Series[float] = value(
        "Sum of position_gamma", "shares per USD", of="position_greeks.position_gamma"
    )
    portfolio_theta: Series[float] = value(
        "Sum of position_theta", "USD per day", of="position_greeks.position_theta"
    )
    portfolio_vega: Series[float] = value(
        "Sum of position_vega", "USD per volatility point", of="position_greeks.position_vega"
    )
    portfolio_rho: Series[float] = value(
        "Sum of position_rho", "USD per percentage point", of="position_greeks.position_rho"
    )
    delta_usd: Series[float] = value(
        "Sum of delta_exposure: net dollar delta", "USD", of="position_greeks.delta_exposure"
    )
    n_positions: Series[int] = value(
        "Positions held at the close", "positions", ge=0, of="position_values.position_id"
    )
    n_long: Series[int] = value(
        "Held positions with quantity > 0", "positions", ge=0, of="position_values.quantity"
    )
    n_short: Series[int] = value(
        "Held positions with quantity < 0", "positions", ge=0, of="position_values.quantity"
    )
    n_options: Series[int] = value(
        "Held option positions", "positions", ge=0, of="position_values.position_type"
    )
    n_priced: Series[int] = value(
        "Held positions with a price", "positions", ge=0, of="position_values.price"
    )
    status: Series[str] = label("ok, or 'partial: ...' with what is left out of the sums, or why NULL")

    class Config:
        name = "portfolio_snapshots"
        metadata = {"facts": Facts(readiness=(Readiness("snapshot", "total_value"),))}
