"""What options turned into, of portfolios with physical settlement."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import PortfolioTable, key, label, value


class OptionDeliveries(PortfolioTable):
    """One entry of the account that an option's end makes: its exercise or assignment, and its shares.

    Rows as in `transactions`, beside those that are stored: how an option ends is not in the ledger, the
    close of its last session says it. Portfolios that settle in cash have none.
    """

    transaction_id: Series[str] = key("date/what/position of the option; a part that opens a lot with /2")
    kind: Series[str] = label("exercise, assignment, buy, sell, short or cover")
    symbol: Series[str] = label("The option, or its underlying")
    quantity: Series[float] = value(
        "Contracts or shares, positive", "units", gt=0, of="positions.quantity corporate_actions.amount"
    )
    price: Series[float] = value(
        "Strike per share; 0 of the option", "USD", ge=0, of="positions.strike corporate_actions.amount"
    )
    amount: Series[float] = value("Effect on cash, positive = received", "USD", of="quantity price")
    lot: Series[str] = label("Position that it opens, or the option's; empty = first in first out")
    inferred: Series[str] = label(
        "Why: the option and its last session", of="positions.expiry_date daily_prices.close"
    )
    status: Series[str] = label("ok")

    class Config:
        name = "option_deliveries"

    @classmethod
    def of(cls, transactions: pd.DataFrame) -> pd.DataFrame:
        """The rows of `tables.Transactions` in this shape."""
        return transactions.assign(status="ok")[list(cls.to_schema().columns)]
