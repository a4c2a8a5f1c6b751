"""/analytics: results of portfolios and of the factor model, each a table or view of stored cells."""

from typing import Final

from fastapi import APIRouter

from sigmasight_dagster.api.answers.declaration import Read
from sigmasight_dagster.api.answers.endpoints import add_reads
from sigmasight_dagster.warehouse.answers import market
from sigmasight_dagster.warehouse.answers import portfolio as of

router = APIRouter(prefix="/analytics", tags=["analytics"])

READS: Final = (
    Read("/portfolio/{portfolio}/overview", of.OVERVIEW, "Value, P&L, returns, beta, risk, worst scenario"),
    Read("/portfolio/{portfolio}/performance", of.PERFORMANCE, "Returns by period, beside the benchmark"),
    Read("/portfolio/{portfolio}/snapshots", of.SNAPSHOTS, "Value, exposures, P&L and Greeks of each day"),
    Read("/portfolio/{portfolio}/groups", of.GROUPS, "Sums and risk by tag, sector, class, underlying"),
    Read("/portfolio/{portfolio}/cash", of.CASH, "The account's cash, from opening to closing"),
    Read("/portfolio/{portfolio}/liquidity", of.LIQUIDITY, "Days to liquidate"),
    Read(
        "/portfolio/{portfolio}/liquidity/positions", of.POSITION_LIQUIDITY, "Days to liquidate each position"
    ),
    Read(
        "/positions/attribution",
        of.ATTRIBUTION,
        "Contributions to the return, by position and by group",
        about="dimension=position, asset_class, industry, position_type, sector, tag or underlying.",
    ),
    Read("/risk/{portfolio}/overview", of.RISK, "Value at risk, expected shortfall, volatility, drawdown"),
    Read("/risk/{portfolio}/sides", of.SIDES, "What is held: the portfolio, its longs and its shorts"),
    Read("/risk/{portfolio}/contributions", of.RISK_CONTRIBUTIONS, "Parts of the VaR by factor and position"),
    Read("/risk/{portfolio}/backtests", of.BACKTESTS, "How the value at risk did in the past"),
    Read("/risk/{portfolio}/greeks", of.GREEKS, "Greeks of the portfolio"),
    Read("/risk/{portfolio}/greeks/positions", of.POSITION_GREEKS, "Greeks of each position"),
    Read("/risk/{portfolio}/greeks/expiries", of.EXPIRIES, "Greeks that end with the next expiries"),
    Read(
        "/risk/{portfolio}/scenarios",
        of.SCENARIOS,
        "Stress scenarios, the worst first",
        filters=("scenario", "category", "severity"),
    ),
    Read("/risk/{portfolio}/scenarios/factors", of.SCENARIO_IMPACTS, "Parts of scenarios' P&L by factor"),
    Read("/risk/{portfolio}/scenarios/positions", of.POSITION_STRESS, "Scenarios' P&L of each position"),
    Read("/factors/definitions", market.FACTOR_DEFINITIONS, "The factors of the model and their proxies"),
    Read("/factors/correlations", market.FACTOR_CORRELATIONS, "Correlations of the factors"),
    Read("/factors/{portfolio}/exposures", of.EXPOSURES, "Betas and dollars of the portfolio by factor"),
    Read(
        "/factors/{portfolio}/exposures/positions",
        of.POSITION_EXPOSURES,
        "Betas and dollars of each position by factor",
    ),
    Read("/factors/{portfolio}/exposures/rates", of.RATE_EXPOSURES, "P&L for moves of Treasury yields"),
    Read("/correlation/{portfolio}/matrix", of.CORRELATIONS, "Correlations of the holdings, by pair"),
    Read("/correlation/{portfolio}/summary", of.CORRELATION_SUMMARY, "Average correlation, effective bets"),
    Read("/correlation/{portfolio}/clusters", of.CLUSTERS, "Holdings that move together"),
    Read("/reverse-stress/{portfolio}", of.REVERSE_STRESS, "The likeliest moves that lose so much"),
    Read("/pnl/{portfolio}/explain", of.PNL, "P&L of the day by cause"),
    Read("/pnl/{portfolio}/explain/positions", of.POSITION_PNL, "P&L of the day of each position by cause"),
)

add_reads(router, READS, paged=True)
