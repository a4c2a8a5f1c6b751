"""Transactions: what a row of each kind needs, and what breaks the table's contract."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import DataQualityError
from sigmasight_core.tables import TransactionKind, Transactions, validate
from sigmasight_core.tables.ledger import CASH_KINDS, IN_KIND, TRADE_KINDS, TRANSACTION_KINDS

ROW: dict[str, Any] = {
    "portfolio": "book",
    "transaction_id": "2022-03-01/buy/AAPL",
    "date": pd.Timestamp("2022-03-01"),
    "kind": "buy",
    "symbol": "AAPL",
    "quantity": 10.0,
    "price": 50.0,
    "fees": 1.0,
    "amount": -501.0,
    "lot": "",
    "parent": "",
    "note": "",
    "source": "history.csv",
    "source_line": 2,
    "external_id": "",
    "inferred": "",
}


def one(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame([ROW | changes])


def test_every_kind_is_a_trade_in_kind_or_cash() -> None:
    assert sorted(TRADE_KINDS + IN_KIND + CASH_KINDS) == sorted(TRANSACTION_KINDS)
    assert TransactionKind("split_off") == "split_off"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kind": "dividend", "quantity": 0.0, "price": np.nan, "amount": -12.5},
        {"kind": "deposit", "symbol": "", "quantity": 0.0, "price": np.nan, "amount": 1000.0},
        {"kind": "transfer_in", "quantity": -10.0, "price": np.nan, "amount": 0.0},
        {"kind": "split_off", "symbol": "NEW", "parent": "AAPL", "price": np.nan, "amount": 0.0},
        {"kind": "statement", "symbol": "", "quantity": 0.0, "price": np.nan, "amount": -3.0},
    ],
)
def test_rows_that_are_right(changes: dict[str, Any]) -> None:
    validate(Transactions, one(**changes))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"quantity": -10.0}, "quantity_fits_kind"),
        ({"kind": "deposit", "amount": 5.0}, "quantity_fits_kind"),
        ({"kind": "transfer_in", "quantity": 0.0, "amount": 0.0}, "quantity_fits_kind"),
        ({"symbol": ""}, "what_moves_shares_has_a_symbol"),
        ({"price": np.nan}, "trades_have_a_price"),
        ({"kind": "deposit", "quantity": 0.0, "amount": -5.0}, "amount_fits_kind"),
        ({"kind": "withdrawal", "quantity": 0.0, "amount": 5.0}, "amount_fits_kind"),
        ({"kind": "transfer_in"}, "amount_fits_kind"),
        ({"kind": "gift"}, "break the table"),
    ],
)
def test_rows_that_break_the_contract(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(DataQualityError, match=rule):
        validate(Transactions, one(**changes))
