"""What the UI does, over its GraphQL API, on a real webserver and daemon: backfills, statuses, the story."""

import base64
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import (
    TABLES,
    Grain,
    PortfolioSnapshots,
    PositionValues,
    StressResults,
    Table,
    grain,
    table_name,
)
from sigmasight_dagster.automation import jobs
from sigmasight_dagster_tests.support.dev_server import DevServer, dev_server, wait_until
from sigmasight_dagster_tests.support.project import EXAMPLES, CliProject

START, END = "2022-12-12", "2022-12-28"
SESSIONS = calendar.sessions(pd.Timestamp(START), pd.Timestamp(END))
NAMES = ("hedge_fund", "individual")
COMPUTED = "high_net_worth"
KEYS = [f"{date:%Y-%m-%d}|{name}" for date in SESSIONS for name in NAMES]
COMPUTED_KEYS = [f"{date:%Y-%m-%d}|{COMPUTED}" for date in SESSIONS]
DATES = [f"{date:%Y-%m-%d}" for date in SESSIONS]
BACKFILL_SECONDS = 400

LAUNCH = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
BACKFILL = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PythonError { message }
  ... on PartitionBackfill { status numPartitions error { message } runs(limit: 100) { runId status } } } }"""
NODE = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode { %s } } }"""
STATUSES = """partitionStats { numMaterialized numFailed numMaterializing numPartitions }
  assetPartitionStatuses {
    ... on TimePartitionStatuses { ranges { startKey endKey status } }
    ... on MultiPartitionStatuses { primaryDimensionName ranges { primaryDimStartKey primaryDimEndKey
      secondaryDim { ... on DefaultPartitionStatuses {
        materializedPartitions failedPartitions materializingPartitions } } } } }"""
STORY = """latestMaterializationByPartition(partitions: %s) { partition metadataEntries { label __typename
  ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue }
  ... on TextMetadataEntry { text } ... on MarkdownMetadataEntry { mdStr }
  ... on TableMetadataEntry { table { records schema { columns { name } } } } } }"""


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    """Three portfolios; one of them, and so the market data of every date, is computed by the command."""
    made = replace(new_project(), plots=1)
    for name in (*NAMES, COMPUTED):
        made.ok("import", str(EXAMPLES / f"{name}.csv"), "--portfolio", name, "--cash", "100000")
    made.ok("backfill", "--start", START, "--end", END, "--portfolio", COMPUTED)
    return made


@pytest.fixture(scope="module")
def server(project: CliProject) -> Iterator[DevServer]:
    with dev_server(project) as running:
        yield running


