"""Tables that somebody changes by hand: `verify` sees exactly that, and mends it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core.tables import Publications, ReverseStress
from sigmasight_dagster.checks import damage, repair
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse.layout.schema import packed_columns
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents, new_project
from sigmasight_dagster_tests.support.small_project import SmallProject

__all__ = ["new_project"]

DAY, NEXT = "2022-11-21", "2022-11-22"
HERE = f"WHERE date = '{DAY}' AND portfolio = 'alpha'"
ON_DAY = f"WHERE date = '{DAY}'"

KEYS = ["table_name", "date", "portfolio", "damage"]
Found = set[tuple[str, str, str, str]]
"""Table, date ('' in the ledger), portfolio and damage."""


def update(table: str, what: str, rows: str = HERE) -> str:
    return f"UPDATE sigmasight.{table} SET {what} {rows}"


def more(table: str, column: str, rows: str = HERE) -> str:
    return update(table, f"{column} = coalesce({column}, 0) * 1.5 + 1", rows)


def copied(table: str, rows: str = HERE, **cells: str) -> str:
    """One row once more, some of its cells replaced."""
    with_cells = f"jsonb_build_object({', '.join(f'{name!r}, {cell!r}' for name, cell in cells.items())})"
    row = f"to_jsonb(t) || {with_cells}"
    return (
        f"INSERT INTO sigmasight.{table} SELECT (jsonb_populate_record(NULL::sigmasight.{table}, {row})).* "
        f"FROM (SELECT * FROM sigmasight.{table} {rows} LIMIT 1) AS t"
    )


def unpublished(table: str, rows: str = HERE) -> str:
    return f"DELETE FROM sigmasight.publications {rows} AND table_name = '{table}'"


def here(table: str, what: str = damage.CHANGED) -> Found:
    return {(table, DAY, "alpha", what)}


def on_day(table: str, what: str = damage.CHANGED) -> Found:
    return {(table, DAY, "", what)}


def of_ledger(table: str, portfolio: str = "alpha") -> Found:
    return {(table, "", portfolio, damage.LEDGER)}


IN_LEDGER = "WHERE portfolio = 'alpha'"

FAULTS: dict[str, tuple[list[str], Found]] = {
    "quantity x 10 in the ledger": (
        [update("positions", "quantity = quantity * 10", f"{IN_LEDGER} AND symbol = 'AAPL'")],
        of_ledger("positions"),
    ),
    "cash in the ledger": ([more("portfolios", "cash", IN_LEDGER)], of_ledger("portfolios")),
    "lost transaction": (
        [f"DELETE FROM sigmasight.transactions {IN_LEDGER} AND symbol = 'JPM'"],
        of_ledger("transactions"),
    ),
    "holding of a benchmark": (
        [
            "INSERT INTO sigmasight.benchmark_holdings SELECT 'beta', '2022-01-03', 'AAPL', 1, '', 'SPY', "
            "'x', 1, run_id, code_version, computed_at FROM sigmasight.portfolios LIMIT 1"
        ],
        of_ledger("benchmark_holdings", "beta"),
    ),
    "total value": ([more("portfolio_snapshots", "total_value")], here("portfolio_snapshots")),
    "cash": ([more("portfolio_cash", "opening")], here("portfolio_cash")),
    "value at risk": (
        [more("risk_measures", "value", f"{HERE} AND measure = 'var_95_usd'")],
        here("risk_measures"),
    ),
    "covariance": (
        [more("factor_covariance", "covariance", f"{ON_DAY} AND factor_1 = 'market'")],
        on_day("factor_covariance"),
    ),
    "beta": ([more("factor_betas", "beta", f"{ON_DAY} AND symbol = 'AAPL'")], on_day("factor_betas")),
    "Greek": ([more("position_greeks", "position_delta")], here("position_greeks")),
    "price": ([more("daily_prices", "close", f"{ON_DAY} AND symbol = 'AAPL'")], on_day("daily_prices")),
    "two prices exchanged": (
        [
            "UPDATE sigmasight.daily_prices t SET close = (SELECT o.close FROM sigmasight.daily_prices o "
            "WHERE o.date = t.date AND o.symbol <> t.symbol AND o.symbol IN ('AAPL', 'JPM')) "
            f"{ON_DAY} AND symbol IN ('AAPL', 'JPM')"
        ],
        on_day("daily_prices"),
    ),
    "NULL for a value": (
        [update("daily_prices", "adjusted_close = NULL", f"{ON_DAY} AND symbol = 'AAPL'")],
        on_day("daily_prices"),
    ),
    "rate": ([more("treasury_yields", "yield_percent", ON_DAY)], on_day("treasury_yields")),
    "sector": (
        [update("security_master", "sector = 'Energy'", f"{ON_DAY} AND symbol = 'AAPL'")],
        on_day("security_master"),
    ),
    "corporate action that there was not": (
        [
            f"INSERT INTO sigmasight.corporate_actions SELECT '{DAY}', 'AAPL', 'split', 2, 'me', 'ok', "
            "run_id, code_version, computed_at FROM sigmasight.portfolios LIMIT 1"
        ],
        on_day("corporate_actions", damage.ADDED),
    ),
    "NaN in a snapshot": (
        [update("portfolio_snapshots", "net_exposure = 'NaN'")],
        here("portfolio_snapshots", damage.NOT_FINITE + "net_exposure"),
    ),
    "NaN among scenarios": (
        [update("simulated_pnl", "pnl = ARRAY[1, 'NaN']::real[]")],
        here("simulated_pnl", damage.NOT_FINITE + "pnl"),
    ),
    "correlation": (
        [more("correlation_summary", "average_correlation")],
        here("correlation_summary"),
    ),
    "stress": (
        [more("stress_results", "direct_pnl", f"{HERE} AND severity = 'severe'")],
        here("stress_results"),
    ),
    "one number of many in a packed table": (
        [update("position_stress_packed", "direct_pnl[3] = coalesce(direct_pnl[3], 0) + 1")],
        here("position_stress"),
    ),
    "last row of a packed table": (
        [
            update(
                "reverse_stress_packed",
                ", ".join(f"{name} = trim_array({name}, 1)" for name in packed_columns(ReverseStress)),
            )
        ],
        here("reverse_stress", damage.LOST),
    ),
    "P&L": ([more("portfolio_pnl_explain", "daily_pnl")], here("portfolio_pnl_explain")),
    "return": ([more("portfolio_returns", "daily_return")], here("portfolio_returns")),
    "sign of a weight": (
        [
            update(
                "portfolio_groups_packed",
                "weight = (SELECT array_agg(-w ORDER BY n) FROM unnest(weight) WITH ORDINALITY AS u(w, n))",
            )
        ],
        here("portfolio_groups"),
    ),
    "name of a group": (
        [update("portfolio_groups_packed", "group_name[2] = group_name[2] || ' '")],
        here("portfolio_groups"),
    ),
    "status": (
        [update("position_values", "status = 'no price'", f"{HERE} AND symbol = 'AAPL'")],
        here("position_values"),
    ),
    "document of a report": (
        [
            update(
                "portfolio_reports",
                "document = document || ' '",
                f"WHERE date = '{NEXT}' AND portfolio = 'alpha'",
            )
        ],
        {("portfolio_reports", NEXT, "alpha", damage.CHANGED)},
    ),
    "time of a row": (
        [update("expiries", "computed_at = computed_at + interval '1 hour'")],
        here("expiries", damage.OTHER_WRITER),
    ),
    "run of a publication": (
        [update("publications", "run_id = 'mine'", f"{HERE} AND table_name = 'risk_measures'")],
        here("risk_measures", damage.OTHER_WRITER),
    ),
    "count of a publication": (
        [update("publications", "n_rows = n_rows + 1", f"{HERE} AND table_name = 'risk_measures'")],
        here("risk_measures", damage.LOST),
    ),
    "publication of nothing, for nobody": (
        [copied("publications", f"{HERE} AND table_name = 'expiries'", portfolio="ghost", n_rows="0")],
        {("expiries", DAY, "ghost", damage.CHANGED), ("expiries", DAY, "ghost", damage.UNREGISTERED)},
    ),
    "deleted publication": (
        [unpublished("position_values")],
        here("position_values", damage.FOREIGN),
    ),
    "deleted publications of market data": (
        [unpublished("factor_betas", ON_DAY)],
        on_day("factor_betas", damage.FOREIGN),
    ),
    "partition erased with its publication": (
        [unpublished("position_values"), f"DELETE FROM sigmasight.position_values {HERE}"],
        here("position_values", damage.MISSING + "position_pnl_explain"),
    ),
    "lost row": (
        [f"DELETE FROM sigmasight.position_values {HERE} AND symbol = 'AAPL'"],
        here("position_values", damage.LOST),
    ),
    "row twice": ([copied("position_values", position_id="again")], here("position_values", damage.ADDED)),
    "row of a portfolio that there is not": (
        [copied("position_values", portfolio="ghost")],
        {("position_values", DAY, "ghost", damage.FOREIGN)},
    ),
    "row on a Saturday": (
        [copied("portfolio_snapshots", date="2022-11-19")],
        {("portfolio_snapshots", "2022-11-19", "alpha", damage.FOREIGN)},
    ),
    "exchanged dates": (
        [
            update("portfolio_snapshots", "date = '1999-01-04'"),
            update(
                "portfolio_snapshots", f"date = '{DAY}'", f"WHERE date = '{NEXT}' AND portfolio = 'alpha'"
            ),
            update("portfolio_snapshots", f"date = '{NEXT}'", "WHERE date = '1999-01-04'"),
        ],
        {("portfolio_snapshots", day, "alpha", damage.CHANGED) for day in (DAY, NEXT)},
    ),
    "truncated table": (
        ["TRUNCATE sigmasight.stress_results"],
        {("stress_results", day, name, damage.LOST) for day in (DAY, NEXT) for name in ("alpha", "beta")},
    ),
}


@pytest.fixture(scope="module")
def computed(new_project: Callable[[], CliProject]) -> SmallProject:
    project = SmallProject.of(new_project(), ["alpha", "beta"])
    assert project.here("backfill", "--start", DAY, "--end", NEXT) == 0
    return project


@pytest.fixture
def project(computed: SmallProject, fresh_database: Callable[..., str]) -> SmallProject:
    """The computed project with tables of the test's own."""
    name = computed.asset_url.split("?")[0].rpartition("/")[2]
    others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    execute(computed.dagster_url, others)
    return replace(computed, asset_url=fresh_database(name))


