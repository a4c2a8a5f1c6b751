"""Runs that have not ended: what they read and write must not be taken away from under them."""

from collections.abc import Sequence
from typing import Final

import dagster as dg

from sigmasight_core.errors import InputError
from sigmasight_dagster.runs import execute

UNFINISHED: Final = (dg.DagsterRunStatus.QUEUED, *execute.BEGUN)
_SHOWN = 3


def refuse(instance: dg.DagsterInstance, what: str) -> None:
    """Let `what` be done only where nothing runs.

    :raises InputError: names the runs and the cure; a run whose process is gone does not count.
    """
    execute.report_orphans(instance)
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=list(UNFINISHED)))
    if runs:
        named = _named([run.run_id for run in runs])
        raise InputError(
            f"{what}: not while runs compute: {named}; wait for them (sigmasight status), or cancel them in "
            "the UI; nothing changed"
        )


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(run_id[:8] for run_id in ids[:_SHOWN]) + more
