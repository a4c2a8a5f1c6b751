"""Short sales that a history does not call so: to sell more than is held opens a short, to buy covers one."""

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import Entries
from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.ledger.line_order import happened


def netted(entries: Entries) -> pd.DataFrame:
    """The transactions with buys and sells split into what closes and what opens, by the net quantity held.

    A sell of 100 with 60 held is a sell of 60 and a short of 40 of the same line, fees and amount in
    proportion; a buy with 40 short is a cover of 40 first. What one name cannot be both long and short of.

    :returns: rows of `tables.Transactions`; the second part of a row has `/2` at the end of its id.
    """
    rows = entries.rows
    bought = rows["kind"].isin(("buy", "cover")).to_numpy()
    sold = rows["kind"].isin(("sell", "short")).to_numpy()
    quantity = entries.quantity / entries.ratio
    other = ~(bought | sold) & (entries.symbol >= 0)
    effect = np.where(entries.opens, 1.0, -1.0) * entries.side * quantity
    change = np.where(bought, quantity, np.where(sold, -quantity, np.where(other, effect, 0.0)))
    ordered = _as_it_happened(entries)
    held = pd.Series(change[ordered]).groupby(entries.symbol[ordered]).cumsum().to_numpy()
    before = np.empty_like(change)
    before[ordered] = held - change[ordered]
    closes = np.where(bought, np.maximum(-before, 0.0), np.where(sold, np.maximum(before, 0.0), 0.0))
    closed = np.minimum(closes, quantity)
    share = np.divide(closed, quantity, out=np.zeros(len(rows)), where=quantity > 0)
    share = np.where(np.abs(share - np.round(share)) < 1e-9, np.round(share), share)
    traded = bought | sold
    shut = np.where(share < 1.0, closed * entries.ratio, entries.quantity)
    given = rows["quantity"].to_numpy(dtype=float)
    first = _part(
        rows,
        np.where(traded, shut, given),
        np.where(traded, share, 1.0),
        traded,
        np.where(bought, "cover", "sell"),
        "",
    )
    rest = _part(
        rows,
        given - shut,
        np.where(traded, 1.0 - share, 0.0),
        traded,
        np.where(bought, "buy", "short"),
        np.where((share > 0) & (share < 1), "/2", ""),
    )
    both = pd.concat([first, rest]).sort_index(kind="stable")
    return both.reset_index(drop=True)


def _as_it_happened(entries: Entries) -> np.ndarray:
    """Within a day by line, up or down: whether a sale opens a short depends on what came before it."""
    return np.lexsort((np.arange(len(entries.rows)), happened(entries.rows), entries.day))


def _part(
    rows: pd.DataFrame,
    quantity: Floats,
    share: Floats,
    traded: Bools,
    kind: np.ndarray,
    suffix: "str | np.ndarray",
) -> pd.DataFrame:
    """The rows with a part of their quantity and its share of fees and amount; those without are left out."""
    part = rows.assign(
        kind=np.where(traded, kind, rows["kind"]),
        transaction_id=rows["transaction_id"] + pd.Series(suffix, index=rows.index, dtype="str"),
        quantity=quantity,
        **{name: rows[name] * share for name in ("fees", "amount")},
    )
    return part[share > 0]
