"""Option chains of vendors: which session they tell of, and which of their contracts are wanted."""

import datetime as dt
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.options.occ import parse_occ

NEIGHBOURS: Final = 2
"""Strikes on each side of a held contract, of the same kind (call or put)."""

OPENING: Final = pd.Timedelta(hours=9, minutes=30)
DELAY: Final = pd.Timedelta(minutes=15)
"""Free option quotes are so late; options on some funds and indexes trade so much longer, too."""

ZONE: Final = "America/New_York"

UNDERLYING_OF_ROOT: Final = {"BRKB": "BRK-B", "BFB": "BF-B"}
"""Our name of the underlying, where it is not the root: OCC roots have no hyphen."""

QUOTED: Final = ("bid", "ask", "last", "implied_volatility", "open_interest")


def quoted_session(now: dt.datetime) -> pd.Timestamp | None:
    """The session of whose close a chain read now tells; None from an opening until DELAY after the close.

    From then until the next opening a chain stands still.
    """
    moment = pd.Timestamp(now).tz_convert(ZONE)
    today = moment.tz_localize(None).normalize()
    if calendar.is_session(today):
        if moment >= calendar.session_close(today) + DELAY:
            return today
        if moment >= today.tz_localize(ZONE) + OPENING:
            return None
    return calendar.previous_session(today - pd.Timedelta(days=1))


def held_contracts(contracts: "pd.Series[str]", session: pd.Timestamp) -> pd.DataFrame:
    """Contracts that are alive at the session: the columns of ``parse_occ``, each contract once."""
    held = parse_occ(contracts).dropna(subset=["compact"])
    return held[held["expiry_date"] >= session].drop_duplicates("compact")


def near_held(listed: pd.DataFrame, held: pd.DataFrame) -> np.ndarray:
    """Which listed contracts are held, or at most NEIGHBOURS strikes from one that is."""
    key = ["root", "expiry_date", "is_call"]
    ordered = listed.sort_values([*key, "listed_strike"])
    ladder = ordered.groupby(key).ngroup().to_numpy()
    is_held = ordered["compact"].isin(held["compact"]).to_numpy()
    near = is_held.copy()
    for step in range(1, NEIGHBOURS + 1):
        same = ladder[step:] == ladder[:-step]
        near[step:] |= is_held[:-step] & same
        near[:-step] |= is_held[step:] & same
    return pd.Series(near, ordered.index).reindex(listed.index).to_numpy(dtype=bool)
