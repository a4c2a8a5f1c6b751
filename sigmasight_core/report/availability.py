"""Readiness: what each calculation can and cannot say of a portfolio, and why, from statuses of its rows."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK

GOOD: Final = (OK, "linear", "closed", "expired")
"""Statuses without a reservation."""
NOT_COMPUTED: Final = "not computed"
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


def _reasons(calculation: str, rows: pd.DataFrame | None) -> pd.DataFrame:
    if rows is None:
        nothing = [calculation, 0, 0, 0, NOT_COMPUTED, 0, False, [], []]
        return pd.DataFrame([nothing], columns=COLUMNS)
    good = rows["status"].isin(GOOD).to_numpy()
    odd = rows[~good]
    reasons = odd.assign(reason=_without_own_name(odd["item"], odd["status"]))
    grouped = reasons.groupby(["reason", "has_value"], sort=False)
    found = pd.DataFrame(
        {
            "n_rows": grouped.size(),
            "items": grouped["item"].agg(lambda names: _some(names, rows["item"])),
            "parts": grouped["part"].agg(lambda names: _some(names, rows["part"])),
        }
    ).reset_index()
    found = found.sort_values(["has_value", "n_rows"], ascending=[True, False], kind="stable")
    if found.empty:
        found = pd.DataFrame({"reason": [""], "n_rows": 0, "has_value": True, "items": [[]], "parts": [[]]})
    found = found.assign(
        calculation=calculation, n=len(rows), n_ok=good.sum(), n_reserved=odd["has_value"].sum()
    )
    return found[COLUMNS]


def _without_own_name(items: "pd.Series[str]", statuses: "pd.Series[str]") -> "pd.Series[str]":
    """Statuses in which an item that is named as a word of its own is called 'it'."""
    pairs = pd.MultiIndex.from_arrays([items, statuses])
    codes, distinct = pd.factorize(pairs)
    words = [
        " ".join(_it(word, item) for word in status.split(" ")) if item else status
        for item, status in distinct
    ]
    return pd.Series(np.array(words, dtype=object)[codes], index=items.index, dtype="str")


def _it(word: str, item: str) -> str:
    bare = word.strip(",;:")
    return word.replace(item, "it") if bare == item else word


def _some(names: "pd.Series[str]", every: "pd.Series[str]") -> list[str]:
    chosen = sorted(set(names) - {""})
    return [] if set(chosen) == set(every) - {""} else chosen
