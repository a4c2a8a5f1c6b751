"""Market risk tables: estimates that belong to a symbol or factor, computed once for every portfolio."""

from pandera.typing import Series

from sigmasight_core.tables.base import DateTable, key, label, value

QUALITIES = ("full", "limited", "insufficient", "unavailable")
IMPLIED_SOURCES = ("quote", "chain_neighbour", "none")
QUOTE_PRICES = ("quote mid", "quote last", "none")


class RealizedVolatility(DateTable):
    """EWMA volatility of one symbol."""

    symbol: Series[str] = key("Symbol")
    annualized_volatility: Series[float] = value(
        "Zero-mean EWMA volatility of log returns, decay 0.94, x sqrt(252)", "1/sqrt(year)", ge=0
    )
    n_obs: Series[int] = value("Log returns used", "sessions", ge=0)
    status: Series[str] = label("ok, or why the volatility is NULL")

    class Config:
        name = "realized_volatility"


class OptionVolatilities(DateTable):
    """Price and implied volatility of one option contract from the quotes of one session."""

    contract: Series[str] = key("Compact OCC symbol, as in positions.symbol")
    underlying: Series[str] = label("Symbol of the underlying")
    price: Series[float] = value("Mid of bid and ask, or the last trade, per share", "USD", gt=0)
    price_source: Series[str] = label(
        "quote mid (both sides positive, not crossed), quote last, or none", isin=QUOTE_PRICES
    )
    implied_volatility: Series[float] = value(
        "Black-Scholes-Merton volatility of the price, or of the neighbours in the chain",
        "1/sqrt(year)",
        gt=0,
    )
    implied_vol_source: Series[str] = label(
        "quote (the contract's own), chain_neighbour (same expiry, nearest strikes), or none",
        isin=IMPLIED_SOURCES,
    )
    underlying_price: Series[float] = value("Close of the underlying on the session", "USD", gt=0)
    risk_free_rate: Series[float] = value("Continuously compounded rate to the expiry", "fraction per year")
    risk_free_rate_source: Series[str] = label(
        "treasury (yields of the session, or of the day named), or where the rate comes from instead"
    )
    dividend_yield: Series[float] = value("Continuous dividend yield", "fraction per year")
    n_neighbours: Series[int] = value("Strikes that a chain_neighbour volatility comes from", "strikes", ge=0)
    status: Series[str] = label("ok, or why the price does not imply a volatility, or why there is none")

    class Config:
        name = "option_volatilities"


class FactorReturns(DateTable):
    """One session's return of one factor's proxy."""

    factor: Series[str] = key("Factor id")
    proxy: Series[str] = label("Symbol or series that stands for the factor; empty = none configured")
    return_: Series[float] = value(
        "Simple return of the proxy; for rates the change of the 10-year yield in percentage points",
        "fraction; rates: percentage points",
        alias="return",
    )
    status: Series[str] = label("ok, or why the return is NULL")

    class Config:
        name = "factor_returns"


class FactorState(DateTable):
    """How one factor enters the state at one date: its loadings on what comes before it."""

    factor: Series[str] = key("Factor id")
    market_loading: Series[float] = value(
        "Coefficient on the market log return (0 for the market itself)", "per unit log return"
    )
    rates_loading: Series[float] = value(
        "Coefficient on the orthogonalised 10-year yield change (0 without yields, and for market and rates)",
        "per percentage point",
    )
    residual_volatility: Series[float] = value(
        "Daily standard deviation of the orthogonalised factor over the window",
        "log return per session",
        ge=0,
    )
    variance_inflation_factor: Series[float] = value("VIF of the raw factor among all factors", "ratio", ge=1)
    n_obs: Series[int] = value(
        "Common observations in the window; an unavailable factor's own", "sessions", ge=0
    )
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "factor_state"


class FactorBetas(DateTable):
    """Sensitivity of one symbol to one factor of the joint, orthogonalised state."""

    symbol: Series[str] = key("Symbol")
    factor: Series[str] = key("Factor id")
    beta: Series[float] = value(
        "Shrunk joint beta", "log return per unit log return; rates: log return per percentage point"
    )
    std_error: Series[float] = value("Posterior standard error of beta", "as beta", ge=0)
    t_stat: Series[float] = value("beta / std_error", "ratio")
    univariate_beta: Series[float] = value("Plain OLS beta on this factor alone", "as beta")
    univariate_std_error: Series[float] = value("OLS standard error of univariate_beta", "as beta", ge=0)
    univariate_p_value: Series[float] = value("Two-sided t-test p-value of univariate_beta", "probability")
    univariate_r_squared: Series[float] = value("R2 of the univariate regression", "fraction")
    r_squared: Series[float] = value("R2 of the joint fit (same for each factor of the symbol)", "fraction")
    annualized_specific_volatility: Series[float] = value(
        "Residual volatility of the joint fit x sqrt(252)", "1/sqrt(year)", ge=0
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0)
    quality: Series[str] = label(
        "full: seen in every session of the state, which has at least 20/21 of the window (240 of 252); "
        "limited: fewer, but min_obs (60); insufficient: NULL; unavailable: the factor is",
        isin=QUALITIES,
    )
    status: Series[str] = label("ok, or why the betas are NULL")

    class Config:
        name = "factor_betas"


class FactorCovariance(DateTable):
    """EWMA covariance of two components of the state, shrunk towards its diagonal."""

    factor_1: Series[str] = key("Factor id")
    factor_2: Series[str] = key("Factor id")
    covariance: Series[float] = value(
        "Zero-mean EWMA covariance (0.94) of the state, 0.9 S + 0.1 diag(S)",
        "squared log return per session; rates in percentage points",
    )
    correlation: Series[float] = value(
        "Correlation of the same matrix", "fraction", ge=-1.0000001, le=1.0000001
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0)
    status: Series[str] = label("ok, or why the covariance is NULL")

    class Config:
        name = "factor_covariance"
