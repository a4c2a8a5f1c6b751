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
from sigmasight_dagster.commands.table import GAP, SHOWN, few, wrapped
from sigmasight_dagster.partitions.dates import TIMEZONE
from sigmasight_dagster.partitions.keys import DATE_FORMAT
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.tags import DATES_TAG, PORTFOLIOS_TAG

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
    rows = project.platform.warehouse.dates_of_everybody()
    told = {name: _told(mine) for name, mine in rows.groupby("portfolio")}
    none: dict[str, Any] = {"first": None, "last": None, "complete": 0, "missing": []}
    return [{"portfolio": name, **told.get(name, none)} for name in project.portfolio_order()]


def _told(rows: pd.DataFrame) -> dict[str, Any]:
    """Of one portfolio, by date."""
    days = pd.DatetimeIndex(rows["date"])
    complete = days[rows["complete"].to_numpy(dtype=bool)]
    missing = calendar.sessions(days[0], days[-1]).difference(complete)
    first, last = days[[0, -1]].strftime(DATE_FORMAT)
    return {
        "first": first,
        "last": last,
        "complete": len(complete),
        "missing": [*missing.strftime(DATE_FORMAT)],
    }


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


def _portfolio_lines(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each; where more than `SHOWN` have the same dates, one for them together."""
    alike: dict[str, list[str]] = {}
    for row in rows:
        missing = f"missing {few(row['missing'])}" if row["missing"] else "none missing"
        dates = f"{row['first']}..{row['last']}, {row['complete']} complete, {missing}"
        alike.setdefault(dates if row["first"] else "nothing is computed yet", []).append(row["portfolio"])
    return [
        f"{name}: {told}"
        for told, names in alike.items()
        for name in (names if len(names) <= SHOWN else [few(names)])
    ]


def _lines(found: dict[str, Any]) -> list[str]:
    lines = _portfolio_lines(found["portfolios"])
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
