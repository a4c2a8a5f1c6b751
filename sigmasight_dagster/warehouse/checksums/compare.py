"""What is stored against its checksums: what something else than a command has changed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd

from sigmasight_core.tables import (
    ActionCoverage,
    CorporateActions,
    Kind,
    Table,
    WithdrawnPartitions,
    facts,
    table_name,
)
from sigmasight_dagster.warehouse.checksums import seals
from sigmasight_dagster.warehouse.checksums.hashes import AUDIT, of_publication
from sigmasight_dagster.warehouse.checksums.partitions import PUBLISHED, WITHDRAWN, stored
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout import schema
from sigmasight_dagster.warehouse.layout.schema import columns, kind
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rectangle import Rectangle, check_grain
from sigmasight_dagster.warehouse.rows import AuditStamp
from sigmasight_dagster.warehouse.sql import Dates, literal, on_dates, one_of, quoted, where

_NOT_FINITE: Final = {
    "float": "NOT ({0} > '-Infinity' AND {0} < 'Infinity')",
    "exact": "{0} = 'NaN'",
    "vector": "{0} && '{{NaN, Infinity, -Infinity}}'::real[]",
    "floats": "{0} && '{{NaN, Infinity, -Infinity}}'::double precision[]",
}
_KEYS: Final = ["date", "portfolio"]


class ChecksumStore(Reader):
    """Comparison of what is stored with what was, and what a person decides about it."""

    def differing_partitions(
        self, model: type[Table], dates: Dates | None = None, portfolios: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Partitions of a table that do not hold what was published. One pass over the table.

        Rows of a ledger that was replaced, which no longer count as published, are not looked at; nor are
        corporate actions of held symbols on dates that are no partitions.

        :param portfolios: None = all, and rows of portfolios that are in no ledger.
        :returns: date, portfolio ('' in a date table), published (False = rows without a publication),
            n_rows (published), n_found, known (False = published without a checksum), same_writer (False =
            rows of another run or time than their publication), not_finite (columns with NaN or an infinite
            number, by comma), computed_at (of the publication); sorted by date and portfolio.
        """
        check_grain(model, portfolios, required=False)
        found = self._database.query(_differing(model, dates, portfolios)).to_pandas()
        found["date"] = pd.to_datetime(found["date"]).astype("datetime64[ns]")
        if found.empty:
            return found.assign(not_finite="")
        wrong = self._not_finite(model, pd.DatetimeIndex(found["date"].unique()))
        both = found.merge(wrong, on=_KEYS, how="left")
        return both.assign(not_finite=both["not_finite"].fillna(""))

    def differing_ledger(self, portfolios: Sequence[str] | None = None) -> pd.DataFrame:
        """Tables of the ledger that do not hold what a command stored.

        :param portfolios: None = all, those too that are registered by no command.
        :returns: table_name, portfolio, n_rows (stored by a command), n_found.
        """
        return self._database.query(seals.differing(portfolios)).to_pandas()

    def withdrawn(self) -> pd.DataFrame:
        """Partitions that no longer count since the ledger changed: rows of `WithdrawnPartitions`."""
        return self.read(WithdrawnPartitions)

    def first_published(self) -> dict[str, pd.Timestamp]:
        """The first date of each table that is published."""
        found = self._database.query(f"SELECT table_name, min(date) AS date FROM {PUBLISHED} GROUP BY 1")
        return dict(zip(found["table_name"].to_pylist(), pd.to_datetime(found["date"]), strict=True))

    def dates_published_since(self, moment: pd.Timestamp) -> pd.DatetimeIndex:
        """Trading dates of which something was published since a moment (UTC)."""
        since = f"computed_at >= {literal(moment.isoformat())}::timestamptz"
        found = self._database.query(f"SELECT DISTINCT date FROM {PUBLISHED} WHERE {since} ORDER BY date")
        return pd.DatetimeIndex(found["date"].to_pandas()).as_unit("ns")

    def accept_partitions(self, model: type[Table], found: pd.DataFrame, stamp: AuditStamp) -> None:
        """Take partitions as they are stored for what was published; rows without publication for withdrawn.

        :param found: rows of `differing_partitions`.
        """
        for published, statement in ((True, _accept), (False, _withdraw)):
            for day, names in _by_date(found[found["published"] == published]):
                with self._database.transaction(*Rectangle.of(model, [day], names).lock_keys) as cursor:
                    cursor.execute(statement(model, day, names, stamp))

    def delete_unpublished(self, model: type[Table], found: pd.DataFrame) -> None:
        """Delete rows that have no publication. :param found: rows of `differing_partitions`."""
        for day, names in _by_date(found[~found["published"]]):
            with self._database.transaction(*Rectangle.of(model, [day], names).lock_keys) as cursor:
                cursor.execute(_delete(model, day, names))

    def _not_finite(self, model: type[Table], dates: pd.DatetimeIndex) -> pd.DataFrame:
        tests = {
            name: _not_finite(model, name, column).format(f"t.{quoted(name)}")
            for name, column in columns(model).items()
            if kind(name, column) in _NOT_FINITE
        }
        named = ", ".join(
            ["NULL", *(f"CASE WHEN bool_or({test}) THEN {literal(name)} END" for name, test in tests.items())]
        )
        cells = stored(model, where([on_dates(dates)]), f"concat_ws(', ', {named}) AS not_finite")
        found = self._database.query(f"SELECT date, portfolio, not_finite FROM ({cells}) AS s").to_pandas()
        return found.assign(date=pd.to_datetime(found["date"]).astype("datetime64[ns]"))


