"""Realised gains of closings, by the cost of the lots that they close or by the average cost."""

from typing import Literal

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import Entries
from sigmasight_core.account.lots import Pieces
from sigmasight_core.account.matching import DUST
from sigmasight_core.arrays.types import Floats

CostRule = Literal["lots", "average"]


def average_costs(entries: Entries) -> Floats:
    """Average entry price, in units of the day, of what each entry (n) leaves, or finds if it closes.

    An opening adds its cost, a closing takes its share of it: C(t) = C(t-1) (1 - sold / held). Between two
    moments at which nothing is held, with F the product of the (1 - sold / held), C(t) = F(t) sum of
    cost(s) / F(s), which is one cumulative product and one cumulative sum. NaN for cash alone.

    :param entries: without a closing of more than is held (see `lots.oversold`).
    """
    group = np.where(entries.symbol >= 0, 2 * entries.symbol + (entries.side < 0), -1)
    quantity, opens = entries.quantity / entries.ratio, entries.opens
    # what a split-off brings is free, as in `lots.positions`
    price = np.where(entries.rows["kind"] == "split_off", 0.0, entries.rows["price"].to_numpy(dtype=float))
    cost = np.where(opens, quantity * np.nan_to_num(price) * entries.ratio, 0.0)
    frame = pd.DataFrame({"group": group, "change": np.where(opens, quantity, -quantity)})
    held = frame.groupby("group")["change"].cumsum().to_numpy()
    size = frame["change"].abs().groupby(frame["group"]).cumsum().to_numpy()
    before = held - frame["change"].to_numpy()
    empty = np.abs(before) <= DUST * np.maximum(size, 1.0)
    frame["spell"] = pd.Series(empty).groupby(frame["group"]).cumsum()
    by = [frame["group"], frame["spell"]]
    kept = np.where(opens, 1.0, 1.0 - np.divide(quantity, before, out=np.zeros_like(held), where=~empty))
    # the last closing of a spell leaves nothing: its factor is not needed, and 0 would divide
    factor = pd.Series(np.where(np.abs(kept) <= DUST, 1.0, kept)).groupby(by).cumprod().to_numpy()
    total = factor * pd.Series(cost / factor).groupby(by).cumsum().to_numpy()
    basis = np.where(opens, total, total / np.where(np.abs(kept) <= DUST, 1.0, kept))
    amount = np.where(opens, held, before)
    average = np.divide(basis, amount, out=np.full(len(held), np.nan), where=amount > 0)
    return np.where(group >= 0, average / entries.ratio, np.nan)


def realized_gains(entries: Entries, made: Pieces, rule: CostRule = "lots") -> pd.DataFrame:
    """Gain of every closed piece: proceeds - cost for a long, what was received - what was paid for a short.

    :param rule: 'lots', the entry price of the lot, or 'average', the average cost at the closing.
    :returns: portfolio, symbol, entry_date, exit_date, quantity (signed, of the exit's day), proceeds, cost
        and gain (USD, before fees), ordered by exit.
    """
    closed = np.flatnonzero(made.closing >= 0)
    opening, closing = made.opening[closed], made.closing[closed]
    rows, price = entries.rows, np.nan_to_num(entries.rows["price"].to_numpy(dtype=float))
    quantity = made.quantity[closed] * entries.ratio[closing] / entries.ratio[opening]
    free = (rows["kind"] == "split_off").to_numpy()[opening]
    own = np.where(free, 0.0, price[opening]) * entries.ratio[opening] / entries.ratio[closing]
    unit = average_costs(entries)[closing] if rule == "average" else own
    shares = quantity * entries.multiplier[closing]
    return (
        pd.DataFrame(
            {
                "portfolio": rows["portfolio"].to_numpy()[closing],
                "symbol": rows["symbol"].to_numpy()[closing],
                "entry_date": rows["date"].to_numpy()[opening],
                "exit_date": rows["date"].to_numpy()[closing],
                "quantity": quantity,
                "proceeds": shares * price[closing],
                "cost": shares * unit,
                "gain": shares * (price[closing] - unit),
            }
        )
        .sort_values(["exit_date", "portfolio", "symbol"], kind="stable")
        .reset_index(drop=True)
    )
