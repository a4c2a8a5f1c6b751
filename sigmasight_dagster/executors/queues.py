"""Queues of steps: which asset group waits in which, for Celery's workers and Kubernetes' limits."""

from typing import Final

from sigmasight_dagster.settings import Settings

QUEUE_TAG: Final = "dagster-celery/queue"
"""Tag of a step: the Celery queue in which it waits; limits of Kubernetes go by it too."""
DEFAULT_QUEUE: Final = "dagster"
"""Queue of steps without a tag: standing checks and upkeep."""

_QUEUES = {
    "market": "market",
    "market_risk": "market",
    "portfolio": "portfolio",
    "portfolio_risk": "portfolio",
}


def queue(settings: Settings, group: str) -> str:
    """Queue of an asset group's steps."""
    return {**_QUEUES, **settings.queues}.get(group, DEFAULT_QUEUE)


def queues(settings: Settings) -> list[str]:
    """Every queue that steps may wait in."""
    return sorted({DEFAULT_QUEUE, *{**_QUEUES, **settings.queues}.values()})
