"""What is told of each table: its key figures, which rows a preview shows first, its plot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from sigmasight_core.report import charts
from sigmasight_core.tables import (
    CorrelationClusters,
    CorrelationSummary,
    DailyPrices,
    FactorBetas,
    FactorExposures,
    FactorReturns,
    OptionVolatilities,
    PortfolioPnlExplain,
    PortfolioSnapshots,
    PositionCorrelations,
    PositionGreeks,
    PositionStress,
    PositionValues,
    RateExposures,
    RealizedVolatility,
    ReverseStress,
    RiskContributions,
    RiskMeasures,
    StressResults,
    Table,
    TreasuryYields,
    VarBacktests,
)
from sigmasight_dagster.story import plots
from sigmasight_dagster.story.figures import (
    Figure,
    at,
    extreme,
    known,
    of_row,
    share,
    text_of_row,
    total,
    worst_scenario,
)
from sigmasight_dagster.story.previews import all_rows, largest


@dataclass(frozen=True)
class Story:
    """:param preview: columns of the preview; default: the key and the first values.
    :param preview_rows: puts the partition's rows in the order in which the preview shows them.
    """

    figures: tuple[Figure, ...] = ()
    preview: tuple[str, ...] = ()
    preview_rows: Callable[[pd.DataFrame], pd.DataFrame] = all_rows
    plot: plots.Plot | None = None


STORIES: Mapping[type[Table], Story] = {
    DailyPrices: Story(
        (known("close", "symbols with a close"),),
        ("symbol", "close", "adjusted_close", "volume", "source", "status"),
    ),
    TreasuryYields: Story((at("series", "yield_percent", **{"10Y": "10-year yield (%)"}),)),
    RealizedVolatility: Story(
        (known("annualized_volatility", "symbols with a volatility"),),
        preview_rows=largest("annualized_volatility"),
    ),
    OptionVolatilities: Story(
        (
            known("implied_volatility", "contracts with a volatility"),
            share("implied_vol_source", "quote", "volatilities of own quotes (%)"),
        ),
        ("contract", "price", "price_source", "implied_volatility", "implied_vol_source", "status"),
    ),
    FactorReturns: Story(
        (at("factor", "return", market="market return"),), ("factor", "proxy", "return", "status")
    ),
    FactorBetas: Story(
        (share("quality", "full", "betas of full quality (%)"),),
        ("symbol", "factor", "beta", "std_error", "r_squared", "n_obs", "quality"),
    ),
    PositionValues: Story(
        (
            total("exposure", "net exposure (USD)"),
            total("daily_pnl", "daily P&L (USD)"),
            extreme("daily_pnl", "symbol", "worst position", "USD"),
        ),
        ("position_id", "position_type", "quantity", "price", "exposure", "daily_pnl", "weight", "status"),
        largest("exposure"),
    ),
    PositionGreeks: Story(
        (
            total("delta_exposure", "net dollar delta (USD)"),
            total("position_theta", "theta (USD per day)"),
            total("position_vega", "vega (USD per volatility point)"),
        ),
        ("position_id", "delta", "gamma", "theta", "vega", "implied_volatility", "delta_exposure", "status"),
        largest("delta_exposure"),
    ),
    PortfolioSnapshots: Story(
        (
            of_row(
                total_value="total value (USD)",
                daily_pnl="daily P&L (USD)",
                cumulative_pnl="cumulative P&L (USD)",
                gross_exposure="gross exposure (USD)",
                delta_usd="net dollar delta (USD)",
            ),
            text_of_row(status="status"),
        ),
        ("total_value", "daily_pnl", "daily_return", "cumulative_pnl", "n_positions", "n_priced", "status"),
        plot=plots.value_history,
    ),
    PortfolioPnlExplain: Story(
        (
            of_row(
                daily_pnl="daily P&L (USD)",
                market_pnl="of which market (USD)",
                specific_pnl="of which specific (USD)",
                residual_pnl="of which unexplained (USD)",
            ),
        )
    ),
    FactorExposures: Story(
        (
            at("factor", "beta", market="market beta"),
            at("factor", "exposure_usd", market="market exposure (USD)"),
        ),
        preview_rows=largest("exposure_usd"),
        plot=plots.factor_exposures,
    ),
    RateExposures: Story((at("series", "exposure_usd_per_bp", **{"10Y": "10-year yield (USD per bp)"}),)),
    PositionCorrelations: Story(
        (share("status", "ok", "pairs with a correlation (%)"),), plot=plots.correlation_heat_map
    ),
    CorrelationSummary: Story(
        (of_row(average_correlation="average correlation", effective_bets="effective bets"),)
    ),
    CorrelationClusters: Story(
        (extreme("cluster_size", "nickname", "largest cluster", "size", largest=True),)
    ),
    StressResults: Story(
        (worst_scenario,),
        ("scenario", "severity", "direct_pnl", "correlated_pnl", "plausibility_sigma", "status"),
        charts.shown_scenarios,
        plots.stress_scenarios,
    ),
    ReverseStress: Story(
        preview=("loss_percent", "factor", "factor_move", "unit", "plausibility_sigma", "status"),
    ),
    PositionStress: Story((extreme("correlated_pnl", "position_id", "worst position", "USD"),)),
    RiskMeasures: Story(
        (
            at(
                "measure",
                "value",
                var_95_usd="value at risk 95% (USD)",
                es_95_usd="expected shortfall 95% (USD)",
                annualized_volatility="annualized volatility",
            ),
        )
    ),
    RiskContributions: Story((extreme("component_var_usd", "item", "largest VaR part", "USD", size=True),)),
    VarBacktests: Story((at("confidence", "breaches", **{"99": "breaches of 99%", "95": "of 95%"}),)),
}
"""A table that is not here is told by its counts and a preview."""
