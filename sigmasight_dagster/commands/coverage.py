"""`sigmasight coverage`: how much price history the held symbols have, and filling what lacks."""

import sys

import click


@click.command()
@click.option("--fill", is_flag=True, help="Fetch again the sessions of which the provider has more.")
def coverage(fill: bool) -> None:
    """Share of the held symbols with 252, 150 and 60 sessions of prices, and which have fewer."""
    from sigmasight_dagster import coverage, recovery
    from sigmasight_dagster.assets import RISK_ASSETS
    from sigmasight_dagster.commands import progress
    from sigmasight_dagster.requests import Project

    project = Project.open()
    found = coverage.measure(project.platform)
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
    if not fill:
        return
    keys = coverage.fillable(project.platform, found)
    if not keys:
        click.echo("Nothing to fill: the provider has no more.")
        return
    order, chunk = project.portfolio_order(), project.settings.chunk_partitions
    outcomes = progress.execute(project, recovery.plan(RISK_ASSETS, keys, order, chunk), "Fill")
    click.echo("What was computed without these prices is stale now: sigmasight stale --rerun")
    sys.exit(progress.exit_code(outcomes))
