"""What the code location holds: every asset, check, job and resource of SigmaSight, for given settings.

Importing this builds nothing: a command builds its definitions once, and Dagster those of `definitions`.
"""

import dagster as dg
import pandas as pd

from sigmasight_core.tables import Grain
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.automation import jobs, parquet_export, report_files, schedules, sensors, upkeep
from sigmasight_dagster.checks.standing import STANDING_CHECKS
from sigmasight_dagster.engine import dagster_assets
from sigmasight_dagster.executors import choice
from sigmasight_dagster.executors.queues import queue
from sigmasight_dagster.instance.console import console_logger
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.partitions.dates import portfolio_dates, trading_dates
from sigmasight_dagster.partitions.starts import Starts
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Definitions for one set of settings."""
    start, end = session_dates.date_bounds(settings)
    begin = starts.noted(settings.home) or Starts(start, start)
    by_date, of_portfolios = (
        trading_dates(max(start, first), end, start) for first in (begin.market, begin.portfolio)
    )
    by_grain = {Grain.DATE: by_date, Grain.DATE_PORTFOLIO: portfolio_dates(of_portfolios)}
    first_date = pd.Timestamp(start)
    return dg.Definitions(
        assets=[
            *dagster_assets.unpartitioned_specs(),
            *(
                dagster_assets.build(asset, by_grain, first_date, queue(settings, asset.group))
                for asset in declared(settings)
            ),
            *parquet_export.assets(settings, by_grain[Grain.DATE_PORTFOLIO]),
            *report_files.assets(settings, by_grain[Grain.DATE_PORTFOLIO]),
        ],
        asset_checks=STANDING_CHECKS,
        jobs=[*jobs.JOBS, *upkeep.JOBS, *parquet_export.jobs(settings), *report_files.jobs()],
        schedules=[*schedules.build(settings), *upkeep.SCHEDULES],
        sensors=sensors.build(settings),
        resources={"platform": Platform(settings)},
        loggers={"console": console_logger},
        executor=choice.build(settings),
    )
