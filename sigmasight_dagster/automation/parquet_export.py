"""The Parquet export: an asset by date and portfolio that is there when the setting `export_dir` is.

Each partition becomes files below the folder, date=/portfolio= by table, which DuckDB, Spark and pyarrow read
as one data set. After every run that published results of portfolios a run exports its partitions. Files are
replaced when they are exported again, and never deleted: retention of the tables leaves them.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import dagster as dg

from sigmasight_core.tables import Grain, PortfolioReports
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.assets.catalogue import tables_of
from sigmasight_dagster.automation import run_requests
from sigmasight_dagster.engine.dagster_assets import OWNERS
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports import table_export
from sigmasight_dagster.reports.table_export import PARQUET, Selection
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.settings import Settings

NAME: Final = "parquet_export"
_OVERLAP: Final = dt.timedelta(minutes=1)


def assets(settings: Settings, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The asset, or nothing where no folder is set."""
    return [_asset(settings.export_dir, partitions)] if settings.export_dir else []


def jobs(settings: Settings) -> list[Any]:
    """The job of the asset alone, for the sensor and for people."""
    selection = dg.AssetSelection.assets(NAME)
    about = (
        "Published rows of portfolios as Parquet files. Partition: date|portfolio, or a rectangle of them."
    )
    return [dg.define_asset_job(NAME, selection, description=about)] if settings.export_dir else []


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor that asks for the export of what a run has published."""
    return [_sensor()] if settings.export_dir else []


def _asset(folder: Path, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    models = table_export.portfolio_tables()

    spec = dg.AssetSpec(
        NAME,
        deps=tables_of(Grain.DATE_PORTFOLIO),
        group_name="export",
        owners=OWNERS,
        kinds={"parquet"},
        description=f"Published rows of every table of portfolios as Parquet files below {folder}.",
    )

    @dg.multi_asset(
        name=f"write_{NAME}",  # not that of the job: Dagster refuses two things of one name
        specs=[spec],
        partitions_def=partitions,
        pool=NAME,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"platform"},
    )
    def parquet_export(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        platform: Platform = context.resources.platform
        selections = [
            Selection(names, (part[0], part[-1]))
            for dates, names in keys.rectangles(context.partition_keys)
            for part in keys.runs_of_sessions(dates)
        ]
        written = list(table_export.export(platform.warehouse, selections, models, PARQUET, folder))
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(str(folder)),
                "files": sum(table.files for table in written),
                "rows": sum(table.rows for table in written),
            }
        )

    return parquet_export


def _sensor() -> dg.SensorDefinition:
    @dg.sensor(
        name="export_published",
        job_name=NAME,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "After each run that published results of portfolios, also one by a command: a run that exports "
            "its partitions as Parquet (setting export_dir)."
        ),
    )
    def export_published(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = dt.datetime.now(dt.UTC)
        since = dt.datetime.fromisoformat(context.cursor) if context.cursor else now
        finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
        runs = context.instance.get_runs(
            filters=dg.RunsFilter(statuses=finished, updated_after=since - _OVERLAP)
        )
        order = context.instance.get_dynamic_partitions("portfolio")
        found = [request(run, order) for run in runs]
        wanted = [made for made in found if made is not None]
        reason = None if wanted else dg.SkipReason("no run has published results of portfolios")
        return dg.SensorResult(run_requests=wanted, skip_reason=reason, cursor=now.isoformat())

    return export_published


def request(run: dg.DagsterRun, order: Sequence[str]) -> dg.RunRequest | None:
    """The run that exports what a finished one may have published; None where it is no portfolio's."""
    rectangle = recovery.layer_run(run, RISK_ASSETS, order) if run.job_name != NAME else None
    if rectangle is None or not rectangle.portfolios:
        return None
    published = {model for asset in rectangle.assets for model in asset.tables}
    return run_requests.of_export(rectangle, run.run_id) if published - {PortfolioReports} else None