@pytest.fixture
def platform(project: SmallProject) -> Iterator[Platform]:
    with project.settings():
        made = Platform(Settings(_env_file=None))
        yield made
        made.warehouse.close()


def as_set(rows: pd.DataFrame) -> Found:
    days = rows["date"].dt.strftime("%Y-%m-%d").fillna("")
    return set(zip(rows["table_name"], days, rows["portfolio"], rows["damage"], strict=True))


def test_nothing_is_damaged_by_a_run(platform: Platform) -> None:
    assert damage.find(platform).empty


@pytest.mark.parametrize("fault", FAULTS)
def test_a_change_by_hand_is_seen(project: SmallProject, platform: Platform, fault: str) -> None:
    statements, expected = FAULTS[fault]
    execute(project.asset_url, *statements)
    assert as_set(damage.find(platform)) == expected


def test_a_renamed_portfolio(project: SmallProject, platform: Platform) -> None:
    published = platform.warehouse.read(Publications)
    execute(project.asset_url, update("portfolios", "portfolio = 'gamma'", IN_LEDGER))
    results = published[published["portfolio"] == "alpha"].assign(damage=damage.UNREGISTERED)
    ledger = of_ledger("portfolios") | of_ledger("portfolios", "gamma")
    assert as_set(damage.find(platform)) == ledger | as_set(results)


