"""The market of one date, where it is published and current: `sigmasight run` takes it as it is."""

from collections.abc import Sequence
from typing import Final

from sigmasight_dagster.runs.plan import HISTORY, RangeRun
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.staleness import current

TAKEN: Final = "taken as published, it is current (--force: compute it)"


def without_current_market(workspace: Workspace, runs: Sequence[RangeRun]) -> tuple[list[RangeRun], str]:
    """The runs that are left of those of one date, and a line of what became of its market.

    Where sessions before the date lack, its market is computed after them.

    :param runs: of `Workspace.plan` for one date.
    """
    market = [run for run in runs if not run.portfolios]
    if not market or any(run.layer == HISTORY for run in market):
        return list(runs), ""
    date = market[0].dates[0]
    market_of = f"Market of {date:%Y-%m-%d}"
    reason = current.outdated(workspace.platform, market[0].assets, date)
    if not reason and workspace.actions_runs():
        reason = "corporate actions of what is held are not known since its entry"
    if reason:
        said = "" if reason == current.INCOMPLETE else f"{market_of}: computed again: {reason}"
        return list(runs), said
    return [run for run in runs if run.portfolios], f"{market_of}: {TAKEN}"
