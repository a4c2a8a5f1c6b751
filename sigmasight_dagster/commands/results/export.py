"""`sigmasight export`: published rows of tables as files. Nothing is computed; Dagster is not imported."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table
from sigmasight_dagster.commands.arguments import NEWEST, some_portfolios
from sigmasight_dagster.reports import table_export
from sigmasight_dagster.reports.table_export import FORMATS, PARQUET, Selection
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.errors import require_portfolios

FOLDER: Final = Path("exports")


@click.command()
@some_portfolios
@click.option("--table", "tables", metavar="TABLE", multiple=True, help="A table; may be said again.")
@NEWEST
@click.option("--start", metavar="YYYY-MM-DD", help="First date of a range; default: the first there is.")
@click.option("--end", metavar="YYYY-MM-DD", help="Last date of a range; default: the last there is.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    help=f"Folder; default: {FOLDER}, for parquet the setting export_dir where it is set.",
)
def export(
    names: tuple[str, ...],
    tables: tuple[str, ...],
    date: str | None,
    start: str | None,
    end: str | None,
    form: str,
    output_dir: Path | None,
) -> None:
    """Write published rows of portfolios as files, one a table; default: of every portfolio and table.

    Parquet is one file a partition, TABLE/date=YYYY-MM-DD/portfolio=NAME/rows.parquet. Example, the history
    of a table: sigmasight export alpha --table risk_measures --start 2022-10-03
    """
    if date and (start or end):
        raise click.UsageError("--date is one date, --start and --end are a range: leave one of them out")
    settings = Settings()
    models = _models(tables)
    warehouse = Warehouse(asset_database_url(settings))
    chosen = _selections(warehouse, _chosen(warehouse, names), date, start, end)
    folder = output_dir or (settings.export_dir if form == PARQUET else None) or FOLDER
    rows = 0
    for written in table_export.export(warehouse, chosen, models, form, folder):
        files = f" in {written.files:,} files" if form == PARQUET else ""
        click.echo(f"{written.table}: {written.rows:,} rows{files}")
        rows += written.rows
    warehouse.close()
    click.echo(f"{rows:,} rows in {folder}")


def _models(names: Sequence[str]) -> list[type[Table]]:
    """:raises InputError: on a table that there is not, or that has no partitions."""
    known = table_export.exportable()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"--table {unknown[0]}: no table by date; there are: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] or table_export.portfolio_tables()


def _chosen(warehouse: Warehouse, names: Sequence[str]) -> list[str]:
    known = warehouse.portfolio_names()
    require_portfolios(names, known)
    return list(dict.fromkeys(names)) or known


def _selections(
    warehouse: Warehouse, names: Sequence[str], date: str | None, start: str | None, end: str | None
) -> list[Selection]:
    """:raises InputError: when the portfolios have no results then."""
    first = _day("--date", date) or _day("--start", start) or pd.Timestamp.min
    last = _day("--date", date) or _day("--end", end) or pd.Timestamp("2262-01-01")
    by_range: dict[tuple[pd.Timestamp, pd.Timestamp], list[str]] = defaultdict(list)
    for name in names:
        dates = [day for day in warehouse.glance_dates(name) if first <= day <= last]
        if dates:
            whole = date or start or end
            by_range[(dates[0] if whole else dates[-1], dates[-1])].append(name)
    if not by_range:
        when = f" on {date}" if date else " in that range" if start or end else ""
        raise InputError(f"{', '.join(names)}: no results are published{when}; see sigmasight status")
    return [Selection(tuple(found), between) for between, found in by_range.items()]


def _day(option: str, text: str | None) -> pd.Timestamp | None:
    try:
        return None if text is None else pd.Timestamp(text).tz_localize(None).normalize()
    except ValueError:
        raise InputError(f"{option} {text}: not a date; write YYYY-MM-DD") from None
