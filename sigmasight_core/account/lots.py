"""Lots from transactions: rows of `tables.Positions`, one for each piece of an opening transaction.

A partial exit splits its lot: the exited piece has the exit's date and price, the rest stays open. Quantities
are those of the entry date: a sale after a 2-for-1 split of 100 shares closes 50 of the entry's shares, and
what was 100 at 40 stands beside an exit at twice the price that was paid for the new share. An option that no
transaction ends has no exit: it settles by itself at its expiry.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import Entries
from sigmasight_core.account.matching import DUST, Matches, by_priority, excess, first_in_first_out
from sigmasight_core.arrays.as_of import timestamps
from sigmasight_core.arrays.types import Floats, Ints, Texts
from sigmasight_core.conventions import LotRule
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import numbered


class Pieces(NamedTuple):
    """Pieces (m) of lots: the entries that open and close them."""

    opening: Ints
    closing: Ints
    """-1 = still open, or it settles at its expiry."""
    quantity: Floats
    """Signed, negative = short, in units of the entry's day."""


def oversold(entries: Entries) -> pd.DataFrame:
    """Closings of more than is held: what an importer refuses, or reads as a short (see `netting`).

    :returns: columns `entry` (row of the entries), `source_line`, `symbol`, `quantity` (of the day's units)
        and `excess` (how much of it nothing was held of).
    """
    groups = _groups(entries)
    beyond = excess(groups, entries.quantity / entries.ratio, entries.closes) * entries.ratio
    at = np.flatnonzero(beyond > 0)
    found = entries.rows.iloc[at][["source_line", "symbol", "quantity"]].reset_index(drop=True)
    return found.assign(excess=beyond[at]).reset_index(names="entry").assign(entry=at)


def pieces(entries: Entries, rule: LotRule = "fifo") -> Pieces:
    """Match closings with openings: by the lot that they name, else by the rule, long and short apart.

    :param rule: 'fifo', the first opened first; 'highest', the highest entry price (of today's units) first;
        'average', as fifo: it says what a sale gains (see `gains`), and a lot keeps the price that was paid.
    :raises InputError: for a closing of more than is held; names the first.
    """
    beyond = oversold(entries)
    if len(beyond):
        first = entries.rows.iloc[int(beyond["entry"].iloc[0])]
        raise InputError(
            f"{first['source']}, line {first['source_line']}: {first['kind']} of {first['quantity']:g} "
            f"{first['symbol']} on {first['date']:%Y-%m-%d} is {beyond['excess'].iloc[0]:g} more than is "
            "held; correct it, or allow short sales"
        )
    groups, quantity = _groups(entries), entries.quantity / entries.ratio
    named = entries.closes & (entries.rows["lot"] != "").to_numpy()
    if rule != "highest" and not named.any():
        found = first_in_first_out(groups, quantity, entries.closes)
    else:
        found = _matched_by_priority(entries, groups, quantity, rule)
    signed = found.quantity * entries.ratio[found.opening] * entries.side[found.opening]
    return Pieces(found.opening, found.closing, _as_given(entries, found, signed))


def _matched_by_priority(entries: Entries, groups: Ints, quantity: Floats, rule: LotRule) -> Matches:
    ids = lot_ids(entries)
    names = pd.Index(pd.unique(np.concatenate([ids, entries.rows["lot"].to_numpy(dtype=object)])))
    lot = names.get_indexer(pd.Index(ids))
    wanted = names.get_indexer(pd.Index(entries.rows["lot"]))
    given = (entries.rows["lot"] != "").to_numpy()
    portfolio = pd.factorize(entries.rows["portfolio"])[0] * len(names)
    price = entries.rows["price"].to_numpy(dtype=float) * entries.ratio
    made = by_priority(
        groups,
        quantity,
        entries.closes,
        price=np.nan_to_num(price),
        wanted=np.where(given & entries.closes, wanted + portfolio, -1),
        lot=lot + portfolio,
        rule=rule,
    )
    _check_named_lots(entries, made, quantity, given)
    return made


def _check_named_lots(entries: Entries, made: Matches, quantity: Floats, given: np.ndarray) -> None:
    """:raises InputError: where a named lot holds less than is closed of it."""
    closed = np.bincount(
        made.closing[made.closing >= 0], made.quantity[made.closing >= 0], minlength=len(quantity)
    )
    lacking = entries.closes & given & (_groups(entries) >= 0) & (quantity - closed > DUST * quantity)
    if lacking.any():
        first = entries.rows.iloc[int(lacking.argmax())]
        raise InputError(
            f"{first['source']}, line {first['source_line']}: lot {first['lot']} holds less than the "
            f"{first['quantity']:g} {first['symbol']} that are closed of it; correct the lot or the quantity"
        )


