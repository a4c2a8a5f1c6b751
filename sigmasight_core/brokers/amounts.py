"""Quantity, price, fees and amount of each row, held against each other."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.brokers.cells import Cells
from sigmasight_core.brokers.formats import decimals
from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.ledger.csv_fields import Report
from sigmasight_core.tables.ledger import CASH_KINDS, IN_KIND

CENT: Final = 0.0101
"""A cent, and what floats make of it."""
_MILLIONTHS: Final = 6
PAID: Final = ("buy", "cover")
RECEIVED: Final = ("sell", "short")
PRICED: Final = (*PAID, *RECEIVED)
CLOSED: Final = ("expiry", "exercise", "assignment")
_PAID_CASH: Final = ("fee", "tax", "withdrawal")


def with_amounts(rows: pd.DataFrame, cells: Cells, preset: Preset, report: Report) -> pd.DataFrame:
    """The rows with quantity, price, fees and amount as `tables.Transactions` has them.

    :param rows: `line`, `kind`, `multiplier_of` (100 for options, else 1), `price_from_amount`, `told`, and
        the numbers as the file has them, NaN = none. Rows of no kind are left as they are.
    :returns: the same rows, `told` with what was changed or supplied.
    """
    costs = rows["fees"].fillna(0) * (-1 if cells.part.rules.costs_negative else 1)
    rows = _trades(rows.assign(fees=costs), cells, preset, report)
    rows = _closed(rows, cells, report)
    rows = _in_kind(rows, cells, report)
    return _cash(rows, cells, report)


def _trades(rows: pd.DataFrame, cells: Cells, preset: Preset, report: Report) -> pd.DataFrame:
    """Purchases and sales: signs, a missing price or amount, and the check of the four numbers."""
    traded = rows["kind"].isin(PRICED)
    direction = pd.Series(np.where(rows["kind"].isin(PAID), -1.0, 1.0), index=rows.index)
    cells.refuse(
        report, traded & ~(rows["quantity"].abs() > 0), "quantity", "a trade without a quantity; correct it"
    )
    paid = rows["kind"].isin(PAID)
    cells.refuse(
        report,
        paid & (rows["quantity"] < 0),
        "quantity",
        "bought, and the quantity is negative; correct one of them",
    )
    quantity, units = rows["quantity"].abs(), rows["quantity"].abs() * rows["multiplier_of"]
    amount = rows["amount"] if cells.part.rules.signed else direction * rows["amount"].abs()
    opposite = traded & (direction * amount < -CENT - rows["fees"].abs())
    what = rows["kind"].map({"buy": "bought", "cover": "bought back", "sell": "sold", "short": "sold short"})
    cells.refuse(
        report,
        opposite,
        "amount",
        what.fillna("") + ", and the amount has the other sign; correct one of them",
    )
    if not cells.part.rules.net:
        amount = amount - rows["fees"]
    derived = traded & rows["price_from_amount"] & ~(rows["price"] > 0) & amount.notna()
    price = rows["price"].mask(derived, (direction * amount + rows["fees"]) / units)
    cells.refuse(report, traded & price.isna(), "price", "a trade without a price; correct it")
    cells.refuse(report, traded & (price < 0), "price", "the price is negative; correct it")
    cells.warn(report, traded & (price == 0), "price", "bought or sold for nothing: the price is 0")
    gross = direction * units * price
    missing = traded & amount.isna()
    amount = amount.mask(missing, gross - rows["fees"])
    fees, told = _checked_fees(rows, cells, preset, report, (traded & ~derived, gross, amount, quantity))
    told = told.mask(derived, "price from the amount").mask(missing, "amount from quantity x price")
    return rows.assign(
        quantity=rows["quantity"].mask(traded, quantity),
        price=price,
        fees=rows["fees"].mask(traded, fees),
        amount=rows["amount"].mask(traded, amount),
        told=rows["told"].mask(traded, told),
    )


def _checked_fees(
    rows: pd.DataFrame,
    cells: Cells,
    preset: Preset,
    report: Report,
    numbers: "tuple[pd.Series[bool], pd.Series[float], pd.Series[float], pd.Series[float]]",
) -> "tuple[pd.Series[float], pd.Series[str]]":
    """Fees with which the amount is exact, and what is told of them; refused where the amount is not."""
    traded, gross, amount, quantity = numbers
    implied = gross - amount
    more = implied - rows["fees"]
    rounding = 0.5 * 10.0 ** -decimals(cells.texts["price"], preset.numbers).clip(lower=2) * quantity
    rounding = rounding * rows["multiplier_of"] + CENT
    contracts = quantity.where(rows["multiplier_of"] > 1, 0)
    most = preset.implied_fees.per_contract * contracts + preset.implied_fees.of_gross * gross.abs()
    fits, near = more.abs() <= CENT, more.abs() <= rounding
    as_fee = ~fits & (more > 0) & (more <= most + CENT)
    wrong = traded & amount.notna() & gross.notna() & ~fits & ~near & ~as_fee
    shown = (gross - rows["fees"]).map("{:,.2f}".format).astype("str")
    by = more.abs().map("{:,.2f}".format).astype("str")
    cells.refuse(
        report,
        wrong,
        "amount",
        "not quantity x price and fees, which make "
        + shown
        + " (differs by "
        + by
        + "); correct one of them",
    )
    doubt = " beside quantity x price and fees: no more than the rounding of the price, booked as fees"
    cells.warn(report, traded & near & ~fits & ~as_fee, "amount", by + doubt)
    told = pd.Series("", index=rows.index, dtype="str")
    told = told.mask(traded & as_fee, by + " beside quantity x price: booked as fees")
    return implied.round(_MILLIONTHS).where(amount.notna() & (more.abs() > 1e-6), rows["fees"]), told


def _closed(rows: pd.DataFrame, cells: Cells, report: Report) -> pd.DataFrame:
    """Ends of options: the price is what was settled in cash, 0 without cash."""
    closed = rows["kind"].isin(CLOSED)
    cells.refuse(
        report, closed & ~(rows["quantity"].abs() > 0), "quantity", "no number of contracts; correct it"
    )
    cells.refuse(
        report,
        closed & (rows["multiplier_of"] == 1),
        "symbol",
        "ends like an option, and is none; correct the symbol",
    )
    fees, quantity = rows["fees"], rows["quantity"].abs()
    gross = rows["amount"].fillna(-fees) + fees if cells.part.rules.net else rows["amount"].fillna(0)
    cells.refuse(
        report,
        closed & (rows["kind"] != "expiry") & (gross.abs() > CENT),
        "amount",
        "an exercise or assignment moves no cash of its own: the shares are a purchase or sale; correct it",
    )
    price = (gross.abs() / (quantity * rows["multiplier_of"])).fillna(0)
    return rows.assign(
        quantity=rows["quantity"].mask(closed, quantity),
        price=rows["price"].mask(closed, price),
        amount=rows["amount"].mask(closed, gross - fees),
    )


def _in_kind(rows: pd.DataFrame, cells: Cells, report: Report) -> pd.DataFrame:
    """Transfers of shares: no cash; a value beside them is their price; without one the day's close is."""
    moved = rows["kind"].isin(IN_KIND)
    cells.refuse(
        report, moved & ~(rows["quantity"].abs() > 0), "quantity", "a transfer of no shares; correct it"
    )
    out = moved & (rows["kind"] == "transfer_out")
    quantity = rows["quantity"].abs()
    valued = moved & ~(rows["price"] > 0) & (rows["amount"].abs() > 0)
    price = rows["price"].mask(valued, rows["amount"].abs() / (quantity * rows["multiplier_of"]))
    price = price.mask(moved & ~(price > 0))
    told = rows["told"].mask(valued, "price from the value of the transfer")
    free = rows["kind"] == "split_off"
    told = told.mask(moved & price.isna() & ~free, "no price: the close of the day is its cost")
    told = told.mask(free, "its cost is the parent's share by the closes of the day; without a parent none")
    return rows.assign(
        quantity=rows["quantity"].mask(moved, quantity.where(out | (rows["quantity"] > 0), rows["quantity"])),
        price=price,
        amount=rows["amount"].mask(moved, 0.0),
        fees=rows["fees"].mask(moved, 0.0),
        told=told,
    )


