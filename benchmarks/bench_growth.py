"""How much a project grows: 20 publications of the same range, and 90 days of daily operation with retention.

Both are what a user has: an embedded server with its own vacuum, real runs of every asset in this process.
The clock of retention is moved, not the machine's: what was stored when a day ended is as old as that day.
Prints a table each for docs/growth.md and ends with an error where a limit is broken.
"""

import datetime as dt
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd

from benchmarks import growth_sizes as sizes
from benchmarks.growth_sizes import Sizes, measured
from sigmasight_core import calendar
from sigmasight_dagster.automation import jobs
from sigmasight_dagster.automation.market_to_portfolio import portfolio_requests
from sigmasight_dagster.automation.retention import retire
from sigmasight_dagster.automation.schedules import daily_request
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.settings.upkeep import UpkeepSettings
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject, run_requested

PUBLICATIONS = 20
RANGE = ("2022-12-05", "2022-12-16")
FIRST = "2022-08-01"
DAYS = 90
KEPT_DAYS = 20
"""Sessions that runs, history and alerts are kept in the simulation, and as many weekdays of detail."""
SESSIONS = calendar.sessions(pd.Timestamp("2022-08-22"), pd.Timestamp("2022-12-28"))
NAMES = ("alpha", "beta", "delta")
LEDGER = """ticker,quantity,entry_price,entry_date
AAPL,{quantity},165.00,2022-08-15
JPM,-20,120.00,2022-08-15
SPY230120C00400000,5,42.00,2022-08-15
"""
NEW_YORK = ZoneInfo("America/New_York")
MB = 2**20

AGAIN_LIMITS: Mapping[str, float] = {
    sizes.DETAIL: 2.0,
    sizes.OTHERS: 2.0,
    sizes.PUBLICATIONS: 2.0,
}
"""Of the last publication to the first; each table of 1 MB or more besides."""
DAILY_LIMITS: Mapping[str, float] = {
    sizes.DETAIL: 1.35,
    sizes.HISTORY: 1.35,
    sizes.CHECKS: 1.35,
    sizes.RUNS: 1.35,
    sizes.SNAPSHOTS: 1.35,
    sizes.OUTPUT: 1.35,
}
"""Of the last day to the one halfway of what does not grow with the dates that are published."""
MOST_EVENT_BYTES = 12_000
"""Of events, for each partition that is published; the runs that are kept, a fifth of them, are among it."""


def main() -> None:
    broken = []
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        broken += published_again(Path(folder), PUBLICATIONS)
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        broken += daily(Path(folder), DAYS, KEPT_DAYS)
    if broken:
        sys.exit("beyond the limits of growth:\n" + "\n".join(broken))


@contextmanager
def _project(home: Path) -> Iterator[CliProject]:
    server = EmbeddedPostgres(home, None)
    server.start()
    try:
        yield CliProject(home, server.url("sigmasight"), server.url("dagster"))
    finally:
        server.stop()


def published_again(home: Path, times: int) -> list[str]:
    """One range, many times: tables may be twice as large, and events leave with their runs."""
    with _project(home) as project:
        project.import_examples()
        seen: list[Sizes] = []
        tables: list[dict[str, tuple[int, int, int]]] = []
        for number in range(times):
            project.ok("backfill", "--start", RANGE[0], "--end", RANGE[1])
            if number in (0, times - 1):
                seen.append(measured(project.asset_url, project.dagster_url, home))
                tables.append(sizes.of_tables(project.asset_url, "sigmasight"))
            print(f"  published {number + 1} times", file=sys.stderr, flush=True)
        ratios = _show(f"published {times} times", ("first", "last"), seen)
        broken = _beyond(ratios, AGAIN_LIMITS)
        for name, (first, *_) in tables[0].items():
            last = tables[1][name][0]
            if last > max(2 * first, MB):
                broken.append(f"table {name}: {first:,} bytes, then {last:,}")
        return broken + _after_retention(project)


