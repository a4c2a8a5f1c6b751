"""A file that somebody sent to make a portfolio of: checked as an import checks it, then stored."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from sigmasight_core.brokers.repeats import Repeats
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster.ledger import files, histories, statements
from sigmasight_dagster.ledger.accounts import Account, ListedAccount, Stated, account_of, listed
from sigmasight_dagster.ledger.benchmark import checked_benchmark
from sigmasight_dagster.ledger.histories import Reading
from sigmasight_dagster.runs.workspace import Workspace

MOST_ROWS: Final = 10_000
_REPORTED: Final = ["line", "column", "value", "reason"]


@dataclass(frozen=True)
class Sent:
    """A file and what was said beside it.

    :param form: auto, positions, or the name of a broker's preset.
    :param allow_short: and `repeats`: of a history, as of an import.
    """

    portfolio: str
    file_name: str
    text: bytes
    stated: Stated = field(default_factory=Stated)
    form: str = histories.AUTO
    shares_of: SharesOf = "entry"
    allow_unpriced: bool = False
    allow_short: bool = False
    repeats: Repeats = "once"


@dataclass(frozen=True)
class Checked:
    """What a file says. :param account: what is to be stored; None while a row is bad.

    :param errors: and `warnings`: columns line, column, value, reason; without a line it is the whole file.
    """

    read_as: str
    account: Account | ListedAccount | None
    errors: pd.DataFrame
    warnings: pd.DataFrame

    @property
    def lots(self) -> pd.DataFrame:
        """Rows of `tables.Positions`; none while a row is bad."""
        return pd.DataFrame() if self.account is None else self.account.lots

    @property
    def summary(self) -> dict[str, Any]:
        """Counts and rows, as JSON takes them."""
        return {
            "read_as": self.read_as,
            "positions": len(self.lots),
            "cash_usd": None if self.account is None else float(self.account.cash),
            "errors": _rows(self.errors),
            "warnings": _rows(self.warnings),
        }


def check(workspace: Workspace, sent: Sent) -> Checked:
    """Read the file by the rules of `sigmasight import`; nothing is stored.

    A file that cannot be read as a whole, or sells what is not held, has one error without a line.
    """
    try:
        return _check(workspace, sent)
    except InputError as error:
        lines = str(error).splitlines()
        return Checked("", None, _whole(lines), _whole([]))


def store(
    workspace: Workspace, checked: Checked, *, replaces: bool, command: str, owner: str
) -> tuple[str, list[str]]:
    """Store what was checked: 'created', 'unchanged' or 'replaced', and doubts of its stated balances.

    :param owner: address of the user whose it becomes, or whose it must be if it is there.

    :raises InputError: while a row is bad, or the portfolio is there and not to be replaced.
    """
    if checked.account is None:
        raise InputError("a row of it is bad: nothing is stored; mend the file and send it again")
    result = checked.account.save(workspace, replace=replaces, command=command, owner=owner)
    return result, statements.doubts(workspace, checked.account.name)


def _check(workspace: Workspace, sent: Sent) -> Checked:
    benchmark, note = checked_benchmark(workspace, sent.stated.benchmark)
    sent = replace(sent, stated=replace(sent.stated, benchmark=benchmark))
    preset = histories.chosen(workspace.settings, sent.text, sent.file_name, sent.form, None)
    if preset is None:
        made = _listed(workspace, sent)
    else:
        how = Reading(sent.allow_unpriced, sent.repeats)
        read = histories.parse(workspace.platform, sent.text, sent.portfolio, sent.file_name, preset, how)
        warnings = histories.warnings_of(workspace, read)
        account = None
        if read.errors.empty and len(read.transactions):
            account = account_of(
                workspace,
                sent.portfolio,
                sent.file_name,
                read.transactions,
                allow_short=sent.allow_short,
                stated=sent.stated,
            )
        made = _with_rows(Checked(preset.name, account, read.errors, warnings), sent)
    return replace(made, warnings=pd.concat([made.warnings, _whole([note])])) if note else made


def _listed(workspace: Workspace, sent: Sent) -> Checked:
    parsed = files.parse(
        workspace,
        sent.text,
        sent.portfolio,
        sent.file_name,
        allow_unpriced=sent.allow_unpriced,
        shares_of=sent.shares_of,
        cure="shares_of=",
    )
    good = parsed.errors.empty and len(parsed.positions)
    account = (
        listed(workspace, sent.portfolio, sent.file_name, parsed.positions, sent.stated) if good else None
    )
    return _with_rows(Checked("positions", account, parsed.errors, parsed.warnings), sent)


def _with_rows(checked: Checked, sent: Sent) -> Checked:
    """The check, with an error where there is no row at all."""
    if checked.account is not None or len(checked.errors):
        return checked
    return replace(checked, errors=_whole([f"{sent.file_name}: no row"]))


def _whole(reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame([[None, "", "", reason] for reason in reasons], columns=_REPORTED)


def _rows(report: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "line": None if pd.isna(line) else int(line),
            "column": str(column),
            "value": str(value),
            "reason": str(reason),
        }
        for line, column, value, reason in report[_REPORTED].to_numpy(dtype=object)
    ]
