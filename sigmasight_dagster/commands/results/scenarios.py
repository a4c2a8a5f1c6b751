"""`sigmasight scenarios`: which stress scenarios there are, whether a file is sound, and runs of some."""

from pathlib import Path

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.stress.configured import in_words
from sigmasight_core.stress.scenarios import CATEGORIES, SEVERITIES, Scenario, load_scenarios, merge_scenarios
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands.arguments import AS_JSON, NEWEST, some_portfolios
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import reasons, table
from sigmasight_dagster.platform import Platform, read_scenario_files
from sigmasight_dagster.reports.ad_hoc_stress import ad_hoc_stress, chosen
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings

CATEGORY = click.option("--category", type=click.Choice(CATEGORIES), help="Those of this category alone.")
SEVERITY = click.option("--severity", type=click.Choice(SEVERITIES), help="Those of this severity alone.")


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
        print_json(rows)
        return
    click.echo(f"{len(rows)} scenarios")
    columns = [(name, 0) for name in ("scenario", "category", "severity", "shocks")]
    notes = {True: " (for comparison alone)", False: ""}
    shown = [row | {"shocks": f"{row['shocks']}{notes[bool(row['comparison'])]}"} for row in rows]
    click.echo("\n".join(table(shown, columns)))


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
@some_portfolios
@NEWEST
@click.option("--scenario", "ids", multiple=True, metavar="ID", help="This one; may be repeated.")
@CATEGORY
@SEVERITY
@click.option("--file", type=click.Path(path_type=Path), help="Scenarios of this file (YAML) alone.")
@AS_JSON
def run(
    names: tuple[str, ...],
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
    asked = session_dates.trading_date(date, project.settings, utc_now()) if date else None
    found = [
        ad_hoc_stress(project.platform, wanted, name, asked or latest_date(project.platform.warehouse, name))
        for name in project.chosen(names)
    ]
    if as_json:
        print_json(pd.concat(found))
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
    click.echo(f"{first['portfolio']} on {first['date']:%Y-%m-%d}: P&L in USD")
    status = rows["status"].where(rows["status"] != "ok", "")
    said = (status + "; " + rows["warning"]).str.strip("; ")
    named = {"direct_pnl": "direct", "correlated_pnl": "correlated", "plausibility_sigma": "sigmas"}
    shown = rows.rename(columns=named).assign(said=said).to_dict("records")
    columns = [("scenario", 0), ("direct", 2), ("correlated", 2), ("sigmas", 2)]
    click.echo("\n".join(table(shown, columns) + reasons(shown, "scenario", "said")))
