"""A step in a worker, away from the process of its run: executed, and answered by its events.

`deliveries` decides whether it is executed at all.
"""

import dagster as dg
from dagster import DagsterInstance
from dagster import _check as check
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.events import EngineEventData
from dagster._core.execution.api import create_execution_plan, execute_plan_iterator
from dagster._grpc.types import ExecuteStepArgs

from sigmasight_dagster.executors import deliveries

WORKER = "Celery worker"
"""Metadata of the event that says who executes a step."""
QUEUE_WAIT = "celery_queue_wait"
"""Marker that the executor has begun: it makes the time in the queue visible in the UI."""


def execute(
    instance: DagsterInstance, job: ReconstructableJob, step: ExecuteStepArgs, worker: str, again: bool
) -> list[str]:
    """Events of the step, serialized.

    :param again: the broker has delivered the same message before.
    """
    (key,) = check.not_none(step.step_keys_to_execute)
    attempt = step.known_state.get_retry_state().get_attempt_count(key) if step.known_state else 0
    answer = deliveries.answer(instance, step.run_id, key, attempt, again)
    if answer is not None:
        return answer
    try:
        return _execute(instance, job, step, key, worker)
    except dg.DagsterExecutionInterruptedError:
        # Canceled. Celery would take it for a lost worker and deliver the step again, for ever.
        return deliveries.recorded(instance, step.run_id, key)


def _execute(
    instance: DagsterInstance, job: ReconstructableJob, step: ExecuteStepArgs, key: str, worker: str
) -> list[str]:
    run = check.not_none(instance.get_run_by_id(step.run_id))
    plan = create_execution_plan(
        job, run.run_config, step_keys_to_execute=[key], known_state=step.known_state
    )
    instance.report_engine_event(
        f"{worker} executes step {key}",
        run,
        EngineEventData({WORKER: worker}, marker_end=QUEUE_WAIT),
        step_key=key,
    )
    events = execute_plan_iterator(
        execution_plan=plan,
        job=job,
        dagster_run=run,
        instance=instance,
        retry_mode=step.retry_mode,
        run_config=run.run_config,
    )
    return deliveries.serialized(events)
