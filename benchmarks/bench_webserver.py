"""Answers of a real webserver about an asset with 90,000 materialised partitions: what its pages ask for."""

import os

import dagster as dg
import pandas as pd

from benchmarks.measure import limit, own_server
from sigmasight_dagster.partitions.dates import portfolio_dates, trading_dates
from sigmasight_dagster.partitions.keys import range_tags
from sigmasight_dagster.session_dates import date_bounds
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.support.dev_server import DevServer, dev_server
from sigmasight_dagster_tests.support.project import CliProject

ASSET = "portfolio_snapshots"
OTHER = "position_values"
"""Has no event: its first answer is what a new webserver takes for anything."""
PORTFOLIOS = [f"portfolio_{number:02d}" for number in range(40)]
DATES_PER_RUN = 252

OVERVIEW = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  description groupName kinds partitionStats { numMaterialized numFailed numMaterializing numPartitions }
  metadataEntries { label } assetMaterializations(limit: 1) { partition metadataEntries { label } }
  assetChecksOrError { ... on AssetChecks { checks { name } } } } } }"""
PARTITIONS = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  partitionKeysByDimension { name partitionKeys }
  assetPartitionStatuses { ... on MultiPartitionStatuses { ranges { primaryDimStartKey primaryDimEndKey
    secondaryDim { ... on DefaultPartitionStatuses {
      materializedPartitions failedPartitions materializingPartitions } } } } } } } }"""
ONE_PARTITION = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  latestMaterializationByPartition(partitions: ["2022-12-28|portfolio_00"]) {
    partition runId metadataEntries { label } } } } }"""


def main() -> None:
    with own_server() as (home, postgres):
        project = CliProject(home, postgres.url("sigmasight"), postgres.url("dagster"))
        os.environ.update(project.environment)
        count = _materialise()
        with dev_server(project) as server:
            _measure(server, count)


def _materialise() -> int:
    """Range runs of an asset of the same name that computes nothing: only their events are wanted."""
    dates = trading_dates(*date_bounds(Settings()))

    @dg.asset(name=ASSET, partitions_def=portfolio_dates(dates))
    def empty() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"total value (USD)": 1.0, "status": "ok"})

    sessions = pd.DatetimeIndex(pd.to_datetime(dates.get_partition_keys()))
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("portfolio", PORTFOLIOS)
        for start in range(0, len(sessions), DATES_PER_RUN):
            tags = range_tags(sessions[start : start + DATES_PER_RUN], (PORTFOLIOS[0], PORTFOLIOS[-1]))
            dg.materialize([empty], instance=instance, tags=tags, run_config=config)
    return len(sessions) * len(PORTFOLIOS)


def _measure(server: DevServer, count: int) -> None:
    limit("asset page, never computed, first answer", lambda: _ask(server, OVERVIEW, OTHER), "", repeats=1)
    limit(f"asset page, {count:,}, first answer", lambda: _ask(server, OVERVIEW), "< 3 s", repeats=1)
    for name, query in (
        ("asset page", OVERVIEW),
        ("partitions view", PARTITIONS),
        ("one partition", ONE_PARTITION),
    ):
        limit(f"{name}, {count:,} partitions", lambda query=query: _ask(server, query), "< 3 s", repeats=5)
    assert _ask(server, OVERVIEW)["partitionStats"]["numMaterialized"] == count


def _ask(server: DevServer, query: str, asset: str = ASSET) -> dict:
    return server.graphql(query, key={"path": [asset]})["assetNodeOrError"]
