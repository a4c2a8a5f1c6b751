"""From the daily market run to the portfolios: all of them in one run, or in few where they are very many."""

from collections.abc import Sequence

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.tables import Grain
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.automation import jobs, run_requests
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.partitions.keys import MAX_PORTFOLIOS, neighbours
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import DAILY_TAG


def is_last_of_week(date: pd.Timestamp) -> bool:
    """Whether the next session is in a later week: Friday, or the day before a holiday at a week's end."""
    return calendar.shift_sessions(date, 1).to_period("W") != date.to_period("W")


def left_out(date: pd.Timestamp) -> tuple[RiskAsset, ...]:
    """The weekly assets, on any session but the last one of a week."""
    return () if is_last_of_week(date) else tuple(asset for asset in RISK_ASSETS if asset.weekly)


def portfolio_requests(
    run: dg.DagsterRun, order: Sequence[str], settings: Settings
) -> list[dg.RunRequest] | dg.SkipReason:
    """The runs of every portfolio that follow a market run of daily operation.

    :param order: portfolios in the order of the dynamic partitions.
    """
    day = run.tags.get(DAILY_TAG)
    if day is None:
        return dg.SkipReason(f"run {run.run_id} is not the daily one: portfolios are up to who launched it")
    if not order:
        return dg.SkipReason(f"{day}: no portfolio is registered: sigmasight import FILE NAME")
    date = pd.Timestamp(day)
    later = () if settings.correlations == "daily" else left_out(date)
    assets = tuple(
        asset for asset in RISK_ASSETS if asset.grain is Grain.DATE_PORTFOLIO and asset not in later
    )
    dates = pd.DatetimeIndex([date])
    return [
        run_requests.of_run(
            RangeRun(jobs.PORTFOLIO, assets, dates, names),
            f"{run.run_id}:{names[0]}" if number else run.run_id,
            {DAILY_TAG: day},
        )
        for number, names in enumerate(neighbours(order, order, settings.chunk_partitions))
    ]


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one set of settings."""

    @dg.run_status_sensor(
        name="market_to_portfolio",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[jobs.market],
        request_job=jobs.portfolio,
        minimum_interval_seconds=1,  # in each round of the daemon (5 s): with 5 it misses every other one
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "When the daily market run has succeeded: all portfolios of its date, in one run or, of more "
            f"than {MAX_PORTFOLIOS:,}, in several. Correlations "
            f"are computed {settings.correlations} (setting correlations; weekly: the week's last session)."
        ),
    )
    def market_to_portfolio(context: dg.RunStatusSensorContext) -> dg.SensorResult | dg.SkipReason:
        order = context.instance.get_dynamic_partitions("portfolio")
        found = portfolio_requests(context.dagster_run, order, settings)
        return found if isinstance(found, dg.SkipReason) else dg.SensorResult(run_requests=found)

    return market_to_portfolio
