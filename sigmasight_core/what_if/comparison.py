"""A portfolio without and with hypothetical trades: every number of the portfolio tables side by side."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.tables import Table, columns_by_role, primary_key, table_name

_OF_A_POSITION: Final = {"position_id", "symbol", "symbol_1", "symbol_2", "transaction_id", "dimension"}


def compare(
    computed: Mapping[type[Table], pd.DataFrame],
    today: str,
    hypothetical: str,
    left_out: Sequence[str] = (),
) -> pd.DataFrame:
    """Every number of the tables by portfolio, without and with the trades.

    Tables with a row for each position, group of positions, symbol or delivery are left out: what they say
    is in the sums. So are arrays, which are no single numbers.

    :param computed: validated rows of portfolio tables on one date, of the two portfolios named.
    :param left_out: scenarios that are kept for comparison alone.
    :returns: `table_name`, `item` (key within the portfolio), `measure` (column), `unit`, `today`,
        `what_if`, `change` and `status`, in the order of the tables; NaN where the status says why.
    """
    parts = [
        _compared(
            model,
            rows[~rows["scenario"].isin(left_out)] if "scenario" in rows else rows,
            today,
            hypothetical,
        )
        for model, rows in computed.items()
        if len(rows) and not _OF_A_POSITION & set(primary_key(model))
    ]
    return pd.concat(parts, ignore_index=True)


def _compared(model: type[Table], rows: pd.DataFrame, today: str, hypothetical: str) -> pd.DataFrame:
    sides = [_long(model, rows[rows["portfolio"] == name]) for name in (today, hypothetical)]
    both = sides[0].merge(
        sides[1], how="outer", on=["item", "measure", "unit"], sort=False, suffixes=("", "_")
    )
    order = pd.concat(sides)[["item", "measure"]].drop_duplicates()
    both = order.merge(both, on=["item", "measure"], how="left")
    before, after = both["status"].fillna("no such row"), both["status_"].fillna("no such row")
    differing = "today: " + before + "; what-if: " + after
    return pd.DataFrame(
        {
            "table_name": table_name(model),
            "item": both["item"],
            "measure": both["measure"],
            "unit": both["unit"],
            "today": both["number"],
            "what_if": both["number_"],
            "change": both["number_"] - both["number"],
            "status": before.where(before == after, differing),
        }
    ).astype({"table_name": "str"})


def _long(model: type[Table], rows: pd.DataFrame) -> pd.DataFrame:
    """One row per key and value column: item, measure, unit, number, status."""
    keys = [name for name in primary_key(model) if name not in ("date", "portfolio")]
    columns = model.to_schema().columns
    measures = [name for name in columns_by_role(model, "value") if not columns[name].metadata.get("vector")]
    item = pd.Series("", index=rows.index, dtype="str")
    for number, name in enumerate(keys):
        item = item + (" / " if number else "") + rows[name].astype("str")
    units = {name: str((columns[name].metadata or {})["unit"]) for name in measures}
    wide = rows[measures].astype(float).assign(item=item, status=rows["status"].astype("str"))
    own = rows["unit"].astype("str") if "unit" in rows else pd.Series("", index=rows.index, dtype="str")
    long = wide.assign(own=own).melt(["item", "status", "own"], measures, "measure", "number")
    unit = long["measure"].map(units).astype("str")
    place = pd.Series(np.tile(np.arange(len(rows)), len(measures)), index=long.index)
    return (
        long.assign(unit=unit.where(unit != "as `unit`", long["own"]), measure=long["measure"].astype("str"))
        .iloc[np.argsort(place, kind="stable")]
        .drop(columns="own")
        .reset_index(drop=True)
    )
