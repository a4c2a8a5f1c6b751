"""Every computation of the project, in the order of the flow of data. One file a topic."""

from sigmasight_dagster.assets import correlation as correlations
from sigmasight_dagster.assets import factors, greeks, market, market_risk, reverse_stress, snapshots, stress
from sigmasight_dagster.assets import pnl as pnl_explain
from sigmasight_dagster.assets import positions as valuation
from sigmasight_dagster.assets import risk as risk_measures
from sigmasight_dagster.engine.declaration import RiskAsset

RISK_ASSETS: tuple[RiskAsset, ...] = (
    market.daily_prices,
    market.corporate_actions,
    market.treasury_yields,
    market.option_quotes,
    market.security_master,
    market.price_differences,
    market_risk.realized_volatility,
    market_risk.option_volatilities,
    market_risk.factor_returns,
    market_risk.factor_betas,
    market_risk.factor_covariance,
    market_risk.factor_correlations,
    market_risk.rate_betas,
    valuation.position_values,
    greeks.position_greeks,
    snapshots.portfolio_snapshots,
    pnl_explain.position_pnl_explain,
    factors.position_factor_exposures,
    factors.factor_exposures,
    factors.rate_exposures,
    correlations.position_correlations,
    stress.stress_results,
    reverse_stress.reverse_stress,
    risk_measures.risk_measures,
)
