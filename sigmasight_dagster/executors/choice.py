"""What executes the steps of runs: the run's own process, Celery workers or Kubernetes jobs (settings).

`dagster_celery` and `dagster_k8s` are optional, and imported only when they are chosen.
"""

from collections.abc import Iterable
from importlib.util import find_spec

import dagster as dg

from sigmasight_core.errors import InputError
from sigmasight_dagster.executors.queues import DEFAULT_QUEUE, QUEUE_TAG, queue
from sigmasight_dagster.settings import Settings


def build(settings: Settings) -> dg.ExecutorDefinition:
    """The executor that the settings choose.

    :raises InputError: when its package is not installed, or it lacks a setting.
    """
    if settings.executor == "celery":
        require("celery")
        # Celery is an optional extra.
        from sigmasight_dagster.executors import celery_app  # noqa: PLC0415

        return celery_app.executor(settings)
    if settings.executor == "k8s":
        require("k8s")
        return _k8s(settings)
    return dg.in_process_executor


def refuse_missing_workers(settings: Settings, groups: Iterable[str]) -> None:
    """:raises InputError: when steps of these asset groups would wait for ever: nobody listens on a queue."""
    if settings.executor == "celery":
        # Celery is an optional extra.
        from sigmasight_dagster.executors import celery_app  # noqa: PLC0415

        # Standing checks go with their assets, and they wait in the default queue.
        names = {DEFAULT_QUEUE, *(queue(settings, group) for group in groups)}
        celery_app.refuse_missing_workers(settings, sorted(names))


def require(extra: str) -> None:
    """:raises InputError: when the package of an executor is not installed."""
    if find_spec(f"dagster_{extra}") is None:
        raise InputError(
            f"SIGMASIGHT_EXECUTOR={extra} needs the package dagster-{extra}: "
            f"pip install 'sigmasight[{extra}]'"
        )


def _k8s(settings: Settings) -> dg.ExecutorDefinition:
    # Kubernetes is an optional extra.
    from dagster_k8s import k8s_job_executor  # noqa: PLC0415

    limits = [
        {"key": QUEUE_TAG, "value": name, "limit": limit} for name, limit in settings.k8s_queue_limits.items()
    ]
    return k8s_job_executor.configured({"tag_concurrency_limits": limits}, name="k8s")
