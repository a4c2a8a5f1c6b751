"""Symbols that were renamed: a position under the old symbol is imported under the new one.

Data sources keep the whole history of a company under its latest symbol. An exchange gives a symbol away
again, so that a change holds for entries before its date only: `FB` of 2021 is Meta Platforms, `FB` of 2025 a
fund. Takeovers, mergers and spin-offs are left out: there a share became something else, which no change of a
symbol can say.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.typing import NaTType

from sigmasight_core.errors import InputError

_OPTION_TAIL: Final = 15
"""Characters of a compact OCC symbol after its root."""

NEVER: Final = "never"


@dataclass(frozen=True)
class SymbolChange:
    """One symbol that is no longer used.

    :param new: its successor; empty = there is none.
    :param date: first session of the new symbol, or last of the old one, YYYY-MM-DD; empty = a user's own
        change, which holds for every entry.
    :param reason: why, for the warning.
    :param until: first session on which the old symbol was free again; empty = `date`. In a chain of changes
        it is that of the first, and `date` that of the last; NEVER = the old one was never free.
    :param mistaken: the old symbol is a common mistake for the new one since `date`, no change of it: it is
        read as the new one from then on, and before it as it is written.
    """

    old: str
    new: str
    date: str
    reason: str
    until: str = ""
    mistaken: bool = False

    @property
    def text(self) -> str:
        """What happened, for a message."""
        since = f" since {self.date}" if self.date else ""
        return f"{self.old} {f'is {self.new}' if self.new else 'has no successor'}{since} ({self.reason})"

    @property
    def free_since(self) -> "pd.Timestamp | NaTType":
        """Entries from this date on are of whoever has the old symbol then; NaT = it never was free."""
        since = self.until or self.date
        return pd.Timestamp(since) if since and since != NEVER else pd.NaT

    def text_of_later(self) -> str:
        """What an entry from `free_since` on is told."""
        if self.mistaken:
            return f"{self.old} of before {self.date} is not {self.new} ({self.reason}): kept as written"
        other = f"; write {self.new} if that is meant" if self.new else ""
        return (
            f"since {self.until or self.date} {self.old} is not the symbol of that company ({self.reason}), "
            f"but somebody else's, or nobody's: kept as written{other}"
        )


SYMBOL_CHANGES: Final = (
    SymbolChange("ABC", "COR", "2023-08-30", "AmerisourceBergen became Cencora"),
    SymbolChange("ANTM", "ELV", "2022-06-28", "Anthem became Elevance Health"),
    SymbolChange("BLL", "BALL", "2022-05-10", "Ball changed its symbol"),
    SymbolChange("CDAY", "DAY", "2024-02-01", "Ceridian became Dayforce"),
    SymbolChange("COH", "TPR", "2017-10-31", "Coach became Tapestry"),
    SymbolChange("CTL", "LUMN", "2020-09-18", "CenturyLink became Lumen"),
    SymbolChange("FB", "META", "2022-06-09", "Facebook became Meta Platforms"),
    SymbolChange("GPS", "GAP", "2024-08-22", "Gap changed its symbol"),
    SymbolChange("KORS", "CPRI", "2019-01-02", "Michael Kors became Capri"),
    SymbolChange("NLOK", "GEN", "2022-11-08", "NortonLifeLock became Gen Digital"),
    SymbolChange("PCLN", "BKNG", "2018-02-27", "Priceline became Booking Holdings"),
    SymbolChange("PKI", "RVTY", "2023-05-16", "PerkinElmer became Revvity"),
    SymbolChange("RE", "EG", "2023-07-10", "Everest Re became Everest Group"),
    SymbolChange("SQ", "XYZ", "2025-01-21", "Block changed its symbol"),
    SymbolChange("SYMC", "NLOK", "2019-11-05", "Symantec became NortonLifeLock"),
    SymbolChange("TWTR", "", "2022-10-27", "Twitter was bought for 54.20 USD a share in cash"),
    SymbolChange("WLTW", "WTW", "2022-01-10", "Willis Towers Watson changed its symbol"),
    SymbolChange(
        "ZOOM",
        "ZM",
        "2019-04-18",
        "Zoom Video trades as ZM; ZOOM was another company, Zoom Technologies",
        mistaken=True,
    ),
)


def with_own(own: Mapping[str, str]) -> tuple[SymbolChange, ...]:
    """The declared changes with a user's own put over them.

    :param own: new symbol by old symbol, as in `BRK-B`; empty = the old one stays as it is written.
    :raises InputError: for a change in a circle.
    """
    mine = {old: SymbolChange(old, new, "", "setting symbol_changes") for old, new in own.items()}
    every = {change.old: change for change in SYMBOL_CHANGES} | mine
    kept = [change for old, change in every.items() if change.new or old not in mine]
    return resolved(kept)


def resolved(changes: Iterable[SymbolChange]) -> tuple[SymbolChange, ...]:
    """The changes with chains followed to their end: SYMC became NLOK, which became GEN.

    :raises InputError: for a change in a circle.
    """
    by_old = {change.old: change for change in changes}
    return tuple(_followed(change, by_old) for change in by_old.values())


def _followed(change: SymbolChange, by_old: Mapping[str, SymbolChange]) -> SymbolChange:
    """A later change of the successor is followed; one that was earlier was of another company."""
    seen = [change]
    while (following := by_old.get(seen[-1].new)) is not None:
        if following.date and seen[-1].date and following.date <= seen[-1].date:
            break
        if following in seen:
            raise InputError(
                f"symbol_changes: {change.old} changes in a circle ({' -> '.join(s.old for s in seen)}); "
                "remove one of them from the setting"
            )
        seen.append(following)
    last, reasons = seen[-1], "; ".join(step.reason for step in seen)
    until = change.until or change.date or NEVER
    return SymbolChange(change.old, last.new, last.date, reasons, until, change.mistaken)


class Renamed(NamedTuple):
    """What became of symbols."""

    symbols: pd.DataFrame
    """The frame with `symbol` and `underlying` changed."""
    happened: "pd.Series[str]"
    """Of each row that is renamed, or of a symbol without a successor: what happened; else missing."""
    later: "pd.Series[str]"
    """Of each row that is kept, because its entry is after the change: why; else missing."""


def renamed(
    symbols: pd.DataFrame,
    changes: Iterable[SymbolChange],
    known: Collection[str] | None,
    dates: "pd.Series[pd.Timestamp]",
) -> Renamed:
    """Symbols under their present names, options under their underlying's root.

    :param symbols: `symbol`, `underlying` (str, missing where refused) and `strike` (NaN = no option).
    :param known: symbols with prices: an old symbol among them stays as it is. None = not known which.
    :param dates: when each symbol was written so: the entry (NaT: before every change).
    """
    live = {change.old: change for change in changes if known is None or change.old not in known}
    underlying = symbols["underlying"]
    free = pd.to_datetime(underlying.map({old: change.free_since for old, change in live.items()}))
    mistaken = underlying.isin([old for old, change in live.items() if change.mistaken])
    after = (dates >= free) ^ (mistaken & dates.notna())
    texts = {old: change.text for old, change in live.items()}
    found = underlying.map(texts).astype("str").mask(after)
    later = underlying.map({old: change.text_of_later() for old, change in live.items()}).where(after)
    successors = {old: change.new for old, change in live.items() if change.new}
    new = underlying.map(successors).astype("str").mask(after)
    changed, is_option = new.notna(), symbols["strike"].notna()
    tail = symbols["symbol"].str.slice(-_OPTION_TAIL)
    root = new.str.replace("-", "", regex=False)
    symbol = pd.Series(np.where(is_option, root + tail, new), index=symbols.index, dtype="str")
    shown = symbols.assign(
        symbol=symbols["symbol"].mask(changed, symbol), underlying=underlying.mask(changed, new)
    )
    return Renamed(shown, found, later.astype("str"))