def test_every_publication_deleted(project: SmallProject, platform: Platform) -> None:
    published = platform.warehouse.read(Publications)
    filled = published[published["n_rows"] > 0].assign(damage=damage.FOREIGN)
    execute(project.asset_url, "DELETE FROM sigmasight.publications")
    assert as_set(damage.find(platform)) == as_set(filled)


def test_the_check_and_parts_of_the_tables(project: SmallProject, platform: Platform) -> None:
    execute(
        project.asset_url, *FAULTS["total value"][0], *FAULTS["price"][0], *FAULTS["cash in the ledger"][0]
    )
    [verdict] = damage.nothing_was_changed_by_hand(
        dg.build_asset_check_context(resources={"platform": platform})
    )
    assert not verdict.passed
    assert verdict.metadata["damaged"].value == 3
    day, after = pd.Timestamp(DAY), pd.Timestamp(NEXT)
    assert as_set(damage.find(platform, names=["beta"])) == on_day("daily_prices")
    assert as_set(damage.find(platform, (after, after), ["beta"])) == set()
    assert as_set(damage.find(platform, (day, day), ["alpha"])) == (
        here("portfolio_snapshots") | on_day("daily_prices") | of_ledger("portfolios")
    )


def test_what_was_published_without_a_checksum(project: SmallProject, platform: Platform) -> None:
    nothing = update("publications", "checksum = NULL", f"{HERE} AND table_name = 'expiries'")
    execute(project.asset_url, nothing)
    assert project.here("verify") == 0
    assert as_set(damage.find(platform)) == here("expiries", damage.UNKNOWN)
    assert project.here("verify", "--accept") == 0
    assert damage.find(platform).empty


