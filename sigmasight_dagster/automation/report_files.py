"""Files of reports that users of the API ordered: once (`asked_jobs`), or at the end of each period.

The asset `report_files` follows on the stored report of a date and portfolio; a run of both makes the report
anew and writes it. Standing orders are rows of `report_schedules`, and one sensor reads them all. A date that
nobody looked at in time is made up for by the newest one. An order is done when its files are written; that
it is asked for once only, Dagster sees to by the run key.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioReports, table_name
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.automation import run_requests
from sigmasight_dagster.engine.dagster_assets import OWNERS
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports import portfolio_report
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import REPORT_FORMATS_TAG, REPORT_SCHEDULE_TAG
from sigmasight_dagster.warehouse import AuditStamp, Warehouse

NAME: Final = "report_files"
_REPORTS: Final = table_name(PortfolioReports)
_ENDS: Final = {"weekly": "W", "monthly": "M"}
"""Calendar periods whose last session an order waits for."""


def assets(settings: Settings, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The asset."""
    folder = settings.report_dir or settings.home / "reports"
    spec = dg.AssetSpec(
        NAME,
        deps=[_REPORTS],
        group_name="export",
        owners=OWNERS,
        kinds={"html"},
        description=f"Files of reports that were ordered through the API, below {folder}.",
    )

    @dg.multi_asset(
        name=f"write_{NAME}",  # not that of the job: Dagster refuses two things of one name
        specs=[spec],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={"platform"},
    )
    def report_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        warehouse: Warehouse = context.resources.platform.warehouse
        wanted = context.run.tags.get(REPORT_FORMATS_TAG)
        formats = wanted.split(",") if wanted else list(portfolio_report.FORMATS)
        written = 0
        for date, portfolio in map(keys.parse, sorted(context.partition_keys)):
            report = portfolio_report.stored(warehouse, portfolio, date)
            if report is None:
                raise dg.Failure(
                    f"portfolio {portfolio} on {date:%Y-%m-%d}: no report of what is stored now; "
                    f"materialize {_REPORTS} of that date, or launch the job {NAME}"
                )
            contents = portfolio_report.rendered(report, formats)
            portfolio_report.write(folder / f"{portfolio}_{date:%Y-%m-%d}", contents)
            written += len(contents)
            if schedule_id := context.run.tags.get(REPORT_SCHEDULE_TAG):
                warehouse.record_written(schedule_id, date, AuditStamp.now(context.run.run_id))
        return dg.MaterializeResult(metadata={"folder": dg.MetadataValue.path(str(folder)), "files": written})

    return [report_files]


def jobs() -> list[Any]:
    """The job of a report and its files, for the sensor, the API and people."""
    about = (
        "Reports of portfolios, made anew, and their files (tag sigmasight/report_formats: md,html; default: "
        "every one). Partition: date|portfolio. No run configuration."
    )
    return [dg.define_asset_job(NAME, dg.AssetSelection.assets(_REPORTS, NAME), description=about)]


def sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor that asks for what standing orders wait for."""

    @dg.sensor(
        name="report_schedules",
        job_name=NAME,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"platform"},
        description=(
            "Standing orders of users of the API for reports (POST /export/reports/schedule): when the "
            "results of a period's last session are published, a run that makes the report and writes its "
            "files. Of several dates that are due the newest alone."
        ),
    )
    def report_schedules(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        platform: Platform = context.resources.platform
        (asset,) = (item for item in declared(settings) if PortfolioReports in item.tables)
        wanted = list(due(platform.warehouse, asset))
        return dg.SensorResult(
            run_requests=wanted, skip_reason=None if wanted else dg.SkipReason("no report is due")
        )

    return [report_schedules]


def due(warehouse: Warehouse, asset: RiskAsset) -> Iterator[dg.RunRequest]:
    """A request for each standing order that has a newer date than that of its last files.

    :param asset: that makes reports.
    """
    for row in warehouse.report_schedules().to_dict("records"):
        date = _newest(warehouse, row["portfolio"], row["period"])
        if date is None or date <= row["last_report_date"]:  # NaT of one that was never written is no date
            continue
        run = RangeRun("report", (asset,), pd.DatetimeIndex([date]), (row["portfolio"],))
        tags = {REPORT_FORMATS_TAG: row["formats"], REPORT_SCHEDULE_TAG: row["schedule_id"]}
        run_key = f"report:{row['schedule_id']}:{date:%Y-%m-%d}"
        yield run_requests.of_files(run, NAME, run_key, tags)


def _newest(warehouse: Warehouse, portfolio: str, period: str) -> pd.Timestamp | None:
    """The newest session that ends a period and has all that a report is made of; None = there is none yet.

    While results of the newest one are still missing it is waited for.
    """
    ends = (date for date in reversed(warehouse.glance_dates(portfolio)) if _is_last(date, period))
    date = next(ends, None)
    if date is None:
        return None
    try:
        portfolio_report.require_whole(warehouse, portfolio, date)
    except InputError:
        return None
    return date


def _is_last(date: pd.Timestamp, period: str) -> bool:
    unit = _ENDS.get(period)
    return unit is None or calendar.shift_sessions(date, 1).to_period(unit) != date.to_period(unit)
