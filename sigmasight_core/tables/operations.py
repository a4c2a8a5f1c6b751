"""Operations tables: which partitions are published, what came late, and which rows were refused."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Table, key, label


class Publications(Table):
    """One published partition of one table. It tells a partition without rows from one never computed."""

    table_name: Series[str] = key("Published table")
    portfolio: Series[str] = key("Portfolio name; empty for a table without portfolios")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")
    n_rows: Series[int] = label("Rows of the partition; 0 = computed, and nothing to store", ge=0)

    class Config:
        name = "publications"


class Corrections(Table):
    """Late data: rows of a source table that changed, or came, after results of their date."""

    table_name: Series[str] = key("Source table")
    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")
    symbol: Series[str] = key("Symbol whose rows changed; empty = every row of the date may have")
    changed_at: Series[pd.Timestamp] = key("When (UTC); results that saw the old rows were computed before")

    class Config:
        name = "corrections"


class RejectedRows(Table):
    """One value that broke a table's contract or check; its run stored nothing of that table."""

    table_name: Series[str] = key("Table that the row was meant for")
    run_id: Series[str] = key("Dagster run that computed the row, or the command")
    rejection: Series[int] = key("Number of the rejection within its table and run, from 1", ge=1)
    row_number: Series[pd.Int64Dtype] = label(
        "Position of the row in the computed frame, from 0; NULL = the frame as a whole", nullable=True
    )
    column_name: Series[str] = label("Offending column or columns; empty = the row as a whole")
    check_name: Series[str] = label("Rule that was broken")
    offending_value: Series[str] = label("The value, as text")

    class Config:
        name = "rejected_rows"
