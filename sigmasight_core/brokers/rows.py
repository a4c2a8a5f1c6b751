"""Checked rows as transactions."""

import numpy as np
import pandas as pd


def ledger_rows(kept: pd.DataFrame, portfolio: str, source: str) -> pd.DataFrame:
    """Rows of `tables.Transactions`.

    :param kept: rows of `amounts.with_amounts`, in their order.
    """
    n_rows = len(kept)
    text = {
        "portfolio": [portfolio] * n_rows,
        "transaction_id": transaction_ids(kept).to_list(),
        "lot": [""] * n_rows,
        "source": [source] * n_rows,
        "inferred": [""] * n_rows,
    }
    rows = pd.DataFrame(
        {
            **{name: pd.Series(values, dtype="str") for name, values in text.items()},
            "date": kept["date"].to_numpy(dtype="datetime64[ns]"),
            "quantity": kept["quantity"].to_numpy(dtype=float) + 0.0,
            "price": kept["price"].to_numpy(dtype=float),
            "fees": np.nan_to_num(kept["fees"].to_numpy(dtype=float)) + 0.0,
            "amount": kept["amount"].to_numpy(dtype=float) + 0.0,
            "source_line": kept["line"].to_numpy(dtype="int64"),
        }
    )
    for name, given in {"kind": "kind", "symbol": "symbol", "parent": "parent", "external_id": "id"}.items():
        rows[name] = kept[given].fillna("").astype("str").to_numpy()
    rows["note"] = kept["note"].str.split().str.join(" ").fillna("").astype("str").to_numpy()
    order = (
        "portfolio transaction_id date kind symbol quantity price fees amount lot parent note source "
        "source_line external_id inferred"
    )
    texts = ("kind", "symbol", "parent", "external_id", "note")
    return rows[order.split()].astype(dict.fromkeys(texts, "str"))


def transaction_ids(rows: pd.DataFrame) -> "pd.Series[str]":
    """date/kind/symbol of each row; the second like it of a day ends with #2, and so on."""
    ids = rows["date"].dt.strftime("%Y-%m-%d") + "/" + rows["kind"] + "/" + rows["symbol"].fillna("")
    number = rows.groupby(["date", "kind", "symbol"], dropna=False).cumcount() + 1
    return ids.mask(number > 1, ids + "#" + number.astype("str")).astype("str")
