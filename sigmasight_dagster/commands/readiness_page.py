"""The readiness of a portfolio on a terminal: for its own command, and the end of `sigmasight onboard`."""

from collections.abc import Sequence

import pandas as pd
from rich.markup import escape
from rich.table import Table

from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports.readiness import measure
from sigmasight_dagster.terminal import wide_console

SHOWN = 8


def show(platform: Platform, portfolio: str, date: pd.Timestamp) -> None:
    """Print the report of one portfolio."""
    rows = measure(platform, portfolio, date)
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
