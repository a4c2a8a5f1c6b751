"""Views that answer everyday questions in one line, declared: what they select, and what it means.

Each cell is a cell of a table; nothing is calculated. A column's meaning is that of the column it comes from.
Reading commands use the same declarations for a date of their own (`View.select`) and start quickly: what has
to know every table is in `complete`.
"""

from typing import Final

from sigmasight_core.tables import (
    FactorExposures,
    PortfolioReturns,
    PortfolioSnapshots,
    PositionCorrelations,
    PositionGreeks,
    Positions,
    PositionStress,
    PositionValues,
    RiskContributions,
    RiskMeasures,
    Scenarios,
    StressResults,
)
from sigmasight_core.tables.risk import RISK_MEASURES
from sigmasight_dagster.warehouse.layout.view import (
    DAY,
    NOT_COMPARISON,
    View,
    join,
    named,
    published,
    same,
)
from sigmasight_dagster.warehouse.sql import literal

_HEADLINE: Final = "CASE WHEN s.category = 'rates' THEN s.direct_pnl ELSE s.correlated_pnl END"
"""What ranks scenarios, in the charts too."""
_HEADLINE_MEANING: Final = "correlated_pnl; of a rates scenario direct_pnl [USD]"


def _measures(*names: str) -> dict[str, str]:
    return {name: f'max(m."value") FILTER (WHERE m.measure = {literal(name)})' for name in names}


_NOT_OK: Final = (
    "coalesce(string_agg(m.measure || ': ' || m.status, '; ' ORDER BY m.measure) "
    "FILTER (WHERE m.status <> 'ok'), 'ok')"
)
_MEASURE_MEANING: Final = {name: f"risk_measures.value of {name}" for name in RISK_MEASURES} | {
    "status": "ok, or each measure that is not, with its status"
}
_SHOWN_MEASURES: Final = (*RISK_MEASURES[:4], "annualized_volatility")
_WORST: Final = (
    f"LEFT JOIN LATERAL (SELECT s.scenario, {_HEADLINE} AS pnl, s.status FROM {named(StressResults)} AS s "
    f"WHERE s.date = d.date AND s.portfolio = d.portfolio AND {published(StressResults, 's')} "
    f"AND {NOT_COMPARISON.format(alias='s')} AND {_HEADLINE} IS NOT NULL ORDER BY pnl, s.scenario LIMIT 1"
    ") AS w ON true "
)
_VALUES_AND_WORST: Final = (
    f"JOIN LATERAL (SELECT v.*, w.scenario AS worst_scenario, w.pnl AS worst_scenario_pnl "
    f"FROM {named(PositionValues)} AS v LEFT JOIN (SELECT DISTINCT ON (s.position_id) s.position_id, "
    f"s.scenario, s.correlated_pnl AS pnl FROM {named(PositionStress)} AS s "
    f"WHERE s.date = d.date AND s.portfolio = d.portfolio AND {published(PositionStress, 's')} "
    f"AND {NOT_COMPARISON.format(alias='s')} AND s.correlated_pnl IS NOT NULL "
    "ORDER BY s.position_id, pnl, s.scenario) AS w ON w.position_id = v.position_id "
    f"WHERE v.date = d.date AND v.portfolio = d.portfolio AND {published(PositionValues, 'v')}) AS v ON true "
)
"""Positions with their worst scenario. In one, so that a partition of the packed table is unpacked once."""
_MEASURES_OF_DAY: Final = (
    "LEFT JOIN LATERAL (SELECT "
    + ", ".join(f"{what} AS {name}" for name, what in _measures(*_SHOWN_MEASURES).items())
    + f", CASE WHEN count(*) > 0 THEN {_NOT_OK} END AS status FROM {named(RiskMeasures)} AS m "
    "WHERE m.date = d.date "
    f"AND m.portfolio = d.portfolio AND {published(RiskMeasures, 'm')}) AS k ON true "
)

