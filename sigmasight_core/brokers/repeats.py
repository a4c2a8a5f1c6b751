"""Rows that are there twice, and rows that take others back: told, and neither counted twice nor at all."""

from typing import Final, Literal

import pandas as pd

from sigmasight_core.ledger.csv_fields import Report

Repeats = Literal["once", "each"]
REPEATS: Final = ("once", "each")
_MONEY = 4
"""Decimals to which numbers of a row and of its cancellation are the same."""


def without_repeated(
    rows: pd.DataFrame, report: Report, repeats: Repeats = "once"
) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """The rows without those that are there twice, and the line and reason of each that goes.

    :param rows: `line`, `content` (the row as it is written), `id` (empty = none) and `table`. A row is there
        twice when its id is, or, without an id, its content. An id with two contents is refused.
    :param repeats: 'each': what has no id counts as often as it is there.
    """
    known = rows["id"] != ""
    first = rows["line"].groupby([rows["table"], rows["id"]]).transform("first")
    content = rows["content"].groupby([rows["table"], rows["id"]]).transform("first")
    other = known & (first != rows["line"]) & (content != rows["content"])
    shown = rows[["line", "id"]]
    reason = "the id of line " + first.astype("str") + ", which says something else; correct one of them"
    report.refuse(other, shown, "id", reason)
    same = rows["line"].groupby([rows["table"], rows["content"]]).transform("first")
    alike = ~known & (same != rows["line"]) if repeats == "once" else pd.Series(False, index=rows.index)
    again = (known & (first != rows["line"]) & ~other) | alike
    told = [
        (line, f"the same as line {where}: counted once" + (" (two trades: --repeats each)" if words else ""))
        for line, where, words in zip(rows["line"][again], same[again], alike[again], strict=True)
    ]
    return rows[~again], told


def without_cancelled(rows: pd.DataFrame, report: Report) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """The rows without those that another takes back, and without these; line and reason of each that goes.

    :param rows: `line`, `kind`, `cancels` (the kind that the row takes back, empty = none), `symbol`,
        `quantity`, `price` and `amount`. A row takes back the one with its symbol, quantity and amount, the
        latter without regard to sign. One that takes back nothing is refused.
    """
    cancelling = rows["cancels"] != ""
    if not cancelling.any():
        return rows, []
    kind = rows["cancels"].where(cancelling, rows["kind"])
    keys = pd.DataFrame(
        {
            "kind": kind,
            "symbol": rows["symbol"].fillna(""),
            "quantity": rows["quantity"].abs().round(_MONEY).fillna(0),
            "amount": rows["amount"].abs().round(2).fillna(0),
            "cancelling": cancelling,
            "line": rows["line"],
        }
    )
    same = ["kind", "symbol", "quantity", "amount"]
    keys["number"] = keys.groupby([*same, "cancelling"]).cumcount()
    takes, taken = keys[keys["cancelling"]], keys[~keys["cancelling"]]
    pairs = takes.merge(taken, on=[*same, "number"], how="left", suffixes=("", "_of"))
    nothing = rows["line"].isin(pairs["line"][pairs["line_of"].isna()]) & cancelling
    report.refuse(
        nothing,
        rows[["line", "cancels"]],
        "cancels",
        "takes back a "
        + rows["cancels"]
        + " that is not in the file; add the period with it, or remove the row",
    )
    found = pairs.dropna(subset="line_of").astype({"line_of": "int64"})
    told = [
        entry
        for line, of in zip(found["line"], found["line_of"], strict=True)
        for entry in ((line, f"takes back line {of}: neither counts"), (of, f"taken back by line {line}"))
    ]
    gone = {line for line, _ in told}
    return rows[~rows["line"].isin(gone) & ~cancelling], told
