"""What an import or an edit changes in a portfolio's ledger, as rows of its history."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

_ID = r"^([^#]*)#?(.*)$"
COLUMNS = ["position_id", "action", "before", "after"]


def position_changes(*, stored: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """One row per position that is not the same in both, ordered by id.

    :param stored: and `wanted`: rows of `tables.Positions` of one portfolio.
    :returns: columns COLUMNS; action added, changed or removed, `before` and `after` the position as JSON,
        missing where there was or is none.
    """
    both = pd.concat([stored, wanted], ignore_index=True)
    differing = ~both.duplicated(keep=False).to_numpy()
    if not differing.any():
        return pd.DataFrame(columns=COLUMNS, dtype="str")
    old = stored[differing[: len(stored)]].set_index("position_id")
    new = wanted[differing[len(stored) :]].set_index("position_id")
    ids = old.index.union(new.index)
    before, after = (pd.Series(_texts(rows), index=rows.index).reindex(ids) for rows in (old, new))
    action = np.select([before.isna(), after.isna()], ["added", "removed"], "changed")
    frame = pd.DataFrame(
        {"position_id": ids, "action": action, "before": before.to_numpy(), "after": after.to_numpy()}
    )
    return frame.astype(dict.fromkeys(COLUMNS, "str"))


def transaction_changes(*, stored: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """As `position_changes`, of transactions that were stated, by their id.

    Those that a list of positions stands for change with the positions, that of the cash with the cash.

    :param stored: and `wanted`: rows of `tables.Transactions` of one portfolio.
    """
    stated = (
        rows[rows["inferred"] == ""].rename(columns={"transaction_id": "position_id"})
        for rows in (stored, wanted)
    )
    return position_changes(stored=next(stated), wanted=next(stated))


def with_stored_ids(*, stored: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """The wanted positions, lots that are stored already under their stored ids.

    Lots of one symbol and day differ by a number alone (`#2`), which follows the order of a file. In another
    order they are the same lots, so that a lot is known by what it is.

    :param stored: and `wanted`: rows of `tables.Positions` of one portfolio.
    """
    if not wanted["position_id"].str.contains("#", regex=False).any() and not (
        stored["position_id"].str.contains("#", regex=False).any()
    ):
        return wanted
    facts = [name for name in wanted.columns if name != "position_id"]
    same = [*facts, "_number"]
    old, new = (
        rows.assign(_number=rows.groupby(facts, dropna=False).cumcount()) for rows in (stored, wanted)
    )
    known = new[same].merge(old[[*same, "position_id"]], how="left", on=same)["position_id"].to_numpy()
    ids = pd.Series(known, index=wanted.index, dtype="str")
    taken = ids.dropna()
    own = wanted["position_id"]
    ids = ids.fillna(own.mask(own.isin(taken)))
    return wanted.assign(position_id=numbered(ids, own, pd.concat([stored["position_id"], own])))


def numbered(ids: "pd.Series[str]", wanted: "pd.Series[str]", taken: "pd.Series[str]") -> "pd.Series[str]":
    """Ids with the missing ones filled: the wanted id with the next numbers that are not taken."""
    missing = ids.isna()
    base = wanted[missing].str.extract(_ID, expand=True)[0]
    parts = taken.str.extract(_ID, expand=True)
    number = pd.to_numeric(parts[1].replace("", "1")).astype(int)
    last = number.groupby(parts[0]).max().reindex(base).fillna(0).to_numpy(dtype=int)
    following = last + base.groupby(base).cumcount().to_numpy() + 1
    return ids.fillna(base + "#" + pd.Series(following, index=base.index).astype("str"))


def cash_change(before: Mapping[str, object] | None, after: Mapping[str, object] | None) -> pd.DataFrame:
    """One row (or none) that says that the cash changed, whether it may be negative, or the benchmark.

    :param before: and `after`: `cash`, and `margin` and `benchmark` where they were said; None = there is no
        such portfolio.
    """
    texts = [None if facts is None else json.dumps(facts) for facts in (before, after)]
    rows = [] if before == after else [["", "cash", *texts]]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS, "str"))


def _texts(rows: pd.DataFrame) -> list[str]:
    plain = rows.drop(columns="portfolio")
    dates = plain.select_dtypes("datetime").columns
    plain = plain.assign(**{name: plain[name].dt.strftime("%Y-%m-%d") for name in dates}).astype(object)
    return [json.dumps(row) for row in plain.where(plain.notna(), None).to_dict("records")]
