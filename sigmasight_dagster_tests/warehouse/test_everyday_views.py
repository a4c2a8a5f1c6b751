"""The views of everyday questions: what is published, cell by cell, without comparison scenarios."""

import pandas as pd
import pytest

from sigmasight_core.tables import (
    FactorExposures,
    Grain,
    PortfolioSnapshots,
    PositionCorrelations,
    PositionStress,
    PositionValues,
    RiskMeasures,
    Scenarios,
    StressResults,
    Table,
    grain,
)
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.warehouse import MigrationError, Warehouse
from sigmasight_dagster.warehouse.layout.complete import daily_tables
from sigmasight_dagster.warehouse.layout.everyday import WORST_STRESS
from sigmasight_dagster.warehouse.layout.views import EVERYDAY
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql, stamp

DAYS = pd.DatetimeIndex(["2024-07-02", "2024-07-03"]).as_unit("ns")
NAMES = ("a", "b")
SCENARIOS = ("fall", "fall_original", "rates_up")
PNL = {"fall": -50.0, "fall_original": -90.0, "rates_up": 80.0}


def publish(warehouse: Warehouse, model: type[Table], rows: pd.DataFrame) -> None:
    by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
    warehouse.replace(model, rows, DAYS, list(NAMES) if by_portfolio else None, stamp())


def stress(model: type[Table], **values: object) -> pd.DataFrame:
    """A row of each scenario for each partition."""
    keys = pd.MultiIndex.from_product([DAYS, NAMES, SCENARIOS], names=["date", "portfolio", "scenario"])
    rows = random_rows(model, DAYS, NAMES, per_partition=len(SCENARIOS)).assign(**values)
    rows[list(keys.names)] = keys.to_frame(index=False)
    return rows.astype({"portfolio": "str", "scenario": "str"})


def scenarios() -> pd.DataFrame:
    rows = random_rows(Scenarios, per_partition=3).assign(scenario=SCENARIOS, active="yes")
    return rows.assign(comparison=["no", "yes", "no"], name=["Fall", "Old fall", "Rates"]).astype(
        {"scenario": "str", "comparison": "str", "active": "str", "name": "str"}
    )


def register(url: str) -> None:
    insert = "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
    sql(url, insert + ", ".join(["VALUES ('a', 0, 'f', 'r', 'c', now())", "('b', 0, 'f', 'r', 'c', now())"]))


@pytest.fixture
def filled(url: str, warehouse: Warehouse) -> str:
    """Two portfolios on two dates in the tables that the views show."""
    register(url)
    for model in (PortfolioSnapshots, PositionValues, RiskMeasures):
        publish(warehouse, model, random_rows(model, DAYS, NAMES))
    betas = random_rows(FactorExposures, DAYS, NAMES, per_partition=1)
    publish(warehouse, FactorExposures, betas.assign(factor="market").astype({"factor": "str"}))
    rows = stress(StressResults)
    pnl = rows["scenario"].map(PNL)
    rates = rows["scenario"] == "rates_up"
    publish(
        warehouse,
        StressResults,
        rows.assign(
            category=rates.map({True: "rates", False: "market"}).astype("str"),
            correlated_pnl=pnl,
            direct_pnl=pnl.mask(rates, -70.0),
        ),
    )
    warehouse.keep_configured(Scenarios, scenarios(), stamp())
    return url


def test_every_view_shows_published_rows_of_the_newest_date_only(filled: str, warehouse: Warehouse) -> None:
    first, last = (f"{day:%Y-%m-%d}" for day in DAYS)
    shown = "SELECT portfolio, date::text, total_value FROM sigmasight.portfolio_today ORDER BY 1"
    stored = warehouse.read(PortfolioSnapshots).set_index(["date", "portfolio"])["total_value"].to_dict()
    assert [row[:2] for row in sql(filled, shown)] == [("a", last), ("b", last)]
    newest = sql(filled, shown)[0][2]
    assert pd.isna(stored[DAYS[1], "a"]) if newest is None else newest == stored[DAYS[1], "a"]
    sql(filled, f"DELETE FROM sigmasight.publications WHERE portfolio = 'b' AND date = '{last}'")
    assert [row[:2] for row in sql(filled, shown)] == [("a", last), ("b", first)]
    sql(filled, "DELETE FROM sigmasight.publications WHERE portfolio = 'b'")
    for view in EVERYDAY:
        assert sql(filled, f"SELECT count(*) FROM sigmasight.{view.name} WHERE portfolio = 'b'") == [(0,)]
    assert sql(filled, "SELECT count(*) > 0 FROM sigmasight.position_values WHERE portfolio = 'b'") == [
        (True,)
    ]


