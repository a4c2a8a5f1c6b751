"""Which factors the P&L of a scenario comes from."""

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, key, label, value

REVALUATION = "revaluation"
"""Name of the part that is not linear in the factors."""


class ScenarioImpacts(PortfolioTable):
    """Part of a scenario's direct P&L by shocked factor, to first order; `revaluation` is the rest of it."""

    scenario: Series[str] = key("Scenario id", of="stress_results.*")
    factor: Series[str] = key(
        "Shocked factor id; 'revaluation': compounding, convexity, volatility and rate of options",
        of="factor_betas.*",
    )
    pnl: Series[float] = value(
        "Delta exposure x beta x the factor's own move in the state; revaluation: what full revaluation adds",
        "USD",
        of="position_greeks.delta_exposure factor_betas.beta factor_state.market_loading "
        "factor_state.rates_loading position_stress.direct_pnl",
    )
    direct_pnl: Series[float] = value(
        "Direct P&L of the scenario: the sum of the parts", "USD", of="stress_results.*"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "scenario_impacts"
        # stress_results says in the readiness what there is
        metadata = {"facts": Facts(readiness=(), packed=True)}
