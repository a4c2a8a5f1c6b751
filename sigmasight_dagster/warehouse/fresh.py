"""What this process has just published, for the next assets of the run: they need not read it back.

The warehouse stays the truth. Rows are handed on only while the database says of their publications what it
said when they were stored here: how many there are, of how many rows, of which moment, and how many
corrections of them. Whoever stores results asks it once more, as for rows that were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa

from sigmasight_core.tables import Table
from sigmasight_dagster.warehouse.layout.schema import columns, kind
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import from_arrow, neighbours

MOST_TABLE_BYTES: Final = 64 * 2**20
MOST_BYTES: Final = 256 * 2**20
"""In all; the oldest go first."""


@dataclass(frozen=True)
class _Held:
    target: Rectangle
    rows: pa.Table
    said: str


class Fresh:
    """Tables of the run that published last, each the rectangle that it published last."""

    def __init__(self) -> None:
        self._run_id = ""
        self._held: dict[type[Table], _Held] = {}

    def keep(self, target: Rectangle, rows: pa.Table, said: str, run_id: str) -> None:
        """Take rows that were stored, one by one; what is not in the order of its key is not held.

        :param said: of `stores.basis.said_of`.
        """
        held = self._held if run_id == self._run_id else {}
        kept = {model: each for model, each in held.items() if model is not target.model}
        exact = any(kind(name, column) == "exact" for name, column in columns(target.model).items())
        if rows.nbytes <= MOST_TABLE_BYTES and not exact and neighbours(target.model, rows)[1]:
            kept[target.model] = _Held(target, rows, said)
        while sum(each.rows.nbytes for each in kept.values()) > MOST_BYTES:
            del kept[next(iter(kept))]
        self._run_id, self._held = run_id, kept

    def rows(
        self,
        model: type[Table],
        said: str,
        dates: pd.DatetimeIndex,
        portfolios: Sequence[str] | None,
        wanted: Sequence[str] | None,
    ) -> pd.DataFrame | None:
        """As `Reader.read`, of the very partitions that are held; None where they are not.

        :param said: of `note_partitions`.
        """
        held = self._held.get(model)
        if held is None or held.said != said:
            return None
        names = ("",) if portfolios is None else tuple(sorted(set(portfolios)))
        if held.target.portfolios != names or not held.target.dates.equals(dates):
            return None
        return from_arrow(model, held.rows.select(list(columns(model)) if wanted is None else list(wanted)))
