"""Every computation of the project, in the order of the flow of data. One file a topic.

What belongs here: declarations with a body of about ten lines, which read their inputs, call one function of
`sigmasight_core` and give its rows back. What does not: arithmetic (`sigmasight_core`), SQL (`warehouse`),
sources (`providers`), assertions on the rows (`gates`), and how any of it is run (`engine`).
"""

from sigmasight_dagster.assets import correlation, factors, market, options, pnl, positions, risk, stress
from sigmasight_dagster.engine.declaration import RiskAsset

RISK_ASSETS: tuple[RiskAsset, ...] = (
    market.daily_prices,
    market.corporate_actions,
    market.treasury_yields,
    market.option_quotes,
    market.security_master,
    market.price_differences,
    options.realized_volatility,
    options.option_volatilities,
    factors.factor_returns,
    factors.factor_betas,
    factors.factor_covariance,
    factors.factor_correlations,
    factors.rate_betas,
    positions.position_values,
    positions.position_greeks,
    positions.portfolio_snapshots,
    pnl.position_pnl_explain,
    factors.position_factor_exposures,
    factors.factor_exposures,
    factors.rate_exposures,
    correlation.position_correlations,
    stress.stress_results,
    stress.reverse_stress,
    risk.risk_measures,
)
