"""Realised gains of a stored portfolio, from its transactions and the splits that are known now."""

from dataclasses import dataclass

import pandas as pd

from sigmasight_core.account.entries import entries
from sigmasight_core.account.gains import realized_gains
from sigmasight_core.account.lots import pieces, positions
from sigmasight_core.conventions import LotRule
from sigmasight_dagster.ledger import files
from sigmasight_dagster.ledger.accounts import known_splits, stored_rule
from sigmasight_dagster.runs.workspace import Workspace, utc_now


@dataclass(frozen=True)
class Realized:
    """Gains of closed lots: rows of `gains.realized_gains`, and by which rule.

    :param by_default: whether the portfolio never said a rule.
    :param settled: options that ended without a transaction: their settlement is not among the rows.
    :param outdated: whether the stored lots are others than those that follow from the splits known now.
    """

    rows: pd.DataFrame
    rule: LotRule
    by_default: bool
    settled: list[str]
    outdated: bool


def realized(workspace: Workspace, name: str, rule: LotRule | None = None) -> Realized:
    """What the sales of a portfolio have gained.

    :param rule: instead of its own.
    :raises InputError: where its transactions close more than is held.
    """
    own, said = stored_rule(workspace, name)
    rows = workspace.platform.warehouse.account(name)
    actions = known_splits(workspace, rows)
    read = entries(rows, corporate_actions=actions)
    used = rule or own
    made = pieces(read, used)
    gains = realized_gains(
        read,
        made,
        "average" if used == "average" else "lots",
        corporate_actions=actions,
        closes=_closes_of_split_offs(workspace, rows),
    )
    stored = workspace.platform.warehouse.positions([name])
    lots = positions(read, made if used == own else pieces(read, own))
    over = lots["exit_date"].isna() & (lots["expiry_date"] < utc_now().tz_localize(None).normalize())
    return Realized(gains, used, not said, sorted(lots.loc[over, "symbol"].unique()), _differ(lots, stored))


def _differ(lots: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the pieces are others; positions that are listed have their own ids."""
    columns = ["symbol", "entry_date", "exit_date", "quantity"]

    def plain(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[columns].round({"quantity": 6}).sort_values(columns, ignore_index=True)

    return not plain(lots).equals(plain(stored))


def _closes_of_split_offs(workspace: Workspace, rows: pd.DataFrame) -> pd.DataFrame:
    """Closes of what was split off, and of the parent, on its day."""
    made = rows[(rows["kind"] == "split_off") & (rows["parent"] != "")]
    both = pd.concat(
        [made[["date", "symbol"]], made[["date", "parent"]].rename(columns={"parent": "symbol"})]
    )
    return files.closes(workspace, both.drop_duplicates())
