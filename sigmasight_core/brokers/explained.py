"""What every line of a file was read as."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

COLUMNS: Final = ("line", "kind", "date", "symbol", "quantity", "price", "fees", "amount", "reason")
REFUSED: Final = "refused"


def explained(
    transactions: pd.DataFrame,
    kept: pd.DataFrame,
    notes: Sequence[tuple[int, str, str]],
    errors: pd.DataFrame,
    warnings: pd.DataFrame,
) -> pd.DataFrame:
    """One row per line and transaction, by line.

    :param transactions: rows of `tables.Transactions`; `kept`: the same rows with `told`.
    :param notes: line, kind and reason of lines that are no transactions.
    """
    said = warnings[warnings["column"] != "row"]
    warned = said.groupby("line")["reason"].agg("; ".join)
    read = transactions.rename(columns={"source_line": "line"})[list(COLUMNS[:-1])]
    read["reason"] = [
        "; ".join(filter(None, (told, warned.get(line, ""))))
        for told, line in zip(kept["told"], read["line"], strict=True)
    ]
    other = pd.DataFrame(notes, columns=["line", "kind", "reason"])
    bad = _once(errors).groupby("line", as_index=False).agg({"reason": "; ".join}).assign(kind=REFUSED)
    other = other[~other["line"].isin(bad["line"])]
    rows = pd.concat([part for part in (read, other, bad) if len(part)], ignore_index=True)
    return rows.reindex(columns=list(COLUMNS)).sort_values("line", kind="stable", ignore_index=True)


def _once(errors: pd.DataFrame) -> pd.DataFrame:
    """Each reason of a line once; one of several columns names them."""
    if errors.empty:
        return errors
    of_reason = errors.groupby(["line", "reason"])["column"]
    names, size = of_reason.transform(", ".join), of_reason.transform("size")
    made = errors.assign(reason=errors["reason"].mask(size > 1, names + ": " + errors["reason"]))
    return made.drop_duplicates(["line", "reason"])
