"""The original demo portfolios offline: every position, Greek, factor and scenario on simulated prices.

Driven as a user does: `sigmasight import` and `sigmasight backfill`, real Dagster runs on PostgreSQL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.conventions import OK, OPTION_TYPES
from sigmasight_core.simulated.catalogue import PROXIES
from sigmasight_core.simulated.market import simulated_market
from sigmasight_core.simulated.symbols import FACTOR_IDS
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    FactorBetas,
    FactorExposures,
    FactorState,
    GroupContributions,
    OptionQuotes,
    PortfolioCash,
    PortfolioReturns,
    PortfolioSnapshots,
    PositionGreeks,
    PositionValues,
    RateBetas,
    ReturnContributions,
    RiskMeasures,
    SecurityMaster,
    StressResults,
    TreasuryYields,
)
from sigmasight_dagster_tests.support.project import EXAMPLES, CliProject
from sigmasight_dagster_tests.support.some_tables import computing

SEED = 1
DATES = calendar.sessions("2025-01-02", "2025-03-31")
COUNTS = {"demo_individual": 16, "demo_high_net_worth": 17, "demo_hedge_fund_style": 30}
OWN, BENCHMARK = "demo_high_net_worth", "U777"
"""A portfolio that is held against a symbol that nobody holds."""
N_POSITIONS, N_OPTIONS = 63, 8
UNIVERSE, N_UNIVERSE = "universe", 100
WINDOW_ENDS = [calendar.shift_sessions(DATES[-1], -252 * years) for years in (2, 1, 0)]
ORIGINAL_SCENARIOS = (
    *("market_up_10", "market_down_10", "market_crash_35", "market_rally_25"),
    *("rates_up_25bp", "rates_down_25bp", "rates_up_100bp", "rates_down_100bp", "rate_spike_300bp"),
    *("value_rotation_20", "growth_rally_15", "small_cap_outperformance_10", "quality_flight_12"),
    *("vix_spike_150", "liquidity_crisis"),
    *("financial_crisis_2008", "covid_crash_2020", "dotcom_crash_2000"),
)


@dataclass(frozen=True)
class SimulatedProject(CliProject):
    """A project on the simulated market whose last date is that of the test, not today."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_PROVIDER": "simulated",
            "SIGMASIGHT_SIMULATED_SEED": str(SEED),
            "SIGMASIGHT_END_DATE": "2025-03-31",
        }


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> SimulatedProject:
    made = new_project()
    project = SimulatedProject(made.home, made.asset_url, made.dagster_url)
    for name, count in COUNTS.items():
        own = ("--benchmark", BENCHMARK) if name == OWN else ()
        said = project.ok("import", str(EXAMPLES / "original" / f"{name}.csv"), "--portfolio", name, *own)
        assert f"Portfolio {name}: {count} positions, created" in said
    project.ok("import", str(universe(project.home)), "--portfolio", UNIVERSE)
    originals = [word for name in COUNTS for word in ("--portfolio", name)]
    project.ok("backfill", "--start", "2025-01-02", "--end", "2025-03-31", *originals)
    with computing("factor_betas", "position_values"):
        for date in WINDOW_ENDS[:-1]:
            project.ok("run", "--date", f"{date:%Y-%m-%d}", "--portfolio", UNIVERSE)
    return project


def universe(folder: Path) -> Path:
    """A portfolio of drawn symbols: its betas are published with the others'."""
    rows = [f"U{number:03d},10,50.00,2022-01-03" for number in range(N_UNIVERSE)]
    file = folder / f"{UNIVERSE}.csv"
    file.write_text("\n".join(["ticker,quantity,entry_price,entry_date", *rows]))
    return file


def test_sixty_sessions_before_the_first_expiry(project: SimulatedProject) -> None:
    positions = project.warehouse().positions(list(COUNTS))
    assert len(DATES) == 60
    assert len(positions) == N_POSITIONS
    assert positions["expiry_date"].min() == pd.Timestamp("2025-07-16") > DATES[-1]


