"""Results of before portfolios were accounts: their total value lacks what was sold and settled."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from sigmasight_core.arrays.found import found_in
from sigmasight_core.tables import (
    Grain,
    PortfolioCash,
    PortfolioSnapshots,
    PositionValues,
    Table,
    table_name,
)
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.warehouse import Warehouse

COLUMNS: Final = ["table_name", "date", "portfolio", "computed_at", "changed_at", "cause"]
CAUSE: Final = "total value of before portfolios were accounts"
_EVER: Final = (pd.Timestamp("1990-01-01"), pd.Timestamp("2200-01-01", tz="UTC"))


def without_account(warehouse: Warehouse, assets: Sequence[RiskAsset]) -> pd.DataFrame:
    """Published snapshots whose account was never computed, with what is to be computed before and after.

    :returns: rows as `stale.stale` returns them; the account is among them, as of the snapshot's time.
        Results whose detail retention deleted are final.
    """
    snapshots = warehouse.computed(PortfolioSnapshots, *_EVER)
    accounts = warehouse.published(PortfolioCash)
    keys = ["date", "portfolio"]
    detailed = warehouse.published(PositionValues)
    known, live = (found_in(snapshots, rows, keys) for rows in (accounts, detailed))
    old = snapshots.loc[live & ~known, [*keys, "computed_at"]]
    if old.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows = old.assign(changed_at=old["computed_at"], cause=CAUSE)
    models: list[type[Table]] = [PortfolioCash, *_after(PortfolioSnapshots, assets)]
    names = [table_name(model) for model in models]
    return pd.concat([rows.assign(table_name=name) for name in names], ignore_index=True)[COLUMNS]


def _after(model: type[Table], assets: Sequence[RiskAsset]) -> list[type[Table]]:
    """The table and those by portfolio that are computed from it, upstream first."""
    found = [model]
    for asset in assets:
        reads = {item.model for item in asset.inputs} & set(found)
        if reads and asset.grain is Grain.DATE_PORTFOLIO:
            found += [table for table in asset.tables if table not in found]
    return found
