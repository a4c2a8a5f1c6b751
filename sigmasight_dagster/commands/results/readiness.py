"""`sigmasight readiness`: what each calculation can and cannot say of a portfolio, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from sigmasight_dagster.platform import Platform

SHOWN = 8


@click.command()
@click.argument("portfolios", nargs=-1, metavar="[PORTFOLIO]...")
@click.option(
    "--date", metavar="YYYY-MM-DD", help="Default: the latest date with results, of each portfolio."
)
def readiness(portfolios: tuple[str, ...], date: str | None) -> None:
    """What each calculation can and cannot do for a portfolio, from what is stored; default: every one."""
    from sigmasight_dagster import session_dates
    from sigmasight_dagster.commands.project import Project
    from sigmasight_dagster.reports import readiness as measured
    from sigmasight_dagster.runs.workspace import utc_now

    project = Project.open()
    names = project.chosen(portfolios)
    asked = session_dates.trading_date(date, project.settings, utc_now()) if date else None
    dates = [asked or measured.latest_date(project.platform, name) for name in names]
    for name, day in zip(names, dates, strict=True):
        show(project.platform, name, day)


def show(platform: Platform, portfolio: str, date: pd.Timestamp) -> None:
    """Print the report of one portfolio."""
    from rich.markup import escape
    from rich.table import Table

    from sigmasight_dagster.commands.progress import wide_console
    from sigmasight_dagster.reports import readiness as measured

    rows = measured.measure(platform, portfolio, date)
    table = Table(title=f"Readiness of {portfolio} on {date:%Y-%m-%d}", title_justify="left")
    for name in ("calculation", "ok", "with a reservation", "without a value"):
        table.add_column(name, justify="left" if name == "calculation" else "right", no_wrap=True)
    table.add_column("why")
    for calculation, reasons in rows.groupby("calculation", sort=False):
        first = reasons.iloc[0]
        without = first["n"] - first["n_ok"] - first["n_reserved"]
        counts = [f"{first['n_ok']} of {first['n']}", str(first["n_reserved"] or ""), str(without or "")]
        why = "\n".join(_why(row, len(reasons)) for _, row in reasons.head(SHOWN).iterrows() if row["reason"])
        more = len(reasons) - SHOWN
        why += f"\nand {more} more reasons" if more > 0 else ""
        table.add_row(str(calculation), *counts, escape(why))
    wide_console().print(table)


def _why(row: pd.Series, n_reasons: int) -> str:
    where = [_listed(row[name]) for name in ("items", "parts") if row[name]]
    count = f"{row['n_rows']}: " if n_reasons > 1 and row["n_rows"] else ""
    return count + row["reason"] + (f" ({'; '.join(where)})" if where else "")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
