"""Symbols that were renamed: a position under the old symbol is imported under the new one.

Data sources keep the whole history of a company under its latest symbol, so the date of a change does not
matter for prices; it is told to the user. Takeovers, mergers and spin-offs are left out: there a share became
something else, which no change of a symbol can say.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError

_OPTION_TAIL: Final = 15
"""Characters of a compact OCC symbol after its root."""


@dataclass(frozen=True)
class SymbolChange:
    """One symbol that is no longer used.

    :param new: its successor; empty = there is none.
    :param date: first session of the new symbol, or last of the old one, YYYY-MM-DD; empty = none.
    :param reason: why, for the warning.
    """

    old: str
    new: str
    date: str
    reason: str

    @property
    def text(self) -> str:
        """What happened, for a message."""
        since = f" since {self.date}" if self.date else ""
        return f"{self.old} {f'is {self.new}' if self.new else 'has no successor'}{since} ({self.reason})"


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
    SymbolChange("ZOOM", "ZM", "", "Zoom Video trades as ZM; ZOOM was another company, Zoom Technologies"),
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
    seen = [change]
    while (following := by_old.get(seen[-1].new)) is not None:
        if following in seen:
            raise InputError(
                f"symbol_changes: {change.old} changes in a circle ({' -> '.join(s.old for s in seen)}); "
                "remove one of them from the setting"
            )
        seen.append(following)
    last, reasons = seen[-1], "; ".join(step.reason for step in seen)
    return SymbolChange(change.old, last.new, last.date, reasons)


def renamed(
    symbols: pd.DataFrame, changes: Iterable[SymbolChange], known: Collection[str] | None
) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Symbols under their present names, options under their underlying's root.

    :param symbols: `symbol`, `underlying` (str, missing where refused) and `strike` (NaN = no option).
    :param known: symbols with prices: an old symbol among them stays as it is. None = not known which.
    :returns: the frame with `symbol` and `underlying` changed, and for each row what happened to its old
        symbol (of one without a successor too); missing where nothing did.
    """
    live = {change.old: change for change in changes if known is None or change.old not in known}
    underlying = symbols["underlying"]
    found = underlying.map({old: change.text for old, change in live.items()}).astype("str")
    new = underlying.map({old: change.new for old, change in live.items() if change.new}).astype("str")
    changed, is_option = new.notna(), symbols["strike"].notna()
    tail = symbols["symbol"].str.slice(-_OPTION_TAIL)
    root = new.str.replace("-", "", regex=False)
    symbol = pd.Series(np.where(is_option, root + tail, new), index=symbols.index, dtype="str")
    return (
        symbols.assign(
            symbol=symbols["symbol"].mask(changed, symbol), underlying=underlying.mask(changed, new)
        ),
        found,
    )
