"""Doubtful rows: their versions, and the rows of source tables that they keep out or bring back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sigmasight_core.market.plausibility.standing import KEYS
from sigmasight_core.tables import DoubtfulRows, Table, primary_key, table_name, validate
from sigmasight_dagster.warehouse import corrections, versions
from sigmasight_dagster.warehouse.checksums.partitions import changing
from sigmasight_dagster.warehouse.corrections import Changes
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import columns
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow, to_arrow
from sigmasight_dagster.warehouse.sql import literal, lock_key, one_of, quoted, where
from sigmasight_dagster.warehouse.tables import copy_in, fetch, select

_LOCK = lock_key("doubtful rows")
_DOUBTS = quoted(SCHEMA, table_name(DoubtfulRows))


@dataclass(frozen=True)
class Exchange:
    """Stored rows of a source table, and what is to stand in their place.

    :ivar old: as they were read: rows that differ by now stay as they are.
    """

    model: type[Table]
    old: pd.DataFrame
    new: pd.DataFrame

    @property
    def any(self) -> bool:
        """Whether there is anything to exchange."""
        return bool(len(self.old) or len(self.new))


@dataclass(frozen=True)
class Findings:
    """What a judgement changes beside the partitions that are published.

    :ivar versions: rows of `DoubtfulRows`. :ivar exchanges: of other dates and tables.
    """

    versions: pd.DataFrame
    exchanges: Sequence[Exchange] = field(default=())

    @property
    def lock_keys(self) -> list[int]:
        """Locks of the writers of versions, and of every row that is exchanged."""
        return [_LOCK, *(key for each in self.exchanges if each.any for key in _target(each).lock_keys)]


class DoubtStore(Reader):
    """Doubtful rows and their versions."""

    def doubts(self, symbols: Sequence[str] | None = None, every: bool = False) -> pd.DataFrame:
        """The latest version of each doubt, rows of `DoubtfulRows` with `computed_at` (UTC).

        :param symbols: None = of all. :param every: all versions, in order.
        """
        condition = where([] if symbols is None else [one_of("symbol", symbols)])
        keys = ", ".join(map(quoted, KEYS))
        last = "" if every else f"DISTINCT ON ({keys}) "
        order = "" if every else " DESC"
        found = self._database.query(
            f'SELECT {last}* FROM {_DOUBTS}{condition} ORDER BY {keys}, "version"{order}'
        )
        times = found["computed_at"].to_pandas()
        return from_arrow(DoubtfulRows, found.select(list(columns(DoubtfulRows)))).assign(computed_at=times)

    def settle(self, findings: Findings, stamp: AuditStamp) -> None:
        """Store versions of doubts with the rows that follow from them, in one transaction."""
        with self._database.transaction(*findings.lock_keys) as cursor:
            record(cursor, findings, stamp)


def record(cursor: Any, findings: Findings, stamp: AuditStamp) -> None:
    """Append the versions and exchange the rows, in the transaction of the caller, which holds the locks."""
    for exchange in findings.exchanges:
        _exchange(cursor, exchange, stamp)
    if len(findings.versions):
        checked = validate(DoubtfulRows, _numbered(cursor, findings.versions))
        copy_in(cursor, DoubtfulRows, to_arrow(DoubtfulRows, checked, stamp))


def _numbered(cursor: Any, made: pd.DataFrame) -> pd.DataFrame:
    """Versions numbered after those that are stored by now."""
    keys, of_these = ", ".join(map(quoted, KEYS)), where([one_of("symbol", sorted(made["symbol"].unique()))])
    cursor.execute(f"SELECT {keys}, max(version) AS version FROM {_DOUBTS}{of_these} GROUP BY {keys}")
    known = from_arrow(DoubtfulRows, cursor.fetch_arrow_table())
    both = made.drop(columns="version").merge(known, on=KEYS, how="left")
    return both.assign(version=both["version"].fillna(0).astype("int64") + 1)


def _target(exchange: Exchange) -> Rectangle:
    dates = {*exchange.old["date"], *exchange.new["date"]}
    return Rectangle.of(exchange.model, sorted(dates), None)


def _exchange(cursor: Any, exchange: Exchange, stamp: AuditStamp) -> None:
    model, keys = exchange.model, primary_key(exchange.model)
    if not exchange.any:
        return
    target = _target(exchange)
    symbols = sorted({*exchange.old["symbol"], *exchange.new["symbol"]})
    stored = fetch(cursor, model, select(model, dates=target.dates, symbols=symbols))
    names = list(stored.columns)
    both = pd.concat([stored, exchange.old[names].astype(stored.dtypes.to_dict())], ignore_index=True)
    same = stored[both.duplicated(keep="last")[: len(stored)].to_numpy()]
    cells = ["date", "symbol"]
    moved = pd.MultiIndex.from_frame(exchange.old[cells]).difference(pd.MultiIndex.from_frame(same[cells]))
    new = exchange.new[~pd.MultiIndex.from_frame(exchange.new[cells]).isin(moved)]
    new = validate(model, new[names].astype(stored.dtypes.to_dict()))
    differing = pd.concat([same, new], ignore_index=True).drop_duplicates(keep=False)
    if differing.empty:
        return
    changed = differing[cells].drop_duplicates()
    history = versions.superseded(target, target.dates, same.reset_index(drop=True), differing)
    with changing(cursor, model, target.dates):
        _delete(cursor, model, keys, same)
        copy_in(cursor, model, to_arrow(model, new, stamp))
    corrections.record(cursor, model, Changes(changed.astype({"symbol": "str"}), history), stamp)


def _delete(cursor: Any, model: type[Table], keys: list[str], rows: pd.DataFrame) -> None:
    texts = rows.assign(date=rows["date"].dt.strftime("%Y-%m-%d"))
    types = {"date": "date"}
    arrays = [
        f"ARRAY[{', '.join(literal(value) for value in texts[name])}]::{types.get(name, 'text')}[]"
        for name in keys
    ]
    names = ", ".join(map(quoted, keys))
    table = quoted(SCHEMA, table_name(model))
    cursor.execute(f"DELETE FROM {table} WHERE ({names}) IN (SELECT * FROM unnest({', '.join(arrays)}))")
