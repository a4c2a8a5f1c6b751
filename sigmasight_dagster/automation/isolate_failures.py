"""After a failed run: its good partitions go again without the bad ones, and the bad ones alone.

For runs from the UI, schedules and sensors. Commands do it themselves (`commands.project`).
"""

from collections.abc import Sequence

import dagster as dg

from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.automation import jobs, run_requests
from sigmasight_dagster.runs import execute, isolate, recovery
from sigmasight_dagster.tags import LAUNCHER_TAG, RETRY_DEPTH_TAG, RETRY_OF_TAG

MAX_DEPTH = 5
"""How often the good part of a failed run may fail again, for another reason each time."""


def retry_requests(
    run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent], order: Sequence[str]
) -> list[dg.RunRequest] | dg.SkipReason:
    """Runs that take the place of a failed one, the good partitions first, or why there is none.

    :param failures: the run's step failures. :param order: portfolios in the order of their partitions.
    """
    depth = int(run.tags.get(RETRY_DEPTH_TAG, "0"))
    if LAUNCHER_TAG in run.tags:
        return dg.SkipReason(f"run {run.run_id}: the command that executes it splits it")
    if not failures:
        return dg.SkipReason(f"run {run.run_id}: no step failed; re-execute it from its page")
    if depth >= MAX_DEPTH:
        return dg.SkipReason(f"run {run.run_id}: already the retry of a retry {depth} times; see its events")
    rectangle = recovery.layer_run(run, RISK_ASSETS, order)
    if rectangle is None:
        return dg.SkipReason(f"run {run.run_id}: selects no partitions of risk assets")
    parts = isolate.retries(execute.failed_outcome(rectangle, run.run_id, failures))
    if not parts:
        return dg.SkipReason(f"run {run.run_id}: nothing in it can be published without what failed")
    tags = {RETRY_OF_TAG: run.run_id, RETRY_DEPTH_TAG: str(depth + 1)}
    return [
        run_requests.of_run(part, f"{run.run_id}:{number}", tags)
        for number, part in enumerate(parts, start=1)
    ]


def build() -> dg.SensorDefinition:
    """The sensor."""

    @dg.run_failure_sensor(
        name="isolate_failures",
        request_jobs=jobs.JOBS,
        minimum_interval_seconds=10,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "A run publishes its whole rectangle of partitions or nothing. After a failure: the good "
            "partitions again without the bad ones, which the run names, and the bad ones alone."
        ),
    )
    def isolate_failures(context: dg.RunFailureSensorContext) -> list[dg.RunRequest] | dg.SkipReason:
        order = context.instance.get_dynamic_partitions("portfolio")
        return retry_requests(context.dagster_run, context.get_step_failure_events(), order)

    return isolate_failures
