"""After a correction of market data: exactly the stale dates and portfolios are computed again."""

from collections.abc import Sequence
from hashlib import blake2b

import dagster as dg
import pandas as pd

from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.automation import jobs, run_requests
from sigmasight_dagster.checks import late_data
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.staleness.stale import stale_keys
from sigmasight_dagster.tags import CORRECTION_TAG


def rerun_requests(
    rows: pd.DataFrame, assets: Sequence[RiskAsset], order: Sequence[str], chunk_partitions: int
) -> list[dg.RunRequest]:
    """Runs that compute stale partitions again: of the market, or, when none of it is stale, of portfolios.

    Their run keys name the corrections, so that a run that fails is not requested again for the same ones.

    :param rows: `staleness.stale.stale`. :param order: portfolios in the order of their partitions.
    """
    chosen = rows[rows["portfolio"] == ""]
    chosen = chosen if len(chosen) else rows[rows["portfolio"].isin(order)]
    if chosen.empty:
        return []
    moment = str(chosen["changed_at"].max())
    return [
        run_requests.of_run(
            run, _digest(moment, *run.table_names, *run.range_tags.values()), {CORRECTION_TAG: moment}
        )
        for run in recovery.plan(assets, stale_keys(assets, chosen), order, chunk_partitions)
    ]


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def build() -> dg.SensorDefinition:
    """The sensor."""

    @dg.sensor(
        name="rerun_stale",
        jobs=jobs.JOBS,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"platform"},
        description=(
            "When prices, yields, corporate actions or securities of a date are published again with other "
            "rows: marks the results that depend on them as stale (check no_input_has_changed_since) and "
            "requests exactly those dates and portfolios again, market before portfolios."
        ),
    )
    def rerun_stale(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        platform = context.resources.platform
        rows = late_data.stale(platform)
        if rows.empty:
            return dg.SensorResult(skip_reason="nothing is stale")
        seen = str(rows["changed_at"].max())
        events = late_data.evaluations(rows) if seen != context.cursor else []
        running = context.instance.get_runs(filters=dg.RunsFilter(statuses=list(UNFINISHED)), limit=200)
        if any(
            CORRECTION_TAG in run.tags or run.job_name in (jobs.MARKET, jobs.PORTFOLIO) for run in running
        ):
            return dg.SensorResult(
                skip_reason=f"{len(rows)} stale partitions: waiting for the runs under way",
                asset_events=events,
                cursor=seen,
            )
        order = context.instance.get_dynamic_partitions("portfolio")
        settings = platform.settings
        requests = rerun_requests(rows, declared(settings), order, settings.chunk_partitions)
        return dg.SensorResult(run_requests=requests, asset_events=events, cursor=seen)

    return rerun_stale
