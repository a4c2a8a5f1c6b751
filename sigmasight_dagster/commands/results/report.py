"""`sigmasight report`: the report of portfolios as files, or on standard output."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.tables import PortfolioReports
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.commands.arguments import AS_JSON, NEWEST, some_portfolios
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.reports import portfolio_report
from sigmasight_dagster.reports.portfolio_report import FILE, FORMATS
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import utc_now

FOLDER = Path("reports")
JSON = "json"
WITHOUT_FILES = "md"
"""What `--no-write` prints unless another format is asked for."""


@click.command()
@some_portfolios
@NEWEST
@click.option(
    "--format",
    "formats",
    metavar="FORMAT,...",
    help="Of md, json, csv, html, xlsx; default: all of them, on standard output md.",
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Folder; each portfolio and date has one in it.",
)
@click.option("--no-write", is_flag=True, help="Print it and write no file.")
@click.option("--open", "opened", is_flag=True, help="Open the HTML in the browser.")
@click.option("--all-dates", is_flag=True, help="Of every date that has a stored report.")
@AS_JSON
def report(
    names: tuple[str, ...],
    date: str | None,
    formats: str | None,
    output_dir: Path,
    no_write: bool,
    opened: bool,
    all_dates: bool,
    as_json: bool,
) -> None:
    """The report of a portfolio: Markdown, JSON, CSV, HTML and Excel; default: of every portfolio.

    Files are reports/PORTFOLIO_DATE/portfolio_report.*; those of before are replaced. A report that is not
    stored, or older than what it is made of, is made first. What fails for one portfolio stops no other.
    --json prints one document a report.
    """
    if as_json and (formats or opened):
        raise click.UsageError("--json prints JSON alone: leave --format and --open out")
    no_write = no_write or as_json
    chosen = _formats(JSON if as_json else formats, no_write, opened)
    if date and all_dates:
        raise InputError("--date is one date and --all-dates are all: leave one of them out")
    project = Project.open()
    day = session_dates.trading_date(date, project.settings, utc_now()) if date else None
    folder = None if no_write else output_dir
    sys.exit(make(project, project.chosen(names), day, chosen, folder, opened, all_dates))


def make(
    project: Project,
    names: Sequence[str],
    date: pd.Timestamp | None,
    formats: Sequence[str] = tuple(FORMATS),
    folder: Path | None = FOLDER,
    opened: bool = False,
    all_dates: bool = False,
) -> int:
    """Write (or print) the reports of portfolios; exit code 1 when one of them failed.

    :param date: None = each portfolio's newest. :param folder: None = print them.
    """
    failed = 0
    for name in names:
        try:
            for day in _dates(project, name, date, all_dates):
                _deliver(current(project, name, day), formats, folder, opened)
        except SigmaSightError as error:
            failed += 1
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
    if len(names) > 1 and failed:
        click.echo(f"{failed} of {len(names)} portfolios have no report.", err=True)
    return int(failed > 0)


def current(project: Project, name: str, date: pd.Timestamp) -> ReportBase:
    """The report of what is stored now: the stored one, or it is made by a run of its asset.

    :raises InputError: when the date is not published, or in part.
    :raises SigmaSightError: when the run fails.
    """
    warehouse = project.platform.warehouse
    found = portfolio_report.stored(warehouse, name, date)
    if found is not None:
        return found
    portfolio_report.require_whole(warehouse, name, date)
    asset = next(asset for asset in declared(project.settings) if PortfolioReports in asset.tables)
    run = RangeRun("report", (asset,), pd.DatetimeIndex([date]), (name,))
    outcomes = project.execute([[[run]]], lambda _run, _run_id: None)
    found = portfolio_report.stored(warehouse, name, date)
    if found is None:
        reason = outcomes[-1].error or "its results were computed again meanwhile; call it once more"
        raise SigmaSightError(f"portfolio {name} on {date:%Y-%m-%d}: {reason}")
    return found


def _formats(text: str | None, no_write: bool, opened: bool) -> list[str]:
    """:raises InputError: on a format that there is not, or that cannot be printed or opened."""
    if text is None:
        return [WITHOUT_FILES] if no_write else list(FORMATS)
    names = [part.strip().lower() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        said = f"unknown format '{unknown[0]}'" if unknown else "no format"
        raise InputError(f"--format: {said}: choose of {', '.join(FORMATS)}")
    if no_write and "xlsx" in names:
        raise InputError("--format: xlsx is no text: leave --no-write out")
    if opened and (no_write or "html" not in names):
        raise InputError("--open opens the HTML file: leave --no-write out, and html in --format")
    return list(dict.fromkeys(names))


def _dates(project: Project, name: str, date: pd.Timestamp | None, all_dates: bool) -> Sequence[pd.Timestamp]:
    if date is not None:
        return [date]
    warehouse = project.platform.warehouse
    dates = warehouse.glance_dates(name, PortfolioReports) if all_dates else []
    return dates or [portfolio_report.newest_date(warehouse, name)]


def _deliver(found: ReportBase, formats: Sequence[str], folder: Path | None, opened: bool) -> None:
    contents = portfolio_report.rendered(found, formats)
    if folder is None:
        for content in contents.values():
            click.echo(content.decode(), nl=False)
        return
    about = found.metadata
    target = folder / f"{about.portfolio}_{about.report_date}"
    overwritten = portfolio_report.write(target, contents)
    verb = "replaced" if overwritten else "wrote"
    click.echo(f"{about.portfolio} on {about.report_date}: {verb} {target}/{FILE}.{{{','.join(formats)}}}")
    if opened:
        page = target / f"{FILE}.html"
        if click.launch(str(page)):
            click.echo(f"No browser could be opened: open {page.resolve()}", err=True)
