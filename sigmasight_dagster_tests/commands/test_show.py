"""`sigmasight show`: stored cells in three forms, at 80 columns, and mistakes in one line."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    FactorExposures,
    PortfolioSnapshots,
    PositionValues,
    RiskMeasures,
    StressResults,
)
from sigmasight_dagster.commands.glance import missing
from sigmasight_dagster.commands.results.show import SECTIONS, show
from sigmasight_dagster.commands.table import WIDTH, reasons
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql, stamp

DAYS = pd.DatetimeIndex(["2024-07-02", "2024-07-03"]).as_unit("ns")
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def warehouse(shared_url: str) -> Iterator[Warehouse]:
    made = Warehouse(shared_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def run(shared_url: str, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Call it with the arguments of `show`; portfolio alpha has two dates, empty none."""
    insert = "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
    sql(shared_url, f"{insert} SELECT n, 0, 'f', 'r', 'c', now() FROM unnest(ARRAY['alpha', 'empty']) AS n")
    for model in (PortfolioSnapshots, PositionValues, RiskMeasures, FactorExposures, StressResults):
        rows = random_rows(model, DAYS, ("alpha",), per_partition=3)
        if model is PositionValues:
            rows.loc[:, "symbol"] = '=HYPERLINK("x")'
        warehouse.replace(model, rows, DAYS, ["alpha"], stamp())
    home = tmp_path_factory.mktemp("home")
    environment = {"SIGMASIGHT_DATABASE_URL": shared_url, "SIGMASIGHT_HOME": str(home)}
    return lambda *arguments: CliRunner().invoke(show, arguments, env=environment)


def test_every_number_is_a_stored_cell(run: Run, warehouse: Warehouse) -> None:
    stored = warehouse.read(PositionValues, DAYS[1:], ["alpha"]).set_index("position_id")
    shown = json.loads(run("alpha", "positions", "--json").stdout)
    assert {row["position_id"] for row in shown} == set(stored.index)
    for row in shown:
        for name in ("exposure", "daily_pnl", "market_value"):
            cell = stored.loc[row["position_id"], name]
            assert row[name] is None if pd.isna(cell) else row[name] == cell
    snapshots = warehouse.read(PortfolioSnapshots).set_index("date")["total_value"]
    for day in DAYS:
        (row,) = json.loads(run("alpha", "--json", "--date", f"{day:%Y-%m-%d}").stdout)
        assert row["date"] == f"{day:%Y-%m-%d}"
        assert row["total_value"] is None if pd.isna(snapshots[day]) else row["total_value"] == snapshots[day]


def test_csv_has_the_same_rows_and_no_formula(run: Run) -> None:
    shown = list(csv.DictReader(io.StringIO(run("alpha", "positions", "--csv").stdout)))
    assert list(shown[0]) == list(SECTIONS["positions"].view.columns)
    assert {row["symbol"] for row in shown} == {'\'=HYPERLINK("x")'}


@pytest.mark.parametrize("section", [None, *SECTIONS])
def test_every_section_is_shown(run: Run, section: str | None) -> None:
    result = run("alpha", *([section] if section else []))
    assert result.exit_code == 0, result.output
    assert result.output.startswith("alpha on 2024-07-03")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["alfa"], "unknown portfolio 'alfa'; did you mean alpha?"),
        (["zzz"], "unknown portfolio 'zzz'; registered: alpha, empty"),
        (["empty"], "nothing is computed yet: sigmasight run"),
        (["alpha", "--date", "2024-07-05"], "no results on 2024-07-05; its newest are of 2024-07-03"),
        (["alpha", "--date", "soon"], "not a date; write YYYY-MM-DD"),
        (["alpha", "--json", "--csv"], "choose one"),
    ],
)
def test_mistakes(run: Run, arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert told in (str(result.exception) if isinstance(result.exception, InputError) else result.output)


def test_reasons_fit_the_terminal() -> None:
    statuses = ("status", "returns_status", "beta_status", "risk_status", "stress_status")
    row = dict.fromkeys(statuses, "x " * 90)
    lines = missing(row)
    assert len(lines) == 3
    assert max(map(len, lines)) <= WIDTH
    assert missing(dict.fromkeys(row, "ok")) == []
    told = reasons([{"item": f"name {n}", "status": "no price"} for n in range(9)], "item")
    assert told == ["name 0, name 1, name 2 and 6 more: no price"]


def test_reading_needs_neither_dagster_nor_scipy() -> None:
    code = (
        "import sys, sigmasight_dagster.commands.results.show; "
        "print([name for name in ('dagster', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.stdout == "[]\n", done.stderr