@pytest.fixture(scope="module")
def backfill(project: CliProject, server: DevServer) -> dict[str, Any]:
    """Every portfolio asset of two portfolios x 12 dates, launched over the API and run by the daemon."""
    tables = jobs.tables_of(Grain.DATE_PORTFOLIO)
    params = {"assetSelection": [{"path": [name]} for name in tables], "partitionNames": KEYS}
    launched = server.graphql(LAUNCH, params=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(server.graphql(BACKFILL, id=launched["backfillId"])["partitionBackfillOrError"])
        return found["status"] not in ("REQUESTED", "COMPLETING", "CANCELING", "FAILING")

    wait_until(ended, BACKFILL_SECONDS, Path(project.home) / "dev.log")
    return found


def node(server: DevServer, table: str, fields: str) -> dict[str, Any]:
    return server.graphql(NODE % fields, key={"path": [table]})["assetNodeOrError"]


def between(start: str, end: str) -> list[str]:
    return [f"{date:%Y-%m-%d}" for date in calendar.sessions(pd.Timestamp(start), pd.Timestamp(end))]


def statuses(server: DevServer, table: str) -> dict[str, set[str]]:
    """Partition keys by status, as the API tells them."""
    found: dict[str, set[str]] = {"MATERIALIZED": set(), "FAILED": set(), "MATERIALIZING": set()}
    for part in node(server, table, STATUSES)["assetPartitionStatuses"]["ranges"]:
        if "status" in part:
            found[part["status"]] |= set(between(part["startKey"], part["endKey"]))
            continue
        dates = between(part["primaryDimStartKey"], part["primaryDimEndKey"])
        for status in found:
            names = part["secondaryDim"][f"{status.lower()}Partitions"]
            found[status] |= {f"{date}|{name}" for date in dates for name in names}
    return found


def stories(server: DevServer, table: str, keys: list[str]) -> dict[str, dict[str, Any]]:
    """Metadata by partition and label: the value of each entry."""
    listed = "[" + ", ".join(f'"{key}"' for key in keys) + "]"
    kinds = ("intValue", "floatValue", "text", "mdStr", "table")
    return {
        event["partition"]: {
            entry["label"]: next(entry[kind] for kind in kinds if kind in entry)
            for entry in event["metadataEntries"]
        }
        for event in node(server, table, STORY % listed)["latestMaterializationByPartition"]
    }


def test_a_backfill_launched_over_the_api_finishes(backfill: dict[str, Any]) -> None:
    assert len(KEYS) == 2 * 12
    assert backfill["status"] == "COMPLETED_SUCCESS", backfill
    assert backfill["numPartitions"] == len(KEYS)
    assert {run["status"] for run in backfill["runs"]} == {"SUCCESS"}
    assert len(backfill["runs"]) <= len(NAMES)


@pytest.mark.parametrize("model", [model for model in TABLES if grain(model) is not Grain.UNPARTITIONED])
def test_partition_statuses_equal_what_is_in_the_tables(
    project: CliProject, server: DevServer, backfill: dict[str, Any], model: type[Table]
) -> None:
    published = project.warehouse().published(model)
    dates = published["date"].dt.strftime("%Y-%m-%d")
    by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
    keys = set(dates + "|" + published["portfolio"] if by_portfolio else dates)
    assert keys >= {*KEYS, *COMPUTED_KEYS} if by_portfolio else keys >= set(DATES)
    assert statuses(server, table_name(model)) == {
        "MATERIALIZED": keys,
        "FAILED": set(),
        "MATERIALIZING": set(),
    }
    stats = node(server, table_name(model), STATUSES)["partitionStats"]
    assert (stats["numMaterialized"], stats["numFailed"], stats["numMaterializing"]) == (len(keys), 0, 0)


def test_every_partition_tells_its_own_row_count(
    project: CliProject, server: DevServer, backfill: dict[str, Any]
) -> None:
    rows = project.warehouse().read(PositionValues)
    counts = rows.groupby([rows["date"].dt.strftime("%Y-%m-%d"), "portfolio"]).size()
    told = stories(server, table_name(PositionValues), [*KEYS, *COMPUTED_KEYS])
    assert {key: facts["dagster/partition_row_count"] for key, facts in told.items()} == {
        f"{date}|{name}": count for (date, name), count in counts.items()
    }


def test_every_snapshot_tells_its_value_and_profit(
    project: CliProject, server: DevServer, backfill: dict[str, Any]
) -> None:
    rows = project.warehouse().read(PortfolioSnapshots)
    told = stories(server, table_name(PortfolioSnapshots), KEYS)
    rows.index = pd.Index(rows["date"].dt.strftime("%Y-%m-%d") + "|" + rows["portfolio"])
    for column, label in (("total_value", "total value (USD)"), ("daily_pnl", "daily P&L (USD)")):
        figures = [told[key][label] for key in KEYS]
        np.testing.assert_allclose(figures, rows.loc[KEYS, column], rtol=1e-8)


def test_stress_tells_its_worst_scenario(
    project: CliProject, server: DevServer, backfill: dict[str, Any]
) -> None:
    rows = project.warehouse().read(StressResults).dropna(subset="correlated_pnl")
    rows = rows[~rows["scenario"].str.endswith("_original") & (rows["category"] != "rates")]
    worst = rows.loc[rows.groupby(["date", "portfolio"])["correlated_pnl"].idxmin()]
    told = stories(server, table_name(StressResults), [*KEYS, *COMPUTED_KEYS])
    for date, name, scenario, pnl in worst[["date", "portfolio", "scenario", "correlated_pnl"]].to_numpy():
        facts = told[f"{date:%Y-%m-%d}|{name}"]
        assert facts["worst scenario"] == scenario
        assert facts["worst scenario (USD)"] == pytest.approx(pnl, rel=1e-8)


@pytest.mark.parametrize(
    "table", ["portfolio_snapshots", "factor_exposures", "position_correlations", "stress_results"]
)
def test_the_partition_that_the_ui_opens_shows_a_preview_and_a_plot(
    server: DevServer, backfill: dict[str, Any], table: str
) -> None:
    key = f"{DATES[-1]}|{NAMES[0]}"
    facts = stories(server, table, [key])[key]
    records = facts["preview"]["records"]
    assert 1 <= len(records) <= 8
    encoded = facts["plot"].split("base64,")[1].rstrip(")")
    assert base64.b64decode(encoded).startswith(b"\x89PNG")


def test_the_graph_has_groups_owners_kinds_and_tags(server: DevServer) -> None:
    query = """{ assetNodes { assetKey { path } groupName owners { ... on TeamAssetOwner { team } } kinds
      description tags { key value } dependencyKeys { path } } }"""
    nodes = {item["assetKey"]["path"][0]: item for item in server.graphql(query)["assetNodes"]}
    tables = {table_name(model) for model in TABLES}
    assert set(nodes) - tables == {"report_files"}
    assert len(nodes) > 20
    for name, found in nodes.items():
        assert found["groupName"]
        assert found["owners"] == [{"team": "risk"}]
        assert len(found["description"]) > 20
        if name not in tables:
            continue
        assert "postgres" in found["kinds"]
        assert any(tag["key"] == "sigmasight/partitions" for tag in found["tags"])
    depends = {name: {key["path"][0] for key in found["dependencyKeys"]} for name, found in nodes.items()}
    assert {"portfolio_cash", "positions"} <= depends["portfolio_snapshots"]
    assert {"portfolios", "positions", "transactions"} <= depends["portfolio_cash"]
    assert not {"portfolios", "positions"} & depends["factor_exposures"]


def test_columns_have_types_descriptions_and_lineage(server: DevServer) -> None:
    fields = """metadataEntries { label
      ... on TableSchemaMetadataEntry { schema { columns { name type description constraints { other } } } }
      ... on TableColumnLineageMetadataEntry { lineage {
        columnName columnDeps { assetKey { path } columnName } } } }"""
    entries = {
        entry["label"]: entry
        for entry in node(server, table_name(PortfolioSnapshots), fields)["metadataEntries"]
    }
    columns = {column["name"]: column for column in entries["dagster/column_schema"]["schema"]["columns"]}
    assert list(columns) == list(PortfolioSnapshots.to_schema().columns)
    assert columns["date"]["constraints"]["other"] == ["primary key"]
    assert "[USD]" in columns["total_value"]["description"]
    lineage = {
        column["columnName"]: {
            (dep["assetKey"]["path"][0], dep["columnName"]) for dep in column["columnDeps"]
        }
        for column in entries["dagster/column_lineage"]["lineage"]
    }
    assert lineage["total_value"] == {("position_values", "exposure"), ("portfolio_cash", "closing")}
    assert lineage["delta_usd"] == {("position_greeks", "delta_exposure")}


def test_checks_are_assertions_with_the_numbers_behind_them(
    server: DevServer, backfill: dict[str, Any]
) -> None:
    fields = """assetChecksOrError { ... on AssetChecks { checks { name description
      executionForLatestMaterialization { status evaluation { success metadataEntries { label
        ... on FloatMetadataEntry { floatValue } ... on IntMetadataEntry { intValue } } } } } } }"""
    checks = {
        check["name"]: check
        for check in node(server, table_name(PortfolioSnapshots), fields)["assetChecksOrError"]["checks"]
    }
    assert {"rows_meet_the_contract", "snapshots_equal_their_positions"} <= set(checks)
    execution = checks["snapshots_equal_their_positions"]["executionForLatestMaterialization"]
    assert execution["status"] == "SUCCEEDED"
    numbers = {entry["label"]: entry for entry in execution["evaluation"]["metadataEntries"]}
    assert numbers["net_exposure"]["floatValue"] <= numbers["tolerance"]["floatValue"]


def test_jobs_say_what_they_do(server: DevServer) -> None:
    query = (
        """{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name description } } } } }"""
    )
    nodes = server.graphql(query)["repositoriesOrError"]["nodes"]
    described = {job["name"]: job["description"] for found in nodes for job in found["jobs"]}
    for name in (jobs.MARKET, jobs.PORTFOLIO):
        assert "Partition" in described[name]


@pytest.mark.parametrize("stranger", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_page_of_another_site_is_refused(server: DevServer, stranger: dict[str, str]) -> None:
    body = b'{"query": "{ version }"}'
    request = urllib.request.Request(
        f"{server.url}/graphql", body, {"content-type": "application/json", **stranger}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=60)


def test_pages_of_the_ui_are_served(server: DevServer) -> None:
    for path in ("/asset-groups", "/assets/portfolio_snapshots?view=partitions"):
        assert "/_next/static/" in server.get(path)
