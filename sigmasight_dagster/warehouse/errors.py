"""Errors of the warehouse, and how those of the database drivers become one line with a cure."""

import difflib
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from sigmasight_core.errors import InputError, SigmaSightError

_SERVER_MESSAGE = re.compile(r"\b(?:ERROR|FATAL|PANIC):\s+(.+)")
_DRIVER_PREFIX = re.compile(r"^[A-Z_]+: \[libpq\] (?:Failed to connect: )?")
_SQLSTATE = re.compile(r"SQLSTATE:? ([0-9A-Z]{5})")

_CURES = {
    "3F000": "schema 'sigmasight' is missing; run `sigmasight db migrate`",
    "42P01": "a table is missing; run `sigmasight db migrate`",
    "42703": "a column is missing, the tables are older than the code; run `sigmasight db migrate`",
    "42501": "this user may not do that; use a member of the role sigmasight_writer, or the owner",
    "55P03": "another program has been using the tables for a minute or more; try again when it has finished",
    "25006": "it can only be read; `sigmasight db check` says why",
    "53200": "the server has no memory for it; see max_locks_per_transaction with `sigmasight db check`",
    "53100": "the disk of the server is full; make space, and give the same command again",
}
_EMBEDDED_CURE = "run `sigmasight db start`, or check SIGMASIGHT_DATABASE_URL"
_EXTERNAL_CURE = "see whether that server runs and lets you in, or check SIGMASIGHT_DATABASE_URL"


class WarehouseError(SigmaSightError):
    """The database could not do what was asked; nothing of the call was stored."""


class WarehouseUnavailable(WarehouseError):
    """The database does not answer, or not in time: the same call may do in a moment."""


class LayoutTooOld(WarehouseError):
    """A table or column is missing that this version of the code has: the database is to be migrated."""


class MigrationError(WarehouseError):
    """The database's layout cannot be brought to the code's without loss."""


def unknown_portfolio(name: str, registered: Sequence[str]) -> InputError:
    """The error of a portfolio that is not registered: which one it may be, which there are, and the cure."""
    near = difflib.get_close_matches(name, registered, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return InputError(
        f"unknown portfolio '{name}'; {meant}registered: {', '.join(registered) or 'none'}; "
        f"import it: sigmasight import FILE {name}"
    )


def require_portfolios(names: Sequence[str], registered: Sequence[str]) -> None:
    """:raises InputError: when one of the names is not registered, or no portfolio is."""
    unknown = [name for name in names if name not in registered]
    if unknown:
        raise unknown_portfolio(unknown[0], registered)
    if not registered:
        raise InputError("no portfolio is registered: sigmasight import FILE NAME")


class UpstreamNotPublished(WarehouseError):
    """A computation needs partitions that were never published. `missing` holds them: date, portfolio."""

    def __init__(self, message: str, missing: pd.DataFrame) -> None:
        super().__init__(message)
        self.missing = missing


class InputsChanged(WarehouseError):
    """What results were computed from is not what counts any more: nothing of them was stored."""


def unreachable(where: str, error: Exception) -> WarehouseError:
    """A connection that could not be made. `where` names the database without its password.

    The embedded server is asked over a socket, which is a path; others mostly over a host.
    """
    cure = _EMBEDDED_CURE if where.startswith("/") else _EXTERNAL_CURE
    return WarehouseError(f"database {where}: not reachable ({server_message(error)}); {cure}")


def refused(where: str, error: Exception) -> WarehouseError:
    """A statement that failed, with the cure where there is one."""
    text = server_message(error)
    cure = _CURES.get(sqlstate(error) or "")
    return WarehouseError(f"database {where}: {text}" + (f": {cure}" if cure else ""))


def sqlstate(error: Any) -> str | None:
    """The five-character code of a psycopg2, SQLAlchemy or ADBC error, if the server sent one."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None)
    found = _SQLSTATE.search(str(cause))
    return code or (found.group(1) if found else None)


def server_message(error: Any) -> str:
    """What the server said, in one line, without statement and context."""
    text = str(getattr(error, "orig", None) or error)
    found = _SERVER_MESSAGE.search(text)
    line = found.group(1) if found else _DRIVER_PREFIX.sub("", text.strip()).partition("\n")[0]
    return line.strip().removesuffix(".")


def already_registered(
    name: str, n_changed: int, same_terms: bool, same_rule: bool, same_other: bool
) -> InputError:
    """A portfolio is there with another ledger. :param n_changed: its positions that differ."""
    differing = f"{n_changed} positions that differ"
    cash = "" if same_terms else " and another cash balance, margin or settlement"
    cash += "" if same_rule else " and another rule of lots"
    cash += "" if same_other else " and another benchmark"
    return InputError(
        f"portfolio {name}: already registered, with {differing}{cash}; use --replace to overwrite it"
    )
