"""The report of a portfolio: the stored one, whether it is still that of what is stored, and its files."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.sources import models
from sigmasight_core.report.document.stored import parse
from sigmasight_core.report.page.as_csv import as_csv
from sigmasight_core.report.page.as_html import as_html
from sigmasight_core.report.page.as_json import as_json
from sigmasight_core.report.page.as_markdown import as_markdown
from sigmasight_core.report.page.as_xlsx import as_xlsx
from sigmasight_core.report.page.page import Page, page
from sigmasight_core.tables import Grain, PortfolioSnapshots, Table, facts, grain, table_name
from sigmasight_dagster.reports.files import file_mode
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.warehouse import Warehouse

FILE: Final = "portfolio_report"
FORMATS: Final[Mapping[str, Callable[[ReportBase, Page], str | bytes]]] = {
    "md": as_markdown,
    "json": lambda report, _: as_json(report),
    "csv": lambda report, _: as_csv(report),
    "html": as_html,
    "xlsx": as_xlsx,
}
"""By the end of the file's name."""


def newest_date(warehouse: Warehouse, portfolio: str) -> pd.Timestamp:
    """The newest date of which the portfolio has results.

    :raises InputError: when there are none.
    """
    return latest_date(warehouse, portfolio, PortfolioSnapshots)


def require_whole(warehouse: Warehouse, portfolio: str, date: pd.Timestamp) -> None:
    """:raises InputError: when the date is not published for the portfolio, or not in every table."""
    needed = [table_name(model) for model in _needed()]
    there = warehouse.computed_at(portfolio, date, needed)
    missing = [name for name in needed if name not in there.index]
    if not missing:
        return
    cure = f"sigmasight run {portfolio} --date {date:%Y-%m-%d}"
    if table_name(PortfolioSnapshots) in missing:
        newest = newest_date(warehouse, portfolio)
        raise InputError(
            f"portfolio {portfolio} has no results on {date:%Y-%m-%d}; its newest are of {newest:%Y-%m-%d}; "
            f"compute them: {cure}"
        )
    raise InputError(
        f"portfolio {portfolio} on {date:%Y-%m-%d} is published in part, without {', '.join(missing)}: {cure}"
    )


def _needed() -> list[type[Table]]:
    """Tables of a portfolio's date that a report needs; of weekly ones the newest rows count."""
    return [
        model
        for source, model in models().items()
        if not source.newest and grain(model) is Grain.DATE_PORTFOLIO
    ]


def stored(warehouse: Warehouse, portfolio: str, date: pd.Timestamp) -> ReportBase | None:
    """The stored report; None where there is none, or what it is made of is not the same any more.

    That is: it was computed again since, or taken back, as returns are by another benchmark. Detail of old
    dates that retention deleted changes nothing.
    """
    rows = warehouse.stored_report(portfolio, date)
    if rows.empty:
        return None
    made_of = warehouse.computed_at(portfolio, date, [source.table for source in models()])
    made = rows["computed_at"].iloc[0]
    lasting = {table_name(model) for model in _needed() if not facts(model).detail}
    if not lasting <= set(made_of.index) or made_of.max() > made:
        return None
    with suppress(InputError):  # of another version of the code: it is made again
        return parse(rows["document"].iloc[0], made, made_of.min())
    return None


def rendered(report: ReportBase, formats: Iterable[str]) -> dict[str, bytes]:
    """The content of each file by its name."""
    made = page(report)
    contents = {f"{FILE}.{name}": FORMATS[name](report, made) for name in formats}
    return {
        name: content if isinstance(content, bytes) else content.encode()
        for name, content in contents.items()
    }


def write(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Write files into a folder, each whole or not at all; whether one was there before.

    :raises InputError: when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        overwritten = any((folder / name).exists() for name in contents)
        made: list[tuple[Path, Path]] = []
        try:
            for name, content in contents.items():
                with NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False) as file:
                    made.append((Path(file.name), folder / name))
                    file.write(content)
            for temporary, final in made:
                temporary.chmod(file_mode())
                temporary.replace(final)
        finally:
            for temporary, _ in made:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}): name another one with --output-dir"
        ) from None
    return overwritten
