"""`sigmasight status`: which dates are whole, what runs, what failed, and when the next run comes."""

import datetime as dt
from typing import Any

import click
import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.automation.schedules import daily_request
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import GAP, wrapped
from sigmasight_dagster.partitions.dates import TIMEZONE
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.tags import DATES_TAG, PORTFOLIOS_TAG

SHOWN = 5
CLOSE = dt.time(16)


@click.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Show which dates are published and missing, what runs, what failed, and the next schedule.

    A date is missing that lies between a portfolio's first and last and is not published in every table.
    """
    project = Project.open()
    found = {
        "portfolios": _dates(project),
        "running": _running(project.instance),
        "failed": _failed(project),
        "next": _next(project, utc_now()),
    }
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(text for line in _lines(found) for text in wrapped(line, "", GAP)))


def _dates(project: Project) -> list[dict[str, Any]]:
    warehouse, made = project.platform.warehouse, []
    for name in project.portfolio_order():
        dates, complete = warehouse.glance_dates(name), set(warehouse.complete_dates(name))
        sessions = list(calendar.sessions(dates[0], dates[-1])) if dates else []
        missing = [f"{day:%Y-%m-%d}" for day in sessions if day not in complete]
        first, last = (f"{day:%Y-%m-%d}" for day in (dates[0], dates[-1])) if dates else (None, None)
        row = {"portfolio": name, "first": first, "last": last}
        made.append(row | {"complete": len(complete), "missing": missing})
    return made


def _running(instance: dg.DagsterInstance) -> list[dict[str, Any]]:
    runs = instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED)))
    return [
        {
            "run": run.run_id,
            "state": run.status.value.lower(),
            "dates": run.tags.get(DATES_TAG, ""),
            "portfolios": run.tags.get(PORTFOLIOS_TAG, ""),
        }
        for run in runs
    ]


def _failed(project: Project) -> list[dict[str, Any]]:
    found = recovery.failed_partitions(project.instance, declared(project.settings))
    return [
        {"asset": name, "partitions": len(keys), "last": max(keys)} for name, keys in found.items() if keys
    ]


def _next(project: Project, now: pd.Timestamp) -> dict[str, Any]:
    """The next tick of the daily schedule on a session, and why it would request nothing."""
    here = now.tz_convert(TIMEZONE)
    after = pd.Timedelta(minutes=project.settings.daily_minutes_after_close)
    day = calendar.next_session(here.tz_localize(None).normalize())
    tick = _tick(day, after)
    if tick <= now:
        tick = _tick(calendar.next_session(day + pd.Timedelta(days=1)), after)
    request = daily_request(project.settings, tick.to_pydatetime())
    skipped = request.skip_message if isinstance(request, dg.SkipReason) else None
    return {"schedule": "daily_market", "at": tick.isoformat(), "skipped": skipped}


def _tick(day: pd.Timestamp, after: pd.Timedelta) -> pd.Timestamp:
    return pd.Timestamp(dt.datetime.combine(day.date(), CLOSE)).tz_localize(TIMEZONE) + after


def _lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for row in found["portfolios"]:
        missing = row["missing"]
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        told = f"missing {', '.join(missing[:SHOWN])}{more}" if missing else "none missing"
        dates = f"{row['first']}..{row['last']}, {row['complete']} complete, {told}"
        lines.append(f"{row['portfolio']}: {dates if row['first'] else 'nothing is computed yet'}")
    if not found["portfolios"]:
        lines.append("no portfolio is registered: sigmasight onboard FILE NAME")
    for run in found["running"]:
        lines.append(f"{run['state']}: run {run['run'][:8]}, {run['dates']} {run['portfolios']}".rstrip())
    if not found["running"]:
        lines.append("running: nothing")
    for row in found["failed"]:
        lines.append(f"failed: {row['asset']}, {row['partitions']} partitions, the last {row['last']}")
    lines.append("again: sigmasight rerun-failed" if found["failed"] else "failed: nothing")
    coming = found["next"]
    lines.append(f"next: {coming['schedule']} {coming['at']}, while sigmasight dev or a daemon runs")
    if coming["skipped"]:
        lines.append(f"  it will compute nothing: {coming['skipped']}")
    return lines