def _as_given(entries: Entries, found: Matches, signed: Floats) -> Floats:
    """A whole lot has the quantity that was typed in, to the last digit."""
    whole = np.bincount(found.opening, minlength=len(entries.rows))[found.opening] == 1
    return np.where(whole, entries.quantity[found.opening] * entries.side[found.opening], signed)


def _groups(entries: Entries) -> Ints:
    return np.where(entries.symbol >= 0, 2 * entries.symbol + (entries.side < 0), -1)


def lot_ids(entries: Entries) -> Texts:
    """The lot that an opening names, else symbol@date; the second of a portfolio, symbol and date with #2."""
    rows = entries.rows
    ids = rows["symbol"] + "@" + pd.Series(timestamps(entries.day)).dt.strftime("%Y-%m-%d")
    number = pd.Series(entries.opens).groupby([rows["portfolio"], ids]).cumsum()
    made = ids.mask(number > 1, ids + "#" + number.astype("str"))
    return made.mask(entries.opens & (rows["lot"] != ""), rows["lot"]).to_numpy(dtype=object)


def positions(entries: Entries, made: Pieces) -> pd.DataFrame:
    """Rows of `tables.Positions` for the pieces, ordered by entry.

    What a transfer brings has the price of the transfer as its entry price; what a split-off brings has 0:
    its first value is the fall of the parent's, and the P&L of the day is that of both together.
    """
    rows = entries.rows
    price = rows["price"].mask(rows["kind"] == "split_off", 0.0).to_numpy(dtype=float)
    opening, closing = made.opening, made.closing
    ended = closing >= 0
    last = np.maximum(closing, 0)
    option, long = entries.multiplier[opening] > 1, made.quantity > 0
    call = entries.is_call.fillna(False).to_numpy(dtype=bool)[opening]
    kind = np.where(long, "L", "S").astype(object) + np.where(call, "C", "P").astype(object)
    entered = timestamps(entries.day[opening])
    exits = np.where(rows["kind"].isin(("exercise", "assignment")), 0.0, price)
    frame = pd.DataFrame(
        {
            "portfolio": rows["portfolio"].to_numpy()[opening],
            "symbol": rows["symbol"].to_numpy()[opening],
            "underlying": entries.underlying.to_numpy()[opening],
            "position_type": np.where(option, kind, np.where(long, "LONG", "SHORT")),
            "quantity": made.quantity,
            "multiplier": entries.multiplier[opening].astype(np.int64),
            "entry_price": price[opening],
            "entry_date": entered,
            "exit_price": np.where(ended, exits[last], np.nan),
            "exit_date": pd.DatetimeIndex(timestamps(entries.day[last])).where(ended),
            "expiry_date": entries.expiry.to_numpy()[opening],
            "strike": entries.strike[opening],
            "tags": rows["note"].to_numpy()[opening],
            "notes": pd.Series(pd.NA, index=range(len(opening)), dtype="str"),
        }
    )
    frame.insert(1, "position_id", _position_ids(frame, rows["lot"].to_numpy()[opening], opening))
    texts = ("portfolio", "position_id", "symbol", "underlying", "position_type", "tags")
    return frame.astype(dict.fromkeys(texts, "str"))


def _position_ids(frame: pd.DataFrame, named: Texts, opening: Ints) -> Texts:
    """The first piece of a lot that was named has its name, every other symbol@date with the next number."""
    plainly = frame["symbol"] + "@" + frame["entry_date"].dt.strftime("%Y-%m-%d")
    if not (named != "").any():
        number = frame.groupby(["portfolio", "symbol", "entry_date"]).cumcount() + 1
        more = number > 1
        return plainly.mask(more, plainly + "#" + number.astype("str")).to_numpy(dtype=object)
    first = np.r_[True, opening[1:] != opening[:-1]] if len(opening) else np.zeros(0, dtype=bool)
    prefix = frame["portfolio"].astype("str") + "|"
    base = prefix + plainly
    known = (prefix + named).astype("str").where(first & (named != ""))
    plain = base.where(~base.duplicated() & ~base.isin(known.dropna()) & known.isna())
    given = known.fillna(plain)
    ids = numbered(given, base, given.dropna())
    return ids.str.replace(r"^[^|]*\|", "", regex=True).to_numpy(dtype=object)
