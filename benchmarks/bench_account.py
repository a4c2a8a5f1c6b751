"""Lots, cash and returns of 100 portfolios x 2,000 transactions on every session of five years.

The plain way is a ledger in a loop over the transactions of one portfolio, scaled to 100.
"""

import time

import numpy as np
import pandas as pd

from benchmarks.measure import compare
from sigmasight_core.account.cash import portfolio_cash
from sigmasight_core.account.entries import Entries, entries
from sigmasight_core.account.lots import pieces, positions
from sigmasight_core.account.performance.portfolio_returns import portfolio_returns
from sigmasight_core.account.terms import CashTerms
from sigmasight_core.calendar import sessions
from sigmasight_core.tables import TreasuryYields

PORTFOLIOS, TRANSACTIONS, SYMBOLS = 100, 2_000, 50
DAYS = sessions("2018-01-02", "2022-12-30")


def history() -> pd.DataFrame:
    """Buys and sales of what is held, deposits every month."""
    rng = np.random.default_rng(4)
    n = PORTFOLIOS * TRANSACTIONS
    book = np.repeat(np.arange(PORTFOLIOS), TRANSACTIONS)
    name = np.tile(np.repeat(np.arange(SYMBOLS), TRANSACTIONS // SYMBOLS), PORTFOLIOS)
    turn = np.tile(np.arange(TRANSACTIONS // SYMBOLS), PORTFOLIOS * SYMBOLS)
    day = np.sort(rng.integers(0, len(DAYS), (PORTFOLIOS * SYMBOLS, TRANSACTIONS // SYMBOLS)), axis=1).ravel()
    # two buys of 10, then a sale of 15: sales cut across lots
    kind = np.where(turn % 3 == 2, "sell", "buy")
    quantity, price = np.where(turn % 3 == 2, 15.0, 10.0), rng.uniform(20, 200, n).round(2)
    trades = pd.DataFrame(
        {
            "portfolio": np.array([f"book{i:03d}" for i in range(PORTFOLIOS)])[book],
            "transaction_id": np.arange(n).astype(str),
            "date": DAYS[day],
            "kind": kind,
            "symbol": np.array([f"S{i:02d}" for i in range(SYMBOLS)])[name],
            "quantity": quantity,
            "price": price,
            "fees": 1.0,
            "amount": np.where(kind == "buy", -1, 1) * quantity * price - 1.0,
            **dict.fromkeys(("lot", "parent", "note", "source", "external_id", "inferred"), ""),
            "source_line": np.tile(np.arange(TRANSACTIONS), PORTFOLIOS),
        }
    )
    months = DAYS[np.r_[True, np.diff(DAYS.month) != 0]]
    paid = trades.iloc[np.repeat(np.arange(PORTFOLIOS) * TRANSACTIONS, len(months))].assign(
        date=np.tile(months, PORTFOLIOS),
        kind="deposit",
        symbol="",
        quantity=0.0,
        price=np.nan,
        fees=0.0,
        amount=20_000.0,
        transaction_id=[f"d{i}" for i in range(PORTFOLIOS * len(months))],
    )
    rows = pd.concat([trades, paid], ignore_index=True)
    return rows.astype(dict.fromkeys(("portfolio", "symbol", "kind", "lot", "inferred"), "str"))


def actions() -> pd.DataFrame:
    """Quarterly dividends of every symbol, and a split of each."""
    rng = np.random.default_rng(5)
    paid = [
        (DAYS[at], f"S{i:02d}", "dividend", 0.5) for i in range(SYMBOLS) for at in range(i, len(DAYS), 63)
    ]
    split = [(DAYS[int(rng.integers(0, len(DAYS)))], f"S{i:02d}", "split", 1.0) for i in range(SYMBOLS)]
    frame = pd.DataFrame(paid + split, columns=["date", "symbol", "kind", "amount"])
    return frame.assign(source="bench", status="ok").astype({"symbol": "str", "kind": "str"})


def main() -> None:
    transactions, events = history(), actions()
    names = pd.Index(sorted(transactions["portfolio"].unique()))
    rng = np.random.default_rng(6)
    prices = pd.DataFrame({"date": DAYS[:1], "symbol": "S00", "close": 1.0, "source": "bench"}).assign(
        price_date=pd.NaT
    )
    exposure = rng.uniform(1e5, 2e5, len(DAYS) * PORTFOLIOS)
    snapshots = pd.DataFrame(
        {
            "date": np.repeat(DAYS, PORTFOLIOS),
            "portfolio": np.tile(names.to_numpy(), len(DAYS)),
            "net_exposure": exposure,
            "gross_exposure": exposure,
            "price_pnl": rng.normal(0, 1e3, len(exposure)),
            "status": "ok",
        }
    )
    yields = pd.DataFrame(columns=list(TreasuryYields.to_schema().columns))
    market = pd.Series(rng.normal(0, 0.01, len(DAYS)), index=DAYS)
    spent: dict[str, float] = {}

    def ours() -> None:
        started = time.process_time()
        read: Entries = entries(transactions, corporate_actions=events)
        lots = positions(read, pieces(read))
        spent["lots"] = time.process_time() - started
        started = time.process_time()
        cash = portfolio_cash(
            sessions=DAYS,
            portfolios=pd.DataFrame({"portfolio": names, "margin": False}),
            entries=read,
            positions=lots,
            prices=prices,
            corporate_actions=events,
            yields=yields,
            terms=CashTerms(),
            max_price_age_days=7,
        )
        spent["cash"] = time.process_time() - started
        started = time.process_time()
        portfolio_returns(
            dates=DAYS,
            sessions=DAYS,
            names=names,
            first_dates=transactions.groupby("portfolio")["date"].min(),
            portfolio_cash=cash,
            snapshots=snapshots,
            benchmarks=pd.Series("S00", index=names),
            benchmark_returns=market.to_frame("S00"),
        )
        spent["returns"] = time.process_time() - started

    one = transactions[transactions["portfolio"] == names[0]]
    compare("account of 100 x 2,000 x 5 years", lambda: _plain(one), ours, "< 2 s", PORTFOLIOS)
    parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in spent.items())
    print(f"  of which CPU: {parts}, {sum(spent.values()):.2f} s in all", flush=True)


def _plain(rows: pd.DataFrame) -> None:
    """Lots and cash of one portfolio, transaction by transaction."""
    held: dict[str, list[list[float]]] = {}
    cash: dict[pd.Timestamp, float] = {}
    for row in rows.sort_values(["date", "source_line"]).to_dict("records"):
        cash[row["date"]] = cash.get(row["date"], 0.0) + row["amount"]
        lots = held.setdefault(row["symbol"], [])
        if row["kind"] == "buy":
            lots.append([row["quantity"], row["price"]])
            continue
        left = row["quantity"]
        while left > 0 and lots:
            taken = min(left, lots[0][0])
            lots[0][0] -= taken
            left -= taken
            if lots[0][0] <= 0:
                lots.pop(0)
    balance = 0.0
    for day in DAYS:
        balance = max(balance + cash.get(day, 0.0), 0.0)
