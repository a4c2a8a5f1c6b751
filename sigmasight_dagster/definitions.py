"""The code location: every asset, check, job and resource of SigmaSight."""

import dagster as dg
import pandas as pd

from sigmasight_core.tables import Grain
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.automation import jobs, schedules, sensors, upkeep
from sigmasight_dagster.checks.totals import STANDING_CHECKS
from sigmasight_dagster.engine import dagster_assets as build_assets
from sigmasight_dagster.engine.declaration import with_factor_window
from sigmasight_dagster.executors import choice
from sigmasight_dagster.executors.queues import queue
from sigmasight_dagster.instance.console import console_logger
from sigmasight_dagster.partitions import dates as partitions
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Definitions for one set of settings."""
    start, end = partitions.date_bounds(settings)
    dates = partitions.trading_dates(start, end)
    by_grain = {Grain.DATE: dates, Grain.DATE_PORTFOLIO: partitions.portfolio_dates(dates)}
    first_date = pd.Timestamp(start)
    assets = with_factor_window(RISK_ASSETS, settings.factor_model.window)
    return dg.Definitions(
        assets=[
            *build_assets.ledger_specs(),
            *(
                build_assets.build(asset, by_grain, first_date, queue(settings, asset.group))
                for asset in assets
            ),
        ],
        asset_checks=STANDING_CHECKS,
        jobs=[*jobs.JOBS, *upkeep.JOBS],
        schedules=[*schedules.build(settings), *upkeep.SCHEDULES],
        sensors=sensors.build(settings),
        resources={"platform": Platform(settings)},
        loggers={"console": console_logger},
        executor=choice.build(settings),
    )


defs = build_definitions(Settings())
