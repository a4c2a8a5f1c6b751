"""The main job end to end: three example portfolios, a range with an option expiry, real prices.

Also kill -9 in the middle of it, then the same command again: as if nothing had happened.
"""

import signal
import subprocess
import time
from collections.abc import Callable

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import (
    TABLES,
    FactorBetas,
    FactorExposures,
    Grain,
    PortfolioReports,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionStress,
    PositionValues,
    StressResults,
    Table,
    columns_by_role,
    grain,
    table_name,
)
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.project import PORTFOLIOS, CliProject, assert_same_contents

START, END = "2022-12-12", "2022-12-20"
BACKFILL = ("backfill", "--start", START, "--end", END)
SESSIONS = calendar.sessions(pd.Timestamp(START), pd.Timestamp(END))
KEYS = ["date", "portfolio"]
DAILY = [
    model for model in TABLES if grain(model) is not Grain.UNPARTITIONED and model is not PortfolioReports
]


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    made = new_project()
    made.import_examples()
    made.ok(*BACKFILL)
    return made


@pytest.fixture(scope="module")
def tables(project: CliProject) -> dict[type[Table], pd.DataFrame]:
    return project.contents()


def sums(rows: pd.DataFrame, column: str, keys: list[str]) -> pd.Series:
    return rows.groupby(keys)[column].sum()


def test_every_session_and_portfolio_has_a_snapshot_and_no_other(
    tables: dict[type[Table], pd.DataFrame],
) -> None:
    found = set(tables[PortfolioSnapshots][KEYS].itertuples(index=False, name=None))
    assert found == {(date, name) for date in SESSIONS for name in PORTFOLIOS}


@pytest.mark.parametrize("model", DAILY, ids=table_name)
def test_no_null_without_a_status(tables: dict[type[Table], pd.DataFrame], model: type[Table]) -> None:
    rows = tables[model]
    if "status" in rows:
        values = rows.loc[rows["status"] == "ok", columns_by_role(model, "value")]
        assert not values.isna().any().any()
        assert (rows["status"].str.len() > 0).all()


@pytest.mark.parametrize(
    ("column", "model", "part"),
    [
        ("net_exposure", PositionValues, "exposure"),
        ("daily_pnl", PositionValues, "daily_pnl"),
        ("gross_exposure", PositionValues, "market_value"),
        ("portfolio_delta", PositionGreeks, "position_delta"),
        ("portfolio_gamma", PositionGreeks, "position_gamma"),
        ("portfolio_theta", PositionGreeks, "position_theta"),
        ("portfolio_vega", PositionGreeks, "position_vega"),
        ("portfolio_rho", PositionGreeks, "position_rho"),
        ("delta_usd", PositionGreeks, "delta_exposure"),
    ],
)
def test_snapshots_equal_the_sums_over_positions(
    tables: dict[type[Table], pd.DataFrame], column: str, model: type[Table], part: str
) -> None:
    total = tables[PortfolioSnapshots].set_index(KEYS)[column]
    np.testing.assert_allclose(
        total, sums(tables[model], part, KEYS).reindex(total.index), rtol=1e-12, atol=1e-6
    )


def test_every_held_position_is_priced(tables: dict[type[Table], pd.DataFrame]) -> None:
    snapshots = tables[PortfolioSnapshots].set_index(KEYS)
    held = tables[PositionValues].groupby(KEYS).size().reindex(snapshots.index)
    assert (snapshots["n_priced"] == held).all()
    assert (snapshots["n_positions"] == held).all()


def test_an_option_is_shown_on_its_expiry_session_and_gone_after(
    tables: dict[type[Table], pd.DataFrame],
) -> None:
    values = tables[PositionValues]
    expiring = values[values["symbol"].str.contains("221216")]
    assert not expiring.empty
    assert expiring["date"].max() == pd.Timestamp("2022-12-16")
    assert (expiring.loc[expiring["date"] == "2022-12-16", "status"] == "expired").all()


