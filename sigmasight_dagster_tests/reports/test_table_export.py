"""Tables as files: every cell is the stored one, and only what is published is there."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow.dataset
import pytest
from click.testing import CliRunner

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    DailyPrices,
    PortfolioReports,
    PortfolioSnapshots,
    Scenarios,
    SimulatedPnl,
    StressResults,
    primary_key,
    table_name,
)
from sigmasight_dagster.automation import parquet_export
from sigmasight_dagster.code_location import build_definitions
from sigmasight_dagster.commands.results.export import export as command
from sigmasight_dagster.partitions.dates import portfolio_dates, trading_dates
from sigmasight_dagster.reports.table_export import FORMATS, PART, Selection, export, portfolio_tables
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp

EVERY = [Selection(PORTFOLIOS, (DATES[0], DATES[-1]))]
MODELS = (PortfolioSnapshots, StressResults, SimulatedPnl)


@pytest.fixture(scope="module")
def filled(shared_url: str) -> Iterator[Warehouse]:
    """Three tables of portfolios; of one partition the publication was taken back."""
    made = Warehouse(shared_url)
    for model in MODELS:
        rows = random_rows(model)
        made.replace(model, rows, DATES, PORTFOLIOS, stamp())
    made.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())
    registered = ", ".join(f"('{name}', 1, 'f', 'r', 'c', now())" for name in PORTFOLIOS)
    scenario = random_rows(StressResults)["scenario"].iloc[0].replace("'", "''")
    kept = {**random_rows(Scenarios).iloc[0].to_dict(), "scenario": scenario, "comparison": "yes"}
    rows = pd.DataFrame([{**kept, "scenario": scenario.replace("''", "'")}]).astype({"scenario": "str"})
    made.keep_configured(Scenarios, rows.assign(active="yes"), stamp())
    sql(
        shared_url,
        "DELETE FROM sigmasight.publications WHERE portfolio = 'a' AND date = '2024-07-03'",
        "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
        f"VALUES {registered}",
    )
    yield made
    made.close()


def shown(warehouse: Warehouse, model: type) -> pd.DataFrame:
    """What a file has to have."""
    rows = warehouse.read(model)
    rows = rows[~((rows["portfolio"] == "a") & (rows["date"] == pd.Timestamp("2024-07-03")))]
    if "scenario" in rows:
        rows = rows[~rows["scenario"].isin(warehouse.comparison_scenarios())]
    assert len(rows)
    return rows.reset_index(drop=True)


def test_parquet_is_one_data_set_of_what_is_published(filled: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "simulated_pnl" / "date=2024-07-03" / "portfolio=a").mkdir(parents=True)
    for _ in range(2):  # a second time takes the place of the first
        written = list(export(filled, EVERY, MODELS, "parquet", tmp_path))
    for model, told in zip(MODELS, written, strict=True):
        expected = shown(filled, model)
        found = pyarrow.dataset.dataset(tmp_path / table_name(model), partitioning="hive").to_table()
        frame = found.to_pandas()[list(expected.columns)].astype({"portfolio": "str"})
        frame["date"] = pd.to_datetime(frame["date"])
        frame = frame.sort_values(primary_key(model), ignore_index=True)
        pd.testing.assert_frame_equal(frame, expected, check_dtype=False)
        assert told.rows == len(expected)
        assert told.files == 11 == len(list((tmp_path / table_name(model)).rglob(PART)))
    assert not list(tmp_path.rglob(".*"))


def test_other_formats_have_the_same_cells(filled: Warehouse, tmp_path: Path) -> None:
    for form in ("csv", "json", "xlsx"):
        list(export(filled, EVERY, [PortfolioSnapshots, SimulatedPnl], form, tmp_path))
    expected = shown(filled, PortfolioSnapshots)
    texts = expected.select_dtypes("str").columns
    csv = pd.read_csv(
        tmp_path / "portfolio_snapshots.csv", keep_default_na=False, dtype=dict.fromkeys(texts, str)
    )
    assert csv["date"].tolist() == expected["date"].dt.strftime("%Y-%m-%d").tolist()
    rows = json.loads((tmp_path / "portfolio_snapshots.json").read_text())
    for name in expected.select_dtypes("float").columns:
        wanted = [None if np.isnan(value) else value for value in expected[name]]
        assert [row[name] for row in rows] == wanted
        assert [None if text == "" else float(text) for text in csv[name].astype(str)] == wanted
    assert [row["status"] for row in rows] == expected["status"].tolist()
    schema = SimulatedPnl.to_schema().columns
    vectors = next(name for name, column in schema.items() if column.metadata.get("vector"))
    stored = shown(filled, SimulatedPnl)[vectors]
    read = pd.read_csv(tmp_path / "simulated_pnl.csv", keep_default_na=False)[vectors]
    for text, values in zip(read, stored, strict=True):
        assert (text == "") == (values is None)
        if values is not None:
            told = np.array([np.nan if v is None else v for v in json.loads(text)], dtype=np.float32)
            np.testing.assert_array_equal(told, values)
    with zipfile.ZipFile(tmp_path / "portfolio_snapshots.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == len(expected) + 1
    assert "<f>" not in sheet


def test_texts_are_no_formulas(filled: Warehouse, tmp_path: Path) -> None:
    rows = random_rows(DailyPrices, DATES[:1])
    rows["source"] = ["=1+1", "+x", "-x", "@x", "plain"][: len(rows)]
    filled.replace(DailyPrices, rows, DATES[:1], None, stamp())
    list(export(filled, [Selection(("a",), (DATES[0], DATES[0]))], [DailyPrices], "csv", tmp_path))
    found = pd.read_csv(tmp_path / "daily_prices.csv", keep_default_na=False)["source"]
    assert found.tolist() == ["'=1+1", "'+x", "'-x", "'@x", "plain"]


def test_a_failure_leaves_the_file_of_before(
    filled: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "portfolio_snapshots.xlsx"
    before.write_text("before")
    monkeypatch.setattr("sigmasight_dagster.reports.table_formats._SHEET_ROWS", 5)
    with pytest.raises(InputError, match="portfolio_snapshots: a sheet holds 4 rows: choose csv or parquet"):
        list(export(filled, EVERY, [PortfolioSnapshots], "xlsx", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["portfolio_snapshots.xlsx"]
    assert before.read_text() == "before"
    with pytest.raises(InputError, match="cannot be written"):
        list(export(filled, EVERY, [PortfolioSnapshots], "csv", before))


def test_no_table_named_means_every_result_of_portfolios() -> None:
    models = portfolio_tables()
    assert len(models) >= 30
    assert PortfolioReports not in models
    assert DailyPrices not in models


def test_the_command(filled: Warehouse, shared_url: str, tmp_path: Path) -> None:
    there = {
        "SIGMASIGHT_HOME": str(tmp_path),
        "SIGMASIGHT_DATABASE_URL": shared_url,
        "SIGMASIGHT_EXPORT_DIR": None,
    }

    def told(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(command, [*arguments, "--output-dir", str(tmp_path / "x")], env=there)
        return done.exit_code, str(done.exception) if isinstance(done.exception, InputError) else done.output

    history = ("a", "--table", "portfolio_snapshots", "--start", "2024-01-01")
    assert told(*history) == (0, f"portfolio_snapshots: 2 rows\n2 rows in {tmp_path / 'x'}\n")
    newest = told("--table", "portfolio_snapshots", "--format", "parquet")
    assert newest[1].startswith("portfolio_snapshots: 3 rows in 3 files\n")
    assert "2 rows" in told("a", "b-1", "--table", "portfolio_snapshots", "--date", "2024-02-29")[1]
    assert "a: no results are published on 2024-07-03" in told("a", "--date", "2024-07-03")[1]
    assert "--table positions: no table by date" in told("--table", "positions")[1]
    assert "unknown portfolio 'z'; registered: a, b-1, c_2" in told("z")[1]
    assert "--end soon: not a date" in told("--end", "soon")[1]
    assert told("--date", "2024-07-03", "--end", "2024-07-03")[0] == 2


def test_the_asset_is_there_when_a_folder_is_set(filled: Warehouse, tmp_path: Path) -> None:
    partitions = portfolio_dates(trading_dates(*(DATES[n].date() for n in (0, -1, 0))))
    assert parquet_export.assets(Settings(), partitions) == []
    (asset,) = parquet_export.assets(Settings(export_dir=tmp_path), partitions)
    platform = SimpleNamespace(warehouse=filled)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("portfolio", list(PORTFOLIOS))
        done = dg.materialize(
            [asset],
            instance=instance,
            partition_key="2024-02-29|b-1",
            resources={"platform": dg.ResourceDefinition.hardcoded_resource(platform)},
        )
    assert done.success
    files = {str(path.relative_to(tmp_path).parent) for path in tmp_path.rglob(PART)}
    assert files == {f"{table_name(model)}/date=2024-02-29/portfolio=b-1" for model in MODELS}


def test_a_finished_run_of_portfolios_is_exported_once() -> None:
    """Not a market run, not a run of reports alone, and not the export itself."""
    tags = {"dagster/partition": "2024-02-29|a"}

    def asked(job: str, table: str, tags: dict[str, str]) -> dg.RunRequest | None:
        made = dg.DagsterRun(
            job_name=job, tags=tags, run_id="1", asset_selection=frozenset({dg.AssetKey(table)})
        )
        return parquet_export.request(made, ["a"])

    found = asked("portfolio", "portfolio_snapshots", tags)
    assert found is not None
    assert found.run_key == "export:1"
    assert found.tags["dagster/asset_partition_range_start"] == "2024-02-29|a"
    assert asked("portfolio", "portfolio_reports", tags) is None
    assert asked("parquet_export", "parquet_export", tags) is None
    assert asked("market", "daily_prices", {"dagster/partition": "2024-02-29"}) is None


def test_the_sensor_asks_for_each_finished_run(tmp_path: Path) -> None:
    """Also one of a command, and again after a tick that was lost: Dagster launches one run for each key."""
    (sensor,) = parquet_export.sensors(Settings(export_dir=tmp_path))
    finished = dg.DagsterRun(
        job_name="portfolio",
        tags={"dagster/partition": "2024-02-29|a"},
        run_id="2b9f0c3e-0000-4000-8000-000000000001",
        status=dg.DagsterRunStatus.SUCCESS,
        asset_selection=frozenset({dg.AssetKey("portfolio_snapshots")}),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("portfolio", list(PORTFOLIOS))
        first = sensor(dg.build_sensor_context(instance))
        instance.add_run(finished)
        ticks = [sensor(dg.build_sensor_context(instance, cursor=first.cursor)) for _ in range(2)]
    assert not first.run_requests
    assert [[asked.run_key for asked in tick.run_requests] for tick in ticks] == [
        [f"export:{finished.run_id}"]
    ] * 2


def test_definitions_have_it_only_then(tmp_path: Path) -> None:
    with_it = build_definitions(Settings(home=tmp_path, export_dir=tmp_path))
    dg.Definitions.validate_loadable(with_it)
    names = {sensor.name for sensor in with_it.sensors or ()}
    assert "export_published" in names
    assert "parquet_export" in {
        key.to_user_string() for key in with_it.resolve_asset_graph().get_all_asset_keys()
    }
    assert with_it.resolve_job_def("parquet_export").name == "parquet_export"
    assert FORMATS == ("csv", "json", "xlsx", "parquet")
