"""Upkeep: jobs and schedules that look after what is stored. Retention is on from the start."""

from typing import Any

import dagster as dg

from sigmasight_dagster.automation.retention import retention
from sigmasight_dagster.checks.standing import STANDING_CHECKS
from sigmasight_dagster.partitions.dates import TIMEZONE
from sigmasight_dagster.runs.execute import report_orphans

standing_checks = dg.define_asset_job(
    "standing_checks",
    selection=dg.AssetSelection.checks(*STANDING_CHECKS),
    description=(
        "Every standing check on all that is stored: failed and stale partitions, freshness, coverage of "
        "held symbols, reconciliation across tables. No run configuration."
    ),
)

JOBS: list[Any] = [standing_checks, retention]


@dg.sensor(
    name="lost_runs",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs whose process is gone (killed, or its machine lost) are failed, and their places in "
    "pools given to others. Each command does the same.",
)
def lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    lost = report_orphans(context.instance)
    return dg.SkipReason(f"their processes were gone: {', '.join(lost)}" if lost else "none is lost")


SENSORS = [lost_runs]

SCHEDULES = [
    dg.ScheduleDefinition(
        name="daily_standing_checks",
        job=standing_checks,
        cron_schedule="0 20 * * 1-5",
        execution_timezone=TIMEZONE,
        description="Standing checks on weekday evenings, New York.",
    ),
    dg.ScheduleDefinition(
        name="weekly_retention",
        job=retention,
        cron_schedule="0 3 * * 6",
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Retention on Saturdays: what is older than the settings keep (docs/growth.md).",
    ),
]
