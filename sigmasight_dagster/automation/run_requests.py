"""Requests for runs by schedules and sensors: the only place that makes them."""

from collections.abc import Mapping

import dagster as dg
import pandas as pd

from sigmasight_dagster.automation import jobs
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import REFETCH_TAG


def of_run(run: RangeRun, run_key: str, tags: Mapping[str, str] | None = None) -> dg.RunRequest:
    """The request for a planned run, to its layer's job.

    :param run_key: Dagster launches no second run with it. :param tags: beside those that select partitions.
    """
    # The process of the run loads the definitions anew, and finds its partitions there.
    starts.reach(Settings().home, [run])
    return dg.RunRequest(
        run_key=run_key,
        job_name=jobs.PORTFOLIO if run.portfolios else jobs.MARKET,
        asset_selection=[dg.AssetKey(name) for name in run.table_names],
        tags={**run.tags, **({REFETCH_TAG: "true"} if run.refetch else {}), **(tags or {})},
    )


def of_whole_job(dates: pd.DatetimeIndex, run_key: str, tags: Mapping[str, str]) -> dg.RunRequest:
    """The request for every table by date of some consecutive sessions, to the schedule's own job."""
    return dg.RunRequest(run_key=run_key, tags={**RangeRun("market", (), dates).tags, **tags})


def of_export(run: RangeRun, run_id: str) -> dg.RunRequest:
    """The request for the export of a run's partitions."""
    return dg.RunRequest(run_key=f"export:{run_id}", tags=run.tags)


def of_files(run: RangeRun, more: str, run_key: str, tags: Mapping[str, str]) -> dg.RunRequest:
    """The request for a run and for one more asset of its partitions, to the sensor's own job."""
    return dg.RunRequest(
        run_key=run_key,
        asset_selection=[dg.AssetKey(name) for name in (*run.table_names, more)],
        tags={**run.tags, **tags},
    )
