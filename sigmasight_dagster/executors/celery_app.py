"""The Celery executor and its workers. Imported only where Celery is used.

A worker acknowledges a step when it is done, not when it begins: the broker gives the step of a worker
that was killed to another one. That one starts it from the beginning, which is safe because a step
publishes a table in one transaction, or nothing.

The broker's URL goes from the settings into the Celery app and nowhere else: the executor has no
configuration, so that no password can be written into a run's.
"""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import celery
import dagster as dg
from celery import signals
from dagster import _check as check
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.execution.retries import RetryMode
from dagster._grpc.types import ExecuteStepArgs
from dagster._serdes import unpack_value
from dagster_celery.config import TASK_EXECUTE_PLAN_NAME
from dagster_celery.executor import CeleryExecutor
from dagster_celery.make_app import make_app
from kombu.exceptions import KombuError

from sigmasight_core.errors import InputError
from sigmasight_dagster.executors import steps
from sigmasight_dagster.executors.queues import DEFAULT_QUEUE
from sigmasight_dagster.settings import Settings

REPLY_SECONDS = 3
PARENT_POLL_SECONDS = 0.5


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """Hands the steps of a run to Celery workers."""
    handing_out = _executor(settings)

    @dg.executor(
        name="celery",
        config_schema={},
        requirements=dg.multiple_process_executor_requirements(),
    )
    def celery_workers(_context: dg.InitExecutorContext) -> CeleryExecutor:
        return handing_out

    return celery_workers


def _executor(settings: Settings) -> CeleryExecutor:
    if settings.celery_broker_url is None:
        raise InputError(
            "SIGMASIGHT_EXECUTOR=celery needs a broker: "
            "set SIGMASIGHT_CELERY_BROKER_URL, for example pyamqp://USER:PASSWORD@HOST:5672//"
        )
    return CeleryExecutor(
        retries=RetryMode.ENABLED,
        broker=settings.celery_broker_url.get_secret_value(),
        backend=settings.celery_result_backend.get_secret_value(),
        config_source={
            "worker_prefetch_multiplier": 1,
            "task_default_queue": DEFAULT_QUEUE,
            "broker_connection_retry_on_startup": True,
            # What steps leave in their process (caches of definitions, of rows) does not grow for ever.
            "worker_max_tasks_per_child": 200,
        },
    )


def make(settings: Settings) -> celery.Celery:
    """The Celery app of the settings, with its task: a step."""
    app = make_app(_executor(settings).app_args())

    @app.task(bind=True, name=TASK_EXECUTE_PLAN_NAME, acks_late=True, reject_on_worker_lost=True)
    def execute_plan(
        task: celery.Task, execute_step_args_packed: dict[str, Any], executable_dict: dict[str, Any]
    ) -> list[str]:
        step = unpack_value(execute_step_args_packed, as_type=ExecuteStepArgs)
        again = bool((task.request.delivery_info or {}).get("redelivered"))
        job = ReconstructableJob.from_dict(executable_dict)
        # Closed at the end: a process that executes steps for days would collect database connections.
        with dg.DagsterInstance.from_ref(check.not_none(step.instance_ref)) as instance:
            return steps.execute(instance, job, step, str(task.request.hostname), again)

    return app


def refuse_missing_workers(settings: Settings, names: Sequence[str]) -> None:
    """:raises InputError: when the broker does not answer, or nobody listens on one of the queues."""
    app = make(settings)
    connection = app.connection_for_write()
    try:
        connection.ensure_connection(max_retries=1, timeout=REPLY_SECONDS)
        replies = app.control.inspect(timeout=REPLY_SECONDS, connection=connection).active_queues() or {}
    except (KombuError, *connection.connection_errors, *connection.channel_errors) as error:
        raise InputError(
            f"the broker at {connection.as_uri()} does not answer as it should ({type(error).__name__}): "
            "start it, or correct SIGMASIGHT_CELERY_BROKER_URL"
        ) from None
    finally:
        connection.release()
    served = {found["name"] for queues in replies.values() for found in queues}
    missing = [name for name in names if name not in served]
    if missing:
        cure = " ".join(f"--queue {name}" for name in missing)
        raise InputError(f"no worker listens on {', '.join(missing)}: sigmasight worker {cure}")


@signals.worker_process_init.connect
def _end_with_the_worker(**_: Any) -> None:
    """A killed worker's processes would finish their step beside the worker that got it in their place."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os._exit(1)
