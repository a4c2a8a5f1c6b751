"""`sigmasight demo`: the histories of three sample portfolios over a quarter of the sample's real prices."""

import sys

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    DailyPrices,
    FactorExposures,
    PortfolioSnapshots,
    RiskMeasures,
    StressResults,
)
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.demo_portfolios import PORTFOLIOS
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import width
from sigmasight_dagster.ledger import histories
from sigmasight_dagster.ledger.accounts import Stated, save_history
from sigmasight_dagster.ledger.presets import presets
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings.places import is_checkout, project_files
from sigmasight_dagster.warehouse import Warehouse

START, END = "2022-10-03", "2022-12-28"
OWN_FORM = "transactions"
"""The preset of the histories: the project's own form."""
WORST_SCENARIOS = 3


@click.command()
@click.option("--start", default=START, show_default=True, metavar="YYYY-MM-DD", help="Later = sooner done.")
def demo(start: str) -> None:
    """Import three portfolios, compute 2022-10-03..2022-12-28 on real prices, and show what came out."""
    project = Project.open()
    if project.settings.provider != "sample":
        raise InputError("the demo runs on the sample prices: unset SIGMASIGHT_PROVIDER")
    for name, settlement in PORTFOLIOS.items():
        import_example(project, name, settlement)
    dates = session_dates.trading_range(start, END, project.settings, utc_now())
    note_starts(project, dates)
    outcomes = progress.compute(project, dates, list(PORTFOLIOS))
    if code := progress.exit_code(outcomes):
        sys.exit(code)
    console = Console(width=width())
    for name in PORTFOLIOS:
        show_portfolio(project.platform.warehouse, name, dates[-1], console)
    here = is_checkout()
    click.echo(f"Dagster UI:   {'make dev' if here else 'sigmasight dev'}")
    click.echo(f"The tables:   {'.venv/bin/' if here else ''}sigmasight db psql   then \\dt sigmasight.*")


def note_starts(project: Project, dates: pd.DatetimeIndex) -> None:
    """Let Dagster's partitions begin where those of the demo do, or those that there are already."""
    home, warehouse = project.settings.home, project.platform.warehouse
    if starts.noted(home) is None:
        stored = [warehouse.published(model)["date"].min() for model in (DailyPrices, PortfolioSnapshots)]
        market, portfolio = (min(dates[0], day) if pd.notna(day) else dates[0] for day in stored)
        begin = starts.Starts(market.date(), portfolio.date())
        starts.note(home, begin.reaching(project.plan(dates, list(PORTFOLIOS))))


def import_example(project: Project, name: str, settlement: str) -> None:
    """Import one of the example histories as it comes along."""
    file = project_files() / "examples" / "histories" / f"{name}.csv"
    preset = presets(project.settings)[OWN_FORM]
    history = histories.parse(
        project.platform, file.read_bytes(), name, file.name, preset, histories.Reading()
    )
    if len(history.errors):
        first = history.errors.iloc[0]
        raise InputError(f"{file}:{first['line']}: {first['column']}: {first['reason']}")
    stated = Stated(settlement=settlement)
    result, lots = save_history(project, name, file.name, history.transactions, replace=True, stated=stated)
    click.echo(
        f"Portfolio {name}: {len(history.transactions)} transactions, {len(lots)} lots, {result}", err=True
    )


def show_portfolio(warehouse: Warehouse, name: str, date: pd.Timestamp, console: Console) -> None:
    """The portfolio's last snapshot and its worst scenarios."""
    snapshot = warehouse.read(PortfolioSnapshots, dates=[date], portfolios=[name]).iloc[0]
    exposures = warehouse.read(FactorExposures, dates=[date], portfolios=[name]).set_index("factor")
    table = Table(
        title=f"{name} on {date:%Y-%m-%d} ({snapshot['status']})", title_justify="left", show_header=False
    )
    for label, column in (
        ("total value", "total_value"),
        ("day P&L", "daily_pnl"),
        ("cumulative P&L", "cumulative_pnl"),
        ("gross exposure", "gross_exposure"),
        ("net exposure", "net_exposure"),
        ("delta dollars", "delta_usd"),
    ):
        table.add_row(label, f"{snapshot[column]:,.2f} USD")
    beta = exposures["beta"].to_dict()["market"]
    table.add_row("market beta", f"{beta:.4f}")
    measures = warehouse.read(RiskMeasures, dates=[date], portfolios=[name]).set_index("measure")["value"]
    table.add_row("VaR 99%, 1 day", f"{measures['var_99_usd']:,.2f} USD")
    stress = warehouse.read(StressResults, dates=[date], portfolios=[name])
    stress = stress[~stress["scenario"].isin(warehouse.comparison_scenarios())]
    for row in (
        stress.dropna(subset="correlated_pnl").nsmallest(WORST_SCENARIOS, "correlated_pnl").itertuples()
    ):
        note = "" if row.status == "ok" else f" ({row.status})"
        share = row.correlated_pnl / snapshot["total_value"]
        table.add_row(f"stress {row.scenario}", f"{row.correlated_pnl:,.2f} USD, {share:.1%} of value{note}")
    console.print(table)