def _after_retention(project: CliProject) -> list[str]:
    """Rows that are left of 20 publications' runs when all of them are old, to those of one."""
    with project.settings():
        opened = Project.open()
        with opened.instance:
            later = pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=1)
            kept = UpkeepSettings(
                keep_runs_days=1, keep_detail_days=0, keep_history_days=0, keep_alerts_days=0
            )
            (dry,) = retire(opened.platform, opened.instance, kept, later + pd.Timedelta(days=1), True)
            (done,) = retire(opened.platform, opened.instance, kept, later + pd.Timedelta(days=1), False)
    print(f"  retention of runs: {done.summary} (said before: {dry.tables['n_rows'].sum():,} rows)")
    counted = sizes.rows(
        project.dagster_url, "event_logs", "asset_event_tags", "asset_check_executions", "runs"
    )
    published = sizes.rows(project.asset_url, "sigmasight.publications")["sigmasight.publications"]
    print(f"  left for {published:,} partitions: {counted}")
    # The last runs, which are of the latest checks, stay with all of their events.
    most = {"event_logs": 2.5, "asset_event_tags": 8.0, "asset_check_executions": 0.2, "runs": 0.1}
    return [
        f"{table}: {counted[table]:,} rows are left for {published:,} partitions"
        for table, share in most.items()
        if counted[table] > share * published
    ]


def daily(home: Path, days: int, kept_days: int) -> list[str]:
    """Sessions by the schedule, with retention after each of what is older than `kept_days` sessions."""
    with _project(home) as made:
        project = _Daily(made.home, made.asset_url, made.dagster_url)
        for place, name in enumerate(NAMES, start=1):
            file = home / f"{name}.csv"
            file.write_text(LEDGER.format(quantity=10 * place))
            project.here("import", str(file), name, "--cash", "1000", "--allow-unpriced")
        assert project.here("backfill", "--start", "2022-08-17", "--end", "2022-08-19") == 0
        shown, seen, ended = (kept_days, (days + kept_days) // 2, days), [], []
        with project.open() as opened:
            for number, day in enumerate(SESSIONS[:days], start=1):
                _a_day(opened, day)
                ended.append(pd.Timestamp.now(tz="UTC"))
                _retire(opened, ended, kept_days)
                if number in shown:
                    seen.append(measured(made.asset_url, made.dagster_url, home))
                print(f"  day {number}", file=sys.stderr, flush=True)
        published = sizes.rows(made.asset_url, "sigmasight.publications")["sigmasight.publications"]
        ratios = _show("days of operation", tuple(map(str, shown)), seen)
        each = seen[-1][sizes.EVENTS] / published
        print(f"  {published:,} partitions are published; bytes of events for each: {each:,.0f}")
        broken = _beyond(ratios, {**DAILY_LIMITS, sizes.EVENTS: ratios[sizes.PUBLICATIONS]})
        return broken + ([f"events: {each:,.0f} bytes a partition"] if each > MOST_EVENT_BYTES else [])


class _Daily(SmallProject):
    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "SIGMASIGHT_START_DATE": FIRST}


def _a_day(project: Project, day: pd.Timestamp) -> None:
    tick = dt.datetime(day.year, day.month, day.day, 16, 30, tzinfo=NEW_YORK)
    request = daily_request(project.settings, tick)
    assert isinstance(request, dg.RunRequest), request
    market = run_requested(project, request, jobs.MARKET)
    assert market.success, f"{day:%Y-%m-%d}"
    order = project.portfolio_order()
    follows = portfolio_requests(market.dagster_run, order, project.settings)
    assert not isinstance(follows, dg.SkipReason), follows
    for each in follows:
        assert run_requested(project, each, jobs.PORTFOLIO).success, f"{day:%Y-%m-%d}"


def _retire(project: Project, ended: list[pd.Timestamp], kept_days: int) -> None:
    """Retention on the evening of the last day, for which the day `kept_days` before is as many days old."""
    if len(ended) > kept_days:
        kept = UpkeepSettings(
            keep_detail_days=kept_days * 7 // 5,
            keep_history_days=kept_days,
            keep_alerts_days=kept_days,
            keep_runs_days=kept_days,
        )
        now = ended[-1 - kept_days] + pd.Timedelta(days=kept_days)
        list(retire(project.platform, project.instance, kept, now, False))


def _show(title: str, columns: tuple[str, ...], seen: list[Sizes]) -> dict[str, float]:
    """Print a table by kind; the last size to the one before it."""
    print(
        f"\n| {title} | " + " | ".join(f"{column} (MB)" for column in columns) + " | ratio of the last two |"
    )
    print("|---|" + "---:|" * (len(columns) + 1))
    ratios = {kind: seen[-1][kind] / max(seen[-2][kind], 1) for kind in seen[0]}
    for kind, ratio in ratios.items():
        cells = " | ".join(f"{each[kind] / MB:,.2f}" for each in seen)
        print(f"| {kind} | {cells} | {ratio:.2f} |", flush=True)
    return ratios


def _beyond(ratios: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    return [f"{kind}: {ratios[kind]:.2f} > {most}" for kind, most in limits.items() if ratios[kind] > most]