PORTFOLIO_TODAY: Final = View(
    "portfolio_today",
    "Each portfolio on its newest date: value, P&L, returns, beta, risk and worst scenario; one row each",
    PortfolioSnapshots,
    {"v": PortfolioSnapshots, "t": PortfolioReturns, "b": FactorExposures},
    DAY
    | same("v", "total_value", "cash", "gross_exposure", "net_exposure", "long_exposure", "short_exposure")
    | same("v", "delta_usd", "daily_pnl", "daily_return", "cumulative_pnl")
    | same("t", "twr_ytd", "twr_itd")
    | {"market_beta": "b.beta", "market_beta_std_error": "b.std_error"}
    | same("k", *_SHOWN_MEASURES)
    | {"worst_scenario": "w.scenario", "worst_scenario_pnl": "w.pnl"}
    | same("v", "n_positions", "status")
    | {"returns_status": "t.status", "beta_status": "b.status", "risk_status": "k.status"}
    | {"stress_status": "w.status"},
    join(PortfolioSnapshots, "v", kind="JOIN")
    + join(PortfolioReturns, "t")
    + join(FactorExposures, "b", "b.factor = 'market'")
    + _MEASURES_OF_DAY
    + _WORST,
    {name: _MEASURE_MEANING[name] for name in _SHOWN_MEASURES}
    | {
        "worst_scenario": "Scenario with the lowest P&L; NULL = none has a number",
        "worst_scenario_pnl": _HEADLINE_MEANING,
        "returns_status": "portfolio_returns.status; NULL = not published",
        "beta_status": "factor_exposures.status of the market; NULL = not published",
        "risk_status": "ok, or each risk measure that is not, with its status; NULL = not published",
        "stress_status": "stress_results.status of worst_scenario",
    },
)
POSITIONS_TODAY: Final = View(
    "positions_today",
    "Each position of each portfolio on its newest date, with contract terms, Greeks, its share of the VaR "
    "and its worst scenario",
    PositionValues,
    {"v": PositionValues, "l": Positions, "g": PositionGreeks, "c": RiskContributions},
    DAY
    | same("v", "position_id", "symbol", "underlying", "position_type", "quantity", "multiplier", "price")
    | same("v", "price_source", "price_age_days", "market_value", "exposure", "weight", "cost_basis")
    | same("v", "unrealized_pnl", "realized_pnl", "daily_pnl", "sector", "tags")
    | same("l", "entry_date", "expiry_date")
    | {"entry_price": "CAST(l.entry_price AS double precision)"}
    | same("g", "strike", "days_to_expiry", "exercise_style", "implied_volatility", "underlying_price")
    | same("g", "delta", "gamma", "theta", "vega", "rho", "position_delta", "position_gamma")
    | same("g", "position_theta", "position_vega", "position_rho", "delta_exposure")
    | {"component_var_usd": "c.component_var_usd", "var_share": "c.share"}
    | same("v", "worst_scenario", "worst_scenario_pnl")
    | {"status": "v.status", "greeks_status": "g.status", "var_status": "c.status"},
    _VALUES_AND_WORST
    + f"LEFT JOIN {named(Positions)} AS l ON l.portfolio = d.portfolio AND l.position_id = v.position_id "
    + join(PositionGreeks, "g", "g.position_id = v.position_id")
    + join(RiskContributions, "c", "c.kind = 'position' AND c.item = v.position_id"),
    {
        "entry_price": "Price per share at entry, as traded then; 0 = received free [USD]",
        "worst_scenario": "Scenario with the lowest correlated P&L of the position; NULL = none",
        "worst_scenario_pnl": "position_stress.correlated_pnl of worst_scenario [USD]",
        "greeks_status": "position_greeks.status; NULL = not published or not held",
        "var_status": "risk_contributions.status; NULL = not published or not held",
    },
)
WORST_STRESS: Final = View(
    "worst_stress",
    "Scenarios of each portfolio on its newest date, ranked: rank 1 loses most; no comparison scenarios",
    StressResults,
    {"s": StressResults, "c": Scenarios},
    DAY
    | {"rank": f"row_number() OVER (PARTITION BY d.portfolio, d.date ORDER BY {_HEADLINE}, s.scenario)"}
    | {"scenario": "s.scenario", "name": "c.name", "category": "s.category", "severity": "s.severity"}
    | {"pnl": _HEADLINE}
    | same("s", "direct_pnl", "correlated_pnl", "spot_only_pnl", "plausibility_sigma", "warning", "status"),
    join(StressResults, "s", kind="JOIN")
    + f"LEFT JOIN {named(Scenarios)} AS c ON c.scenario = s.scenario "
    + f"WHERE {NOT_COMPARISON.format(alias='s')} ORDER BY d.portfolio, d.date, rank",
    {
        "rank": "1 = the lowest pnl; scenarios without a number come last",
        "pnl": _HEADLINE_MEANING,
        "name": "Name of the scenario; NULL = computed before there was the table scenarios",
    },
)
RISK_MEASURES_WIDE: Final = View(
    "risk_measures_wide",
    "risk_measures with a column for each measure: one row a portfolio and date, every published date",
    None,
    {"m": RiskMeasures},
    {"portfolio": "m.portfolio", "date": "m.date"} | _measures(*RISK_MEASURES) | {"status": _NOT_OK},
    f"{named(RiskMeasures)} AS m WHERE {published(RiskMeasures, 'm')} GROUP BY m.portfolio, m.date",
    _MEASURE_MEANING,
)
CORRELATED_PAIRS: Final = View(
    "correlated_pairs",
    "Correlations of two different holdings on each portfolio's newest date that has them",
    PositionCorrelations,
    {"k": PositionCorrelations},
    DAY | same("k", "symbol_1", "symbol_2", "correlation", "n_obs", "status"),
    join(PositionCorrelations, "k", "k.symbol_1 <> k.symbol_2", kind="JOIN"),
)
