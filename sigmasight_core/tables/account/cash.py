"""The cash of a portfolio on every date. People reconcile with it."""

from pandera.typing import Series

from sigmasight_core.tables.base import PortfolioTable, label, value


class PortfolioCash(PortfolioTable):
    """Cash of one portfolio on one date: opening + what moved it = closing. Negative = paid."""

    opening: Series[float] = value("Closing balance of the session before", "USD", of="closing")
    trades: Series[float] = value(
        "Sales and short sales less purchases, before fees",
        "USD",
        of="transactions.quantity transactions.price",
    )
    settlements: Series[float] = value(
        "Options that ended: intrinsic value, the session after the last one unless the ledger says it",
        "USD",
        of="transactions.amount positions.quantity positions.strike daily_prices.close",
    )
    dividends: Series[float] = value(
        "Quantity at the close before the ex-date x amount per share, or as the ledger states them",
        "USD",
        of="transactions.amount transactions.quantity corporate_actions.amount",
    )
    interest: Series[float] = value(
        "Interest on the opening balance, or as the ledger states it",
        "USD",
        of="transactions.amount opening",
    )
    fees: Series[float] = value("Fees, commissions and taxes", "USD", of="transactions.amount")
    external: Series[float] = value("Deposits less withdrawals", "USD", of="transactions.amount")
    adjustment: Series[float] = value(
        "Stated balance less computed balance, on the date of a statement", "USD", of="transactions.amount"
    )
    inferred: Series[float] = value(
        "Deposit that nobody stated: what purchases cost beyond the cash there was", "USD", ge=0, of="trades"
    )
    closing: Series[float] = value(
        "Sum of all of these",
        "USD",
        of="opening trades settlements dividends interest fees external adjustment inferred",
    )
    in_kind: Series[float] = value(
        "Value of what was transferred in less out, without cash", "USD", of="transactions.price"
    )
    external_flow: Series[float] = value(
        "external + adjustment + inferred + in_kind: what changes value without P&L",
        "USD",
        of="external adjustment inferred in_kind",
    )
    income_to_date: Series[float] = value(
        "Dividends + interest + fees since the first date", "USD", of="dividends interest fees"
    )
    dividend_source: Series[str] = label(
        "booked (on the ex-date), stated (by the ledger), in price (closes are adjusted for them) or mixed",
        of="transactions.kind daily_prices.source",
    )
    status: Series[str] = label("ok, or 'partial: ...' with what is not booked")

    class Config:
        name = "portfolio_cash"
