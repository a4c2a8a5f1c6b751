"""Whether a step that a broker delivers is to be executed: brokers deliver at least once, not once."""

from collections.abc import Iterable

import dagster as dg
from dagster import DagsterInstance

from sigmasight_core.errors import SigmaSightError

MAX_STARTS = 3
"""Starts of one attempt of a step; a step that kills its worker (out of memory) would go round for ever."""

_STARTS = (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED)
_ENDS = (
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
)


def answer(
    instance: DagsterInstance, run_id: str, step_key: str, attempt: int, again: bool
) -> list[str] | None:
    """Events to answer with in place of an execution; None: execute it.

    :param attempt: 0, or how often the step has asked to be tried again.
    :param again: the broker has delivered the same message before.
    :raises SigmaSightError: when its worker was killed each time.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return recorded(instance, run_id, step_key) if run else []
    if not again:
        return None
    events = _since_attempt(_events(instance, run_id, step_key), attempt)
    if any(event.event_type in _ENDS for event in events):
        return _since_start(events)
    lost = sum(event.event_type in _STARTS for event in events)
    if lost >= MAX_STARTS:
        raise SigmaSightError(
            f"step {step_key} was started {lost} times, and each time its worker was killed: "
            "look for an out-of-memory kill; lower SIGMASIGHT_CHUNK_PARTITIONS or give the worker more memory"
        )
    return None


def recorded(instance: DagsterInstance, run_id: str, step_key: str) -> list[str]:
    """What the event log says of the last start of a step, serialized as an executor expects it."""
    return _since_start(_events(instance, run_id, step_key))


def _events(instance: DagsterInstance, run_id: str, step_key: str) -> list[dg.DagsterEvent]:
    logged = (entry.dagster_event for entry in instance.all_logs(run_id))
    return [event for event in logged if event and event.step_key == step_key and event.is_step_event]


def _since_attempt(events: list[dg.DagsterEvent], attempt: int) -> list[dg.DagsterEvent]:
    retries = [
        place
        for place, event in enumerate(events, start=1)
        if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY
    ]
    return events[retries[attempt - 1] if attempt else 0 :]


def _since_start(events: list[dg.DagsterEvent]) -> list[str]:
    starts = [place for place, event in enumerate(events) if event.event_type in _STARTS]
    return serialized(events[starts[-1] if starts else 0 :])


def serialized(events: Iterable[dg.DagsterEvent]) -> list[str]:
    """What an executor needs of a step's events; of thousands of partitions it needs nothing."""
    return [
        dg.serialize_value(event)
        for event in events
        if event.event_type is not dg.DagsterEventType.ASSET_MATERIALIZATION
    ]
