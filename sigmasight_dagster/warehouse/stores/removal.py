"""What goes with a portfolio beside its ledger: its results, who may see it, what users keep by its name."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Grain,
    LedgerChanges,
    LedgerSeals,
    PortfolioGrants,
    Portfolios,
    Publications,
    Table,
    WithdrawnPartitions,
    grain,
    table_name,
)
from sigmasight_core.tables.access.managed import AlertRuleRows, Uploads
from sigmasight_core.tables.access.users import UserPortfolios
from sigmasight_dagster.warehouse.checksums import partitions
from sigmasight_dagster.warehouse.checksums.seals import seal
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import columns, rows_of_stored, stored
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.sql import literal, one_of, quoted
from sigmasight_dagster.warehouse.stores.history import locks
from sigmasight_dagster.warehouse.tables import copy_in

KEPT: Final = frozenset({LedgerChanges})
"""Operations tables whose rows of a portfolio stay when it is removed."""
_OWN: Final = KEPT | {Publications, WithdrawnPartitions, LedgerSeals}
"""Those, and what the stores of results and of the ledger look after."""
_ONLY: Final[dict[type[Table], str]] = {Uploads: " AND state = 'stored'"}
"""Which rows are the portfolio's: a file that was not stored is its sender's, whatever has the name."""


class Removed(NamedTuple):
    """How much of a portfolio there was. :ivar grants: users of the API and database roles that saw it."""

    positions: int
    partitions: int
    rows: int
    grants: int


class MendingStore(Reader):
    """What is decided about ledgers that no command has stored, and about results without one."""

    def accept_ledger(self, portfolio: str, stamp: AuditStamp) -> None:
        """Take a portfolio's ledger as it is stored for what a command stored."""
        with self._database.transaction(*locks(portfolio)) as cursor:
            seal(cursor, portfolio, stamp)

    def remove_results_of_nobody(self, portfolios: Sequence[str]) -> int:
        """Delete what is published for those of the portfolios that no command has ever registered.

        :returns: partitions. Results of a portfolio that was renamed by hand stay.
        """
        known = {*self.read(Portfolios)["portfolio"], *self.read(LedgerSeals)["portfolio"]}
        gone = 0
        for name in portfolios:
            if name not in known:
                with self._database.transaction(*locks(name)) as cursor:
                    gone += delete_results(cursor, name)[0]
        return gone


def delete_results(cursor: Any, portfolio: str) -> tuple[int, int]:
    """Delete them, those that no longer count as published too; the lock of ledgers keeps their writers out.

    :returns: partitions that were published, and rows.
    """
    published = partitions.delete(cursor, f" WHERE {one_of('portfolio', [portfolio])}")
    return published, sum(_delete(cursor, model, portfolio) for model in _models())


def require_owner(cursor: Any, portfolio: str, owner: str) -> None:
    """:raises InputError: when a portfolio is not this user's."""
    grants, mine = quoted(SCHEMA, table_name(UserPortfolios)), one_of("portfolio", [portfolio])
    cursor.execute(f"SELECT count(*) FROM {grants} WHERE {mine} AND email = {literal(owner)}")
    if cursor.fetchone() == (0,):
        raise InputError(f"the name {portfolio} cannot be used: choose another")


def hand_over(cursor: Any, portfolio: str, owner: str, stamp: AuditStamp) -> None:
    """Make a new portfolio its owner's alone, whoever saw an earlier one of its name; '' = nobody's."""
    delete_access(cursor, portfolio)
    if owner:
        mine = pd.DataFrame({"email": [owner], "portfolio": [portfolio]})
        copy_in(cursor, UserPortfolios, to_arrow(UserPortfolios, mine, stamp))


def delete_access(cursor: Any, portfolio: str) -> int:
    """Delete who may see a portfolio, and what is kept by its name: open sessions, rules, alerts, uploads.

    A later portfolio of the name is another one: nobody sees it, and no limit watches it, by what was said of
    this one. Saved what-ifs and the tables of KEPT stay, as the log of activity does.

    :returns: users of the API and roles of the database that saw it.
    """
    _leave_rules(cursor, portfolio)
    gone = {model: _delete(cursor, model, portfolio) for model in _of_portfolios()}
    return gone[UserPortfolios] + gone[PortfolioGrants]


def _models() -> Iterator[type[Table]]:
    return (model for model in TABLES if grain(model) is Grain.DATE_PORTFOLIO)


def _of_portfolios() -> Iterator[type[Table]]:
    """Operations tables with rows of single portfolios that go with them, beside those of results."""
    others = (model for model in OPERATIONS_TABLES if model not in _OWN)
    return (model for model in others if "portfolio" in columns(model))


def _leave_rules(cursor: Any, portfolio: str) -> None:
    """Delete added rules that are of this portfolio alone; of the others it is one no more."""
    rules, named = quoted(SCHEMA, table_name(AlertRuleRows)), "definition::jsonb -> 'portfolio'"
    left = f"({named}) - {literal(portfolio)}"
    of_it = f"{named} ? {literal(portfolio)}"
    cursor.execute(f"DELETE FROM {rules} WHERE {of_it} AND {left} = '[]'")
    cursor.execute(
        f"UPDATE {rules} SET definition = jsonb_set(definition::jsonb, '{{portfolio}}', {left})::text "
        f"WHERE {of_it}"
    )


def _delete(cursor: Any, model: type[Table], portfolio: str) -> int:
    mine = f"{one_of('portfolio', [portfolio])}{_ONLY.get(model, '')}"
    gone = f"DELETE FROM {stored(model)} WHERE {mine} RETURNING {rows_of_stored(model)} AS n"
    cursor.execute(f"WITH gone AS ({gone}) SELECT coalesce(sum(n), 0)::bigint FROM gone")
    return int(cursor.fetchone()[0])
