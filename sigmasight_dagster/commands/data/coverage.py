"""`sigmasight coverage`: how much price history the held symbols have, and filling what lacks."""

import sys

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.checks.coverage import (
    by_symbol,
    doubtful_prices,
    fillable,
    measure,
    unknown_dividend_names,
)
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.terminal import wide_console


@click.command()
@click.option("--fill", is_flag=True, help="Fetch again the sessions of which the provider has more.")
def coverage(fill: bool) -> None:
    """Prices of each held symbol and factor proxy: sessions, first, last, gaps, staleness and source.

    --fill also asks for corporate actions since each entry that are not known.

    With the share of the held symbols that have 252, 150 and 60 sessions, and which have fewer.
    """
    project = Project.open()
    if warning := unknown_dividend_names(project.platform):
        click.echo(f"warning: {warning}", err=True)
    found = measure(project.platform)
    if found is None:
        click.echo("No prices are published: sigmasight backfill --start DATE --end DATE")
        return
    click.echo(
        f"{len(found.lengths)} held symbols, {len(found.sessions)} sessions "
        f"{found.sessions[0]:%Y-%m-%d}..{found.sessions[-1]:%Y-%m-%d}"
    )
    for sessions, share in found.shares.items():
        click.echo(f"at least {min(sessions, len(found.sessions))} sessions: {share:.1%}")
    for symbol, count in found.short.items():
        click.echo(f"short: {symbol}\t{count} sessions")
    shown = by_symbol(project.platform)
    doubtful = doubtful_prices(project.platform, shown["symbol"].tolist())
    for name, dates in doubtful.groupby("symbol")["date"]:
        told = f"{dates.nunique()} sessions not used, the last {dates.max():%Y-%m-%d}"
        click.echo(f"doubtful: {name!s}\t{told}: sigmasight doubtful list --symbol {name!s}")
    _show(shown)
    if not fill:
        return
    keys = fillable(project.platform, found)
    order, chunk = project.portfolio_order(), project.settings.chunk_partitions
    runs = project.actions_runs() + recovery.plan(RISK_ASSETS, keys, order, chunk)
    if not runs:
        click.echo("Nothing to fill: the provider has no more.")
        return
    outcomes = progress.execute(project, runs, "Fill")
    click.echo("What was computed without these is stale now: sigmasight stale --rerun")
    sys.exit(progress.exit_code(outcomes))


def _show(rows: pd.DataFrame) -> None:
    table = Table(title="Prices by symbol, over every published session", title_justify="left")
    for name in rows.columns:
        numeric = name in ("sessions", "gaps", "stale_sessions")
        table.add_column(str(name).replace("_", " "), justify="right" if numeric else "left")
    texts = rows.assign(
        first=rows["first"].dt.strftime("%Y-%m-%d"),
        last=rows["last"].dt.strftime("%Y-%m-%d"),
        stale_sessions=rows["stale_sessions"].astype("object"),
    ).astype("object")
    for values in texts.where(texts.notna(), "-").itertuples(index=False):
        table.add_row(*(escape(str(value)) for value in values))
    wide_console().print(table)