def test_cumulative_pnl_moves_by_the_daily_pnl(tables: dict[type[Table], pd.DataFrame]) -> None:
    snapshots = tables[PortfolioSnapshots].sort_values(["portfolio", "date"])
    moved = snapshots.groupby("portfolio")["cumulative_pnl"].diff()
    known = moved.notna()
    np.testing.assert_allclose(moved[known], snapshots.loc[known, "daily_pnl"], atol=1e-6)


def test_factor_and_stress_totals_equal_their_positions(tables: dict[type[Table], pd.DataFrame]) -> None:
    for total, parts, key, column in (
        (FactorExposures, PositionFactorExposures, "factor", "exposure_usd"),
        (StressResults, PositionStress, "scenario", "direct_pnl"),
        (StressResults, PositionStress, "scenario", "correlated_pnl"),
    ):
        keys = [*KEYS, key]
        whole = tables[total].dropna(subset=column).set_index(keys)[column]
        np.testing.assert_allclose(whole, sums(tables[parts], column, keys).reindex(whole.index), atol=1e-6)


def test_growth_and_rates_are_unavailable_not_numbers(tables: dict[type[Table], pd.DataFrame]) -> None:
    for model, column in ((FactorBetas, "beta"), (FactorExposures, "exposure_usd")):
        missing = tables[model][tables[model]["factor"].isin(["growth", "rates"])]
        assert len(missing)
        assert missing[column].isna().all()
        assert missing["status"].str.startswith("unavailable").all()


def test_no_long_only_portfolio_loses_more_than_its_value(tables: dict[type[Table], pd.DataFrame]) -> None:
    stress = tables[StressResults].merge(tables[PortfolioSnapshots][[*KEYS, "total_value"]], on=KEYS)
    long_only = stress[stress["portfolio"].isin(["individual", "high_net_worth"])].dropna(subset="direct_pnl")
    assert (long_only["direct_pnl"] > -long_only["total_value"]).all()
    assert (long_only["correlated_pnl"] > -long_only["total_value"]).all()


def test_dagster_knows_every_partition_as_materialised(
    project: CliProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in project.environment.items():
        monkeypatch.setenv(name, text)
    with dg.DagsterInstance.get() as instance:
        keys = {f"{date:%Y-%m-%d}|{name}" for date in SESSIONS for name in PORTFOLIOS}
        for table in ("position_values", "stress_results", "portfolio_snapshots", "correlation_clusters"):
            assert instance.get_materialized_partitions(dg.AssetKey(table)) == keys
        assert instance.get_dynamic_partitions("portfolio") == list(PORTFOLIOS)


def test_running_it_again_changes_nothing_but_the_audit(
    project: CliProject, tables: dict[type[Table], pd.DataFrame]
) -> None:
    project.import_examples()
    project.ok(*BACKFILL)
    assert_same_contents(tables, project.contents())


def test_a_date_computed_alone_equals_its_rows_of_the_range(
    project: CliProject, tables: dict[type[Table], pd.DataFrame]
) -> None:
    project.ok("run", "--date", "2022-12-16", "--force")
    assert_same_contents(tables, project.contents(), rtol=1e-9)


def kill_when(project: CliProject, reached: Callable[[Warehouse], bool]) -> None:
    """Start the backfill and kill -9 its process as soon as a condition holds in the tables."""
    warehouse = project.warehouse()
    with subprocess.Popen(
        project.command(*BACKFILL),
        env=project.environment,
        cwd=project.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if reached(warehouse):
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL, "the backfill ended before it was killed"


def test_a_killed_backfill_is_completed_by_the_same_command(
    tables: dict[type[Table], pd.DataFrame],
    new_project: Callable[[], CliProject],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed = new_project()
    killed.import_examples()
    kill_when(killed, lambda warehouse: len(warehouse.published(PositionValues)) > 0)
    assert killed.warehouse().published(PortfolioSnapshots).empty
    killed.ok(*BACKFILL)

    assert_same_contents(tables, killed.contents())
    for name, text in killed.environment.items():
        monkeypatch.setenv(name, text)
    with dg.DagsterInstance.get() as instance:
        unfinished = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        failed = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert unfinished == []
    assert len(failed) == 1