def test_every_position_is_priced_on_every_date(project: SimulatedProject) -> None:
    values = project.warehouse().read(PositionValues, DATES, list(COUNTS))
    assert len(values) == N_POSITIONS * len(DATES)
    assert values[["price", "market_value", "exposure", "daily_pnl"]].notna().all(axis=None)
    assert (values.groupby("date").size() == N_POSITIONS).all()


def test_value_changes_by_pnl_and_flows_alone(project: SimulatedProject) -> None:
    warehouse = project.warehouse()
    returns = warehouse.read(PortfolioReturns, DATES, list(COUNTS)).set_index(["portfolio", "date"])
    cash = warehouse.read(PortfolioCash, DATES, list(COUNTS)).set_index(["portfolio", "date"])
    total = warehouse.read(PortfolioSnapshots, DATES, list(COUNTS)).set_index(["portfolio", "date"])
    compared = returns["unexplained"].dropna()
    assert len(compared) == len(COUNTS) * (len(DATES) - 1)
    assert compared.abs().max() < 1e-9
    change = total["total_value"].groupby("portfolio").diff() - total["daily_pnl"] - total["external_flow"]
    assert (change / total["gross_exposure"]).abs().max() < 1e-9
    assert (cash["dividends"].abs().groupby("portfolio").sum() > 0).all()
    assert (total["income"] == cash[["dividends", "interest", "fees"]].sum(axis=1)).all()


def test_each_portfolio_is_beside_its_own_benchmark(project: SimulatedProject) -> None:
    warehouse = project.warehouse()
    returns = warehouse.read(PortfolioReturns, DATES, list(COUNTS)).set_index(["date", "portfolio"])
    assert set(returns.xs(OWN, level="portfolio")["benchmark"]) == {BENCHMARK}
    assert set(returns.xs("demo_individual", level="portfolio")["benchmark"]) == {PROXIES["market"]}
    closes = warehouse.read(DailyPrices, DATES, symbols=[BENCHMARK]).set_index("date")["adjusted_close"]
    np.testing.assert_allclose(
        returns.xs(OWN, level="portfolio")["benchmark_return"].iloc[1:],
        closes.pct_change(fill_method=None).iloc[1:],
        rtol=1e-12,
    )
    risk = warehouse.read(RiskMeasures, DATES[-1:], list(COUNTS)).set_index(["measure", "portfolio"])
    # the hedge fund owes more than it has
    errors = risk.loc["tracking_error_ex_ante"].drop("demo_hedge_fund_style")
    assert (errors["status"] == OK).all()
    assert errors["value"].between(0.01, 1.0).all()


def test_contributions_of_positions_and_cash_sum_to_the_return_of_the_year(project: SimulatedProject) -> None:
    warehouse = project.warehouse()
    rows = warehouse.read(ReturnContributions, DATES, list(COUNTS))
    returns = warehouse.read(PortfolioReturns, DATES, list(COUNTS)).set_index(["date", "portfolio"])[
        "twr_ytd"
    ]
    year = rows[rows["period"] == "ytd"].groupby(["date", "portfolio"])["contribution"].sum(min_count=1)
    pd.testing.assert_series_equal(year, returns.reindex(year.index), check_names=False, atol=1e-10, rtol=0)
    assert len(year) == len(COUNTS) * len(DATES)
    groups = warehouse.read(GroupContributions, DATES, list(COUNTS))
    assert {"sector", "tag"} == set(groups["dimension"])
    for _, of_dimension in groups[groups["period"] == "ytd"].groupby("dimension"):
        sums = of_dimension.groupby(["date", "portfolio"])["contribution"].sum(min_count=1)
        pd.testing.assert_series_equal(sums, year, check_names=False, atol=1e-10, rtol=0)
    last = rows[(rows["date"] == DATES[-1]) & (rows["period"] == "ytd")]
    held = warehouse.positions(list(COUNTS))[["portfolio", "underlying"]].drop_duplicates()
    assert len(last) == len(held) + len(COUNTS)
    assert (last.loc[last["item"] == "cash", "contribution"] != 0).all()


