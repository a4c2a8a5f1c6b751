"""`sigmasight scenarios`: which stress scenarios there are, whether a file is sound, and runs of some."""

import json
from pathlib import Path

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from sigmasight_core.errors import InputError
from sigmasight_core.stress.configured import in_words
from sigmasight_core.stress.scenarios import CATEGORIES, SEVERITIES, Scenario, load_scenarios, merge_scenarios
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.platform import Platform, read_scenario_files
from sigmasight_dagster.reports.ad_hoc_stress import ad_hoc_stress, chosen
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.terminal import wide_console

CATEGORY = click.option("--category", type=click.Choice(CATEGORIES), help="Those of this category alone.")
SEVERITY = click.option("--severity", type=click.Choice(SEVERITIES), help="Those of this severity alone.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
SHOWN = ("direct_pnl", "correlated_pnl", "plausibility_sigma")


@click.group()
def scenarios() -> None:
    """Stress scenarios, shipped and your own: list them, check a file, run some on a portfolio."""


@scenarios.command("list")
@CATEGORY
@SEVERITY
@AS_JSON
def list_scenarios(category: str | None, severity: str | None, as_json: bool) -> None:
    """List the scenarios that are computed."""
    found = chosen(Platform(Settings()).scenarios, (), category, severity)
    rows = [
        {
            "scenario": one.id,
            "category": one.category,
            "severity": one.severity,
            "shocks": in_words(one),
            "comparison": one.comparison,
            "source": f"{one.source}:{one.line}",
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(title=f"{len(rows)} scenarios", title_justify="left")
    for name in ("scenario", "category", "severity", "shocks"):
        table.add_column(name)
    for row in rows:
        note = " (for comparison alone)" if row["comparison"] else ""
        table.add_row(
            *(escape(str(row[name])) for name in ("scenario", "category", "severity")),
            escape(f"{row['shocks']}{note}"),
        )
    wide_console().print(table)


@scenarios.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> None:
    """Check FILE (YAML, or a directory of them); default: those of the setting scenario_files."""
    settings = Settings()
    given = file or settings.scenario_files
    if given is None:
        raise InputError("no scenario file is set: name one, or set SIGMASIGHT_SCENARIO_FILES")
    try:
        found = _own(settings, given)
    except InputError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(1) from None
    click.echo(f"{given}: ok, {len(found)} scenarios: {', '.join(one.id for one in found)}")


@scenarios.command()
@click.argument("portfolios", nargs=-1, metavar="[PORTFOLIO]...")
@click.option(
    "--date", metavar="YYYY-MM-DD", help="Default: the latest date with results, of each portfolio."
)
@click.option("--scenario", "ids", multiple=True, metavar="ID", help="This one; may be repeated.")
@CATEGORY
@SEVERITY
@click.option("--file", type=click.Path(path_type=Path), help="Scenarios of this file (YAML) alone.")
@AS_JSON
def run(
    portfolios: tuple[str, ...],
    date: str | None,
    ids: tuple[str, ...],
    category: str | None,
    severity: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Run scenarios on portfolios from what is stored, and show the P&L; nothing is stored."""
    project = Project.open()
    known = _own(project.settings, file) if file else project.platform.scenarios
    wanted = chosen(known, ids, category, severity)
    names = project.chosen(portfolios)
    asked = session_dates.trading_date(date, project.settings, utc_now()) if date else None
    found = [
        ad_hoc_stress(project.platform, wanted, name, asked or latest_date(project.platform.warehouse, name))
        for name in names
    ]
    if as_json:
        rows = pd.concat(found).assign(date=lambda frame: frame["date"].dt.strftime("%Y-%m-%d"))
        click.echo(rows.to_json(orient="records", indent=2, double_precision=15))
        return
    for rows in found:
        _show(rows)


def _own(settings: Settings, path: Path) -> tuple[Scenario, ...]:
    """Scenarios of a file or directory. :raises InputError: one line for each mistake."""
    factors = settings.factor_model.factors
    texts = read_scenario_files(path)
    return merge_scenarios(*(load_scenarios(text, str(name), factors) for name, text in texts.items()))


def _show(rows: pd.DataFrame) -> None:
    first = rows.iloc[0]
    title = f"{first['portfolio']} on {first['date']:%Y-%m-%d}: P&L in USD"
    table = Table(title=title, title_justify="left")
    for name in ("scenario", "direct", "correlated", "sigmas", "status"):
        table.add_column(name, justify="left" if name in ("scenario", "status") else "right")
    texts = pd.DataFrame(
        {name: rows[name].map("{:,.2f}".format).mask(rows[name].isna(), "-") for name in SHOWN}
    )
    said = rows["status"].where(rows["warning"] == "", rows["status"] + "; " + rows["warning"])
    for cells in pd.concat([rows["scenario"], texts, said], axis=1).astype("str").to_numpy().tolist():
        table.add_row(*(escape(cell) for cell in cells))
    wide_console().print(table)
