"""A portfolio on a terminal of 80 columns: stored cells, n/a for NULL, and the reasons below."""

import textwrap
from typing import Final

import pandas as pd

from sigmasight_core.tables import RiskContributions
from sigmasight_dagster.commands.table import WIDTH, number
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.layout.everyday import PORTFOLIO_TODAY, WORST_STRESS
from sigmasight_dagster.warehouse.layout.view import rows_of
from sigmasight_dagster.warehouse.stores.glance import Row

WORST: Final = 3
MISSING: Final = 3
_RISKS: Final = rows_of(
    RiskContributions,
    *("item", "component_var_usd"),
    condition="t.kind = 'position' AND t.component_var_usd IS NOT NULL",
)
_STATUSES: Final = ("status", "returns_status", "beta_status", "risk_status", "stress_status")


def ten_lines(warehouse: Warehouse, portfolio: str, date: pd.Timestamp) -> list[str]:
    """Value, P&L, beta, volatility, VaR, ES, worst scenarios and largest risks, then what is missing."""
    rows = warehouse.glance(PORTFOLIO_TODAY, portfolio, date)
    if not rows:
        return [f"{portfolio} on {date:%Y-%m-%d}: no snapshot is published"]
    row = rows[0]
    stress = [
        found
        for found in warehouse.glance(WORST_STRESS, portfolio, date)
        if found["pnl"] is not None and found["rank"] <= WORST
    ]
    risks = sorted(
        warehouse.glance(_RISKS, portfolio, date), key=lambda found: -abs(found["component_var_usd"])
    )
    largest = [f"{one['item']} {number(one['component_var_usd'], 0)}" for one in risks[:WORST]]
    lines = [
        ("total value", f"{number(row['total_value'])} USD"),
        ("day P&L", f"{number(row['daily_pnl'])} USD, return {number(row['daily_return'], 6)}"),
        ("market beta", f"{number(row['market_beta'], 4)} +- {number(row['market_beta_std_error'], 4)}"),
        ("volatility", f"{number(row['annualized_volatility'], 4)} a year"),
        ("VaR, 1 day", f"95% {number(row['var_95_usd'])}, 99% {number(row['var_99_usd'])} USD"),
        ("ES, 1 day", f"95% {number(row['es_95_usd'])}, 99% {number(row['es_99_usd'])} USD"),
        *((f"stress {one['rank']}", f"{number(one['pnl'])} USD, {one['scenario']}") for one in stress),
        ("VaR, by", ", ".join(largest) or "n/a"),
    ]
    shown = [f"{portfolio} on {date:%Y-%m-%d}"]
    for name, text in lines:
        shown += textwrap.wrap(text, WIDTH, initial_indent=f"{name:<13}", subsequent_indent=" " * 13)
    return shown + missing(row)


def missing(row: Row) -> list[str]:
    """At most three lines: what is not whole in a row of portfolio_today, and why."""
    told = {
        name.removesuffix("_status"): row[name] or "not published" for name in _STATUSES if row[name] != "ok"
    }
    lines = [f"not whole: {name}: {reason}" for name, reason in told.items()]
    more = len(lines) - MISSING
    if more > 0:
        lines[MISSING - 1 :] = [f"{lines[MISSING - 1]} (and {more} more: sigmasight readiness)"]
    return [textwrap.shorten(line, WIDTH, placeholder=" ...") for line in lines]