def _cash(rows: pd.DataFrame, cells: Cells, report: Report) -> pd.DataFrame:
    """What moves cash alone: its amount with its sign."""
    cash = rows["kind"].isin(CASH_KINDS)
    cells.refuse(report, cash & rows["amount"].isna(), "amount", "no amount; correct it")
    amount = rows["amount"]
    if not cells.part.rules.signed:
        amount = amount.mask(rows["kind"].isin(_PAID_CASH), -amount.abs())
    amount = amount - rows["fees"].where(cash, 0)
    told = rows["told"].mask(cash & (rows["fees"].abs() > 0), "fees taken off the amount")
    wrong = ((rows["kind"] == "deposit") & (amount < 0)) | ((rows["kind"] == "withdrawal") & (amount > 0))
    cells.refuse(report, wrong, "amount", "a " + rows["kind"] + " with the other sign; correct one of them")
    bought = (rows["kind"] == "dividend") & (rows["quantity"] > 0) & (rows["price"] > 0) & (amount < 0)
    cells.refuse(report, bought, "amount", "a dividend that buys shares; write it as the dividend and a buy")
    back = rows["kind"].isin(("fee", "tax")) & (amount > 0)
    cells.warn(report, back, "amount", "a " + rows["kind"] + " that is received; what is paid is negative")
    return rows.assign(
        quantity=rows["quantity"].mask(cash, 0.0),
        price=rows["price"].mask(cash),
        fees=rows["fees"].mask(cash, 0.0),
        amount=rows["amount"].mask(cash, amount),
        told=told,
    )
