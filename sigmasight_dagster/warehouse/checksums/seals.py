"""Seals of the ledger: how many rows a portfolio has in each of its tables, and their checksum."""

from collections.abc import Sequence
from typing import Any, Final

from sigmasight_core.errors import InputError
from sigmasight_core.tables import TABLES, Kind, LedgerSeals, Table, facts, table_name
from sigmasight_dagster.warehouse.checksums.hashes import of_ledger
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.rows import AuditStamp
from sigmasight_dagster.warehouse.sql import literal, one_of, quoted, where

SEALS: Final = quoted(SCHEMA, table_name(LedgerSeals))


def ledger_tables() -> list[type[Table]]:
    """Tables of the ledger."""
    return [model for model in TABLES if facts(model).kind is Kind.LEDGER]


def stored(portfolios: Sequence[str] | None = None, models: Sequence[type[Table]] | None = None) -> str:
    """SELECT of table_name, portfolio, n_rows and checksum as they are; only where there are rows.

    :param portfolios: None = all. :param models: tables of the ledger; None = all.
    """
    these = "" if portfolios is None else where([one_of("portfolio", portfolios)])
    return " UNION ALL ".join(
        f"SELECT {literal(table_name(model))}::text AS table_name, t.portfolio, count(*) AS n_rows, "
        f"{of_ledger(model, 't')} AS checksum FROM {quoted(SCHEMA, table_name(model))} AS t{these} "
        "GROUP BY t.portfolio"
        for model in (ledger_tables() if models is None else models)
    )


def differing(portfolios: Sequence[str] | None = None) -> str:
    """SELECT of table_name, portfolio, n_rows (that a command stored) and n_found, where they differ."""
    these = "" if portfolios is None else where([one_of("portfolio", portfolios)])
    return (
        "SELECT table_name, portfolio, coalesce(w.n_rows, 0) AS n_rows, coalesce(s.n_rows, 0) AS n_found "
        f"FROM (SELECT * FROM {SEALS}{these}) AS w FULL JOIN ({stored(portfolios)}) AS s "
        "USING (table_name, portfolio) WHERE w.n_rows IS DISTINCT FROM s.n_rows "
        "OR w.checksum IS DISTINCT FROM s.checksum ORDER BY portfolio, table_name"
    )


def seal(cursor: Any, portfolio: str, stamp: AuditStamp, models: Sequence[type[Table]] | None = None) -> None:
    """Seal a portfolio's ledger as it is now, in the transaction that has stored it."""
    chosen = [] if models is None else [one_of("table_name", [table_name(model) for model in models])]
    these = where([one_of("portfolio", [portfolio]), *chosen])
    cursor.execute(f"DELETE FROM {SEALS}{these}")
    cursor.execute(_insert(stored([portfolio], models), stamp))


def require_sealed(cursor: Any, portfolio: str) -> None:
    """:raises InputError: if something else than a command has changed the portfolio's ledger."""
    cursor.execute(differing([portfolio]))
    tables = cursor.fetch_arrow_table()["table_name"].to_pylist()
    if tables:
        raise InputError(
            f"portfolio {portfolio}: {', '.join(tables)} changed by no command since the last one; "
            f"see `sigmasight verify {portfolio}`"
        )


def seal_every(stamp: AuditStamp) -> str:
    """INSERT of the seals of all that is stored, where there are none yet."""
    return _insert(stored(), stamp)


def _insert(selected: str, stamp: AuditStamp) -> str:
    return (
        f"INSERT INTO {SEALS} (table_name, portfolio, n_rows, checksum, run_id, code_version, computed_at) "
        f"SELECT table_name, portfolio, n_rows, checksum, {stamp.literals} FROM ({selected}) AS s"
    )
