"""Sensors: what happens by itself after a run, a file or a correction. One file a topic."""

import dagster as dg

from sigmasight_dagster.automation import (
    alerts,
    asked_jobs,
    inbox,
    isolate_failures,
    market_to_portfolio,
    parquet_export,
    report_files,
    rerun_stale,
    upkeep,
)
from sigmasight_dagster.settings import Settings


def build(settings: Settings) -> list[dg.SensorDefinition]:
    """Sensors for one set of settings."""
    return [
        market_to_portfolio.build(settings),
        isolate_failures.build(),
        rerun_stale.build(),
        inbox.build(settings),
        asked_jobs.build(settings),
        *alerts.build(),
        *parquet_export.sensors(settings),
        *report_files.sensors(settings),
        *upkeep.SENSORS,
    ]
