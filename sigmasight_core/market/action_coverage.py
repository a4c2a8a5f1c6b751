"""Whether the corporate actions of what is held are known since its entry, and what follows where not.

A position's quantity needs every split with ex-date in (entry date, date]. What a source was asked for is
kept by symbol (`tables.ActionCoverage`). A time that nobody has asked for, or that the source does not reach,
is a split of unknown ratio to the calculations: quantity, value and Greeks are NULL, and the status says why.
"""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, iso_dates, timestamps
from sigmasight_core.arrays.types import Bools, Ints, Texts
from sigmasight_core.tables import ActionCoverage, CorporateActions, validate

NOT_KNOWN: Final = "corporate actions of "
"""How the status of a row of unknown actions begins."""
ASSUMED: Final = "an earlier version"
"""Source of the coverage that is assumed of what was fetched before coverage was kept."""
_ENTRY: Final = "from the entry"
"""Stands for each position's own entry date, which `reasons` puts there."""


def entries(positions: pd.DataFrame) -> pd.DataFrame:
    """Each underlying with each of its entry dates, once: symbol, entry_date, sorted.

    :param positions: rows in the shape of `tables.Positions`.
    """
    held = positions[["underlying", "entry_date"]].rename(columns={"underlying": "symbol"})
    return held.drop_duplicates().sort_values(["symbol", "entry_date"], ignore_index=True)


def to_ask(
    *, held: pd.DataFrame, coverage: pd.DataFrame, source: str, before: pd.Timestamp
) -> "pd.Series[bool]":
    """Which rows of `held` the source has to be asked for since their entry.

    :param held: the first entry of each symbol, of `entries`.
    :param coverage: rows of `tables.ActionCoverage`.
    :param source: the provider in use; what another one was asked for does not count.
    :param before: the session before those that are asked for anyway.
    """
    rows = held.merge(coverage[coverage["source"] == source], on="symbol", how="left")
    asked = rows["first_asked_date"] <= rows["entry_date"]
    through = rows["last_known_date"] >= before
    return pd.Series(~(asked & through) & (rows["entry_date"] <= before), index=held.index)


def gaps(*, held: pd.DataFrame, coverage: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """A split of unknown ratio on a day of each time since an entry whose actions are not known.

    :param held: from `entries`. :param coverage: rows of `tables.ActionCoverage`.
    :param until: the last date that is valued.
    :returns: rows in the shape of `tables.CorporateActions`: amount NULL, and the status says from when to
        when; a day after the entry, so that the entry's own date is not concerned.
    """
    rows = held[held["entry_date"] < until].merge(coverage, on="symbol", how="left").reset_index(drop=True)
    entry = day_numbers(rows["entry_date"])
    none = rows["last_known_date"].isna().to_numpy()
    first = np.where(none, entry + 1, day_numbers(rows["first_known_date"]))
    last = np.where(none, entry, day_numbers(rows["last_known_date"]))
    early, late = first > entry + 1, ~none & (last < day_numbers([until])[0])
    name = (NOT_KNOWN + rows["symbol"] + " not known ").to_numpy(dtype=object)
    texts = (
        name + _ENTRY + " to " + iso_dates(first - 1),
        name + "after " + iso_dates(last),
        name + _ENTRY + " on",
    )
    days = (entry + 1, np.maximum(entry, last) + 1, entry + 1)
    found = [
        _splits(rows["symbol"][chosen], day[chosen], text[chosen])
        for chosen, day, text in zip((early, late, none), days, texts, strict=True)
    ]
    unique = pd.concat(found).drop_duplicates(["date", "symbol"], keep="last")
    return validate(CorporateActions, unique)


def _splits(symbols: "pd.Series[str]", days: Ints, status: Texts) -> pd.DataFrame:
    known = {"symbol": symbols.to_numpy(dtype=object), "kind": "split", "amount": np.nan, "source": "none"}
    return pd.DataFrame({"date": timestamps(days), **known, "status": status})


def covered(*, cells: pd.DataFrame, coverage: pd.DataFrame, source: str) -> Bools:
    """Which dates and symbols a source was asked for.

    :param cells: date and symbol. :param coverage: rows of `tables.ActionCoverage`.
    """
    rows = cells.merge(coverage[coverage["source"] == source], on="symbol", how="left")
    inside = (rows["first_known_date"] <= rows["date"]) & (rows["date"] <= rows["last_known_date"])
    return inside.to_numpy(dtype=bool)


def reasons(
    *, names: pd.Index, corporate_actions: pd.DataFrame, codes: Ints, entry: Ints, day: Ints
) -> tuple[Bools, Texts]:
    """Of which positions the actions are not known between entry and day, and from when to when.

    :param names: symbols of the `codes`. :param corporate_actions: with the rows of `gaps`.
    :param entry: day number of each entry. :param day: of the valuation.
    :returns: which elements, and the text of each of these.
    """
    status = corporate_actions["status"]
    unknown = corporate_actions[corporate_actions["amount"].isna() & status.str.startswith(NOT_KNOWN)]
    if unknown.empty:
        return np.zeros(codes.shape, dtype=bool), np.array([], dtype=object)
    days = day_numbers(unknown["date"])
    row = LastKnown.of(codes_of(names, unknown["symbol"]), days).find(codes, day)
    found = (row >= 0) & (days[row] > entry)
    parts = unknown["status"].str.partition(_ENTRY).iloc[row[found]].to_numpy(dtype=object)
    since = np.where(parts[:, 1] == "", "", "from " + iso_dates(entry[found]))
    return found, parts[:, 0] + since + parts[:, 2]


def assumed(*, published: pd.DataFrame, since: pd.DataFrame) -> pd.DataFrame:
    """Coverage of symbols without a record of it: what earlier versions fetched counts as known.

    A partition counts that was stored after the symbol came into the ledger; known are the days from the
    first of those after which all count.

    :param published: date and computed_at of the partitions of corporate actions.
    :param since: symbol and since (when it came into the ledger).
    :returns: rows of `tables.ActionCoverage`; none of a symbol for which the latest partition does not count.
    """
    if published.empty or since.empty:
        return validate(ActionCoverage, ActionCoverage.empty())
    rows = published.sort_values("date").reset_index(drop=True)
    moments = rows["computed_at"].to_numpy(dtype="datetime64[us]")[:, None]
    early = moments < since["since"].dt.tz_convert("UTC").to_numpy(dtype="datetime64[us]")[None, :]
    first_good = len(rows) - np.argmax(early[::-1], axis=0)
    first_good = np.where(early.any(axis=0), first_good, 0)
    known = first_good < len(rows)
    dates = rows["date"].to_numpy()
    first = dates[first_good[known]]
    frame = pd.DataFrame(
        {
            "symbol": since["symbol"].to_numpy(dtype=object)[known],
            "first_asked_date": first,
            "first_known_date": first,
            "last_known_date": dates[-1],
            "source": ASSUMED,
        }
    )
    return validate(ActionCoverage, frame)
