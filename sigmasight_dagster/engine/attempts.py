"""Whether a step goes on, is tried again later, or stops because its run was canceled.

There is no `RetryPolicy` on the assets: Dagster answers an interrupt of a step that has one by another
attempt, so that a run could not be canceled.
"""

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import NoDataError, SigmaSightError, TransientError
from sigmasight_dagster.partitions.keys import Rectangle
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import LAUNCHER_TAG
from sigmasight_dagster.warehouse import Basis, InputsChanged, Warehouse

ATTEMPTS: Final = 5
"""So often a step computes while what it computes from changes under it."""

Made = TypeVar("Made")

LONGEST_ASKED_SECONDS = 900.0
"""A source that asks to be left alone for longer ends the run."""

# Failed: another process found that the one that executes the run is gone; a worker may still have its step.
_STOPPING = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)


def stop_if_canceled(context: dg.AssetExecutionContext) -> None:
    """:raises DagsterExecutionInterruptedError: when the run was canceled or counts as failed."""
    run = context.instance.get_run_by_id(context.run.run_id)
    if run and run.status in _STOPPING:
        raise dg.DagsterExecutionInterruptedError


def refuse_open_sessions(parts: Sequence[Rectangle], now: pd.Timestamp) -> None:
    """:raises SigmaSightError: when a date's session has not closed at `now` (UTC)."""
    last = max(dates[-1] for dates, _ in parts)
    close = calendar.session_close(last)
    if close > now:
        raise SigmaSightError(
            f"the session of {last:%Y-%m-%d} has not closed: it closes at {close:%Y-%m-%d %H:%M} UTC; wait"
        )


def retry_later(context: dg.AssetExecutionContext, error: SigmaSightError) -> None:
    """Return when the error is final.

    :raises RetryRequested: when it may pass, and attempts are left.
    """
    settings: Settings = context.resources.platform.settings
    patient = LAUNCHER_TAG not in context.run.tags
    if not may_pass(error, pd.Timestamp(dt.datetime.now(dt.UTC)), patient=patient):
        return
    asked = getattr(error, "retry_after_seconds", None) or 0.0
    if context.retry_number < settings.retry_limit and asked <= LONGEST_ASKED_SECONDS:
        delay = max(asked, seconds_to_wait(settings, context.retry_number + 1))
        context.log.warning(
            f"attempt {context.retry_number + 1} of {settings.retry_limit + 1} failed, "
            f"the next one is in {delay:.0f} s: {error}"
        )
        raise dg.RetryRequested(settings.retry_limit, delay) from error


def until_current(context: dg.AssetExecutionContext, attempt: Callable[[], Made]) -> Made:
    """What an attempt gives whose inputs did not change meanwhile.

    :raises InputsChanged: when they have changed `ATTEMPTS` times.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except InputsChanged as error:
            context.log.warning(f"{error}; they are computed again")
        stop_if_canceled(context)
    return attempt()


@contextmanager
def of_what_stays(warehouse: Warehouse, basis: Basis) -> Iterator[None]:
    """An error over inputs of which some were read before a change, and others after it, says nothing.

    :raises InputsChanged: in place of one, when what was read so far has changed.
    """
    try:
        yield
    except Exception:
        warehouse.require_current(basis)
        raise


def may_pass(error: SigmaSightError, now: pd.Timestamp, *, patient: bool) -> bool:
    """Whether a later attempt can succeed: the error says so, or data of the latest session is late.

    :param now: UTC.
    :param patient: false when a person waits for the run and is told of late data at once.
    """
    if isinstance(error, NoDataError):
        return patient and set(error.dates) == {calendar.last_closed_session(now)}
    return isinstance(error, TransientError)


def seconds_to_wait(settings: Settings, attempt: int) -> float:
    """Wait after an attempt (1, 2, ...): `retry_seconds`, doubled each time, give or take half."""
    return settings.retry_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
