"""`sigmasight show`: a portfolio's stored results. Nothing is computed, and Dagster is not imported."""

import csv
import sys
from typing import Final, NamedTuple

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.report.page.as_csv import escaped
from sigmasight_core.tables import (
    FactorExposures,
    PortfolioCash,
    PortfolioGroups,
    PortfolioReturns,
    RiskMeasures,
    columns_by_role,
)
from sigmasight_dagster.commands import glance
from sigmasight_dagster.commands.arguments import AS_CSV, AS_JSON, NEWEST, one_format
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.table import number, reasons, table
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.errors import unknown_portfolio
from sigmasight_dagster.warehouse.layout.everyday import (
    PORTFOLIO_TODAY,
    POSITIONS_TODAY,
    WORST_STRESS,
)
from sigmasight_dagster.warehouse.layout.view import View, rows_of
from sigmasight_dagster.warehouse.stores.glance import Row


class Section(NamedTuple):
    """What a section reads, and what fits a terminal.

    :param columns: with their decimals; none = all of them, one below another.
    :param named: column that names a row where its reason is told.
    """

    view: View
    columns: tuple[tuple[str, int], ...] = ()
    named: str = ""


def _whole(model: type) -> View:
    columns = [*columns_by_role(model, "value"), *columns_by_role(model, "label")]
    return rows_of(model, *columns)


SECTIONS: Final = {
    "positions": Section(
        POSITIONS_TODAY,
        (("position_id", 0), ("exposure", 0), ("daily_pnl", 0), ("unrealized_pnl", 0), ("var_share", 4)),
        "position_id",
    ),
    "exposures": Section(
        rows_of(
            PortfolioGroups,
            *("dimension", "group_name", "n_positions", "gross_exposure", "net_exposure", "delta_usd"),
            *("weight", "status"),
            condition="t.dimension IN ('asset_class', 'position_type', 'sector', 'tag')",
        ),
        (("dimension", 0), ("group_name", 0), ("gross_exposure", 0), ("net_exposure", 0), ("delta_usd", 0)),
        "group_name",
    ),
    "factors": Section(
        rows_of(FactorExposures, "factor", "beta", "std_error", "exposure_usd", "n_positions", "status"),
        (("factor", 0), ("beta", 4), ("std_error", 4), ("exposure_usd", 0), ("n_positions", 0)),
        "factor",
    ),
    "stress": Section(
        WORST_STRESS,
        (("rank", 0), ("scenario", 0), ("severity", 0), ("pnl", 0), ("plausibility_sigma", 1)),
        "scenario",
    ),
    "risk": Section(
        rows_of(RiskMeasures, "measure", "value", "unit", "n_obs", "status"),
        (("measure", 0), ("value", 4), ("unit", 0), ("n_obs", 0)),
        "measure",
    ),
    "returns": Section(_whole(PortfolioReturns)),
    "cash": Section(_whole(PortfolioCash)),
}


@click.command()
@click.argument("portfolio")
@click.argument("section", required=False, type=click.Choice(list(SECTIONS)))
@NEWEST
@AS_JSON
@AS_CSV
def show(portfolio: str, section: str | None, date: str | None, as_json: bool, as_csv: bool) -> None:
    """Show PORTFOLIO as it is stored: a summary, or one section of its results.

    Every number is a stored one; n/a has its reason below. Examples: sigmasight show alpha;
    sigmasight show alpha stress --date 2022-12-28 --json
    """
    one_format(as_json, as_csv)
    warehouse = Warehouse(asset_database_url(Settings()))
    day = _day(warehouse, portfolio, date)
    view = SECTIONS[section].view if section else PORTFOLIO_TODAY
    if as_json:
        print_json(_cells(warehouse.glance(view, portfolio, day), view))
    elif as_csv:
        _print_csv(_cells(warehouse.glance(view, portfolio, day), view), list(view.columns))
    elif section is None:
        click.echo("\n".join(glance.ten_lines(warehouse, portfolio, day)))
    else:
        _print(warehouse.glance(view, portfolio, day), section, f"{portfolio} on {day:%Y-%m-%d}: {section}")
    warehouse.close()


def _day(warehouse: Warehouse, portfolio: str, date: str | None) -> pd.Timestamp:
    """:raises InputError: when the portfolio is unknown, or has no results on the date."""
    names = warehouse.portfolio_names()
    if portfolio not in names:
        raise unknown_portfolio(portfolio, names)
    dates = warehouse.glance_dates(portfolio)
    if not dates:
        raise InputError(f"portfolio {portfolio}: nothing is computed yet: sigmasight run {portfolio}")
    if date is None:
        return dates[-1]
    try:
        day = pd.Timestamp(date)
    except ValueError:
        raise InputError(f"--date {date}: not a date; write YYYY-MM-DD") from None
    if day not in dates:
        raise InputError(
            f"portfolio {portfolio} has no results on {date}; its newest are of {dates[-1]:%Y-%m-%d}; "
            f"compute them: sigmasight run {portfolio} --date {date}"
        )
    return day


def _print(rows: list[Row], section: str, title: str) -> None:
    columns = SECTIONS[section].columns
    click.echo(title)
    if not rows:
        click.echo("nothing is stored of it on this date: sigmasight readiness says why")
        return
    shown = [
        {"name": name, "value": number(value, 6 if abs(value) < 1 else 2)}
        if isinstance(value, float)
        else {"name": name, "value": number(value)}
        for name, value in rows[0].items()
        if name not in ("portfolio", "date", "status")
    ]
    lines = table(rows, columns) if columns else table(shown, (("name", 0), ("value", 0)))
    click.echo("\n".join(lines + reasons(rows, SECTIONS[section].named)))


def _cells(rows: list[Row], view: View) -> list[Row]:
    return [{name: row[name] for name in view.columns} for row in rows]


def _print_csv(rows: list[Row], columns: list[str]) -> None:
    """Text that a spreadsheet would take for a formula gets an apostrophe."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(columns)
    out.writerows([escaped(cell) if isinstance(cell, str) else cell for cell in row.values()] for row in rows)
