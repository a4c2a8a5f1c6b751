"""What an import or an edit changes in a portfolio's ledger, as rows of its history."""

import json

import numpy as np
import pandas as pd

COLUMNS = ["position_id", "action", "before", "after"]


def position_changes(*, stored: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """One row per position that is not the same in both, ordered by id.

    :param stored: and `wanted`: rows of `tables.Positions` of one portfolio.
    :returns: columns COLUMNS; action added, changed or removed, `before` and `after` the position as JSON,
        missing where there was or is none.
    """
    both = pd.concat([stored, wanted], ignore_index=True)
    differing = ~both.duplicated(keep=False).to_numpy()
    old = stored[differing[: len(stored)]].set_index("position_id")
    new = wanted[differing[len(stored) :]].set_index("position_id")
    ids = old.index.union(new.index)
    before, after = (pd.Series(_texts(rows), index=rows.index).reindex(ids) for rows in (old, new))
    action = np.select([before.isna(), after.isna()], ["added", "removed"], "changed")
    frame = pd.DataFrame(
        {"position_id": ids, "action": action, "before": before.to_numpy(), "after": after.to_numpy()}
    )
    return frame.astype(dict.fromkeys(COLUMNS, "str"))


def cash_change(before: float | None, after: float | None) -> pd.DataFrame:
    """One row (or none) that says that the cash changed; None = the portfolio did not, or does not, exist."""
    texts = [None if cash is None else json.dumps({"cash": cash}) for cash in (before, after)]
    rows = [] if before == after else [["", "cash", *texts]]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS, "str"))


def _texts(rows: pd.DataFrame) -> list[str]:
    plain = rows.drop(columns="portfolio")
    dates = plain.select_dtypes("datetime").columns
    plain = plain.assign(**{name: plain[name].dt.strftime("%Y-%m-%d") for name in dates}).astype(object)
    return [json.dumps(row) for row in plain.where(plain.notna(), None).to_dict("records")]
