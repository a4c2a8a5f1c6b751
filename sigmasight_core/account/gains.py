"""Realised gains of closings, by the cost of the lots that they close or by the average cost."""

from typing import Literal

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import Entries
from sigmasight_core.account.lots import Pieces
from sigmasight_core.account.matching import DUST
from sigmasight_core.arrays.as_of import codes_of, timestamps
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.market.corporate_actions import Splits

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


def realized_gains(
    entries: Entries,
    made: Pieces,
    rule: CostRule = "lots",
    *,
    corporate_actions: pd.DataFrame,
    closes: pd.DataFrame,
) -> pd.DataFrame:
    """Gain of every closed piece: proceeds - cost for a long, what was received - what was paid for a short.

    What leaves in kind gains nothing. An exercise or assignment closes its option at nothing.

    :param rule: 'lots', the entry price of the lot, or 'average', the average cost at the closing.
    :param corporate_actions: and `closes` (date, symbol, close): see `piece_costs`.
    :returns: portfolio, symbol, entry_date, exit_date, quantity (signed, of the exit's day), proceeds, cost
        and gain (USD, before fees; NaN where the cost is not known), ordered by exit.
    """
    rows = entries.rows
    left = rows["kind"].isin(("transfer_out", "split_off")).to_numpy()
    closed = np.flatnonzero((made.closing >= 0) & ~left[made.closing])
    opening, closing = made.opening[closed], made.closing[closed]
    price = np.nan_to_num(
        rows["price"].mask(rows["kind"].isin(("exercise", "assignment")), 0.0).to_numpy(dtype=float)
    )
    quantity = made.quantity[closed] * entries.ratio[closing] / entries.ratio[opening]
    shares = quantity * entries.multiplier[closing]
    proceeds = shares * price[closing]
    if rule == "average":
        cost = shares * average_costs(entries)[closing]
    else:
        cost = piece_costs(entries, made, corporate_actions=corporate_actions, closes=closes)[closed]
    return (
        pd.DataFrame(
            {
                "portfolio": rows["portfolio"].to_numpy()[closing],
                "symbol": rows["symbol"].to_numpy()[closing],
                "entry_date": rows["date"].to_numpy()[opening],
                "exit_date": rows["date"].to_numpy()[closing],
                "quantity": quantity,
                "proceeds": proceeds,
                "cost": cost,
                "gain": proceeds - cost,
            }
        )
        .sort_values(["exit_date", "portfolio", "symbol"], kind="stable")
        .reset_index(drop=True)
    )


def piece_costs(
    entries: Entries, made: Pieces, *, corporate_actions: pd.DataFrame, closes: pd.DataFrame
) -> Floats:
    """What each piece (m) has cost, in USD, negative for a short: its price, after split-offs.

    A split-off takes its share of the cost of every piece of the parent that was opened before: the value of
    the new shares over that of both, at the closes of its day. All costs together stay what they were. A lot
    that is split off in turn hands on what it took: the sums are made again for each generation.

    :param corporate_actions: rows of `tables.CorporateActions` since the first date.
    :param closes: date, symbol and close of each split-off and its parent, on its day; without one the costs
        that follow from it are NaN.
    """
    rows, opening, closing = entries.rows, made.opening, made.closing
    free = (rows["kind"] == "split_off").to_numpy()
    price = np.where(free, 0.0, np.nan_to_num(rows["price"].to_numpy(dtype=float)))
    paid = made.quantity * entries.multiplier[opening] * price[opening]
    at = np.flatnonzero(free & (rows["parent"] != "").to_numpy())
    if not at.size:
        return paid
    key = rows["portfolio"] + "|" + rows["symbol"]
    parent = (rows["portfolio"] + "|" + rows["parent"]).to_numpy()[at]
    day = entries.day
    gone = np.where(closing >= 0, day[np.maximum(closing, 0)], np.iinfo(np.int64).max)
    gives = (key.to_numpy()[opening][:, None] == parent) & (day[opening][:, None] < day[at])
    gives &= gone[:, None] >= day[at]
    held = np.where(gives, (made.quantity / entries.ratio[opening])[:, None], 0.0).sum(axis=0)
    names = pd.Index(rows["parent"].iloc[at].unique())
    codes = codes_of(names, rows["parent"].iloc[at])
    ratio = Splits.of(names, corporate_actions).ratio(codes, after=np.zeros_like(day[at]), until=day[at])
    new = (entries.side * entries.quantity)[at] * _closes(closes, rows["symbol"].iloc[at], day[at])
    old = held * ratio * _closes(closes, rows["parent"].iloc[at], day[at])
    share = np.where(
        gives, np.divide(new, new + old, out=np.full(len(at), np.nan), where=new + old != 0), 0.0
    )
    kept = np.cumprod(1.0 - share, axis=1)
    before = np.c_[np.ones(len(opening)), kept[:, :-1]]
    received = opening[:, None] == at
    part = np.where(received, made.quantity[:, None], 0.0)
    part = part / np.where(received.any(axis=0), part.sum(axis=0), 1.0)
    cost = paid
    for _ in at:
        taken = np.where(gives, cost[:, None] * before * share, 0.0).sum(axis=0)
        cost = paid + np.where(received, part * taken, 0.0).sum(axis=1)
    return cost * kept[:, -1]


def _closes(closes: pd.DataFrame, symbols: "pd.Series[str]", day: Ints) -> Floats:
    """The close of each symbol on each day; NaN = there is none."""
    known = closes.drop_duplicates(["date", "symbol"]).set_index(["date", "symbol"])["close"]
    wanted = pd.MultiIndex.from_arrays([timestamps(day), symbols], names=["date", "symbol"])
    return known.reindex(wanted).to_numpy(dtype=float)
