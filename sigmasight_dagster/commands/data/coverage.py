"""`sigmasight coverage`: how much price history the held symbols have, and filling what lacks."""

import sys
from typing import Any

import click
import pandas as pd

from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.checks.coverage import (
    Coverage,
    by_symbol,
    doubtful_prices,
    fillable,
    measure,
    unknown_dividend_names,
)
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.arguments import AS_JSON, lists_only
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import GAP, reasons, table, wrapped
from sigmasight_dagster.runs import recovery


@click.command()
@click.option("--fill", is_flag=True, help="Fetch again the sessions of which the provider has more.")
@AS_JSON
def coverage(fill: bool, as_json: bool) -> None:
    """Prices of each held symbol and factor proxy: sessions, first, last, gaps, staleness and source.

    --fill also asks for corporate actions since each entry that are not known.

    With the share of the held symbols that have 252, 150 and 60 sessions, and which have fewer.
    """
    lists_only(as_json, "--fill", fill)
    project = Project.open()
    if warning := unknown_dividend_names(project.platform):
        click.echo(f"warning: {warning}", err=True)
    found = measure(project.platform)
    if found is None:
        if as_json:
            print_json(None)
        else:
            click.echo("No prices are published: sigmasight backfill --start DATE --end DATE")
        return
    symbols = by_symbol(project.platform)
    doubtful = doubtful_prices(project.platform, symbols["symbol"].tolist())
    if as_json:
        print_json(_facts(found, symbols, doubtful))
        return
    click.echo("\n".join(_lines(found, symbols, doubtful)))
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


def _facts(found: Coverage, symbols: pd.DataFrame, doubtful: pd.DataFrame) -> dict[str, Any]:
    return {
        "first": found.sessions[0],
        "last": found.sessions[-1],
        "n_sessions": len(found.sessions),
        "n_held_symbols": len(found.lengths),
        "shares_by_sessions": found.shares,
        "short": found.short.to_dict(),
        "symbols": symbols,
        "doubtful": doubtful[["symbol", "date"]].drop_duplicates(),
    }


def _lines(found: Coverage, symbols: pd.DataFrame, doubtful: pd.DataFrame) -> list[str]:
    """The held symbols together, those that lack something, and each symbol with its sources below."""
    count, first, last = len(found.sessions), found.sessions[0], found.sessions[-1]
    lines = [f"{len(found.lengths)} held symbols, {count} sessions {first:%Y-%m-%d}..{last:%Y-%m-%d}"]
    lines += [
        f"at least {min(sessions, count)} sessions: {share:.1%}" for sessions, share in found.shares.items()
    ]
    lines += [f"short: {symbol}: {have} sessions" for symbol, have in found.short.items()]
    for name, dates in doubtful.groupby("symbol")["date"]:
        told = f"{dates.nunique()} sessions not used, the last {dates.max():%Y-%m-%d}"
        lines += wrapped(f"doubtful: {name!s}: {told}: sigmasight doubtful list --symbol {name!s}", "", GAP)
    texts = symbols.assign(
        first=symbols["first"].dt.strftime("%Y-%m-%d"), last=symbols["last"].dt.strftime("%Y-%m-%d")
    ).astype("object")
    rows = texts.where(texts.notna(), "-").to_dict("records")
    columns = [(name, 0) for name in ("symbol", "sessions", "first", "last", "gaps", "stale_sessions")]
    lines += ["Prices by symbol, over every published session", *table(rows, columns)]
    return lines + reasons(rows, "symbol", "source")