def test_what_a_person_meant_is_accepted(project: SmallProject, platform: Platform) -> None:
    meant = ("quantity x 10 in the ledger", "total value", "row on a Saturday", "lost row", "row twice")
    execute(project.asset_url, *(statement for name in meant for statement in FAULTS[name][0]))
    execute(project.asset_url, *FAULTS["NaN among scenarios"][0])
    edit = project.run("position", "tag", "alpha", "AAPL@2022-11-15", "core")
    assert edit.returncode == 1
    assert "positions changed by no command since the last one; see `sigmasight verify alpha`" in edit.stderr
    assert project.here("verify", "--accept") == 1, "a number that is none is never accepted"
    assert as_set(damage.find(platform)) == FAULTS["NaN among scenarios"][1]
    assert project.run("position", "tag", "alpha", "AAPL@2022-11-15", "core").returncode == 0


def test_what_looks_back_on_damage_is_computed_again(project: SmallProject) -> None:
    lost = pd.DataFrame([("portfolio_cash", pd.Timestamp(DAY), "alpha", damage.CHANGED)], columns=KEYS)
    with project.open() as opened:
        runs = repair.computations(opened, lost)
    planned = {(name, key) for run in runs for name in run.table_names for key in run.partition_keys}
    returns = {key for name, key in planned if name == "portfolio_returns"}
    assert returns == {f"{DAY}|alpha", f"{NEXT}|alpha"}
    assert ("portfolio_cash", f"{NEXT}|alpha") not in planned


def test_every_fault_is_repaired(project: SmallProject, platform: Platform) -> None:
    """All at once, in one repair; the ledger by its file."""
    before = project.contents()
    ledger = {name for name, (_, found) in FAULTS.items() if {row[1] for row in found} == {""}}
    execute(project.asset_url, *(each for name in FAULTS if name not in ledger for each in FAULTS[name][0]))
    assert project.here("verify", "--repair") == 0
    assert damage.find(platform).empty
    assert_same_contents(before, project.contents(), rtol=1e-9)
    execute(project.asset_url, *FAULTS["quantity x 10 in the ledger"][0])
    assert project.here("verify", "--repair") == 1, "no run computes a ledger"
    assert (
        project.here("import", str(project.home / "alpha.csv"), "alpha", "--replace", "--allow-unpriced") == 0
    )
    assert project.here("verify") == 0
