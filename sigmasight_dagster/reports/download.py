"""One file of published rows of a portfolio: of one table as it is, of several in a zip."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pandas as pd
import pyarrow.parquet as pq

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Grain, Table, grain, table_name
from sigmasight_dagster.reports.table_export import PARQUET, Selection, parts
from sigmasight_dagster.reports.table_formats import WRITERS
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.stores.exports import exported_schema

ZIP: Final = "zip"


def dates_of(
    warehouse: Warehouse, portfolio: str, first: pd.Timestamp | None, last: pd.Timestamp | None
) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last date with results in a range. :param first: and `last`: None, None = the newest date.

    :raises InputError: when there are none.
    """
    dates = [
        day
        for day in warehouse.glance_dates(portfolio)
        if (first is None or day >= first) and (last is None or day <= last)
    ]
    if not dates:
        raise InputError(f"portfolio {portfolio}: no results are published in that range")
    return (dates[-1] if first is None and last is None else dates[0]), dates[-1]


def download(
    warehouse: Warehouse, selection: Selection, models: Sequence[type[Table]], form: str, folder: Path
) -> Path:
    """Write the file into an empty folder. :param form: of `table_export.FORMATS`.

    :raises InputError: when the form cannot hold the rows.
    """
    stem = f"{selection.portfolios[0]}_{selection.between[1]:%Y-%m-%d}"
    written = [_one(warehouse, selection, model, form, folder) for model in models]
    if len(written) == 1:
        return written[0].rename(folder / f"{stem}_{written[0].name}")
    whole = folder / f"{stem}_{form}.{ZIP}"
    with ZipFile(whole, "w", ZIP_DEFLATED if form in ("csv", "json") else ZIP_STORED) as packed:
        for path in written:
            packed.write(path, path.name)
            path.unlink()
    return whole


def _one(warehouse: Warehouse, selection: Selection, model: type[Table], form: str, folder: Path) -> Path:
    name = table_name(model)
    path, rows = folder / f"{name}.{form}", parts(warehouse, [selection], model)
    if form == PARQUET:
        with pq.ParquetWriter(path, exported_schema(model)) as writer:
            for part in rows:
                writer.write_table(part)
    else:
        WRITERS[form](path, name, exported_schema(model), rows)
    return path


def of_portfolios(names: Sequence[str], known: dict[str, type[Table]]) -> Iterator[type[Table]]:
    """Tables of portfolios by name. :raises InputError: on one that there is not, or that is nobody's."""
    for name in dict.fromkeys(names):
        model = known.get(name)
        if model is None or grain(model) is not Grain.DATE_PORTFOLIO:
            raise InputError(f"table {name[:80]!r}: no results of portfolios; see GET /export/templates")
        yield model
