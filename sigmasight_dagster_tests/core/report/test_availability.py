"""Readiness counted by hand."""

import pandas as pd

from sigmasight_core.report.availability import COLUMNS, NOT_COMPUTED, readiness


def rows(*results: tuple[str, str, str, bool]) -> pd.DataFrame:
    frame = pd.DataFrame(results, columns=["item", "part", "status", "has_value"])
    return frame.astype({"item": "str", "part": "str", "status": "str"})


def test_counts_reasons_and_whom_they_concern() -> None:
    found = readiness(
        {
            "betas": rows(
                ("AAPL", "market", "ok", True),
                ("AAPL", "rates", "unavailable: no yields", False),
                ("MSFT", "market", "insufficient: 3 of 60", False),
                ("MSFT", "rates", "unavailable: no yields", False),
            ),
            "whole": rows(("A", "", "ok", True), ("B", "", "linear", True), ("C", "", "closed", False)),
            "never": None,
        }
    )
    assert list(found.columns) == COLUMNS
    betas = found[found["calculation"] == "betas"]
    assert betas[["n", "n_ok", "n_reserved"]].drop_duplicates().to_numpy().tolist() == [[4, 1, 0]]
    assert betas[["reason", "n_rows", "items", "parts"]].to_numpy().tolist() == [
        ["unavailable: no yields", 2, [], ["rates"]],
        ["insufficient: 3 of 60", 1, ["MSFT"], ["market"]],
    ]
    whole = found[found["calculation"] == "whole"].iloc[0]
    assert whole[["n", "n_ok", "n_reserved", "reason", "n_rows"]].tolist() == [3, 3, 0, "", 0]
    never = found[found["calculation"] == "never"].iloc[0]
    assert (never["n"], never["reason"]) == (0, NOT_COMPUTED)


def test_a_reason_that_names_its_item_is_one_reason() -> None:
    found = readiness(
        {
            "valuation": rows(
                ("V", "", "no price: V has none within 7 days", False),
                ("ZZZ", "", "no price: ZZZ has none within 7 days", False),
                ("VV", "", "stale: last price 2024-01-02", True),
                ("A", "", "ok", True),
            )
        }
    )
    assert found[["reason", "n_rows", "items", "has_value"]].to_numpy().tolist() == [
        ["no price: it has none within 7 days", 2, ["V", "ZZZ"], False],
        ["stale: last price 2024-01-02", 1, ["VV"], True],
    ]
    assert found["n_reserved"].tolist() == [1, 1]


def test_nothing_to_report() -> None:
    assert readiness({}).empty
    empty = readiness({"pairs": rows()}).iloc[0]
    assert (empty["n"], empty["reason"]) == (0, "")
