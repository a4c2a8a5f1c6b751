"""Risk tables of a portfolio: measures, their decomposition, and how value at risk did in the past."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, key, label, value

RISK_MEASURES = (
    "var_95_usd",
    "var_99_usd",
    "es_95_usd",
    "es_99_usd",
    "parametric_var_95_usd",
    "parametric_var_99_usd",
    "annualized_volatility",
    "annualized_realized_volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "max_drawdown",
    "tracking_error_ex_ante",
)
CONFIDENCES = ("95", "99")
TRAFFIC_LIGHTS = ("green", "yellow", "red", "unavailable")
VERDICTS = ("passes", "too many breaches", "too few breaches", "not tested")


class RiskMeasures(PortfolioTable):
    """One measure of the risk of the portfolio. Value at risk and expected shortfall: 1 day, loss positive.

    var_*, es_*: filtered historical simulation, 504 sessions, EWMA 0.94; options fully revalued at the moved
    price and volatility one session later.
    parametric_var_*: normal, factor + specific variance, options at delta. annualized_volatility: of the
    simulated P&L over total_value. annualized_realized_volatility, sharpe_ratio, sortino_ratio and
    max_drawdown: of the daily returns of the last 252 sessions, from the first entry on.
    tracking_error_ex_ante: factor + specific volatility of the book less total_value in the benchmark, over
    total_value.
    """

    measure: Series[str] = key("Name of the measure", isin=RISK_MEASURES)
    value_: Series[float] = value(
        "The measure; a loss is positive",
        "as `unit`",
        alias="value",
        of="daily_prices.adjusted_close position_values.quantity position_greeks.delta_exposure "
        "position_greeks.implied_volatility factor_betas.beta "
        "factor_betas.annualized_specific_volatility factor_covariance.covariance "
        "treasury_yields.yield_percent portfolio_snapshots.total_value portfolio_snapshots.daily_return "
        "portfolios.benchmark",
    )
    unit: Series[str] = label("USD, 1/sqrt(year), ratio or fraction")
    n_obs: Series[int] = value(
        "Scenarios (simulated), sessions of the factor covariance (parametric), daily returns (realized)",
        "observations",
        ge=0,
        of="daily_prices.adjusted_close portfolio_snapshots.daily_return",
    )
    n_bounded: Series[int] = value(
        "Simulated: scenarios in which the move of an underlying is bounded; else 0",
        "observations",
        ge=0,
        of="daily_prices.adjusted_close",
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why the value is NULL")

    class Config:
        name = "risk_measures"
        metadata = {
            "facts": Facts(
                benchmark=True, readiness=(Readiness("VaR and risk measures", "value", "measure"),)
            )
        }


class RiskContributions(PortfolioTable):
    """Euler decomposition of the parametric 95% value at risk, by factor and by position.

    The components of each kind sum to parametric_var_95_usd. At 99% every one is larger by the same ratio
    of normal quantiles, 2.3263 / 1.6449. Options at delta exposure; settled options have no row.
    """

    kind: Series[str] = key("factor or position", isin=("factor", "position"))
    item: Series[str] = key(
        "Factor id or 'specific'; position_id", of="position_greeks.position_id factor_betas.factor"
    )
    exposure: Series[float] = value(
        "Factor: sum of delta_exposure x beta; specific: volatility of the specific P&L; position: its "
        "delta exposure",
        "USD; rates: USD per percentage point; specific: USD per session",
        of="position_greeks.delta_exposure factor_betas.beta factor_betas.annualized_specific_volatility",
    )
    component_var_usd: Series[float] = value(
        "marginal_var x exposure; negative = reduces the risk", "USD", of="exposure marginal_var"
    )
    marginal_var: Series[float] = value(
        "Change of value at risk per unit of exposure",
        "USD per exposure",
        of="exposure factor_covariance.covariance daily_prices.adjusted_close treasury_yields.yield_percent",
    )
    volatility: Series[float] = value(
        "Volatility of the item per unit of exposure; specific: 1; NULL in rows older than the column",
        "per exposure and session",
        ge=0,
        of="factor_covariance.covariance factor_betas.beta factor_betas.annualized_specific_volatility",
    )
    correlation: Series[float] = value(
        "Of the item with the P&L of the portfolio: component = z x exposure x volatility x correlation",
        "fraction",
        ge=-1.000001,
        le=1.000001,
        of="marginal_var volatility",
    )
    share: Series[float] = value(
        "component_var_usd / parametric_var_95_usd", "fraction", of="component_var_usd"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "risk_contributions"
        metadata = {
            "facts": Facts(
                detail=True,
                readiness=(Readiness("risk contributions", "component_var_usd", "item", "kind"),),
                packed=True,
            )
        }


class VarBacktests(PortfolioTable):
    """How the 1-day value at risk of risk_measures would have done over the last 252 sessions.

    Today's holdings are held constant in dollars over the past, options revalued with price, volatility and
    time. Each session's value at risk is the filtered historical simulation of today's book from data
    strictly before the session (a hypothetical backtest of the headline itself).
    """

    confidence: Series[str] = key("Confidence level of the value at risk, percent", isin=CONFIDENCES)
    n_obs: Series[int] = value("Sessions tested", "sessions", ge=0, of="daily_prices.adjusted_close")
    breaches: Series[pd.Int64Dtype] = value(
        "Sessions with a loss above value at risk",
        "sessions",
        ge=0,
        of="daily_prices.adjusted_close position_values.quantity position_values.exposure "
        "position_greeks.implied_volatility",
    )
    expected_breaches: Series[float] = value("n_obs x (1 - confidence)", "sessions", ge=0, of="n_obs")
    kupiec_p_value: Series[float] = value(
        "Kupiec (1995): are the breaches as many as claimed", "probability", of="breaches n_obs"
    )
    independence_p_value: Series[float] = value(
        "Christoffersen (1998): does a breach make the next one likelier",
        "probability",
        of="breaches n_obs",
    )
    christoffersen_p_value: Series[float] = value(
        "Christoffersen (1998), conditional coverage: number and independence together",
        "probability",
        of="breaches n_obs",
    )
    traffic_light: Series[str] = label(
        "Basel zone (1996) of the last 250 sessions: green below 95% of the binomial distribution, red from "
        "99.99%, else yellow",
        isin=TRAFFIC_LIGHTS,
        of="breaches",
    )
    verdict: Series[str] = label(
        "passes, or with a kupiec_p_value below 0.05 too many or too few breaches; not tested",
        isin=VERDICTS,
        of="kupiec_p_value breaches",
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "var_backtests"
        metadata = {"facts": Facts(readiness=(Readiness("VaR backtests", "breaches", "confidence"),))}
