"""Where Dagster's partitions begin: as noted, moved back by runs that reach further, and never forward."""

import datetime as dt
from pathlib import Path

import dagster as dg
import pandas as pd

from sigmasight_dagster.automation import jobs
from sigmasight_dagster.code_location import build_definitions
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.partitions.starts import Starts
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings

BEGIN = Starts(dt.date(2022, 6, 1), dt.date(2022, 10, 3))


def run(date: str, *portfolios: str) -> RangeRun:
    return RangeRun("portfolio" if portfolios else "market", (), pd.DatetimeIndex([date]), portfolios)


def first_keys(home: Path) -> tuple[str | None, str | None]:
    """First keys of the partitions by date, and of the dates of those by date and portfolio."""
    graph = build_definitions(Settings(home=home, start_date="2022-03-01")).resolve_asset_graph()
    by_date = graph.get(dg.AssetKey("daily_prices")).partitions_def
    both = graph.get(dg.AssetKey("position_values")).partitions_def
    assert isinstance(both, dg.MultiPartitionsDefinition)
    dates = both.get_partitions_def_for_dimension("date")
    return by_date.get_first_partition_key(), dates.get_first_partition_key()


def test_runs_move_what_is_noted_back_and_never_forward(tmp_path: Path) -> None:
    assert starts.reach(tmp_path, [run("2022-01-03", "a")]) is None, "nothing is noted unasked"
    assert list(tmp_path.iterdir()) == []
    starts.note(tmp_path, BEGIN)
    assert starts.reach(tmp_path, [run("2022-12-01", "a"), run("2022-12-01")]) == BEGIN
    assert starts.reach(tmp_path, [run("2022-05-02")]) == Starts(dt.date(2022, 5, 2), BEGIN.portfolio)
    moved = starts.reach(tmp_path, [run("2022-04-01", "a")])
    assert moved == starts.noted(tmp_path) == Starts(dt.date(2022, 4, 1), dt.date(2022, 4, 1))
    (tmp_path / starts.FILE).write_text("{")
    assert starts.noted(tmp_path) is None


def test_partitions_begin_there_and_map_date_to_date(tmp_path: Path) -> None:
    assert first_keys(tmp_path) == ("2022-03-01", "2022-03-01")
    starts.note(tmp_path, BEGIN)
    assert first_keys(tmp_path) == ("2022-06-01", "2022-10-03")
    definitions = build_definitions(Settings(home=tmp_path, end_date="2022-10-31"))
    assert {definitions.resolve_job_def(name).name for name in (jobs.MARKET, jobs.PORTFOLIO)}
    graph = definitions.resolve_asset_graph()
    prices, values = dg.AssetKey("daily_prices"), dg.AssetKey("position_values")
    both, by_date = graph.get(values).partitions_def, graph.get(prices).partitions_def
    assert both is not None
    chosen = both.subset_with_partition_keys(["2022-10-03|a", "2022-10-05|a"])
    found = graph.get_partition_mapping(values, prices).get_upstream_mapped_partitions_result_for_partitions(
        chosen, both, by_date
    )
    assert set(found.partitions_subset.get_partition_keys()) == {"2022-10-03", "2022-10-05"}
