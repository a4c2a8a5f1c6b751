"""Write the histories of the three demo portfolios; every price is derived from the sample market data.

The holdings are those of `examples/portfolios`, declared in its script: bought on the same dates at the same
prices. Declared here is what makes an account of them: deposits, more shares than are held in the end and
their sales, options that are exercised or assigned, fees. Run it with ``python build.py``.
"""

import csv
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DECLARED = runpy.run_path(str(Path(__file__).parents[1] / "portfolios" / "build.py"))
Holding, Option, Pricer = (DECLARED[name] for name in ("Holding", "Option", "Pricer"))
HEADER = ("date", "kind", "symbol", "quantity", "price", "fees", "amount", "note")


@dataclass(frozen=True)
class Sale:
    """Shares that are bought (or sold short, if negative) with the holding and sold (or covered) later."""

    symbol: str
    quantity: int
    date: str


@dataclass(frozen=True)
class Account:
    """What lies beside the holdings of a portfolio.

    :param flows: date and USD of deposits and, negative, of withdrawals.
    :param sales: of a part of a holding. :param delivered: shares that an option brings (or takes, if
        negative) at its end: so many fewer (more) are bought at first.
    :param options: beyond those among the holdings.
    :param commission: USD a trade, and USD a share or contract; whichever is more.
    :param charges: date and USD of other fees.
    """

    flows: tuple[tuple[str, float], ...]
    sales: tuple[Sale, ...]
    commission: tuple[float, float]
    charges: tuple[tuple[str, float, str], ...]
    options: tuple[Any, ...] = ()
    delivered: tuple[tuple[str, int], ...] = ()


ACCOUNTS = {
    "individual": Account(
        flows=(
            ("2021-03-15", 110_000.0),
            ("2021-06-15", 75_000.0),
            ("2021-11-15", 75_000.0),
            ("2022-01-18", 45_000.0),
            ("2022-03-15", 35_000.0),
            ("2022-06-15", 45_000.0),
            ("2022-10-14", 6_000.0),
            ("2022-12-05", -2_500.0),
        ),
        sales=(Sale("AAPL", 30, "2022-10-18"), Sale("KO", 60, "2022-11-10")),
        commission=(1.0, 0.0),
        charges=(("2022-11-30", -60.0, "custody"),),
        options=(Option("XOM", "C", "2022-11-18", 1.0, 1, "2022-08-15", "dividend_income"),),
        delivered=(("XOM", 100),),
    ),
    "high_net_worth": Account(
        flows=(
            ("2021-02-16", 850_000.0),
            ("2021-04-15", 600_000.0),
            ("2021-09-15", 350_000.0),
            ("2022-01-18", 300_000.0),
            ("2022-04-18", 500_000.0),
            ("2022-06-15", 90_000.0),
            ("2022-10-11", 50_000.0),
            ("2022-12-01", -40_000.0),
        ),
        sales=(Sale("JPM", 200, "2022-10-24"), Sale("LLY", 100, "2022-11-15")),
        commission=(4.95, 0.0),
        charges=(("2022-10-31", -1_900.0, "advisory"), ("2022-11-30", -1_900.0, "advisory")),
        options=(Option("MRK", "C", "2022-12-16", 1.05, -5, "2022-09-12", "covered_call"),),
        delivered=(("MRK", -500),),
    ),
    "hedge_fund": Account(
        flows=(("2022-01-05", 4_900_000.0), ("2022-10-20", 250_000.0), ("2022-12-08", -150_000.0)),
        sales=(
            Sale("XOM", 500, "2022-11-08"),
            Sale("MSFT", 150, "2022-10-26"),
            Sale("BAC", -400, "2022-10-27"),
        ),
        commission=(1.0, 0.005),
        charges=(
            ("2022-10-31", -4_100.0, "prime_broker"),
            ("2022-11-30", -4_100.0, "prime_broker"),
        ),
    ),
}


class Ledger:
    """The rows of one history."""

    def __init__(self, account: Account, pricer: Any):
        self._account, self._pricer = account, pricer
        self.rows: list[tuple[str, ...]] = []

    def cash(self, date: str, kind: str, amount: float, note: str = "") -> None:
        self.rows.append((date, kind, "", "", "", "", f"{amount:.2f}", note))

    def trade(self, date: str, kind: str, symbol: str, quantity: int, price: float, note: str) -> None:
        """A purchase or sale of a positive quantity, with its commission."""
        least, each = self._account.commission
        fees = round(max(least, each * quantity), 2)
        size = quantity * (100 if len(symbol) > 6 else 1) * round(price, 2)
        amount = (size if kind in ("sell", "short") else -size) - fees
        self.rows.append(
            (date, kind, symbol, str(quantity), f"{price:.2f}", f"{fees:.2f}", f"{amount:.2f}", note)
        )

    def opened(self, position: Any, more: int = 0) -> None:
        symbol, quantity, price, date, tags = self._pricer.row(position)
        total = quantity + more
        self.trade(date, "buy" if total > 0 else "short", symbol, abs(total), float(price), tags)

    def sold(self, sale: Sale) -> None:
        price = float(self._pricer.row(Holding(sale.symbol, sale.quantity, sale.date, ""))[2])
        kind = "sell" if sale.quantity > 0 else "cover"
        self.trade(sale.date, kind, sale.symbol, abs(sale.quantity), price, "")


def rows_of(name: str, pricer: Any) -> list[tuple[str, ...]]:
    """The history of one portfolio, by date: money in, trades, fees, money out."""
    account = ACCOUNTS[name]
    ledger = Ledger(account, pricer)
    more = {sale.symbol: sale.quantity for sale in account.sales}
    for symbol, quantity in account.delivered:
        more[symbol] = more.get(symbol, 0) - quantity
    for date, amount in account.flows:
        if amount > 0:
            ledger.cash(date, "deposit", amount)
    for position in DECLARED["PORTFOLIOS"][name]:
        is_share = isinstance(position, Holding)
        ledger.opened(position, more.get(position.symbol, 0) if is_share else 0)
    for option in account.options:
        ledger.opened(option)
    for sale in account.sales:
        ledger.sold(sale)
    for date, amount, note in account.charges:
        ledger.cash(date, "fee", amount, note)
    for date, amount in account.flows:
        if amount < 0:
            ledger.cash(date, "withdrawal", amount)
    return sorted(ledger.rows, key=lambda row: row[0])


def build(target: Path) -> None:
    """Write one CSV file per portfolio into the directory `target`."""
    pricer = Pricer()
    for name in ACCOUNTS:
        with (target / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows(rows_of(name, pricer))


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
