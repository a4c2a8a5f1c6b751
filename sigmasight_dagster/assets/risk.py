"""Risk measures of each portfolio: value at risk, its decomposition and backtest, realised performance."""

import pandas as pd

from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.factors.model import factor_log_returns
from sigmasight_core.market import returns
from sigmasight_core.positions.groups import Groups
from sigmasight_core.risk import measures, performance, portfolio_backtest
from sigmasight_core.risk.groups.rows import portfolio_groups
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorCovariance,
    PortfolioGroups,
    Portfolios,
    PortfolioSnapshots,
    PositionGreeks,
    PositionPnlExplain,
    Positions,
    PositionValues,
    RiskContributions,
    RiskMeasures,
    SecurityMaster,
    SimulatedPnl,
    TreasuryYields,
    VarBacktests,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.benchmark import benchmarks
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.risk import (
    COMPONENTS_ADD_UP,
    GROUPS_SUM_TO_THE_SAME,
    VAR_BACKTESTS_ARE_NOT_RED,
    VAR_IS_NOT_BREACHED_TOO_OFTEN,
)
from sigmasight_dagster.story import Story, figures


@risk_asset(
    RiskMeasures,
    RiskContributions,
    VarBacktests,
    SimulatedPnl,
    PortfolioGroups,
    inputs=[
        Portfolios,
        Positions,
        PositionValues,
        PositionGreeks,
        PositionPnlExplain,
        SecurityMaster,
        Input(FactorBetas, benchmark=True),
        FactorCovariance,
        Input(DailyPrices, look_back=portfolio_backtest.HISTORY, benchmark=True),
        Input(TreasuryYields, look_back=SESSIONS_PER_YEAR, factor_window=True),
        Input(PortfolioSnapshots, look_back=performance.PERFORMANCE_SESSIONS - 1, published_only=True),
    ],
    group="portfolio_risk",
    page="var.md",
    gates=[
        COMPONENTS_ADD_UP,
        VAR_BACKTESTS_ARE_NOT_RED,
        VAR_IS_NOT_BREACHED_TOO_OFTEN,
        GROUPS_SUM_TO_THE_SAME,
    ],
    stories={
        RiskMeasures: Story(
            (
                figures.at(
                    "measure",
                    "value",
                    var_95_usd="value at risk 95% (USD)",
                    es_95_usd="expected shortfall 95% (USD)",
                    annualized_volatility="annualized volatility",
                ),
            )
        ),
        RiskContributions: Story(
            (figures.extreme("component_var_usd", "item", "largest VaR part", "USD", size=True),)
        ),
        VarBacktests: Story(
            (figures.at("confidence", "breaches", **{"99": "breaches of 99%", "95": "of 95%"}),)
        ),
        SimulatedPnl: Story(preview=("n_obs", "status")),
        PortfolioGroups: Story(
            (figures.extreme("component_var_usd", "group_name", "largest VaR part", "USD", size=True),),
            (
                "dimension",
                "group_name",
                "n_positions",
                "net_exposure",
                "weight",
                "daily_pnl",
                "component_var_usd",
                "status",
            ),
        ),
    },
)
def risk_measures(batch: Batch) -> tuple[pd.DataFrame, ...]:
    """Filtered historical simulation, parametric risk, that beside the benchmark, the account's history."""
    values = batch.read(PositionValues)
    model = batch.factor_model
    proxies = {factor.proxy for factor in model.factors if factor.proxy}
    beside = benchmarks(batch)
    symbols = sorted(proxies.union(values["underlying"].unique(), beside))
    prices = batch.read(DailyPrices, ["date", "symbol", "adjusted_close"], symbols)
    closes = returns.to_wide(prices, batch.sessions(DailyPrices))
    yields = batch.read(TreasuryYields)
    ten_year = yields[yields["series"] == "10Y"].set_index("date")["yield_percent"]
    greeks, betas = batch.read(PositionGreeks), batch.read(FactorBetas)
    groups = Groups.of(batch.partitions, position_values=values, securities=batch.read(SecurityMaster))
    found = measures.risk_measures(
        batch.partitions,
        position_values=values,
        position_greeks=greeks,
        log_returns=returns.log_returns(closes),
        betas=betas,
        factor_covariance=batch.read(FactorCovariance),
        factor_returns=factor_log_returns(model, closes, ten_year),
        window=model.window,
        snapshots=batch.read(PortfolioSnapshots),
        snapshot_sessions=batch.sessions(PortfolioSnapshots),
        first_entries=batch.positions.groupby("portfolio")["entry_date"].min(),
        benchmarks=beside,
        risk_free_rate=batch.option_parameters.risk_free_rate,
        groups=groups,
    )
    by_group = portfolio_groups(
        groups,
        found.groups,
        position_values=values,
        position_greeks=greeks,
        pnl_explain=batch.read(PositionPnlExplain),
        contributions=found.contributions,
        betas=betas,
        market=model.factors[model.market].id,
    )
    return found.measures, found.contributions, found.backtests, found.simulated_pnl, by_group
