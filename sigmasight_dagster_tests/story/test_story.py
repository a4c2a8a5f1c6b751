"""What each partition tells of itself: figures against groupby, previews, lineage, one event at a time."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from dagster._core.execution.context import metadata_logging
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core.tables import (
    TABLES,
    DailyPrices,
    FactorExposures,
    Positions,
    PositionStress,
    Table,
    computed_from,
    table_name,
)
from sigmasight_dagster import story
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.assets.factors import factor_exposures
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, RiskAsset, risk_asset
from sigmasight_dagster.partitions import dates as partitions
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.story import figures, metadata, plots, previews
from sigmasight_dagster.story.rows import PartitionRows
from sigmasight_dagster_tests.conftest import REPOSITORY

DATES = pd.DatetimeIndex(["2022-12-27", "2022-12-28"])
NAMES = ("a", "b", "c")
KEYS = [f"{date:%Y-%m-%d}|{name}" for date in DATES for name in NAMES]


def exposures(values: list[float], parts: list[int]) -> pd.DataFrame:
    """Rows of `FactorExposures`: row i belongs to partition parts[i]."""
    order = sorted(parts)
    return pd.DataFrame(
        {
            "date": [DATES[part // len(NAMES)] for part in order],
            "portfolio": pd.array([NAMES[part % len(NAMES)] for part in order], dtype="str"),
            "factor": pd.array([f"factor_{number}" for number in range(len(order))], dtype="str"),
            "beta": values,
            "std_error": [0.1 * abs(value) for value in values],
            "exposure_usd": [1_000 * value for value in values],
            "n_positions": 1,
            "status": pd.array(["ok" if value == value else "unavailable" for value in values], dtype="str"),
        }
    )


def parts_of(frame: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    groups = frame.groupby(["date", "portfolio"], sort=False)
    return {f"{date:%Y-%m-%d}|{name}": rows for (date, name), rows in groups}


rows_of_partitions = st.lists(
    st.tuples(st.integers(0, 5), st.one_of(st.just(np.nan), st.floats(-1e6, 1e6))), min_size=1, max_size=40
).map(lambda pairs: exposures([value for _, value in pairs], [part for part, _ in pairs]))


@given(rows_of_partitions)
def test_rows_are_counted_as_groupby_counts_them(frame: pd.DataFrame) -> None:
    rows, parts = PartitionRows(FactorExposures, frame), parts_of(frame)
    assert rows.keys == list(parts)
    assert rows.sizes.tolist() == [len(part) for part in parts.values()]
    values = ["beta", "std_error", "exposure_usd"]
    nulls = [int(part[values].isna().to_numpy().sum()) for part in parts.values()]
    assert rows.null_values().tolist() == nulls
    for number, part in enumerate(parts.values()):
        pd.testing.assert_frame_equal(rows.rows(number), part)


@given(rows_of_partitions)
def test_figures_equal_those_of_each_partition_alone(frame: pd.DataFrame) -> None:
    rows, parts = PartitionRows(FactorExposures, frame), parts_of(frame).values()
    totals = figures.total("beta", "total")(rows)["total"]
    np.testing.assert_allclose(totals, [part["beta"].sum(min_count=1) for part in parts], atol=1e-6)
    counts = figures.known("beta", "known")(rows)["known"]
    assert counts.tolist() == [part["beta"].count() for part in parts]
    shares = figures.share("status", "ok", "ok")(rows)["ok"]
    np.testing.assert_allclose(shares, [100 * (part["status"] == "ok").mean() for part in parts])
    lowest = figures.extreme("beta", "factor", "lowest", "x")(rows)
    np.testing.assert_array_equal(lowest["lowest (x)"], [part["beta"].min() for part in parts])
    biggest = figures.extreme("beta", "factor", "biggest", "x", size=True)(rows)
    np.testing.assert_array_equal(
        np.abs(biggest["biggest (x)"]), [part["beta"].abs().max() for part in parts]
    )
    for name, value, part in zip(lowest["lowest"], lowest["lowest (x)"], parts, strict=True):
        named = part.loc[part["factor"] == name, "beta"]
        assert (named == value).all() if name else part["beta"].isna().all()


@given(rows_of_partitions)
def test_a_figure_by_name_is_that_rows_value(frame: pd.DataFrame) -> None:
    found = figures.at("factor", "beta", factor_0="first")(PartitionRows(FactorExposures, frame))["first"]
    named = (part.loc[part["factor"] == "factor_0", "beta"] for part in parts_of(frame).values())
    expected = [next(iter(values), np.nan) for values in named]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("keys", "most", "expected"),
    [
        (KEYS, 6, KEYS),
        (KEYS, 5, [key for key in KEYS if key.startswith("2022-12-28")]),
        (KEYS, 1, ["2022-12-28|a"]),
        (KEYS, 0, []),
        (["2022-12-27", "2022-12-28"], 1, ["2022-12-28"]),
    ],
)
def test_small_runs_show_all_and_large_ones_the_portfolios_of_the_last_date(
    keys: list[str], most: int, expected: list[str]
) -> None:
    assert metadata.shown(keys, most) == expected


def test_a_preview_begins_with_the_largest_rows_and_keeps_null() -> None:
    frame = exposures([1.0, np.nan, -3.0, 2.0], [0, 0, 0, 0])
    table = previews.preview(FactorExposures, previews.largest("beta")(frame), ())
    assert [record.data["beta"] for record in table.records] == [-3.0, 2.0, 1.0, None]
    assert [column.name for column in table.schema.columns] == [
        "factor",
        "beta",
        "std_error",
        "exposure_usd",
        "n_positions",
        "status",
    ]


STORIES = {model: told for asset in RISK_ASSETS for model, told in asset.stories.items()}


@pytest.mark.parametrize("model", STORIES, ids=table_name)
def test_every_story_names_columns_of_its_table(model: type[Table]) -> None:
    told = STORIES[model]
    columns = model.to_schema().columns
    assert set(told.preview) <= set(columns)
    numbers = [name for name, column in columns.items() if (column.metadata or {}).get("role") == "value"]
    row = {name: np.nan if name in numbers else "" for name in columns}
    rows = PartitionRows(model, pd.DataFrame([{**row, "date": DATES[0]}]))
    assert len(told.preview_rows(rows.frame)) <= 1
    labels = [label for figure in told.figures for label in figure(rows)]
    assert len(labels) == len(set(labels))


def run_of(
    told: Mapping[type[Table], pd.DataFrame],
    platform: Any,
    model: type[Table],
    says: story.Story = story.Story(),  # noqa: B008
) -> dict[str, Mapping[str, dg.MetadataValue]]:
    """Metadata by partition of a real range run whose step tells `told`."""
    dates = partitions.trading_dates(DATES[0].date(), DATES[-1].date())

    @dg.multi_asset(
        name="step",
        specs=[dg.AssetSpec(table_name(name)) for name in told],
        partitions_def=partitions.portfolio_dates(dates),
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"platform"},
    )
    def step(context: dg.AssetExecutionContext) -> Any:
        for name in told:
            told_of = story.of_partitions(context, sorted(context.partition_keys), name, told, 1.0, says)
            yield from story.materialized(context, table_name(name), told_of)

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("portfolio", list(NAMES))
        result = dg.materialize(
            [step],
            instance=instance,
            resources={"platform": dg.ResourceDefinition.hardcoded_resource(platform)},
            tags=keys.range_tags(DATES, (NAMES[0], NAMES[-1])),
        )
        events = result.get_asset_materialization_events()
        found = [event.materialization for event in events]
        return {
            str(event.partition): event.metadata
            for event in found
            if event.asset_key == dg.AssetKey(table_name(model))
        }


def platform(**settings: int) -> Any:
    shown = {"preview_partitions": 20, "plot_partitions": 0, **settings}
    return SimpleNamespace(settings=SimpleNamespace(**shown), warehouse=None)


@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "single_calls"])
def test_each_partition_of_a_range_run_tells_its_own_numbers(
    bulk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not bulk:
        monkeypatch.setattr(metadata, "_handle_type", lambda: None)
    frame = exposures([1.0, np.nan, 3.0], [0, 0, 4])
    told = run_of({FactorExposures: frame}, platform(), FactorExposures)
    assert sorted(told) == KEYS
    counts = {key: told[key][metadata.ROW_COUNT].value for key in KEYS}
    assert counts == {**dict.fromkeys(KEYS, 0), KEYS[0]: 2, KEYS[4]: 1}
    assert told[KEYS[0]][metadata.NULL_COUNT].value == 3
    assert [len(told[key]["preview"].records) for key in KEYS] == [2, 0, 0, 0, 1, 0]  # type: ignore[attr-defined]
    assert told[KEYS[-1]]["rows in this run"].value == 3
    assert [key for key in KEYS if "rows in this run" in told[key]] == KEYS[-1:], "once a run is enough"


def test_books_of_dagster_are_as_the_bulk_way_expects() -> None:
    assert metadata._handle_type() is metadata_logging.AssetMetadataHandle


def test_what_is_published_stays_so_when_a_plot_cannot_be_drawn() -> None:
    def broken(part: plots.Part) -> bytes:
        raise ValueError(f"no font for {part.title}")

    rows, drawing = {FactorExposures: exposures([1.0], [0])}, platform(plot_partitions=6)
    told = run_of(rows, drawing, FactorExposures, story.Story(plot=broken))
    assert told[KEYS[0]]["plot"].value == "could not be drawn: ValueError: no font for a, 2022-12-27"


def test_lineage_names_columns_of_declared_inputs() -> None:
    columns = {table_name(model): set(model.to_schema().columns) for model in TABLES}
    inputs = {
        name: {table_name(item.model) for item in asset.inputs} | set(asset.table_names)
        for asset in RISK_ASSETS
        for name in asset.table_names
    }
    said = [
        (model, column, name)
        for model in TABLES
        for column in columns[table_name(model)]
        for name in computed_from(model, column)
    ]
    assert len(said) > 400
    for model, column, name in said:
        table = table_name(model)
        source, dot, source_column = name.rpartition(".")
        assert source_column in columns[source if dot else table], f"{table}.{column}: {name}"
        assert not dot or source in inputs[table], f"{table} does not declare {source}"


def test_lineage_goes_through_columns_of_the_row() -> None:
    found = story.column_lineage(PositionStress)
    assert found
    deps = found.deps_by_column
    assert set(deps["spot_only_pnl"]) == set(deps["direct_pnl"])
    added = set(deps["correlated_pnl"]) - set(deps["spot_only_pnl"])
    assert {(dep.asset_key.to_user_string(), dep.column_name) for dep in added} == {
        ("factor_covariance", "covariance")
    }
    assert story.column_lineage(DailyPrices) is None


def test_the_ledger_is_an_input_like_any_other() -> None:
    batch = Batch(factor_exposures, SimpleNamespace(), DATES, NAMES, DATES[0])  # type: ignore[arg-type]
    with pytest.raises(LookupError, match="factor_exposures reads positions without declaring it"):
        _ = batch.positions
    with pytest.raises(LookupError, match="factor_exposures reads portfolios without declaring it"):
        _ = batch.registry
    with pytest.raises(TypeError, match="needs Positions among the inputs"):
        risk_asset(FactorExposures, inputs=[Input(DailyPrices, since_entry=True)], group="portfolio")
    risk_asset(FactorExposures, inputs=[Positions, Input(DailyPrices, since_entry=True)], group="portfolio")


@pytest.mark.parametrize("asset", RISK_ASSETS, ids=lambda asset: asset.name)
def test_links_lead_to_pages_and_sections_that_there_are(asset: RiskAsset) -> None:
    for name in asset.table_names:
        for place in story.links(name, asset.page).values():
            page, _, section = str(place.value).partition("#")
            text = (REPOSITORY / page).read_text(encoding="utf-8")
            assert not section or f"\n## {section}\n" in text


def test_scenarios_kept_for_comparison_are_counted_and_not_told() -> None:
    frame = pd.DataFrame(
        {
            "date": DATES[0],
            "portfolio": "a",
            "scenario": ["fall", "fall_as_before"],
            "position_id": ["AAPL@2022-01-03", "JPM@2022-01-03"],
            "direct_pnl": [-1.0, -9.0],
            "spot_only_pnl": [-1.0, -9.0],
            "correlated_pnl": [-1.0, -9.0],
            "status": "ok",
        }
    )
    worst = story.Story((figures.extreme("correlated_pnl", "scenario", "worst", "USD"),))
    shown = platform()
    shown.warehouse = SimpleNamespace(comparison_scenarios=lambda: {"fall_as_before"})
    facts = run_of({PositionStress: frame}, shown, PositionStress, worst)[KEYS[0]]
    assert (facts["worst"].value, facts[metadata.ROW_COUNT].value) == ("fall", 2)
    assert len(facts["preview"].records) == 1  # type: ignore[attr-defined]