def test_a_join_shows_nothing_of_a_table_that_does_not_count(filled: str) -> None:
    sql(
        filled,
        "DELETE FROM sigmasight.publications "
        "WHERE table_name IN ('factor_exposures', 'stress_results', 'risk_measures')",
    )
    cells = "market_beta, beta_status, worst_scenario, var_95_usd, risk_status"
    assert sql(filled, f"SELECT {cells} FROM sigmasight.portfolio_today") == [(None,) * 5] * 2


def test_comparison_scenarios_are_in_no_view(filled: str, warehouse: Warehouse) -> None:
    ranked = "SELECT rank, scenario, name, pnl FROM sigmasight.worst_stress WHERE portfolio = 'a'"
    assert sql(filled, ranked) == [(1, "rates_up", "Rates", -70.0), (2, "fall", "Fall", -50.0)]
    worst = "SELECT worst_scenario, worst_scenario_pnl FROM sigmasight.portfolio_today WHERE portfolio = 'a'"
    assert sql(filled, worst) == [("rates_up", -70.0)]
    publish(warehouse, PositionStress, stress(PositionStress))
    for table in ("stress_results", "position_stress"):
        names = f"SELECT array_agg(DISTINCT scenario ORDER BY scenario) FROM sigmasight.{table}"
        assert sql(filled, f"{names}_latest") == [(["fall", "rates_up"],)]
        assert sql(filled, names) == [(list(SCENARIOS),)]


def test_a_date_of_ones_own(filled: str) -> None:
    day = "SELECT 'a'::text AS portfolio, DATE '2024-07-02' AS date"
    chosen = sql(filled, f"SELECT date::text, rank FROM ({WORST_STRESS.select(day)}) AS x")
    assert chosen == [("2024-07-02", 1), ("2024-07-02", 2)]


def test_measures_side_by_side(filled: str, warehouse: Warehouse) -> None:
    rows = warehouse.read(RiskMeasures)
    measures = [f"measure_{place}" for place in range(len(rows))]
    rows = rows.assign(measure=measures).astype({"measure": "str"})
    rows.loc[:1, "measure"] = ["var_95_usd", "es_95_usd"]
    rows.loc[:1, "value"] = [7.5, float("nan")]
    rows["status"] = ["ok", "no prices", *["ok"] * (len(rows) - 2)]
    publish(warehouse, RiskMeasures, rows.astype({"status": "str"}))
    shown = "SELECT var_95_usd, es_95_usd, status FROM sigmasight.risk_measures_wide ORDER BY date, portfolio"
    assert sql(filled, shown)[0] == (7.5, None, "es_95_usd: no prices")
    assert len(sql(filled, shown)) == len(DAYS) * len(NAMES)


def test_pairs_are_of_the_newest_date_that_has_any(filled: str, warehouse: Warehouse) -> None:
    rows = random_rows(PositionCorrelations, DAYS[:1], NAMES, per_partition=2)
    rows = rows.assign(symbol_1=["A", "A"] * 2, symbol_2=["A", "B"] * 2, correlation=0.9)
    publish(warehouse, PositionCorrelations, rows.astype({"symbol_1": "str", "symbol_2": "str"}))
    pairs = "SELECT portfolio, date::text, symbol_1, symbol_2, correlation FROM sigmasight.correlated_pairs"
    assert sql(filled, f"{pairs} ORDER BY 1") == [(name, "2024-07-02", "A", "B", 0.9) for name in NAMES]