def _not_finite(model: type[Table], name: str, column: Any) -> str:
    """Test of a stored column, which is an array in a packed table."""
    return _NOT_FINITE["floats" if name in schema.packed_columns(model) else kind(name, column)]


def _differing(model: type[Table], dates: Dates | None, portfolios: Sequence[str] | None) -> str:
    chosen = [] if dates is None else [on_dates(dates)]
    chosen += [] if portfolios is None else [one_of("portfolio", portfolios)]
    published = where([f"table_name = {literal(table_name(model))}", *chosen])
    result, actions = facts(model).kind is Kind.RESULT, model is CorporateActions
    ends = [f"{end}(t.{name}) AS {name}_{end}" for name in AUDIT for end in ("min", "max")] if result else []
    writer = [f"s.{name}_{end} = p.{name}" for name in AUDIT for end in ("min", "max")] if result else []
    covered = f"t.symbol IN (SELECT symbol FROM {quoted(SCHEMA, table_name(ActionCoverage))})"
    ends += [f"bool_and({covered}) AS elsewhere"] if actions else []
    same_writer = f"coalesce({' AND '.join(writer)}, true)" if writer else "true"
    withdrawn = (
        f"SELECT FROM {WITHDRAWN} AS w WHERE w.table_name = {literal(table_name(model))} "
        "AND w.portfolio = s.portfolio AND w.date = s.date"
    )
    unknown = f"NOT EXISTS ({withdrawn})" + (" AND NOT s.elsewhere" if actions else "")
    return (
        "SELECT * FROM (SELECT date, portfolio, p.date IS NOT NULL AS published, "
        "coalesce(p.n_rows, 0) AS n_rows, coalesce(s.n_rows, 0) AS n_found, "
        "p.date IS NULL OR p.checksum IS NOT NULL AS known, "
        f"{same_writer} AS same_writer, p.computed_at, "
        f"p.checksum = coalesce(s.checksum, 0) # {of_publication('p')} AS same, {unknown} AS foreign_rows "
        f"FROM (SELECT * FROM {PUBLISHED}{published}) AS p "
        f"FULL JOIN ({stored(model, where(chosen), *ends)}) AS s USING (date, portfolio)) AS compared "
        "WHERE CASE WHEN published THEN same IS NOT TRUE OR NOT same_writer OR n_rows <> n_found "
        "ELSE foreign_rows END ORDER BY date, portfolio"
    )


def _by_date(found: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, list[str] | None]]:
    """Dates, and the portfolios of each; None in a date table."""
    for day in found["date"].unique():
        names = sorted(found.loc[found["date"] == day, "portfolio"])
        yield pd.Timestamp(day), None if names == [""] else names


def _accept(model: type[Table], day: pd.Timestamp, names: Sequence[str] | None, _: AuditStamp) -> str:
    target = Rectangle.of(model, [day], names)
    return (
        f"UPDATE {PUBLISHED} AS p SET n_rows = coalesce(s.n_rows, 0), "
        f"checksum = coalesce(s.checksum, 0) # {of_publication('p')} FROM "
        f"(SELECT table_name, portfolio, date FROM {PUBLISHED}{target.publications_condition}) AS k "
        f"LEFT JOIN ({stored(model, target.condition)}) AS s USING (date, portfolio) "
        "WHERE p.table_name = k.table_name AND p.portfolio = k.portfolio AND p.date = k.date"
    )


def _withdraw(model: type[Table], day: pd.Timestamp, names: Sequence[str] | None, stamp: AuditStamp) -> str:
    key = f"{literal(table_name(model))}, {{0}}, '{day:%Y-%m-%d}'::date, {stamp.literals}"
    keys = ", ".join(f"({key.format(literal(name))})" for name in names or [""])
    return (
        f"INSERT INTO {WITHDRAWN} (table_name, portfolio, date, run_id, code_version, computed_at) "
        f"VALUES {keys} ON CONFLICT DO NOTHING"
    )


def _delete(model: type[Table], day: pd.Timestamp, names: Sequence[str] | None) -> str:
    target = Rectangle.of(model, [day], names)
    portfolio = "t.portfolio" if names else "''"
    published = (
        f"SELECT FROM {PUBLISHED} AS p WHERE p.table_name = {literal(table_name(model))} "
        f"AND p.date = t.date AND p.portfolio = {portfolio}"
    )
    return f"DELETE FROM {schema.stored(model)} AS t{target.condition} AND NOT EXISTS ({published})"
