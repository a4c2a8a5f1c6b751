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
    lines = [line for name, rows in calculations.items() for line in _reasons(name, rows)]
    return pd.DataFrame(lines, columns=COLUMNS)


def results(item: Readiness, rows: pd.DataFrame, symbols: Collection[str]) -> pd.DataFrame:
    """One row per result of a table, as `readiness` counts them.

    :param rows: of the table that `item` is about. :param symbols: those that must have rows.
    """
    names = [str(name).split("@")[0] for name in rows[item.item]] if item.item else [""] * len(rows)
    lacking = sorted(set(symbols) - set(names))
    parts = rows[item.part].astype("str").tolist() if item.part else [""] * len(rows)
    there = (rows[item.value].notna() | rows["status"].isin(GOOD)).tolist()
    return pd.DataFrame(
        {
            "item": names + lacking,
            "part": parts + [""] * len(lacking),
            "status": rows["status"].tolist() + [NO_PRICES] * len(lacking),
            "has_value": there + [False] * len(lacking),
        }
    )


def _reasons(calculation: str, rows: pd.DataFrame | None) -> list[list[object]]:
    if rows is None:
        return [[calculation, 0, 0, 0, NOT_COMPUTED, 0, False, [], []]]
    items, parts, statuses, there = (rows[name].tolist() for name in ("item", "part", "status", "has_value"))
    found: dict[tuple[str, bool], _Group] = {}
    for item, part, status, has_value in zip(items, parts, statuses, there, strict=True):
        if status not in GOOD:
            found.setdefault((_without_own_name(item, status), has_value), _Group()).add(item, part)
    n_odd = sum(group.count for group in found.values())
    n_reserved = sum(group.count for (_, has_value), group in found.items() if has_value)
    counts = [calculation, len(rows), len(rows) - n_odd, n_reserved]
    ordered = sorted(found.items(), key=lambda one: (one[0][1], -one[1].count))
    return [
        [*counts, reason, group.count, has_value, _some(group.items, items), _some(group.parts, parts)]
        for (reason, has_value), group in ordered
    ] or [[*counts, "", 0, True, [], []]]


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
