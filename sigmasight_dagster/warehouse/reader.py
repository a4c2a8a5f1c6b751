"""Reading rows of any table: what every store of the warehouse can do."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sigmasight_core.tables import Table
from sigmasight_dagster.warehouse.database import Database
from sigmasight_dagster.warehouse.layout.schema import packed_columns
from sigmasight_dagster.warehouse.rows import from_arrow, unpacked
from sigmasight_dagster.warehouse.sql import Dates
from sigmasight_dagster.warehouse.tables import (
    LENGTHS,
    select,
    select_newest,
    select_packed,
    select_sums,
)


class Reader:
    """The rows of one PostgreSQL database.

    url: `postgresql://`, `postgres://` or `postgresql+psycopg2://`.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._database = Database(url, read_only=read_only)

    def close(self) -> None:
        """Close idle connections."""
        self._database.close()

    def read(
        self,
        model: type[Table],
        dates: Dates | None = None,
        portfolios: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Rows of a table without audit columns, ordered by key, with the dtypes of its row model.

        :param dates: a (start, end) tuple, both inclusive, or exactly the dates of a list or index.
        :param columns: which columns, in which order; default: the model's.
        :raises InputError: on a column or filter that the table has not, or a range that ends too early.
        """
        if packed_columns(model) and symbols is None:
            stored = self._database.query(select_packed(model, dates, portfolios, columns))
            return from_arrow(model, unpacked(stored, LENGTHS))
        return from_arrow(model, self._database.query(select(model, dates, portfolios, columns, symbols)))

    def sums(
        self,
        model: type[Table],
        keys: Sequence[str],
        dates: Dates,
        portfolios: Sequence[str] | None,
        sums: Mapping[str, str],
    ) -> pd.DataFrame:
        """Sums over rows by some key columns, which the database makes: a row for each key that has rows.

        :param sums: by name which column is summed; '|exposure|' = the size of each exposure. NULL adds
            nothing.
        """
        found = self._database.query(select_sums(model, keys, dates, portfolios, sums))
        rows = from_arrow(model, found.select(list(keys)))
        return rows.assign(**{name: found[name].to_pandas() for name in sums})

    def newest(
        self,
        model: type[Table],
        portfolios: Sequence[str],
        between: tuple[pd.Timestamp, pd.Timestamp],
    ) -> pd.DataFrame:
        """Rows of each portfolio's newest published date that has any, between two dates, both inclusive."""
        return from_arrow(model, self._database.query(select_newest(model, portfolios, between)))
