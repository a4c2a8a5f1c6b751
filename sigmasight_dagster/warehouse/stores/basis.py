"""What a computation has read, and whether it still counts when the results are stored.

A run that read ten shares published them after the ledger had been replaced by 777: nothing had looked again.
"""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from sigmasight_core.tables import (
    BenchmarkHoldings,
    Corrections,
    Portfolios,
    Publications,
    Table,
    table_name,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.errors import InputsChanged
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.sql import literal, on_dates, one_of, quoted, where

_MICROSECONDS: Final = "coalesce(sum((extract(epoch FROM computed_at) * 1000000)::bigint), 0)"


class Basis:
    """Publications and ledgers that were read, each as it was just before.

    :ivar seen: what the statement about each said.
    """

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}


class BasisStore(Reader):
    """Notes of what is read."""

    def note_partitions(
        self,
        basis: Basis,
        model: type[Table],
        between: tuple[pd.Timestamp, pd.Timestamp],
        portfolios: Sequence[str] | None,
    ) -> str:
        """To be called before rows of a table between two dates, both inclusive, are read.

        :returns: what the database says of their publications.
        """
        return self._note(basis, _partitions(model, between, portfolios))

    def note_ledger(self, basis: Basis, portfolios: Sequence[str]) -> None:
        """To be called before anything of the ledger of portfolios is read."""
        self._note(basis, _ledger(portfolios))

    def require_current(self, basis: Basis) -> None:
        """:raises InputsChanged: when something of it has changed since it was noted."""
        if basis.seen:
            _compare(basis, self._database.query(_every(basis))["said"].to_pylist())

    def _note(self, basis: Basis, statement: str) -> str:
        if statement not in basis.seen:
            basis.seen[statement] = self._database.query(statement)["said"][0].as_py()
        return basis.seen[statement]


def check(cursor: Any, basis: Basis) -> None:
    """As `BasisStore.require_current`, in the transaction that stores the results."""
    if basis.seen:
        cursor.execute(_every(basis))
        _compare(basis, cursor.fetch_arrow_table()["said"].to_pylist())


def said_of(cursor: Any, target: Rectangle) -> str:
    """What `note_partitions` would be told of a rectangle, in the transaction that has published it."""
    portfolios = None if target.portfolios == ("",) else target.portfolios
    cursor.execute(_partitions(target.model, (target.dates[0], target.dates[-1]), portfolios))
    said: str = cursor.fetch_arrow_table()["said"][0].as_py()
    return said


def _compare(basis: Basis, said: Sequence[str]) -> None:
    before = list(basis.seen.values())
    changed = sorted({old.split(":")[0] for old, new in zip(before, said, strict=True) if old != new})
    if changed:
        raise InputsChanged(
            f"{', '.join(changed)}: changed by another command while results were computed from it"
        )


def _every(basis: Basis) -> str:
    numbered = (
        f"SELECT {number} AS number, said FROM ({statement}) AS s"
        for number, statement in enumerate(basis.seen)
    )
    return f"SELECT said FROM ({' UNION ALL '.join(numbered)}) AS every ORDER BY number"


def _partitions(
    model: type[Table], between: tuple[pd.Timestamp, pd.Timestamp], portfolios: Sequence[str] | None
) -> str:
    """How many publications there are, of how many rows, of when; and how many corrections of them."""
    name = table_name(model)
    this, on = f"table_name = {literal(name)}", on_dates(between)
    published = where([this, one_of("portfolio", [""] if portfolios is None else portfolios), on])
    corrections = f"SELECT count(*) FROM {quoted(SCHEMA, table_name(Corrections))}{where([this, on])}"
    return (
        f"SELECT concat_ws(':', {literal(name)}, count(*), sum(n_rows), {_MICROSECONDS}, ({corrections})) "
        f"AS said FROM {quoted(SCHEMA, table_name(Publications))}{published}"
    )


def _ledger(portfolios: Sequence[str]) -> str:
    """When the portfolios were stored, with all that their ledgers consist of, and their benchmarks'."""
    these = where([one_of("portfolio", portfolios)])
    stored = " UNION ALL ".join(
        f"SELECT computed_at FROM {quoted(SCHEMA, table_name(model))}{these}"
        for model in (Portfolios, BenchmarkHoldings)
    )
    return f"SELECT concat_ws(':', 'the ledger', count(*), {_MICROSECONDS}) AS said FROM ({stored}) AS l"
