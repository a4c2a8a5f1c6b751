"""Readiness: what each calculation can and cannot say of a portfolio, and why, from statuses of its rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.tables import Readiness

GOOD: Final = (OK, "linear", "closed", "expired")
"""Statuses without a reservation."""
NOT_COMPUTED: Final = "not computed"
NO_PRICES: Final = "no prices: the provider has none on the date"
COLUMNS: Final = ["calculation", "n", "n_ok", "n_reserved", "reason", "n_rows", "has_value", "items", "parts"]


def readiness(calculations: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    """One row per calculation and reason, in the order of the calculations; most rows first.

    :param calculations: by name, one row per result: `item` (a symbol, scenario or measure), `part` (a
        factor, or ''), `status`, and `has_value` (whether its main value is there). None = never computed.
    :returns: columns COLUMNS. `n` results, of which `n_ok` are whole and `n_reserved` have a value with a
        reservation (partial, stale): repeated in each row of a calculation. `reason` is a status, with `it`
        for the item's own name, '' where there is none; `n_rows` results have it, of the `items` and `parts`
        (lists, each once, sorted; [] = all those of the calculation).
    """
    pieces = [_reasons(name, rows) for name, rows in calculations.items()]
    return pd.concat(pieces or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)


def results(item: Readiness, rows: pd.DataFrame, symbols: Collection[str]) -> pd.DataFrame:
    """One row per result of a table, as `readiness` counts them.

    :param rows: of the table that `item` is about. :param symbols: those that must have rows.
    """
    none = pd.Series("", index=rows.index, dtype="str")
    names = rows[item.item].astype("str").str.split("@").str[0] if item.item else none
    frame = pd.DataFrame(
        {
            "item": names,
            "part": rows[item.part].astype("str") if item.part else none,
            "status": rows["status"],
            "has_value": rows[item.value].notna() | rows["status"].isin(GOOD),
        }
    )
    lacking = sorted(set(symbols) - set(names))
    absent = pd.DataFrame({"item": lacking, "part": "", "status": NO_PRICES, "has_value": False})
    return pd.concat([frame, absent.astype(frame.dtypes.to_dict())], ignore_index=True)


def _reasons(calculation: str, rows: pd.DataFrame | None) -> pd.DataFrame:
    if rows is None:
        nothing = [calculation, 0, 0, 0, NOT_COMPUTED, 0, False, [], []]
        return pd.DataFrame([nothing], columns=COLUMNS)
    items, parts, statuses, there = (rows[name].tolist() for name in ("item", "part", "status", "has_value"))
    found: dict[tuple[str, bool], _Group] = {}
    for item, part, status, has_value in zip(items, parts, statuses, there, strict=True):
        if status not in GOOD:
            found.setdefault((_without_own_name(item, status), has_value), _Group()).add(item, part)
    n_odd = sum(group.count for group in found.values())
    n_reserved = sum(group.count for (_, has_value), group in found.items() if has_value)
    counts = [calculation, len(rows), len(rows) - n_odd, n_reserved]
    ordered = sorted(found.items(), key=lambda one: (one[0][1], -one[1].count))
    lines = [
        [*counts, reason, group.count, has_value, _some(group.items, items), _some(group.parts, parts)]
        for (reason, has_value), group in ordered
    ]
    return pd.DataFrame(lines or [[*counts, "", 0, True, [], []]], columns=COLUMNS)


@dataclass
class _Group:
    """Results that have one reason."""

    count: int = 0
    items: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)

    def add(self, item: str, part: str) -> None:
        self.count += 1
        self.items.add(item)
        self.parts.add(part)


def _without_own_name(item: str, status: str) -> str:
    """The status, in which an item that is named as a word of its own is called 'it'."""
    return " ".join(_it(word, item) for word in status.split(" ")) if item else status


def _it(word: str, item: str) -> str:
    bare = word.strip(",;:")
    return word.replace(item, "it") if bare == item else word


def _some(chosen: set[str], every: list[str]) -> list[str]:
    named = chosen - {""}
    return [] if named == set(every) - {""} else sorted(named)