def test_every_option_has_greeks_on_every_date(project: SimulatedProject) -> None:
    warehouse = project.warehouse()
    values = warehouse.read(PositionValues, DATES, list(COUNTS))
    options = values.loc[values["position_type"].isin(OPTION_TYPES), ["date", "portfolio", "position_id"]]
    greeks = options.merge(warehouse.read(PositionGreeks, DATES), how="left")
    assert len(greeks) == N_OPTIONS * len(DATES)
    numbers = ["delta", "gamma", "theta", "vega", "rho", "implied_volatility", "delta_exposure"]
    assert greeks[numbers].notna().all(axis=None)


def test_every_option_is_quoted_with_its_neighbours(project: SimulatedProject) -> None:
    warehouse = project.warehouse()
    positions = warehouse.positions()
    held = positions.loc[positions["position_type"].isin(OPTION_TYPES), "symbol"]
    quotes = warehouse.read(OptionQuotes, DATES)
    counts = quotes[quotes["contract"].isin(held)].groupby("date").size()
    assert list(counts) == [N_OPTIONS] * len(DATES)
    assert quotes["contract"].nunique() == 5 * N_OPTIONS
    assert (quotes["ask"] > quotes["bid"]).all()


def test_all_seven_factors_and_rates_are_available(project: SimulatedProject) -> None:
    warehouse = project.warehouse()
    state = warehouse.read(FactorState, DATES)
    assert (len(state), set(state["status"])) == (8 * len(DATES), {OK})
    held = set(warehouse.positions(list(COUNTS))["underlying"]) | set(PROXIES.values())
    betas = warehouse.read(FactorBetas, DATES, symbols=sorted(held))
    assert betas["beta"].notna().all()
    assert set(betas["quality"]) == {"full"}
    exposures = warehouse.read(FactorExposures, DATES)
    assert len(exposures) == 8 * len(COUNTS) * len(DATES)
    assert exposures["exposure_usd"].notna().all()
    rates = warehouse.read(RateBetas, DATES, symbols=sorted(held))
    assert rates["beta_per_percentage_point"].notna().all()


def test_all_original_scenarios_and_ladders_are_computed(project: SimulatedProject) -> None:
    results = project.warehouse().read(StressResults, DATES)
    assert len(ORIGINAL_SCENARIOS) == 18
    assert set(ORIGINAL_SCENARIOS) <= set(results["scenario"])
    assert len(results) == results["scenario"].nunique() * len(COUNTS) * len(DATES)
    assert results[["direct_pnl", "correlated_pnl"]].notna().all(axis=None)
    assert not results["status"].str.contains("unavailable").any()


@pytest.mark.parametrize(
    "model", [DailyPrices, CorporateActions, TreasuryYields, OptionQuotes, SecurityMaster]
)
def test_every_row_says_that_it_is_simulated(project: SimulatedProject, model: type) -> None:
    assert set(project.warehouse().read(model)["source"]) == {"simulated, seed 1"}


def test_published_betas_recover_the_true_ones(project: SimulatedProject) -> None:
    betas = project.warehouse().read(FactorBetas, WINDOW_ENDS)
    betas = betas[~betas["symbol"].isin({*PROXIES.values(), "VIX"}) & betas["beta"].notna()]
    assert set(betas["date"]) == set(WINDOW_ENDS)
    true = simulated_market(SEED).true_betas(sorted(betas["symbol"].unique()))
    both = betas.merge(true, on=["symbol", "factor"], suffixes=("", "_true"))
    near = (both["beta"] - both["beta_true"]).abs() <= 2 * both["std_error"]
    assert len(both) == len(betas) > len(WINDOW_ENDS) * len(FACTOR_IDS) * (N_UNIVERSE + 30)
    assert near.mean() >= 0.93, f"{near.mean():.1%} of {len(near)}"
    of_originals = near[~both["symbol"].str.match("U[0-9]{3}")]
    assert of_originals.mean() >= 0.93, f"{of_originals.mean():.1%} of {len(of_originals)}"


def test_stress_against_reality_does_without_a_list_of_symbols(project: SimulatedProject) -> None:
    said = project.ok("stress-reality")
    assert "no equal-weight basket: the provider has no list of its symbols" in said
    assert "2020-02-19..2020-03-23" in said
