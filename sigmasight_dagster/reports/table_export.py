"""Tables as files: published rows of some dates and portfolios, as CSV, Excel, JSON or Parquet.

A cell of a file is a cell of the table. Rows are read and written some dates at a time, so that memory does
not grow with the range; each file is there whole or not at all, and takes the place of the one before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sigmasight_core.tables import TABLES, Grain, Kind, PortfolioReports, Table, facts, grain, table_name
from sigmasight_dagster.reports.files import whole_file
from sigmasight_dagster.reports.table_formats import WRITERS
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.stores.exports import exported_schema

PARQUET: Final = "parquet"
FORMATS: Final = (*WRITERS, PARQUET)
PART: Final = "rows.parquet"
"""The one file of a partition."""
_DATES_AT_A_TIME: Final = 20


@dataclass(frozen=True)
class Selection:
    """Dates between a first and a last one, both inclusive, of some portfolios."""

    portfolios: tuple[str, ...]
    between: tuple[pd.Timestamp, pd.Timestamp]


@dataclass(frozen=True)
class Written:
    """What became of one table. :param files: their number. :param rows: theirs, together."""

    table: str
    files: int
    rows: int


def exportable() -> dict[str, type[Table]]:
    """Every partitioned table by its name."""
    return {table_name(model): model for model in TABLES if grain(model) is not Grain.UNPARTITIONED}


def portfolio_tables() -> list[type[Table]]:
    """What is exported where no table is named: results of portfolios; reports have files of their own."""
    return [
        model
        for model in exportable().values()
        if grain(model) is Grain.DATE_PORTFOLIO
        and facts(model).kind is Kind.RESULT
        and model is not PortfolioReports
    ]


def export(
    warehouse: Warehouse,
    selections: Sequence[Selection],
    models: Sequence[type[Table]],
    form: str,
    folder: Path,
) -> Iterator[Written]:
    """Write each table below the folder, one after the other.

    Parquet: TABLE/date=YYYY-MM-DD/portfolio=NAME/rows.parquet, a file for each partition with rows; other
    partitions' files stay as they are. Other formats: TABLE.FORMAT.

    :raises InputError: when a file cannot be written, or cannot hold the rows.
    """
    for model in models:
        name, rows_of = table_name(model), parts(warehouse, selections, model)
        if form == PARQUET:
            yield _partitions(model, rows_of, folder / name)
            continue
        path = folder / f"{name}.{form}"
        with whole_file(path) as temporary:
            rows = WRITERS[form](temporary, name, exported_schema(model), rows_of)
        yield Written(name, 1, rows)


def parts(warehouse: Warehouse, selections: Sequence[Selection], model: type[Table]) -> Iterator[pa.Table]:
    """The rows in pieces of some dates each; those of a table by date alone once for a range."""
    by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
    ranges = {(s.between, s.portfolios if by_portfolio else None): None for s in selections}
    for between, portfolios in ranges:
        found = warehouse.published(model, between, portfolios)["date"].drop_duplicates()
        dates = pd.DatetimeIndex(found)
        for start in range(0, len(dates), _DATES_AT_A_TIME):
            yield warehouse.published_rows(model, dates[start : start + _DATES_AT_A_TIME], portfolios)


def _partitions(model: type[Table], parts: Iterator[pa.Table], folder: Path) -> Written:
    """A file for each partition. Rows are in the order of their partitions, so each is a slice."""
    keys, files, rows = list(grain(model).value), 0, 0
    for part in parts:
        labels = part.select(keys).to_pandas()
        starts = (labels != labels.shift()).any(axis=1).to_numpy().nonzero()[0].tolist()
        for first, end in zip(starts, [*starts[1:], len(labels)], strict=True):
            place = [f"{key}={labels[key].iloc[first]}" for key in keys]
            with whole_file(folder.joinpath(*place) / PART) as temporary:
                pq.write_table(part.slice(first, end - first).drop_columns(keys), temporary)
        files += len(starts)
        rows += part.num_rows
    return Written(table_name(model), files, rows)