def test_a_date_is_complete_when_every_table_of_it_counts(url: str, warehouse: Warehouse) -> None:
    of_portfolios, of_dates = daily_tables(Grain.DATE_PORTFOLIO), daily_tables(Grain.DATE)
    weekly = {name for asset in RISK_ASSETS if asset.weekly for name in asset.table_names}
    assert weekly == {"position_correlations", "correlation_summary", "correlation_clusters"}
    declared = {name for asset in RISK_ASSETS for name in asset.table_names}
    assert set(of_portfolios) | set(of_dates) == declared - weekly - {"portfolio_reports"}
    for tables, names in ((of_portfolios, NAMES), (of_dates, [""])):
        days = [f"{day:%Y-%m-%d}" for day in DAYS]
        sql(
            url,
            "INSERT INTO sigmasight.publications (table_name, portfolio, date, n_rows, run_id, code_version, "
            f"computed_at) SELECT t, p, d, 0, 'r', 'c', now() FROM unnest(ARRAY{list(tables)}) t, "
            f"unnest(ARRAY{list(names)}) p, unnest(ARRAY{days}::date[]) d",
        )
    register(url)
    complete = "SELECT portfolio, date::text FROM sigmasight.complete_dates ORDER BY 1, 2"
    assert sql(url, complete) == [(name, f"{day:%Y-%m-%d}") for name in NAMES for day in DAYS]
    for table, name, day in ((of_portfolios[-1], "a", DAYS[0]), (of_dates[0], "", DAYS[1])):
        sql(
            url,
            f"DELETE FROM sigmasight.publications WHERE table_name = '{table}' AND portfolio = '{name}' "
            f"AND date = '{day:%Y-%m-%d}'",
        )
    assert sql(url, complete) == [("b", "2024-07-02")]
    sql(url, "UPDATE sigmasight.publications SET n_rows = 1 WHERE table_name = 'portfolio_snapshots'")
    rows = warehouse.dates_of_everybody()
    assert rows["portfolio"].tolist() == ["a", "a", "b", "b"]
    assert rows["date"].tolist() == [*DAYS, *DAYS]
    assert rows["complete"].tolist() == [False, False, True, False]


def test_every_column_is_described(catalogue: str) -> None:
    for view in EVERYDAY:
        found = sql(
            catalogue,
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            f"WHERE attrelid = 'sigmasight.{view.name}'::regclass AND attnum > 0 ORDER BY attnum",
        )
        assert dict(found) == view.described()
        assert [name for name, _ in found] == list(view.columns)


def test_a_view_of_another_version_is_made_anew_unless_ones_own_hangs_on_it(
    url: str, warehouse: Warehouse
) -> None:
    older = (
        "DROP VIEW sigmasight.worst_stress",
        "CREATE VIEW sigmasight.worst_stress AS SELECT 1 AS other",
        "UPDATE sigmasight.schema_version SET views = 'older'",
    )
    sql(url, *older, "CREATE VIEW public.mine AS SELECT * FROM sigmasight.worst_stress")
    with pytest.raises(MigrationError, match="views of your own hang on it"):
        warehouse.migrate()
    sql(url, "DROP VIEW public.mine")
    assert "changed view worst_stress" in warehouse.migrate()
    assert sql(url, "SET ROLE sigmasight_reader", "SELECT * FROM sigmasight.worst_stress") == []


def test_a_type_changes_below_a_view(url: str, warehouse: Warehouse) -> None:
    sql(
        url,
        "DROP VIEW sigmasight.portfolio_today, sigmasight.portfolio_snapshots_latest",
        "ALTER TABLE sigmasight.portfolio_snapshots ALTER total_value TYPE real",
        "CREATE VIEW sigmasight.portfolio_today AS SELECT total_value FROM sigmasight.portfolio_snapshots",
    )
    changes = warehouse.migrate()
    assert "created view portfolio_today" in changes
    assert warehouse.migrate() == []
