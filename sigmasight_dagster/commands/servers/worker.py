"""`sigmasight worker`: executes the steps that the Celery executor hands out."""

import os

import click

from sigmasight_core.errors import InputError
from sigmasight_dagster.executors.choice import require
from sigmasight_dagster.executors.queues import queues
from sigmasight_dagster.server.processes import heed_interrupt
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.places import dagster_home


@click.command()
@click.option(
    "--queue",
    "names",
    multiple=True,
    metavar="NAME",
    help="Queue to listen on; repeat it; default: all. A queue's limit is the concurrency of its workers.",
)
@click.option("--concurrency", default=1, show_default=True, type=click.IntRange(1), help="Steps at once.")
@click.option("--log-level", default="INFO", show_default=True, help="DEBUG, INFO, WARNING or ERROR.")
def worker(names: tuple[str, ...], concurrency: int, log_level: str) -> None:
    """Execute steps of runs (SIGMASIGHT_EXECUTOR=celery) until Ctrl-C.

    Ctrl-C finishes the steps under way; a killed worker's steps go to another worker.
    """
    heed_interrupt()
    dagster_home()
    os.environ["SIGMASIGHT_EXECUTOR"] = "celery"
    settings = Settings()
    known = queues(settings)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"unknown queue '{unknown[0]}'; queues: {', '.join(known)} (SIGMASIGHT_QUEUES)")
    require("celery")
    # Celery is an optional extra. The definitions are built for it, and once: before the worker forks.
    import sigmasight_dagster.definitions  # noqa: F401, PLC0415
    from sigmasight_dagster.executors import celery_app  # noqa: PLC0415

    app = celery_app.make(settings)
    app.worker_main(
        [
            "worker",
            f"--queues={','.join(names or known)}",
            f"--concurrency={concurrency}",
            f"--loglevel={log_level}",
            f"--hostname=sigmasight-{os.getpid()}@%h",
            "--without-gossip",
            "--without-mingle",
        ]
    )
