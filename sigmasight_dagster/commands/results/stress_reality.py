"""`sigmasight stress-reality`: predicted against realised P&L of three historic windows."""

from pathlib import Path

import click
from rich.table import Table

from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports import reality_page
from sigmasight_dagster.reports.reality import RealityCheck, reality_check
from sigmasight_dagster.reports.reality_page import COLUMNS, table_rows
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.settings import Settings, project_root
from sigmasight_dagster.terminal import wide_console


@click.command("stress-reality")
@click.option(
    "--date", metavar="YYYY-MM-DD", help="Date of the portfolios' holdings; default: the last of each."
)
@click.option(
    "--docs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Also write stress_against_reality.md and its charts; default folder: docs.",
)
def stress_reality(date: str | None, folder: Path | None) -> None:
    """Hold the stress method against what happened in 2018, 2020 and 2022.

    For an equal-weight basket of the provider's stocks and for every portfolio, in today's holdings.
    """
    platform = Platform(Settings())
    platform.warehouse.migrate()
    check = reality_check(platform, None if date is None else parse_date(date))
    _show(check)
    if folder is not None:
        target = folder if folder.parts else project_root() / "docs"
        for path in reality_page.write(check, target):
            click.echo(f"wrote {path}")


def _show(check: RealityCheck) -> None:
    table = Table(title="Stress against reality, P&L in % of gross exposure", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("window", "basket", "status") else "right")
    for row in table_rows(check.reality.results):
        table.add_row(*row)
    console = wide_console()
    console.print(table)
    for note in check.notes:
        console.print(note, soft_wrap=True)
